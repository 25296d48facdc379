//! Signed requests, one a message. Follows no redirect.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Secret, UnixMillis};
use http_body_util::{BodyExt, Limited};
use upstream::{Client, Hook, HookKeys};

use super::message::Message;
use super::{Delivered, Trouble, post};

/// How long one message may take, with its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is read of an answer, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Has the secrets in force, as new as they are.
#[async_trait]
pub trait Keyring: Send + Sync + std::fmt::Debug {
    /// All of them. Errors name references, never what was found there.
    async fn secrets(&self) -> Result<Vec<Secret>, String>;
}

#[derive(Debug)]
pub(crate) struct Webhook {
    hook: Hook,
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
        Ok(Self {
            hook: Hook::parse(address, allow_plaintext)?,
            keys,
            client,
        })
    }

    /// One after another, for a while; the first that is not taken ends it.
    pub(crate) async fn deliver(&self, messages: &[Message], until: tokio::time::Instant) -> Delivered {
        let keys = match self.keys().await {
            Ok(keys) => keys,
            Err(trouble) => return Delivered::nothing(trouble),
        };
        let mut done = 0;
        for message in messages {
            if done > 0 && tokio::time::Instant::now() >= until {
                break;
            }
            if let Err(trouble) = self.send(message, &keys).await {
                return Delivered::stuck(done, trouble);
            }
            done += 1;
        }
        Delivered::all(done)
    }

    async fn send(&self, message: &Message, keys: &HookKeys) -> Result<(), Trouble> {
        let act = serde_json::Value::from(&*message.record.act);
        let body = format!(
            r#"{{"type":{act},"timestamp":"{}","data":{}}}"#,
            message.time(),
            message.data()
        );
        self.post((&message.record.id.to_string(), body), keys).await
    }

    /// What requests are signed with now.
    pub(super) async fn keys(&self) -> Result<HookKeys, Trouble> {
        let secrets = self.keys.secrets().await;
        secrets
            .and_then(|all| HookKeys::read(&all))
            .map_err(Trouble::Away)
    }

    /// Sends one message, which is taken when it is answered with a 2xx.
    // threat: ANP-0018
    pub(super) async fn post(&self, message: (&str, String), keys: &HookKeys) -> Result<(), Trouble> {
        let request = self.hook.request(message, keys, UnixMillis::now());
        let request = request.ok_or_else(|| Trouble::refused("it cannot be written as a request", true))?;
        let sending = async {
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
        };
        let sent = tokio::time::timeout(PATIENCE, sending).await;
        sent.unwrap_or_else(|_| Err(Trouble::Away("no answer in time".to_owned())))
    }
}
