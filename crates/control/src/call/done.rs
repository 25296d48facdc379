//! The end of an act: changes, audit record and, for a request that may come again, its answer, all in one
//! transaction.

use credential::purpose;
use domain::{AuditId, TenantId};
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
    pub(super) target: Option<String>,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
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

    /// Something is no longer as it was.
    pub fn of<T: Serialize>(target: impl ToString, before: Option<&T>, after: Option<&T>) -> Self {
        Self {
            target: Some(target.to_string()),
            before: before.and_then(|view| serde_json::to_value(view).ok()),
            after: after.and_then(|view| serde_json::to_value(view).ok()),
        }
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
        changes: Vec<Change>,
        answer: Answer,
    ) -> Done {
        self.done_and_told(permitted, deed, (changes, None), answer).await
    }

    /// The same, and what it means is told in the same step, as the gate's own word.
    // threat: AGP-R3
    pub async fn done_and_told(
        &self,
        permitted: &Permitted,
        deed: Deed,
        (mut changes, told): (Vec<Change>, Option<AuditRecord>),
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
        changes.extend(self.kept(permitted, &answer).await?);
        let act = AuditEntry::from(self.record(permitted, deed));
        let acts: Vec<AuditEntry> = std::iter::once(act).chain(told.map(AuditEntry::from)).collect();
        let committed = self.control.store.commit_all(&permitted.scope, &changes, &acts);
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

    /// What keeps the answer for the request that comes again, where it may.
    pub(super) async fn kept(
        &self,
        permitted: &Permitted,
        answer: &Answer,
    ) -> Result<Option<Change>, Problem> {
        let Some(id) = self.replay_id(permitted)? else {
            return Ok(None);
        };
        let kept = self.replay(permitted, id, answer).await?;
        Ok(Some(Change::Create(kept.to_record()?)))
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
            approval: permitted.approval().map(|approval| approval.id.to_string()),
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
        if !matches!(self.endpoint.method, Method::POST | Method::PUT) || self.is_dry_run() {
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

    async fn replay(&self, permitted: &Permitted, id: String, answer: &Answer) -> Result<Replay, Problem> {
        let text = serde_json::to_vec(answer).unwrap_or_default();
        let (what, text) = (
            kept_for(permitted.scope.tenant()),
            (text.as_slice(), id.as_bytes()),
        );
        let answer = self.control.content.seal(what, text, self.now).await?;
        Ok(Replay {
            id,
            request: self.body_digest.clone(),
            answer,
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
        let (what, sealed) = (
            kept_for(permitted.scope.tenant()),
            (kept.answer.as_str(), id.as_bytes()),
        );
        let older = &self.control.keys.replays;
        let answer = self.control.content.open(what, sealed, older).await.ok();
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

/// What answers of a tenant's are sealed for.
const fn kept_for(tenant: TenantId) -> (TenantId, &'static str) {
    (tenant, purpose::REPLAYS)
}
