//! Secret references resolved: the one place of the product that reads secrets, through the engines that the
//! configuration names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::section::{Vault as VaultConfig, VaultAuth};
use config::{Config, Posture};
use credential::{MasterKey, SealingKey, SecretRef, purpose};
use domain::Secret;
use futures_util::future::join_all;
use secrets::{ByScheme, Environment, Files, Remembering, SealedFile, SecretError, Secrets};
use secrets_vault::{Auth, Vault, VaultOptions};
use store::Store;

use crate::failure::{Failure, Hint};
use crate::home::{Home, PASSPHRASE};
use crate::pem;
use crate::stored::StoredSecrets;

const REACHABLE: &str = "is the vault reachable and unsealed?";

/// What a configuration's references are resolved with.
#[derive(Debug)]
pub struct Resolver {
    engines: ByScheme,
    vault: Option<Arc<Remembering<Vault>>>,
    /// A server whose wrapped secret id is left for `serve` to open.
    spared: Option<Vault>,
}

/// Secrets by reference, each resolved once.
pub type Resolved = BTreeMap<SecretRef, Secret>;

/// What was found at each reference.
pub type Renewed = BTreeMap<SecretRef, Result<Secret, Failure>>;

impl Resolver {
    /// For a gate that serves: logs in wherever it must.
    pub async fn for_serving(config: &Config, home: &Home) -> Result<Self, Failure> {
        let sealed = Some(sealed_under(config, Some(home)).await?);
        Self::new(config, sealed, false)
    }

    /// For whoever runs beside it: what opens only once stays closed.
    pub async fn for_looking(config: &Config) -> Result<Self, Failure> {
        let auth = config.secrets.vault.as_ref().map(|vault| &vault.auth);
        let approle = auth.and_then(|auth| auth.approle.as_ref());
        let sealed = match needs_sealed(config) {
            true => Some(sealed_file(config).await?),
            false => None,
        };
        Self::new(config, sealed, approle.is_some_and(|approle| approle.wrapped))
    }

    fn new(config: &Config, sealed: Option<SealedFile>, spare: bool) -> Result<Self, Failure> {
        let mut engines = ByScheme {
            environment: Environment::of_this_process(),
            files: Files,
            sealed,
            stored: None,
            vault: None,
        };
        let (mut vault, mut spared) = (None, None);
        if let Some(described) = &config.secrets.vault {
            let bootstrap = ByScheme {
                environment: Environment::of_this_process(),
                files: Files,
                sealed: engines.sealed.clone(),
                stored: None,
                vault: None,
            };
            let opened = open(described, Arc::new(bootstrap))?;
            match spare {
                true => spared = Some(opened),
                false => vault = Some(Arc::new(remembering(described, opened))),
            }
        }
        engines.vault = vault.clone().map(|vault| -> Arc<dyn Secrets> { vault });
        Ok(Self {
            engines,
            vault,
            spared,
        })
    }

    /// From now on `stored:` references lead to this store, and `sealed:` ones open under the root that it knows.
    pub fn attach(&mut self, config: &Config, home: &Home, store: Arc<dyn Store>) -> Result<(), Failure> {
        self.engines.stored = Some(Arc::new(StoredSecrets::new(store, &home.master)?));
        if config.secrets.sealed_under.is_none() {
            let path = home.dir().join("sealed.json");
            self.engines.sealed = Some(SealedFile::new(path, sealing_key(&home.master)?));
        }
        Ok(())
    }

    /// The secret a reference points to. Errors name the reference, never what was found there.
    // threat: ANP-D0007
    // threat: AGP-I1
    pub async fn resolve(&self, reference: &SecretRef) -> Result<Secret, Failure> {
        let found = self.engines.get(reference).await;
        found.map(|found| found.value).map_err(told)
    }

    /// The same, and in a posture other than development not a placeholder such as `changeme` either.
    // threat: CTX-T2
    async fn resolve_strong(&self, reference: &SecretRef, posture: Posture) -> Result<Secret, Failure> {
        let secret = self.resolve(reference).await?;
        if posture != Posture::Development && credential::weakness(&secret).is_some() {
            return Err(
                Failure::new(format!("`{reference}` holds a placeholder, not a secret"))
                    .hint("posture `development` alone takes placeholders"),
            );
        }
        Ok(secret)
    }

    /// What providers are called with; the first that cannot be had is the failure. Leaves out what is left
    /// for `serve` to open, and stored ones that are not there: a gate must serve for somebody to put them there.
    pub async fn credentials(&self, config: &Config) -> Result<Resolved, Failure> {
        let mut all = Resolved::new();
        for (reference, found) in self.each(config, |reference| !self.spares(reference)).await {
            match found {
                Err(failure) if is_stored(&reference) => {
                    tracing::error!(%reference, "a stored credential cannot be had: its providers are not called until it can: {failure}");
                }
                found => drop(all.insert(reference, found?)),
            }
        }
        if let Some(vault) = &self.spared {
            vault.look().await.map_err(|error| match error.is_unavailable() {
                true => told(error).hint(REACHABLE),
                false => told(error),
            })?;
        }
        Ok(all)
    }

    /// Those that may have changed in the store; nothing of those about which the store did not answer.
    // threat: CTX-T3
    pub async fn stored(&self, config: &Config) -> Renewed {
        let mut all = Renewed::new();
        let wanted: BTreeSet<_> = credentials_of(config).filter(|at| is_stored(at)).collect();
        for reference in wanted {
            match self.engines.get(reference).await {
                Err(error) if error.is_unavailable() => {}
                found => drop(all.insert(reference.clone(), found.map(|it| it.value).map_err(told))),
            }
        }
        all
    }

    /// Those that may have changed since: from a vault or the sealed file. Each for itself, so that one that
    /// cannot be had keeps no other from being renewed.
    pub async fn renewed(&self, config: &Config) -> Renewed {
        if let Some(vault) = &self.vault {
            let wanted: BTreeSet<_> = config.references().into_iter().map(|(_, to)| to).collect();
            vault.keep_only(|reference| wanted.contains(reference));
        }
        self.each(config, can_change).await
    }

    /// Gives back what the gate has of a vault's.
    pub async fn close(&self) {
        if let Some(vault) = &self.vault {
            vault.inner().close().await;
        }
    }

    /// Whether the secret is in a vault or store that is not opened here.
    pub fn spares(&self, reference: &SecretRef) -> bool {
        match reference {
            SecretRef::Vault(_) => self.spared.is_some(),
            SecretRef::Stored(_) => self.engines.stored.is_none(),
            _ => false,
        }
    }

    async fn each(&self, config: &Config, wanted: impl Fn(&SecretRef) -> bool) -> Renewed {
        let references: BTreeSet<_> = credentials_of(config)
            .filter(|reference| wanted(reference))
            .collect();
        let resolving = references.into_iter().map(async |reference| {
            let found = self.resolve_strong(reference, config.posture).await;
            (reference.clone(), found)
        });
        join_all(resolving).await.into_iter().collect()
    }
}

fn credentials_of(config: &Config) -> impl Iterator<Item = &SecretRef> {
    config
        .providers
        .iter()
        .filter_map(|provider| provider.credential.as_ref())
}

/// Whether it is in the store.
pub const fn is_stored(reference: &SecretRef) -> bool {
    matches!(reference, SecretRef::Stored(_))
}

fn can_change(reference: &SecretRef) -> bool {
    matches!(reference, SecretRef::Vault(_) | SecretRef::Sealed(_))
}

fn needs_sealed(config: &Config) -> bool {
    let approle = config
        .secrets
        .vault
        .iter()
        .filter_map(|vault| vault.auth.approle.as_ref());
    let secret_ids = approle.map(|approle| &approle.secret_id);
    let references = config.references().into_iter().map(|(_, reference)| reference);
    references
        .chain(secret_ids)
        .any(|reference| matches!(reference, SecretRef::Sealed(_)))
}

/// The data folder's sealed file, under the key that the configuration names.
pub async fn sealed_file(config: &Config) -> Result<SealedFile, Failure> {
    sealed_under(config, None).await
}

/// The instance's own master key is taken from `home` where that is open: a passphrase costs time.
// threat: AGP-CRED-2.2
async fn sealed_under(config: &Config, home: Option<&Home>) -> Result<SealedFile, Failure> {
    let key = match (&config.secrets.sealed_under, home) {
        (Some(reference), _) => sealing_key(&master_key(reference).await?),
        (None, Some(home)) => sealing_key(&home.master),
        (None, None) => sealing_key(&Home::existing(config)?.sure()?.master),
    }?;
    Ok(SealedFile::new(config.data_dir.join("sealed.json"), key))
}

/// What the sealed file is sealed under.
pub fn sealing_key(master: &MasterKey) -> Result<SealingKey, Failure> {
    let key = master.sealing_key(purpose::SEALED_SECRETS);
    key.map_err(|e| Failure::new(e.to_string()))
}

/// A master key from wherever this machine has it.
pub async fn master_key(reference: &SecretRef) -> Result<MasterKey, Failure> {
    let found = match reference {
        SecretRef::Env(_) => Environment::of_this_process().get(reference).await,
        _ => Files.get(reference).await,
    };
    let text = found.map_err(told)?.value;
    MasterKey::from_file(text.expose(), from_environment(PASSPHRASE).as_ref()).map_err(|e| {
        Failure::new(format!("the master key at `{reference}` cannot be opened: {e}"))
            .hint(format!("if it is wrapped under a passphrase, set {PASSPHRASE}"))
    })
}

fn open(described: &VaultConfig, bootstrap: Arc<dyn Secrets>) -> Result<Vault, Failure> {
    let authorities = described
        .ca_file
        .as_deref()
        .map_or(Ok(Vec::new()), pem::certificates)?;
    let options = VaultOptions {
        address: described.address.clone(),
        namespace: described.namespace.clone(),
        authorities,
        auth: auth(&described.auth)?,
        bootstrap,
        timeout: Duration::from_millis(described.timeout_ms),
    };
    Vault::new(options).map_err(|e| Failure::usage(format!("`secrets.vault`: {e}")))
}

fn auth(described: &VaultAuth) -> Result<Auth, Failure> {
    let file = |path: &Path| SecretRef::File(path.to_owned());
    if let Some(approle) = &described.approle {
        return Ok(Auth::AppRole {
            mount: approle.mount.clone(),
            role_id: approle.role_id.clone(),
            secret_id: approle.secret_id.clone(),
            wrapped: approle.wrapped,
        });
    }
    if let Some(kubernetes) = &described.kubernetes {
        return Ok(Auth::Kubernetes {
            mount: kubernetes.mount.clone(),
            role: kubernetes.role.clone(),
            token: file(&kubernetes.token_file),
        });
    }
    let token = described.token_file.as_deref().map(file);
    token
        .map(|token| Auth::Token { token })
        .ok_or_else(|| Failure::usage("`secrets.vault.auth` says no way to log in"))
}

/// Asked for once in half the time, so that whoever asks once in all of it never gets an old answer.
fn remembering(described: &VaultConfig, vault: Vault) -> Remembering<Vault> {
    let ms = Duration::from_millis;
    Remembering::new(vault, ms(described.refresh_ms / 2), ms(described.remember_ms))
}

/// What went wrong, and what to do about it.
fn told(error: SecretError) -> Failure {
    let failure = Failure::new(error.to_string());
    match &error {
        SecretError::NotFound(SecretRef::Env(name), _) => {
            failure.hint(format!("export {name}=… before starting"))
        }
        SecretError::NotFound(SecretRef::Sealed(name), _) => {
            failure.hint(format!("put it there: bartizan secrets put {}", name.as_str()))
        }
        SecretError::NotFound(SecretRef::Stored(name), _) => {
            let name = name.as_str();
            failure.hint(format!(
                "put it there and in force: bartizan ctl credentials activate --credential {name}"
            ))
        }
        SecretError::Forbidden(SecretRef::Vault(_), _) => {
            failure.hint("may the gate's policy read this path? deploy/vault has one that does")
        }
        SecretError::Unavailable(SecretRef::Vault(_), _) => failure.hint(REACHABLE),
        SecretError::Unconfigured(..) => {
            failure.hint("configure it under `secrets`, which takes effect at the next start")
        }
        SecretError::Malformed(_, why) if why.contains("empty") => {
            failure.hint("an empty secret protects nothing: set it, or remove the reference")
        }
        _ => failure,
    }
}

/// A variable of the environment that may hold a passphrase.
pub fn from_environment(name: &str) -> Option<Secret> {
    std::env::var(name)
        .ok()
        .filter(|text| !text.is_empty())
        .map(Secret::new)
}
