//! Tenants, teams and keys in memory, as a data plane reads them.

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{TenantId, TenantScope};

use super::MemoryStore;
use crate::{Directory, DirectoryDump, Record, RecordKind, StoreError};

#[async_trait]
impl Directory for MemoryStore {
    async fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.state().rows.revision)
    }

    async fn load(&self) -> Result<DirectoryDump, StoreError> {
        let state = self.state();
        let rows = &state.rows;
        Ok(DirectoryDump {
            revision: rows.revision,
            tenants: rows.tenants.values().cloned().collect(),
            teams: rows.teams.values().cloned().collect(),
            keys: rows.keys.values().cloned().collect(),
            budgets: rows.budgets.values().cloned().collect(),
        })
    }

    async fn documents(&self, kind: RecordKind) -> Result<Vec<(TenantId, Record)>, StoreError> {
        let state = self.state();
        let all = state.rows.records.iter();
        let found = all.filter(|((_, of, _), _)| *of == kind && kind.is_answered_by());
        Ok(found
            .map(|((tenant, _, _), record)| (*tenant, record.clone()))
            .collect())
    }

    async fn claim_master_key(&self, mark: &str) -> Result<String, StoreError> {
        let mut state = self.state();
        Ok(state.master_key.get_or_insert_with(|| mark.to_owned()).clone())
    }

    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        let state = self.state();
        let mine = state
            .rows
            .keys
            .values()
            .filter(|key| key.tenant == scope.tenant());
        let mut keys: Vec<KeyRecord> = mine.cloned().collect();
        keys.sort_by_key(|key| (key.created, key.id));
        Ok(keys)
    }
}
