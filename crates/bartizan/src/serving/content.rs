//! Tenants' keys for their content, in memory: read when the directory changes, never for a call. What is cached for a
//! tenant is sealed under one, what it keeps of its exchanges under another. With a tenant both go, and what was sealed
//! never opens again.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use control::{ContentError, ContentKeys};
use credential::{SealError, SealingKey, purpose};
use data::{Sealer, Sealing};
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
    known: RwLock<Known>,
    is_behind: AtomicBool,
}

/// What is known of tenants' keys.
#[derive(Debug, Clone, Default)]
struct Known {
    held: HashMap<TenantId, Held>,
    /// Whose are gone for ever.
    gone: HashSet<TenantId>,
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
        let mut known = self.read().clone();
        let alive: HashSet<TenantId> = living.iter().map(|tenant| tenant.id).collect();
        let ending = tenants.iter().map(|tenant| tenant.id);
        known.gone = ending.chain(known.held.keys().copied()).collect();
        known.gone.retain(|id| !alive.contains(id));
        // A key outlives the wish to keep more: exchanges may still be on their way.
        known.held.retain(|id, _| alive.contains(id));
        // First without those that have ended: what comes next may take its time.
        self.set(known.clone());
        let mut is_behind = false;
        for tenant in living.iter().copied().filter(needs).map(|tenant| tenant.id) {
            if known.held.contains_key(&tenant) {
                continue;
            }
            match self.held(tenant).await {
                Ok(held) => {
                    known.held.insert(tenant, held);
                }
                Err(error) => {
                    is_behind |= matches!(error, NoKey::Content(ContentError::Store(_)));
                    if matches!(error, NoKey::Content(ContentError::Destroyed)) {
                        known.gone.insert(tenant);
                    }
                    tracing::warn!(%tenant, %error, "nothing of this tenant is cached or kept: it has no key");
                }
            }
        }
        self.set(known);
        self.0.is_behind.store(is_behind, Ordering::Relaxed);
    }

    async fn held(&self, tenant: TenantId) -> Result<Held, NoKey> {
        let key = self.0.keys.get(tenant, UnixMillis::now()).await?;
        Ok(Held {
            cache: Arc::new(key.sealing_key(purpose::CACHE)?),
            exchanges: Arc::new(key.sealing_key(purpose::EXCHANGES)?),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, known: Known) {
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

impl Sealer for Contents {
    // threat: AGP-I2
    // threat: ANP-0016
    fn key(&self, tenant: TenantId) -> Sealing {
        let known = self.read();
        match known.held.get(&tenant) {
            Some(held) => Sealing::Key(held.cache.clone()),
            None if known.gone.contains(&tenant) => Sealing::Gone,
            None => Sealing::Nothing,
        }
    }
}

impl Seals for Contents {
    // threat: AGP-I2
    fn key(&self, tenant: TenantId) -> Option<Arc<SealingKey>> {
        self.read().held.get(&tenant).map(|held| held.exchanges.clone())
    }
}
