//! The end of an act: changes, audit record and, for a request that may come again, its answer, all in one
//! transaction.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::AuditId;
use http::Method;
use ledger::{AuditOutcome, AuditRecord};
use serde::Serialize;
use serde_json::Value;
use store::{AuditEntry, Change, RecordKind, StoreError};

use super::{Call, Done, IDEMPOTENCY_KEY, Permitted, Second, Stop};
use crate::answer::Answer;
use crate::problem::{Code, Problem};
use crate::record::{Document, Replay, read};

/// The longest idempotency key.
const KEY_CHARS_MAX: usize = 128;

/// What is written down of an act, secrets left out.
#[derive(Debug, Default)]
pub struct Deed {
    target: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Deed {
    /// Something was made.
    pub fn made<T: Serialize>(target: impl ToString, after: &T) -> Self {
        Self {
            target: Some(target.to_string()),
            before: None,
            after: serde_json::to_value(after).ok(),
        }
    }

    /// Something was changed.
    pub fn changed<B: Serialize, T: Serialize>(target: impl ToString, before: &B, after: &T) -> Self {
        Self {
            before: serde_json::to_value(before).ok(),
            ..Self::made(target, after)
        }
    }

    /// Something is gone.
    pub fn removed<T: Serialize>(target: impl ToString, before: &T) -> Self {
        Self {
            target: Some(target.to_string()),
            before: serde_json::to_value(before).ok(),
            after: None,
        }
    }

    /// What it was done to.
    pub(super) fn target(self) -> Option<String> {
        self.target
    }

    /// Target, before and after.
    pub(super) fn parts(self) -> (Option<String>, Option<Value>, Option<Value>) {
        (self.target, self.before, self.after)
    }

    /// Whether this is what it looked like before.
    pub(super) fn begins_with(&self, before: Option<&Value>) -> bool {
        self.before.as_ref() == before
    }

    /// Something was done to this, and nothing of it is to be shown.
    pub fn to(target: impl ToString) -> Self {
        Self {
            target: Some(target.to_string()),
            ..Self::default()
        }
    }
}

impl Call {
    /// Does what was permitted: all of it, recorded, or nothing. In a dry run, nothing.
    // threat: AGP-R3
    pub async fn done(
        &self,
        permitted: &Permitted,
        deed: Deed,
        mut changes: Vec<Change>,
        answer: Answer,
    ) -> Done {
        if self.is_dry_run() {
            return Ok(Answer {
                is_dry_run: true,
                ..answer
            });
        }
        match &permitted.second {
            Second::NotWanted => {}
            Second::Wanted(resource) => return self.wish(permitted, *resource, deed).await,
            Second::Given(given) => changes.push(self.spend(given, &deed)?),
        }
        if let Some(id) = self.replay_id(permitted)? {
            changes.push(Change::Create(self.replay(id, &answer)?.to_record()?));
        }
        let entry = AuditEntry::from(self.record(permitted, deed));
        let committed = self
            .control
            .store
            .commit(&permitted.scope, &changes, Some(&entry));
        match committed.await {
            Ok(()) => Ok(answer),
            // The same request at the same time may have been first.
            Err(StoreError::Conflict(why)) => match self.replayed(permitted).await? {
                Some(answer) => Err(Stop::Replayed(Box::new(answer))),
                None => Err(StoreError::Conflict(why).into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Records that what was permitted was not done after all. The "no" stands whether or not it can be recorded.
    pub async fn tell_refused(&self, permitted: &Permitted, target: &str, code: Code) {
        let record = AuditRecord {
            outcome: AuditOutcome::Refused(code.as_str().to_owned()),
            ..self.record(permitted, Deed::to(target))
        };
        let entry = AuditEntry::from(record);
        if let Err(error) = self
            .control
            .store
            .commit(&permitted.scope, &[], Some(&entry))
            .await
        {
            tracing::error!(%error, "a refused act could not be recorded");
        }
    }

    pub(super) fn record(&self, permitted: &Permitted, deed: Deed) -> AuditRecord {
        let whose = (AuditId::generate(), permitted.scope.tenant());
        AuditRecord {
            address: Some(self.address),
            target: deed.target,
            policies: permitted.policies.clone(),
            before: deed.before,
            after: deed.after,
            approval: match &permitted.second {
                Second::Given(given) => Some(given.1.id.to_string()),
                Second::NotWanted | Second::Wanted(_) => None,
            },
            break_glass: self.broken_glass(),
            ..AuditRecord::done(whose, self.now, permitted.actor.clone(), permitted.act.as_str())
        }
    }

    /// The time of broken glass the caller is in.
    fn broken_glass(&self) -> Option<String> {
        let caller = self.caller.as_ref()?;
        caller.break_glass.map(|time| time.to_string())
    }

    /// What an answer to this request is kept under, if the caller wants it kept.
    fn replay_id(&self, permitted: &Permitted) -> Result<Option<String>, Problem> {
        let Some(key) = self.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(None);
        };
        if self.endpoint.method != Method::POST || self.is_dry_run() {
            return Ok(None);
        }
        let key = key
            .to_str()
            .ok()
            .filter(|key| !key.is_empty() && key.len() <= KEY_CHARS_MAX);
        let key = key.ok_or_else(|| {
            let detail = format!("`Idempotency-Key` has 1 to {KEY_CHARS_MAX} printable characters");
            Problem::new(Code::Malformed, detail)
        })?;
        let whole = serde_json::to_vec(&(self.caller()?.id, permitted.act.as_str(), self.list_name(), key));
        Ok(Some(
            blake3::hash(&whole.unwrap_or_default()).to_hex().to_string(),
        ))
    }

    fn replay(&self, id: String, answer: &Answer) -> Result<Replay, Problem> {
        let text = serde_json::to_vec(answer).unwrap_or_default();
        let sealed = self
            .control
            .keys
            .replays
            .seal(&text, id.as_bytes())
            .map_err(|error| Problem {
                internal: Some(error.to_string()),
                ..Problem::new(
                    Code::Internal,
                    "the answer could not be kept, so nothing was done",
                )
            })?;
        Ok(Replay {
            id,
            request: self.body_digest.clone(),
            answer: STANDARD.encode(sealed),
            created: self.now,
        })
    }

    /// The answer that this very request got before.
    pub(super) async fn replayed(&self, permitted: &Permitted) -> Result<Option<Answer>, Problem> {
        let Some(id) = self.replay_id(permitted)? else {
            return Ok(None);
        };
        let kept: Replay = match self
            .control
            .store
            .record(&permitted.scope, RecordKind::Replay, &id)
            .await
        {
            Err(StoreError::NotFound) => return Ok(None),
            found => read(&found?)?,
        };
        if kept.request != self.body_digest {
            return Err(Problem::new(
                Code::KeyReused,
                "take a new `Idempotency-Key` for another request",
            ));
        }
        let sealed = STANDARD.decode(&kept.answer).unwrap_or_default();
        let answer = self.control.keys.replays.open(&sealed, id.as_bytes()).ok();
        let answer = answer.and_then(|text| serde_json::from_slice::<Answer>(&text).ok());
        match answer {
            Some(answer) => Ok(Some(Answer {
                is_replay: true,
                ..answer
            })),
            None => Err(Problem {
                internal: Some("a kept answer does not open".to_owned()),
                ..Problem::new(Code::Internal, "the answer that was kept does not open")
            }),
        }
    }
}
