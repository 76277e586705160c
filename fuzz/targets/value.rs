#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| memo_core::persist::fuzzing::check_value(data));
