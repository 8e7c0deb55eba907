#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = apropos_tests::parsers::previews(bytes);
});
