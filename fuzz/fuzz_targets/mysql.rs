#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| prereq::fuzz::run("mysql", data));
