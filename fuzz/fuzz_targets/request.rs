//! Bodies of every endpoint: never a panic, and what is accepted is JSON to everybody else too.
#![no_main]

use dialect::{BodyLimits, Endpoint};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for endpoint in Endpoint::ALL {
        let read = dialect::read_request(endpoint, data, &BodyLimits::default());
        let mut bytes = 0;
        let seen = dialect::visit_request_text(endpoint, data, &mut |part| bytes += part.text.len());
        if read.is_ok() {
            assert!(seen.is_ok());
        }
        let _ = dialect::redact_request(endpoint, data, &mut |_, _| Some("x".to_owned()));
        let _ = dialect::read_response(endpoint, data);
    }
});
