//! What providers are called with, kept as new as where it is kept: a value that was rotated is used from the next
//! request on, and what was taken away is not used at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use config::Config;
use control::prober::Prober;
use credential::{CredentialKeys, SecretRef, StoredCredential};
use data::Gate;
use domain::{AuditId, Secret, TenantId, UnixMillis};
use ledger::{AuditActor, AuditOutcome, AuditRecord};
use serde_json::json;
use store::{Change, Record, RecordKind, RecordQuery, Store, StoreError};
use telemetry::Metrics;
use telemetry::log::Scrubber;
use tokio::sync::watch;

use super::reload::Reloader;
use crate::failure::Failure;
use crate::resolve::{Resolved, Resolver, is_stored};
use crate::stored::{self, ByGate};

/// What providers are called with, by reference; `None` while there is nothing that may be used.
pub type Known = BTreeMap<SecretRef, Option<Secret>>;

/// How often stored credentials are looked through for those whose time has come.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Credentials at most that are looked through.
const CREDENTIALS_MAX: u64 = 1000;

/// All of them usable.
pub fn known(credentials: Resolved) -> Known {
    let usable = |(reference, secret)| (reference, Some(secret));
    credentials.into_iter().map(usable).collect()
}

/// What was found at a reference, and whether providers took it.
#[derive(Debug)]
pub struct Found {
    at: SecretRef,
    value: Result<Secret, Failure>,
    /// Who refused it, and why.
    refused: Option<String>,
}

impl From<(SecretRef, Result<Secret, Failure>)> for Found {
    fn from((at, value): (SecretRef, Result<Secret, Failure>)) -> Self {
        Self {
            at,
            value,
            refused: None,
        }
    }
}

/// Reads what may have changed in a vault or the sealed file. A changed value of a vault is tried before it replaces
/// one that is in use.
// threat: AGP-CRED-1.1.3
// threat: AGP-I1
pub async fn ask(
    (resolver, gate): (Arc<Resolver>, Arc<Gate>),
    config: Config,
    known: Known,
    scrubber: Scrubber,
) -> Vec<Found> {
    let probes = config.secrets.vault.as_ref().is_some_and(|vault| vault.probe);
    let mut all = Vec::new();
    for mut found in resolver.renewed(&config).await.into_iter().map(Found::from) {
        let old = known.get(&found.at).and_then(Option::as_ref);
        if let (Some(old), Ok(new)) = (old, &found.value)
            && probes
            && matches!(found.at, SecretRef::Vault(_))
            && old.expose() != new.expose()
        {
            scrubber.register(new);
            let probed = stored::probed(gate.probe(&found.at.to_string(), new).await);
            let refused = probed
                .into_iter()
                .find_map(|one| Some((one.provider, one.refused?)));
            found.refused = refused.map(|(provider, why)| format!("`{provider}`: {why}"));
        }
        all.push(found);
    }
    all
}

impl Reloader {
    /// A value that was rotated is used from the next request on; a provider whose credential cannot be had
    /// is not called until it can.
    // threat: AGP-CRED-1.1.3
    // threat: ANP-D0007
    // threat: CTX-T3
    pub(super) async fn take_in(&mut self, all: Vec<Found>) {
        let mut changed = Known::new();
        for found in all {
            let old = self.credentials.get(&found.at).and_then(Option::as_ref);
            match (old, found.value, found.refused) {
                (Some(old), Ok(new), _) if old.expose() == new.expose() => {}
                (Some(_), Ok(_), Some(who)) => {
                    self.metrics.gauges().credential_probe_failures.inc();
                    tracing::error!(reference = %found.at, "a changed credential is not taken by provider {who}; the old one stays in use");
                }
                (_, Ok(new), _) => {
                    tracing::info!(reference = %found.at, "a credential was renewed: new calls present it");
                    changed.insert(found.at, Some(new));
                }
                (Some(_), Err(failure), _) => {
                    tracing::error!(reference = %found.at, "a credential cannot be had: its providers are not called until it can: {failure}");
                    changed.insert(found.at, None);
                }
                (None, Err(_), _) => {}
            }
        }
        if !changed.is_empty() {
            self.put_in_force(changed).await;
        }
    }

    /// What the start found is in use from now on.
    pub(super) async fn begin(&self) {
        self.count_withheld();
        for at in self.credentials.keys().filter(|at| is_stored(at)) {
            self.tell_of_use(at).await;
        }
    }

    async fn put_in_force(&mut self, mut changed: Known) {
        self.scrubber.register_all(changed.values().flatten());
        let of = |provider: &config::section::Provider| {
            changed.get(provider.credential.as_ref()?).map(Option::as_ref)
        };
        let providers = self.current.providers.iter();
        let affected: HashMap<_, _> = providers
            .filter_map(|it| Some((it.name.as_str(), of(it)?)))
            .collect();
        self.gate
            .change_settings(|settings| settings.with_credentials(&affected));
        for at in changed.keys().filter(|at| is_stored(at)) {
            self.tell_of_use(at).await;
        }
        self.credentials.append(&mut changed);
        self.count_withheld();
    }

    /// Providers that want a credential and have none that may be used.
    pub(super) fn count_withheld(&self) {
        let wanting = self
            .current
            .providers
            .iter()
            .filter_map(|it| it.credential.as_ref());
        let withheld = wanting.filter(|at| self.credentials.get(at).is_none_or(Option::is_none));
        let count = i64::try_from(withheld.count()).unwrap_or(i64::MAX);
        self.metrics.gauges().credentials_withheld.set(count);
    }

    /// Every node writes down that it took another version into use, or stopped using one.
    // threat: AGP-R3
    async fn tell_of_use(&self, at: &SecretRef) {
        let whose = (AuditId::generate(), TenantId::PLATFORM);
        let actor = AuditActor::Gate("credentials".to_owned());
        let record = AuditRecord {
            target: at.to_string().strip_prefix("stored:").map(str::to_owned),
            after: Some(json!({"node": self.node.to_string()})),
            ..AuditRecord::done(whose, UnixMillis::now(), actor, "credentials.use")
        };
        if let Err(error) = self
            .store
            .commit(&stored::scope(), &[], Some(&record.into()))
            .await
        {
            tracing::warn!(%error, "the use of a credential could not be recorded");
        }
    }
}

/// Ends previous versions whose grace is over, puts candidates in force whose time has come, and says which credentials
/// should be replaced. Providers have no common way to make a new credential: somebody does, and puts it in.
pub struct Keeper {
    /// Where credentials are.
    pub store: Arc<dyn Store>,
    /// Where those that are due are counted.
    pub metrics: Arc<Metrics>,
    /// What opens them.
    pub keys: CredentialKeys,
    /// What tries them.
    pub prober: ByGate,
}

impl Keeper {
    /// Runs until stopped.
    // threat: AGP-BUDGET-1.2
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut told = Vec::new();
        loop {
            match self.look(UnixMillis::now()).await {
                Ok(due) => {
                    for name in due.iter().filter(|name| !told.contains(*name)) {
                        tracing::warn!(credential = %name, "a stored credential is due: put a new value in and activate it");
                    }
                    self.metrics
                        .gauges()
                        .credentials_due
                        .set(i64::try_from(due.len()).unwrap_or(i64::MAX));
                    told = due;
                }
                Err(error) => tracing::debug!(%error, "stored credentials could not be looked through"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn look(&self, now: UnixMillis) -> Result<Vec<String>, StoreError> {
        let query = RecordQuery {
            kind: RecordKind::Credential,
            parent: None,
            after: None,
            count: CREDENTIALS_MAX,
        };
        let mut due = Vec::new();
        for before in self.store.records(&stored::scope(), &query).await? {
            let Ok(mut credential) = stored::read(&before) else {
                continue;
            };
            if credential.is_due(now) {
                due.push(credential.name.clone());
            }
            if let Some((number, grace)) = credential.planned(now) {
                self.put_in_force(&before, credential, (number, grace), now)
                    .await?;
                continue;
            }
            if credential.settle(now)
                && let Ok(document) = serde_json::to_string(&credential)
            {
                let after = Record {
                    document,
                    ..before.clone()
                };
                let retired = done("credentials.retire", before.id.clone(), now);
                self.replace(before, after, retired).await?;
            }
        }
        Ok(due)
    }

    /// A candidate whose time has come is tried like one that somebody puts in force. One that a provider does not take
    /// stays what it is, and is nobody's plan any more: somebody has to look.
    // threat: AGP-S2
    // threat: AGP-R3
    async fn put_in_force(
        &self,
        before: &Record,
        mut credential: StoredCredential,
        (number, grace): (u32, Duration),
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut record = done("credentials.activate", before.id.clone(), now);
        let refused = match credential.tried(number, &self.keys) {
            Ok(value) => {
                let probes = self.prober.probe(&credential.name, &value).await;
                let mut refused = probes
                    .into_iter()
                    .filter_map(|one| Some((one.provider, one.refused?)));
                refused
                    .next()
                    .map(|(provider, why)| format!("`{provider}`: {why}"))
            }
            Err(error) => Some(error.to_string()),
        };
        let planned = match &refused {
            None => credential.activate(number, grace, now),
            Some(_) => credential.plan(number, None),
        };
        if let Some(who) = &refused {
            self.metrics.gauges().credential_probe_failures.inc();
            tracing::error!(credential = %credential.name, version = number, "a planned version is not put in force: {who}");
            record.outcome = AuditOutcome::Refused("probe_failed".to_owned());
        }
        record.after = Some(json!({"version": number, "planned": true}));
        let (Ok(()), Ok(document)) = (planned, serde_json::to_string(&credential)) else {
            return Ok(());
        };
        let after = Record {
            document,
            ..before.clone()
        };
        self.replace(before.clone(), after, record).await
    }

    /// Another replica may have been first.
    async fn replace(&self, before: Record, after: Record, record: AuditRecord) -> Result<(), StoreError> {
        let change = Change::Replace { before, after };
        match self
            .store
            .commit(&stored::scope(), &[change], Some(&record.into()))
            .await
        {
            Err(StoreError::Conflict(_) | StoreError::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// The gate did this by itself.
fn done(act: &str, target: String, now: UnixMillis) -> AuditRecord {
    let whose = (AuditId::generate(), TenantId::PLATFORM);
    let actor = AuditActor::Gate("credentials".to_owned());
    AuditRecord {
        target: Some(target),
        ..AuditRecord::done(whose, now, actor, act)
    }
}
