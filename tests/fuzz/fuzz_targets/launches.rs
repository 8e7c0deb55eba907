#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| apropos_tests::parsers::launches(bytes));
