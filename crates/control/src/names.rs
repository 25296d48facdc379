//! Tenants, teams, keys and budgets at one moment: read again only when the store's revision has risen.

use std::sync::Arc;

use credential::KeyRecord;
use domain::{BudgetId, KeyId, TeamId, TenantId};
use ledger::Budget;
use store::{DirectoryDump, Store, StoreError, Team, Tenant, TenantState};
use tokio::sync::Mutex;

use crate::versions::{self, Standing};

/// The directory at one moment.
#[derive(Debug, Default)]
pub struct Names {
    dump: DirectoryDump,
    policies: Standing,
}

/// Keeps the newest.
#[derive(Debug, Default)]
pub struct Newest(Mutex<Arc<Names>>);

impl Newest {
    /// The directory as the store has it now.
    pub async fn read(&self, store: &dyn Store) -> Result<Arc<Names>, StoreError> {
        let mut kept = self.0.lock().await;
        if kept.dump.tenants.is_empty() || store.revision().await? != kept.dump.revision {
            *kept = Arc::new(Names::read(store).await?);
        }
        Ok(kept.clone())
    }
}

impl Names {
    /// Reads them.
    pub async fn read(store: &dyn Store) -> Result<Self, StoreError> {
        // What changes between the two raises the revision, and both are read again.
        Ok(Self {
            dump: store.load().await?,
            policies: versions::standing(store).await?,
        })
    }

    /// Which versions of policies count.
    pub const fn policies(&self) -> &Standing {
        &self.policies
    }

    /// All tenants, in the order of their ids. The platform's own has no row.
    pub fn tenants(&self) -> &[Tenant] {
        &self.dump.tenants
    }

    /// All of it.
    pub const fn directory(&self) -> &DirectoryDump {
        &self.dump
    }

    /// A tenant; the platform's own too.
    pub fn tenant(&self, id: TenantId) -> Option<Tenant> {
        if id == TenantId::PLATFORM {
            return Some(Tenant {
                id,
                name: "platform".to_owned(),
                limits: credential::Limits::default(),
                state: TenantState::Active,
                history: ledger::Keeping::NONE,
            });
        }
        self.dump.tenants.iter().find(|tenant| tenant.id == id).cloned()
    }

    /// The tenant of that name.
    pub fn tenant_named(&self, name: &str) -> Option<&Tenant> {
        self.dump.tenants.iter().find(|tenant| tenant.name == name)
    }

    /// The tenant's teams, in the order of their ids.
    pub fn teams(&self, tenant: TenantId) -> impl Iterator<Item = &Team> {
        self.dump.teams.iter().filter(move |team| team.tenant == tenant)
    }

    /// A team of the tenant's.
    pub fn team(&self, tenant: TenantId, id: TeamId) -> Option<&Team> {
        self.teams(tenant).find(|team| team.id == id)
    }

    /// The tenant's keys, in the order of their ids.
    pub fn keys(&self, tenant: TenantId) -> impl Iterator<Item = &KeyRecord> {
        self.dump.keys.iter().filter(move |key| key.tenant == tenant)
    }

    /// A key of the tenant's.
    pub fn key(&self, tenant: TenantId, id: KeyId) -> Option<&KeyRecord> {
        self.keys(tenant).find(|key| key.id == id)
    }

    /// The tenant's budgets, in the order of their ids.
    pub fn budgets(&self, tenant: TenantId) -> impl Iterator<Item = &Budget> {
        self.dump
            .budgets
            .iter()
            .filter(move |budget| budget.tenant == tenant && !budget.is_stop())
    }

    /// What stops sessions of the tenant's: budgets that no list of budgets shows, and that are no part of any document.
    pub fn stops(&self, tenant: TenantId) -> impl Iterator<Item = &Budget> {
        let budgets = self.dump.budgets.iter();
        budgets.filter(move |budget| budget.tenant == tenant && budget.is_stop())
    }

    /// A budget of the tenant's.
    pub fn budget(&self, tenant: TenantId, id: BudgetId) -> Option<&Budget> {
        self.budgets(tenant).find(|budget| budget.id == id)
    }
}
