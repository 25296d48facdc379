//! Presented keys, key files and sealed values: never a panic.
#![no_main]

use credential::{MasterKey, SealingKey, VirtualKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(key) = SealingKey::new(&[3; 32]) {
        assert!(key.open(data, b"fuzz").is_err());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(key) = VirtualKey::parse(text) {
            assert_eq!(key.expose(), text);
        }
        let _ = MasterKey::from_file(text, None);
    }
});
