#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| certferry_fuzz::words::run(data));
