//! Configuration files: never a panic, and an error names a place.
#![no_main]

use config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let environment = |_: &str| Some("value".to_owned());
    if let Ok(config) = Config::parse(text, "bartizan.yaml", &environment) {
        let _ = config.validate();
    }
});
