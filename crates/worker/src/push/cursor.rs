//! How far the push of a log to a sink has come, kept in the store. Whoever pushes holds it for a while, so that
//! replicas take turns; it moves only after the sink has taken what is before it.

use std::time::Duration;

use domain::{NodeId, TenantScope, UnixMillis};
use serde::{Deserialize, Serialize};
use store::{Change, Record, RecordKind, Store, StoreError};

/// For how long it is held without moving. Longer than a batch takes, or two replicas would push the same.
const HELD_FOR: Duration = Duration::from_secs(45);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    /// The first record that has not been taken.
    next: u64,
    holder: NodeId,
    until: UnixMillis,
}

/// What came of asking for it.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is ours for a while.
    Held(Cursor),
    /// Another replica has it; how far that had come.
    Elsewhere(u64),
}

/// A cursor that this node holds.
#[derive(Debug)]
pub(crate) struct Cursor {
    record: Record,
    standing: Standing,
}

impl Cursor {
    /// Takes hold of it, if no other node has.
    pub(crate) async fn claim(
        store: &dyn Store,
        scope: &TenantScope,
        (sink, node): (&str, NodeId),
        now: UnixMillis,
    ) -> Result<Claim, StoreError> {
        let before = match store.record(scope, RecordKind::Delivery, sink).await {
            Ok(record) => Some(record),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let known = before.as_ref().map(read).transpose()?;
        let next = known.as_ref().map_or(0, |standing| standing.next);
        if known.is_some_and(|standing| standing.holder != node && standing.until > now) {
            return Ok(Claim::Elsewhere(next));
        }
        let standing = Standing {
            next,
            holder: node,
            until: now.plus(HELD_FOR),
        };
        let after = Record {
            kind: RecordKind::Delivery,
            id: sink.to_owned(),
            parent: None,
            name: None,
            created: before.as_ref().map_or(now, |record| record.created),
            document: write(&standing)?,
        };
        let change = match before {
            None => Change::Create(after.clone()),
            Some(before) => Change::Replace {
                before,
                after: after.clone(),
            },
        };
        match store.commit(scope, &[change], None).await {
            Ok(()) => Ok(Claim::Held(Self {
                record: after,
                standing,
            })),
            Err(StoreError::Conflict(_)) => Ok(Claim::Elsewhere(next)),
            Err(error) => Err(error),
        }
    }

    /// The first record that has not been taken.
    pub(crate) const fn next(&self) -> u64 {
        self.standing.next
    }

    /// Everything before `next` has been taken. `Conflict` if another replica has taken hold meanwhile.
    pub(crate) async fn advance(
        self,
        store: &dyn Store,
        scope: &TenantScope,
        next: u64,
    ) -> Result<(), StoreError> {
        let standing = Standing {
            next,
            ..self.standing.clone()
        };
        let after = Record {
            document: write(&standing)?,
            ..self.record.clone()
        };
        let change = Change::Replace {
            before: self.record,
            after,
        };
        store.commit(scope, &[change], None).await
    }
}

/// The first record that the sink has not taken, whoever holds the cursor.
pub(crate) async fn reached(store: &dyn Store, scope: &TenantScope, sink: &str) -> Result<u64, StoreError> {
    match store.record(scope, RecordKind::Delivery, sink).await {
        Ok(record) => Ok(read(&record)?.next),
        Err(StoreError::NotFound) => Ok(0),
        Err(error) => Err(error),
    }
}

fn read(record: &Record) -> Result<Standing, StoreError> {
    serde_json::from_str(&record.document).map_err(|error| StoreError::Damaged(error.to_string()))
}

fn write(standing: &Standing) -> Result<String, StoreError> {
    serde_json::to_string(standing).map_err(|error| StoreError::Damaged(error.to_string()))
}
