//! How a witness stands, kept in the store: which node asks it, since when it is silent, and which logs are not what it
//! saw. What is new of that is told in the same step: it is kept and told, or neither.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{AuditId, NodeId, TenantId, TenantScope, UnixMillis};
use ledger::{AuditActor, AuditRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::delivery::Failing;
use store::{Change, Record, RecordKind, Store, StoreError};

/// What is kept of a witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    holder: NodeId,
    until: UnixMillis,
    /// Since when it takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failing: Option<Failing>,
    /// Whether that was told.
    #[serde(default)]
    is_silence_told: bool,
    /// Logs that are not what it saw, by their origins.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) disagreed: BTreeMap<String, Disagreement>,
}

/// A log that is not what a witness saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Disagreement {
    /// How many entries it had when the witness saw it last.
    pub(super) seen: u64,
    /// How many it has now.
    pub(super) size: u64,
    pub(super) why: String,
    pub(super) since: UnixMillis,
}

/// A witness that this node asks.
#[derive(Debug)]
pub(super) struct Turn {
    record: Record,
    pub(super) standing: Standing,
    told: Vec<(&'static str, Value)>,
}

fn scope() -> TenantScope {
    TenantScope::operator(TenantId::PLATFORM)
}

impl Turn {
    /// Takes the turn, if no other node has it; else how it stands there.
    pub(super) async fn claim(
        store: &dyn Store,
        id: String,
        (node, held): (NodeId, Duration),
        now: UnixMillis,
    ) -> Result<Result<Self, Standing>, StoreError> {
        let before = match store.record(&scope(), RecordKind::Witness, &id).await {
            Ok(record) => Some(record),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let known: Option<Standing> = before
            .as_ref()
            .map(|record| serde_json::from_str(&record.document).map_err(damaged))
            .transpose()?;
        if let Some(known) = &known
            && known.holder != node
            && known.until > now
        {
            return Ok(Err(known.clone()));
        }
        let standing = Standing {
            holder: node,
            until: now.plus(held),
            failing: None,
            is_silence_told: false,
            disagreed: BTreeMap::new(),
        };
        let standing = match known {
            Some(known) => Standing {
                holder: standing.holder,
                until: standing.until,
                ..known
            },
            None => standing,
        };
        let after = Record {
            kind: RecordKind::Witness,
            id,
            parent: None,
            name: None,
            created: before.as_ref().map_or(now, |record| record.created),
            document: serde_json::to_string(&standing).map_err(damaged)?,
        };
        let change = match before {
            None => Change::Create(after.clone()),
            Some(before) => Change::Replace {
                before,
                after: after.clone(),
            },
        };
        match store.commit(&scope(), &[change], None).await {
            Ok(()) => Ok(Ok(Self {
                record: after,
                standing,
                told: Vec::new(),
            })),
            // Another replica was faster.
            Err(StoreError::Conflict(_)) => Ok(Err(standing)),
            Err(error) => Err(error),
        }
    }

    /// A log is not what the witness saw: told once, and again only after it was as it should be.
    pub(super) fn disagrees(&mut self, origin: &str, what: Disagreement) {
        if self.standing.disagreed.contains_key(origin) {
            return;
        }
        let Disagreement { seen, size, why, .. } = &what;
        let after = json!({"log": origin, "seen": seen, "size": size, "why": why});
        self.told.push(("witness.disagrees", after));
        self.standing.disagreed.insert(origin.to_owned(), what);
    }

    /// Why it took nothing just now, or that it did or had nothing to take.
    pub(super) fn heard(&mut self, failing: Option<String>, now: UnixMillis, silent_after: Duration) {
        let Some(why) = failing else {
            if std::mem::take(&mut self.standing.is_silence_told) {
                let since = self.standing.failing.as_ref().map(|failing| failing.since.0);
                self.told.push(("witness.heard", json!({"since": since})));
            }
            self.standing.failing = None;
            return;
        };
        let since = self
            .standing
            .failing
            .as_ref()
            .map_or(now, |failing| failing.since);
        if !self.standing.is_silence_told && since.plus(silent_after) <= now {
            let after = json!({"since": since.0, "why": why});
            self.told.push(("witness.silent", after));
            self.standing.is_silence_told = true;
        }
        self.standing.failing = Some(Failing { since, at: now, why });
    }

    /// Keeps how it stands, and tells what is new.
    pub(super) async fn keep(self, store: &dyn Store, name: &str, now: UnixMillis) -> Result<(), StoreError> {
        let after = Record {
            document: serde_json::to_string(&self.standing).map_err(damaged)?,
            ..self.record.clone()
        };
        if after == self.record {
            return Ok(());
        }
        let acts = self.told.into_iter().map(|(act, after)| {
            let actor = AuditActor::Gate("witness".to_owned());
            let ids = (AuditId::generate(), TenantId::PLATFORM);
            AuditRecord {
                target: Some(name.to_owned()),
                after: Some(after),
                ..AuditRecord::done(ids, now, actor, act)
            }
            .into()
        });
        let change = Change::Replace {
            before: self.record,
            after,
        };
        store
            .commit_all(&scope(), &[change], &acts.collect::<Vec<_>>())
            .await
    }
}

fn damaged(error: serde_json::Error) -> StoreError {
    StoreError::Damaged(error.to_string())
}
