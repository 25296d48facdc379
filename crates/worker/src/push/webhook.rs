//! Webhooks as <https://www.standardwebhooks.com> has them: each message has an id that stays when it comes again, a
//! time, and a signature over both and the body by every secret in force. Follows no redirect.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{Secret, UnixMillis};
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use upstream::Client;

use super::message::Message;
use super::{Delivered, Trouble, post};

/// How long one message may take, with its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of an answer, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// What Standard Webhooks wants at least.
const SECRET_BYTES_MIN: usize = 24;

/// Has the secrets in force, as new as they are.
#[async_trait]
pub trait Keyring: Send + Sync + std::fmt::Debug {
    /// All of them. Errors name references, never what was found there.
    async fn secrets(&self) -> Result<Vec<Secret>, String>;
}

#[derive(Debug)]
pub(crate) struct Webhook {
    uri: http::Uri,
    host: Option<HeaderValue>,
    keys: Arc<dyn Keyring>,
    client: Client,
}

impl Webhook {
    pub(crate) fn new(
        address: &str,
        allow_plaintext: bool,
        keys: Arc<dyn Keyring>,
        client: Client,
    ) -> Result<Self, String> {
        let (base, path) = post::place(address, allow_plaintext)?;
        Ok(Self {
            uri: base.uri(&path).ok_or("no address")?,
            host: (!base.is_tls()).then(|| base.host()).flatten(),
            keys,
            client,
        })
    }

    /// One after another, for a while; the first that is not taken ends it.
    pub(crate) async fn deliver(&self, messages: &[Message], until: tokio::time::Instant) -> Delivered {
        let keys = match self.keys.secrets().await.and_then(|all| signing_keys(&all)) {
            Ok(keys) => keys,
            Err(why) => return Delivered::nothing(Trouble::Away(why)),
        };
        let mut done = 0;
        for message in messages {
            if done > 0 && tokio::time::Instant::now() >= until {
                break;
            }
            let sent = tokio::time::timeout(PATIENCE, self.send(message, &keys)).await;
            if let Err(trouble) = sent.unwrap_or_else(|_| Err(Trouble::Away("no answer in time".to_owned())))
            {
                return Delivered::stuck(done, trouble);
            }
            done += 1;
        }
        Delivered::all(done)
    }

    // threat: ANP-0018
    async fn send(&self, message: &Message, keys: &[hmac::Key]) -> Result<(), Trouble> {
        let request = self.request(message, keys, UnixMillis::now());
        let request = request.ok_or_else(|| Trouble::refused("it cannot be written as a request", true))?;
        let answer = self.client.send(request, PATIENCE).await;
        let answer = answer.map_err(|error| Trouble::Away(error.to_string()))?;
        let status = answer.status();
        let _ = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        match status.is_success() {
            true => Ok(()),
            false => Err(Trouble::refused(
                format!("answered with {status}"),
                post::is_for_good(status),
            )),
        }
    }

    fn request(
        &self,
        message: &Message,
        keys: &[hmac::Key],
        now: UnixMillis,
    ) -> Option<Request<Full<Bytes>>> {
        let act = serde_json::to_string(&message.record.act).ok()?;
        let body = format!(
            r#"{{"type":{act},"timestamp":"{}","data":{}}}"#,
            message.time(),
            message.data()
        );
        let (id, seconds) = (message.record.id.to_string(), (now.0 / 1000).to_string());
        let signature = signatures(keys, &id, &seconds, &body);
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

/// One signature for each secret, as long as both the old and the new one are believed.
// threat: AGP-T1
fn signatures(keys: &[hmac::Key], id: &str, seconds: &str, body: &str) -> String {
    let content = format!("{id}.{seconds}.{body}");
    let all = keys
        .iter()
        .map(|key| format!("v1,{}", STANDARD.encode(hmac::sign(key, content.as_bytes()))));
    all.collect::<Vec<_>>().join(" ")
}

fn signing_keys(secrets: &[Secret]) -> Result<Vec<hmac::Key>, String> {
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
    keys.collect::<Result<_, _>>().map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own test suites.
    #[test]
    fn agp_t1_signatures_are_those_of_the_standard() {
        let secret = Secret::new(format!("whsec_{}", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        let keys = signing_keys(&[secret]).unwrap();
        let found = signatures(
            &keys,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(found, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn ctx_t2_no_secret_and_short_ones_sign_nothing_and_are_not_told() {
        assert!(signing_keys(&[]).is_err());
        for text in [
            "short",
            "whsec_c2hvcnQ=",
            "whsec_not base64 at all, though long enough",
        ] {
            let why = signing_keys(&[Secret::new(text)]).unwrap_err();
            assert!(!why.contains("hort ") && !why.contains("long enough"), "{why}");
        }
    }
}
