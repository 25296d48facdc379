//! A webhook's address, and requests to it as <https://www.standardwebhooks.com> has them: an id that stays when the
//! message comes again, a time, and a signature over both and the body by every secret in force.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{Secret, UnixMillis};
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;

use crate::Base;

/// What Standard Webhooks wants at least.
const SECRET_BYTES_MIN: usize = 24;

/// What webhooks are signed with: as long as both the old and the new secret are believed, with both.
#[derive(Debug, Clone)]
pub struct HookKeys(Vec<hmac::Key>);

impl HookKeys {
    /// Of these secrets: as they are, or `whsec_` and base64. The error does not say what they are.
    pub fn read(secrets: &[Secret]) -> Result<Self, String> {
        if secrets.is_empty() {
            return Err("there is no secret to sign with".to_owned());
        }
        let keys = secrets.iter().map(|secret| {
            let text = secret.expose().trim();
            let bytes = match text.strip_prefix("whsec_") {
                Some(coded) => STANDARD
                    .decode(coded)
                    .map_err(|_| "a secret is not base64 after `whsec_`")?,
                None => text.as_bytes().to_vec(),
            };
            if bytes.len() < SECRET_BYTES_MIN {
                return Err("a secret is too short: 24 bytes or more sign webhooks");
            }
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        });
        keys.collect::<Result<_, _>>().map(Self).map_err(str::to_owned)
    }

    /// One signature for each secret.
    // threat: AGP-T1
    fn signatures(&self, id: &str, seconds: &str, body: &str) -> String {
        let content = format!("{id}.{seconds}.{body}");
        let all = self
            .0
            .iter()
            .map(|key| format!("v1,{}", STANDARD.encode(hmac::sign(key, content.as_bytes()))));
        all.collect::<Vec<_>>().join(" ")
    }
}

/// Where a webhook is.
#[derive(Debug, Clone)]
pub struct Hook {
    uri: http::Uri,
    host: Option<HeaderValue>,
}

impl Hook {
    /// Reads `https://host[:port][/path]`, or plain http as permitted.
    pub fn parse(address: &str, allow_plaintext: bool) -> Result<Self, String> {
        let (base, path) = Base::split(address, allow_plaintext).map_err(|error| error.to_string())?;
        Ok(Self {
            uri: base.uri(&path).ok_or("no address")?,
            host: (!base.is_tls()).then(|| base.host()).flatten(),
        })
    }

    /// A signed request. `None` if the id cannot stand in a header.
    pub fn request(
        &self,
        (id, body): (&str, String),
        keys: &HookKeys,
        now: UnixMillis,
    ) -> Option<Request<Full<Bytes>>> {
        let seconds = (now.0 / 1000).to_string();
        let signature = keys.signatures(id, &seconds, &body);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "bartizan")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature);
        if let Some(host) = &self.host {
            request = request.header(HOST, host);
        }
        request.body(Full::new(body.into())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own test suites.
    #[test]
    fn agp_t1_signatures_are_those_of_the_standard() {
        let secret = Secret::new(format!("whsec_{}", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        let found = HookKeys::read(&[secret]).unwrap().signatures(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(found, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn ctx_t2_no_secret_and_short_ones_sign_nothing_and_are_not_told() {
        assert!(HookKeys::read(&[]).is_err());
        for text in [
            "short",
            "whsec_c2hvcnQ=",
            "whsec_not base64 at all, though long enough",
        ] {
            let why = HookKeys::read(&[Secret::new(text)]).unwrap_err();
            assert!(!why.contains("hort ") && !why.contains("long enough"), "{why}");
        }
    }
}
