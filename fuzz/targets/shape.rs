#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| memo_core::fuzzing::check_shape(data));
