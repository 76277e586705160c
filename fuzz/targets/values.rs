#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| memo_fuzz::check_values(data));
