//! Translation of bodies in both directions: never a panic, and what comes out is a request again.
#![no_main]

use dialect::{BodyLimits, Dialect, Endpoint, Rewrite};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let pairs = [
        (Endpoint::ChatCompletions, Dialect::Anthropic, Endpoint::Messages),
        (Endpoint::Messages, Dialect::OpenAi, Endpoint::ChatCompletions),
    ];
    for (from, to, becomes) in pairs {
        if dialect::read_request(from, data, &BodyLimits::default()).is_err() {
            continue;
        }
        let rewrite = Rewrite { model: Some("model"), max_output_tokens: Some(16), include_usage: false };
        if let Ok(translated) = dialect::translate_request(from, data, to, &rewrite) {
            let limits = BodyLimits { depth_max: 128, ..BodyLimits::default() };
            assert!(dialect::read_request(becomes, &translated, &limits).is_ok(), "{}", String::from_utf8_lossy(&translated));
        }
        let _ = dialect::translate_response(from, to, data, "model");
    }
});
