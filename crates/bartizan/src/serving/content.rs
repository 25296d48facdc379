//! Tenants' keys for their content, in memory: read when the directory changes, never for a call. What is cached for a
//! tenant is sealed under one, what it keeps of its exchanges under another. With a tenant both go, and what was sealed
//! never opens again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use control::{ContentError, ContentKeys};
use credential::{SealError, SealingKey, purpose};
use data::Sealer;
use domain::{TenantId, UnixMillis};
use ledger::Kept;
use store::Tenant;
use worker::Seals;

/// The keys at hand. Clones share them.
#[derive(Debug, Clone)]
pub struct Contents(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: ContentKeys,
    /// Whether answers are cached; else keys are wanted by those alone who keep exchanges.
    caches: bool,
    known: RwLock<HashMap<TenantId, Held>>,
    is_behind: AtomicBool,
}

/// One tenant's.
#[derive(Debug, Clone)]
struct Held {
    cache: Arc<SealingKey>,
    exchanges: Arc<SealingKey>,
}

/// Why a key is not at hand.
#[derive(Debug, thiserror::Error)]
enum NoKey {
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Contents {
    /// The keys of these tenants.
    pub async fn of(keys: ContentKeys, caches: bool, tenants: &[Tenant]) -> Self {
        let contents = Self(Arc::new(Inner {
            keys,
            caches,
            known: RwLock::default(),
            is_behind: AtomicBool::new(false),
        }));
        contents.keep(tenants).await;
        contents
    }

    /// What they are read with.
    pub fn keys(&self) -> ContentKeys {
        self.0.keys.clone()
    }

    /// Whether some key could not be had and shall be asked for again.
    pub fn is_behind(&self) -> bool {
        self.0.is_behind.load(Ordering::Relaxed)
    }

    /// Keeps the keys of these tenants and of no others. Without its key nothing of a tenant's is cached or kept.
    // threat: ANP-0010
    // threat: ANP-0016
    pub async fn keep(&self, tenants: &[Tenant]) {
        let needs = |tenant: &&Tenant| self.0.caches || tenant.history.kept != Kept::None;
        let living: Vec<&Tenant> = tenants
            .iter()
            .filter(|tenant| !control::is_ending(tenant.state))
            .collect();
        let mut kept = self.known();
        // A key outlives the wish to keep more: exchanges may still be on their way.
        kept.retain(|id, _| living.iter().any(|tenant| tenant.id == *id));
        // First without those that have ended: what comes next may take its time.
        self.set(kept.clone());
        let mut is_behind = false;
        for tenant in living.into_iter().filter(needs).map(|tenant| tenant.id) {
            if kept.contains_key(&tenant) {
                continue;
            }
            match self.held(tenant).await {
                Ok(held) => {
                    kept.insert(tenant, held);
                }
                Err(error) => {
                    is_behind |= matches!(error, NoKey::Content(ContentError::Store(_)));
                    tracing::warn!(%tenant, %error, "nothing of this tenant is cached or kept: it has no key");
                }
            }
        }
        self.set(kept);
        self.0.is_behind.store(is_behind, Ordering::Relaxed);
    }

    async fn held(&self, tenant: TenantId) -> Result<Held, NoKey> {
        let key = self.0.keys.get(tenant, UnixMillis::now()).await?;
        Ok(Held {
            cache: Arc::new(key.sealing_key(purpose::CACHE)?),
            exchanges: Arc::new(key.sealing_key(purpose::EXCHANGES)?),
        })
    }

    fn one<T>(&self, tenant: TenantId, which: impl Fn(&Held) -> T) -> Option<T> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant).map(which)
    }

    fn known(&self) -> HashMap<TenantId, Held> {
        self.0
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, keys: HashMap<TenantId, Held>) {
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

impl Sealer for Contents {
    // threat: AGP-I2
    fn key(&self, tenant: TenantId) -> Option<Arc<SealingKey>> {
        self.one(tenant, |held| held.cache.clone())
    }
}

impl Seals for Contents {
    // threat: AGP-I2
    fn key(&self, tenant: TenantId) -> Option<Arc<SealingKey>> {
        self.one(tenant, |held| held.exchanges.clone())
    }
}
