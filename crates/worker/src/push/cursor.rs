//! How far the push of a log to a sink has come, kept in the store. Whoever pushes holds it for a while, so that
//! replicas take turns; it moves only after the sink has taken what is before it, or that was given up in the same step.

use std::time::Duration;

use domain::{NodeId, TenantScope, UnixMillis};
use store::delivery::Standing;
use store::{AuditEntry, Change, Record, RecordKind, RecordQuery, Store, StoreError};

/// For how long it is held without moving. Longer than a batch takes, or two replicas would push the same.
const HELD_FOR: Duration = Duration::from_secs(45);

/// What came of asking for it.
#[derive(Debug)]
pub(crate) enum Claim {
    /// It is ours for a while.
    Held(Cursor),
    /// Another replica has it; how that stands.
    Elsewhere(Option<Standing>),
}

/// A cursor that this node holds.
#[derive(Debug)]
pub(crate) struct Cursor {
    record: Record,
    /// As it is to be kept.
    pub(crate) standing: Standing,
}

impl Cursor {
    /// Takes hold of it, if no other node has.
    pub(crate) async fn claim(
        store: &dyn Store,
        scope: &TenantScope,
        us: (&str, NodeId),
        now: UnixMillis,
    ) -> Result<Claim, StoreError> {
        Self::claim_for(store, scope, us, (now, HELD_FOR)).await
    }

    /// The same, of one that is there: a tenant's own begins where its maker put it, and is not begun again when it was
    /// removed.
    // threat: AGP-I1
    pub(crate) async fn claim_known(
        store: &dyn Store,
        scope: &TenantScope,
        us: (&str, NodeId),
        now: UnixMillis,
    ) -> Result<Claim, StoreError> {
        match find(store, scope, us.0).await? {
            None => Ok(Claim::Elsewhere(None)),
            before => Self::claim_found(store, scope, us, (now, HELD_FOR), before).await,
        }
    }

    /// The same, for as long as a step may take.
    pub(crate) async fn claim_for(
        store: &dyn Store,
        scope: &TenantScope,
        us: (&str, NodeId),
        times: (UnixMillis, Duration),
    ) -> Result<Claim, StoreError> {
        let before = find(store, scope, us.0).await?;
        Self::claim_found(store, scope, us, times, before).await
    }

    async fn claim_found(
        store: &dyn Store,
        scope: &TenantScope,
        (sink, node): (&str, NodeId),
        (now, held_for): (UnixMillis, Duration),
        before: Option<Record>,
    ) -> Result<Claim, StoreError> {
        let known = before.as_ref().map(Standing::of).transpose()?;
        let is_ours = |standing: &Standing| standing.holder == node || standing.until <= now;
        if !known.as_ref().is_none_or(is_ours) {
            return Ok(Claim::Elsewhere(known));
        }
        let held = known.clone().unwrap_or(Standing {
            next: 0,
            holder: node,
            until: now,
            taken: None,
            failing: None,
            told: Vec::new(),
            open: Default::default(),
            again: None,
        });
        let standing = Standing {
            holder: node,
            until: now.plus(held_for),
            ..held
        };
        let after = Record {
            kind: RecordKind::Delivery,
            id: sink.to_owned(),
            parent: None,
            name: None,
            created: before.as_ref().map_or(now, |record| record.created),
            document: standing.document()?,
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
            Err(StoreError::Conflict(_)) => Ok(Claim::Elsewhere(known)),
            Err(error) => Err(error),
        }
    }

    /// Does something that may take longer than a turn, which is renewed meanwhile. `Conflict` if another replica has
    /// taken hold: then what was under way is left.
    // threat: AGP-R2
    pub(crate) async fn holding<T>(
        &mut self,
        store: &dyn Store,
        (scope, turn): (&TenantScope, Duration),
        work: impl Future<Output = T>,
    ) -> Result<T, StoreError> {
        let mut work = std::pin::pin!(work);
        loop {
            // Before a third of it is left, so that one answer of the store may be late.
            match tokio::time::timeout(turn / 3, &mut work).await {
                Ok(done) => return Ok(done),
                Err(_) => {
                    self.standing.until = UnixMillis::now().plus(turn);
                    self.keep(store, scope, (Vec::new(), &[])).await?;
                }
            }
        }
    }

    /// Keeps how it stands, and what goes with that. `Conflict` if another replica has taken hold meanwhile.
    pub(crate) async fn keep(
        &mut self,
        store: &dyn Store,
        scope: &TenantScope,
        (changes, acts): (Vec<Change>, &[AuditEntry]),
    ) -> Result<(), StoreError> {
        let after = Record {
            document: self.standing.document()?,
            ..self.record.clone()
        };
        if after == self.record && changes.is_empty() {
            return Ok(());
        }
        let mut all = changes;
        all.push(Change::Replace {
            before: self.record.clone(),
            after: after.clone(),
        });
        store.commit_all(scope, &all, acts).await?;
        self.record = after;
        Ok(())
    }
}

/// How a log stands at a sink, whoever holds the cursor.
pub(crate) async fn standing(
    store: &dyn Store,
    scope: &TenantScope,
    sink: &str,
) -> Result<Option<Standing>, StoreError> {
    find(store, scope, sink)
        .await?
        .as_ref()
        .map(Standing::of)
        .transpose()
}

/// The first record that the sink has not taken, whoever holds the cursor. What was given up was not taken.
pub(crate) async fn reached(store: &dyn Store, scope: &TenantScope, sink: &str) -> Result<u64, StoreError> {
    let next = standing(store, scope, sink)
        .await?
        .map_or(0, |standing| standing.next);
    let query = RecordQuery {
        kind: RecordKind::DeadLetter,
        parent: Some(sink),
        after: None,
        count: 1,
    };
    let dead = store.records(scope, &query).await?;
    let dead = dead.first().map(store::delivery::DeadLetter::of).transpose()?;
    Ok(dead.map_or(next, |dead| dead.index.min(next)))
}

async fn find(store: &dyn Store, scope: &TenantScope, sink: &str) -> Result<Option<Record>, StoreError> {
    match store.record(scope, RecordKind::Delivery, sink).await {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
