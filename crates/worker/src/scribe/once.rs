//! What is told once in a while over all replicas: that a budget refuses, once in its window and limit; that a model has no price,
//! once a day. That it was told is kept in the one step in which it is recorded.

use std::collections::BTreeMap;

use domain::{BudgetId, TenantScope, UnixMillis};
use ledger::AuditRecord;
use serde_json::Value;
use store::{Change, Record, RecordKind, Store, StoreError};

const DAY_MS: i64 = 86_400_000;
/// Things that are remembered of one act in one tenant; past it, those of long ago are forgotten.
const THINGS_MAX: usize = 1_000;

/// A thing that is told once, and in which stretch of time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Once {
    thing: String,
    since: i64,
}

/// When each thing was told last: the beginning of its stretch of time.
type Told = BTreeMap<String, i64>;

impl Once {
    /// Nothing of what is told each time.
    pub(super) fn of(record: &AuditRecord) -> Option<Self> {
        let target = record.target.as_deref()?;
        let said = |name| record.after.as_ref()?.get(name)?.as_i64();
        let (thing, since) = match record.act.as_str() {
            "budgets.exhausted" => {
                let limit = said("limit_nanos").or_else(|| said("limit_tokens"));
                (format!("{target} {}", limit?), said("window_start")?)
            }
            "models.unpriced" => (target.to_owned(), record.at.0.div_euclid(DAY_MS)),
            _ => return None,
        };
        Some(Self { thing, since })
    }

    /// Writes the record unless it was told. Whether it was not. `Conflict` if something else was told meanwhile: ask
    /// again.
    // threat: AGP-R3
    pub(super) async fn tell(&self, store: &dyn Store, record: &AuditRecord) -> Result<bool, StoreError> {
        let scope = TenantScope::operator(record.tenant);
        let before = match store.record(&scope, RecordKind::Told, &record.act).await {
            Ok(before) => Some(before),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let mut told: Told = match &before {
            Some(before) => serde_json::from_str(&before.document).map_err(damaged)?,
            None => Told::new(),
        };
        if told.get(&self.thing).is_some_and(|last| *last >= self.since) {
            return Ok(false);
        }
        self.remember(&mut told);
        let after = Record {
            kind: RecordKind::Told,
            id: record.act.clone(),
            parent: None,
            name: None,
            created: before.as_ref().map_or(record.at, |before| before.created),
            document: serde_json::to_string(&told).map_err(damaged)?,
        };
        let change = match before {
            None => Change::Create(after),
            Some(before) => Change::Replace { before, after },
        };
        let record = self.with_standing(store, &scope, record.clone()).await?;
        store.commit(&scope, &[change], Some(&record.into())).await?;
        Ok(true)
    }

    fn remember(&self, told: &mut Told) {
        if told.len() >= THINGS_MAX
            && let Some(oldest) = told
                .iter()
                .min_by_key(|(_, since)| **since)
                .map(|(thing, _)| thing.clone())
        {
            told.remove(&oldest);
        }
        told.insert(self.thing.clone(), self.since);
    }

    /// Of a budget, what is spent as the store knows it: the data plane does not.
    async fn with_standing(
        &self,
        store: &dyn Store,
        scope: &TenantScope,
        mut record: AuditRecord,
    ) -> Result<AuditRecord, StoreError> {
        let target = record.target.as_deref().unwrap_or_default();
        let Ok(budget) = target.parse::<BudgetId>() else {
            return Ok(record);
        };
        let standing = match store.standing(scope, budget, UnixMillis(self.since)).await {
            Ok(standing) => standing,
            // It was removed since.
            Err(StoreError::NotFound) => return Ok(record),
            Err(error) => return Err(error),
        };
        if let Some(Value::Object(fields)) = &mut record.after {
            let unit = if fields.contains_key("limit_tokens") {
                "tokens"
            } else {
                "nanos"
            };
            fields.insert(format!("spent_{unit}"), standing.spent.nanos().into());
            let held = standing.leased.plus(standing.unexplained).nanos();
            fields.insert(format!("held_{unit}"), held.into());
        }
        Ok(record)
    }
}

fn damaged(error: serde_json::Error) -> StoreError {
    StoreError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AuditId, TenantId};
    use ledger::AuditActor;
    use store::{MemoryStore, Registry, Tenant};

    fn unpriced(model: &str, at: i64) -> AuditRecord {
        let actor = AuditActor::Gate("prices".to_owned());
        let ids = (AuditId::generate(), TenantId::from_u128(1));
        AuditRecord {
            target: Some(model.to_owned()),
            ..AuditRecord::done(ids, UnixMillis(at), actor, "models.unpriced")
        }
    }

    async fn store() -> MemoryStore {
        let store = MemoryStore::new();
        let tenant = Tenant {
            id: TenantId::from_u128(1),
            name: "acme".to_owned(),
            limits: Default::default(),
            state: Default::default(),
            history: ledger::Keeping::NONE,
        };
        store.create_tenant(&tenant).await.unwrap();
        store
    }

    #[tokio::test]
    async fn agp_r3_a_thing_is_told_once_in_its_time_whoever_tells() {
        let store = store().await;
        let tell = async |record: AuditRecord| Once::of(&record).unwrap().tell(&store, &record).await;
        assert!(tell(unpriced("m", 5)).await.unwrap());
        assert!(!tell(unpriced("m", DAY_MS - 1)).await.unwrap(), "the same day");
        assert!(tell(unpriced("n", 6)).await.unwrap(), "another model");
        assert!(tell(unpriced("m", DAY_MS)).await.unwrap(), "the next day");
        assert!(
            !tell(unpriced("m", DAY_MS - 1)).await.unwrap(),
            "one that comes late"
        );
        assert!(
            Once::of(&AuditRecord {
                act: "keys.honey".to_owned(),
                ..unpriced("m", 5)
            })
            .is_none()
        );
    }

    #[tokio::test]
    async fn agp_d2_what_was_told_long_ago_is_forgotten_first() {
        let store = store().await;
        for n in 0..THINGS_MAX + 1 {
            let record = unpriced(&format!("m{n}"), n as i64 * DAY_MS);
            assert!(Once::of(&record).unwrap().tell(&store, &record).await.unwrap());
        }
        let scope = TenantScope::operator(TenantId::from_u128(1));
        let kept = store
            .record(&scope, RecordKind::Told, "models.unpriced")
            .await
            .unwrap();
        let kept: Told = serde_json::from_str(&kept.document).unwrap();
        assert_eq!(kept.len(), THINGS_MAX);
        assert!(!kept.contains_key("m0") && kept.contains_key("m1"));
    }
}
