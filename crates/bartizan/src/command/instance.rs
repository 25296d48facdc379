//! The instance a command works on: its configuration, its data folder and its store.

use std::sync::Arc;

use config::Config;
use domain::{AuditId, Permission, TenantId, TenantScope, UnixMillis};
use ledger::{AuditActor, AuditRecord};
use store::{Change, Signing, Store, StoreError};

use crate::cli::At;
use crate::failure::Failure;
use crate::home::Home;
use crate::resolve::Resolver;
use crate::{load, open};

/// An instance, opened beside whoever serves it.
#[derive(Debug)]
pub struct Instance {
    /// What it is configured to be.
    pub config: Config,
    /// Its data folder.
    pub home: Home,
    /// Its store, up to date.
    pub store: Arc<dyn Store>,
}

impl Instance {
    /// Opens the instance; one that was never started is not made here.
    pub async fn open(at: &At) -> Result<Self, Failure> {
        let config = configuration(at)?;
        let mut home = Home::existing(&config)?;
        let resolver = Resolver::for_looking(&config).await?;
        let store = open::store(&config, &mut home, &resolver).await?.store;
        Ok(Self { config, home, store })
    }
}

impl Instance {
    /// Which key signs its logs.
    pub fn signing(&self) -> Result<Arc<Signing>, Failure> {
        self.home.signing(self.store.clone(), &self.config.ledger.origin)
    }

    /// Makes the changes and records who made them, or does neither. Whoever has the machine is not asked for
    /// a role: only for their account, by which the record names them.
    // threat: AGP-R3
    pub async fn act(
        &self,
        tenant: TenantId,
        act: Permission,
        target: impl ToString,
        changes: &[Change],
    ) -> Result<(), StoreError> {
        self.act_saying(tenant, act, (target.to_string(), None), changes)
            .await
    }

    /// The same, and the record says what it is like afterwards.
    pub async fn act_saying(
        &self,
        tenant: TenantId,
        act: Permission,
        made: (String, Option<serde_json::Value>),
        changes: &[Change],
    ) -> Result<(), StoreError> {
        self.must_work(tenant).await?;
        self.recorded(tenant, act.as_str(), made, changes).await
    }

    /// The same, for an act that only the machine's owner can do.
    pub async fn record(
        &self,
        tenant: TenantId,
        act: &str,
        target: impl ToString,
        changes: &[Change],
    ) -> Result<(), StoreError> {
        self.recorded(tenant, act, (target.to_string(), None), changes)
            .await
    }

    async fn recorded(
        &self,
        tenant: TenantId,
        act: &str,
        (target, after): (String, Option<serde_json::Value>),
        changes: &[Change],
    ) -> Result<(), StoreError> {
        let whose = (AuditId::generate(), tenant);
        let actor = operator();
        let record = AuditRecord {
            target: Some(target),
            after,
            ..AuditRecord::done(whose, UnixMillis::now(), actor, act)
        };
        let scope = TenantScope::operator(tenant);
        self.store.commit(&scope, changes, Some(&record.into())).await
    }

    /// Nothing is made or changed in a tenant that has ended, or is about to.
    // threat: ANP-0016
    pub async fn must_work(&self, tenant: TenantId) -> Result<(), StoreError> {
        let tenants = self.store.load().await?.tenants;
        let found = tenants.iter().find(|found| found.id == tenant);
        match found.filter(|found| control::is_ending(found.state)) {
            Some(found) => Err(StoreError::Conflict(format!(
                "the tenant is {}, and stays so",
                found.state.as_str()
            ))),
            None => Ok(()),
        }
    }
}

/// The account that runs this program, by its number: names in the environment are whatever one says.
pub fn operator() -> AuditActor {
    AuditActor::Operator(account())
}

/// The same as text.
pub fn account() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}

/// The configuration that the command line names.
pub fn configuration(at: &At) -> Result<Config, Failure> {
    let mut config = load::find(at.config.as_deref())?.config;
    if let Some(dir) = &at.data_dir {
        config.data_dir.clone_from(dir);
    }
    Ok(config)
}
