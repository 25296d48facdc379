//! A witness over HTTP: any that speaks C2SP `tlog-witness`. What it answers is believed only where its key signed it.

use std::time::Duration;

use ::http::Request;
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use ledger::witness::{AddCheckpoint, WitnessKey};
use upstream::Client;

use super::{NotTaken, Witness};

const TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A witness at an address.
#[derive(Debug)]
pub struct HttpWitness {
    url: String,
    key: WitnessKey,
    client: Client,
}

impl HttpWitness {
    /// The witness at `url` that has this key.
    pub fn new(url: &str, key: WitnessKey, client: Client) -> Self {
        Self {
            url: format!("{}/add-checkpoint", url.trim_end_matches('/')),
            key,
            client,
        }
    }

    async fn ask(&self, body: String) -> Result<(u16, String), NotTaken> {
        let away = |why: String| NotTaken::Away(format!("`{}` does not answer: {why}", self.url));
        let request = Request::post(&self.url).body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| away(error.to_string()))?;
        let answer = self.client.send(request, TIMEOUT).await;
        let (head, body) = answer.map_err(|error| away(error.to_string()))?.into_parts();
        let read = tokio::time::timeout(TIMEOUT, Limited::new(body, ANSWER_BYTES_MAX).collect()).await;
        let read = read.map_err(|_| away("too slow".to_owned()))?;
        let bytes = read.map_err(|error| away(error.to_string()))?.to_bytes();
        Ok((head.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned()))
    }
}

#[async_trait]
impl Witness for HttpWitness {
    async fn add(&self, asked: &AddCheckpoint) -> Result<Option<String>, NotTaken> {
        let (status, answer) = self.ask(asked.to_string()).await?;
        let said: String = answer
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        match status {
            // threat: ANP-0012
            200 => self.key.lines_of(&asked.note, &answer).map(Some).ok_or_else(|| {
                NotTaken::Refused("what the witness answered is not signed with its key".to_owned())
            }),
            409 => Err(match said.parse() {
                Ok(seen) if seen != asked.old_size => NotTaken::Seen(seen),
                _ => NotTaken::Disagrees(said),
            }),
            422 => Err(NotTaken::Disagrees(said)),
            500.. => Err(NotTaken::Away(format!("the witness says {status}: {said}"))),
            _ => Err(NotTaken::Refused(format!("the witness says {status}: {said}"))),
        }
    }

    fn signs_as(&self) -> Option<&str> {
        Some(self.key.name())
    }

    fn is_shared(&self) -> bool {
        true
    }
}
