//! Tenants, teams and keys in memory.

use async_trait::async_trait;
use credential::KeyRecord;
use domain::TenantScope;

use super::{MemoryStore, State};
use crate::{Directory, DirectoryDump, StoreError, Team, Tenant, must_own};

impl State {
    fn has_team(&self, scope: &TenantScope, key: &KeyRecord) -> bool {
        self.teams
            .get(&key.team)
            .is_some_and(|team| team.tenant == scope.tenant())
    }

    fn digest_taken(&self, key: &KeyRecord) -> bool {
        self.keys
            .values()
            .any(|other| other.id != key.id && other.digest == key.digest)
    }
}

fn taken(what: &str) -> StoreError {
    StoreError::Conflict(format!("a {what} of that id or name exists"))
}

#[async_trait]
impl Directory for MemoryStore {
    async fn revision(&self) -> Result<u64, StoreError> {
        Ok(self.state().revision)
    }

    async fn load(&self) -> Result<DirectoryDump, StoreError> {
        let state = self.state();
        Ok(DirectoryDump {
            revision: state.revision,
            tenants: state.tenants.values().cloned().collect(),
            teams: state.teams.values().cloned().collect(),
            keys: state.keys.values().cloned().collect(),
            budgets: state.budgets.values().cloned().collect(),
        })
    }

    async fn claim_master_key(&self, mark: &str) -> Result<String, StoreError> {
        let mut state = self.state();
        Ok(state.master_key.get_or_insert_with(|| mark.to_owned()).clone())
    }

    async fn create_tenant(&self, tenant: &Tenant) -> Result<(), StoreError> {
        let mut state = self.state();
        if state
            .tenants
            .values()
            .any(|other| other.id == tenant.id || other.name == tenant.name)
        {
            return Err(taken("tenant"));
        }
        state.tenants.insert(tenant.id, tenant.clone());
        state.revision += 1;
        Ok(())
    }

    async fn create_team(&self, scope: &TenantScope, team: &Team) -> Result<(), StoreError> {
        must_own(scope, team.tenant)?;
        let mut state = self.state();
        if !state.tenants.contains_key(&team.tenant) {
            return Err(StoreError::NotFound);
        }
        let same_name = |other: &Team| other.tenant == team.tenant && other.name == team.name;
        if state
            .teams
            .values()
            .any(|other| other.id == team.id || same_name(other))
        {
            return Err(taken("team"));
        }
        state.teams.insert(team.id, team.clone());
        state.revision += 1;
        Ok(())
    }

    async fn create_key(&self, scope: &TenantScope, key: &KeyRecord) -> Result<(), StoreError> {
        must_own(scope, key.tenant)?;
        let mut state = self.state();
        if !state.has_team(scope, key) {
            return Err(StoreError::NotFound);
        }
        if state.keys.contains_key(&key.id) || state.digest_taken(key) {
            return Err(taken("key"));
        }
        state.keys.insert(key.id, key.clone());
        state.revision += 1;
        Ok(())
    }

    async fn replace_key(
        &self,
        scope: &TenantScope,
        before: &KeyRecord,
        after: &KeyRecord,
    ) -> Result<(), StoreError> {
        must_own(scope, before.tenant)?;
        must_own(scope, after.tenant)?;
        let mut state = self.state();
        let stored = state
            .keys
            .get(&before.id)
            .filter(|key| key.tenant == scope.tenant());
        if stored.is_none() || after.id != before.id || !state.has_team(scope, after) {
            return Err(StoreError::NotFound);
        }
        if stored != Some(before) {
            return Err(StoreError::Conflict("the key changed meanwhile".to_owned()));
        }
        if state.digest_taken(after) {
            return Err(taken("key"));
        }
        state.keys.insert(after.id, after.clone());
        state.revision += 1;
        Ok(())
    }

    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError> {
        let state = self.state();
        let mine = state.keys.values().filter(|key| key.tenant == scope.tenant());
        let mut keys: Vec<KeyRecord> = mine.cloned().collect();
        keys.sort_by_key(|key| (key.created, key.id));
        Ok(keys)
    }
}
