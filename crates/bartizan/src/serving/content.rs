//! Tenants' keys for cached answers, in memory: read when the directory changes, never for a call. With a tenant
//! its key goes, and what was cached for it never opens again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use control::ContentKeys;
use credential::{SealingKey, purpose};
use data::Sealer;
use domain::{TenantId, UnixMillis};
use store::Tenant;

/// The keys at hand. Clones share them.
#[derive(Debug, Clone)]
pub struct Contents(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Option<ContentKeys>,
    known: RwLock<HashMap<TenantId, Arc<SealingKey>>>,
    is_behind: AtomicBool,
}

impl Contents {
    /// The keys of these tenants.
    pub async fn of(keys: ContentKeys, tenants: &[Tenant]) -> Self {
        let contents = Self::new(Some(keys));
        contents.keep(tenants).await;
        contents
    }

    /// Nobody needs any.
    pub fn unused() -> Self {
        Self::new(None)
    }

    fn new(keys: Option<ContentKeys>) -> Self {
        Self(Arc::new(Inner {
            keys,
            known: RwLock::default(),
            is_behind: AtomicBool::new(false),
        }))
    }

    /// Whether some key could not be had and shall be asked for again.
    pub fn is_behind(&self) -> bool {
        self.0.is_behind.load(Ordering::Relaxed)
    }

    /// Keeps the keys of these tenants and of no others. Without its key a tenant's answers are not cached.
    // threat: ANP-0010
    // threat: ANP-0016
    pub async fn keep(&self, tenants: &[Tenant]) {
        let Some(keys) = &self.0.keys else { return };
        let living: Vec<TenantId> = tenants
            .iter()
            .filter(|tenant| !control::is_ending(tenant.state))
            .map(|tenant| tenant.id)
            .collect();
        let mut kept = self.known();
        kept.retain(|tenant, _| living.contains(tenant));
        // First without those that have ended: what comes next may take its time.
        self.set(kept.clone());
        let mut is_behind = false;
        for tenant in living {
            if kept.contains_key(&tenant) {
                continue;
            }
            let key = keys.get(tenant, UnixMillis::now()).await;
            match key.map(|key| key.sealing_key(purpose::CACHE)) {
                Ok(Ok(key)) => {
                    kept.insert(tenant, Arc::new(key));
                }
                Ok(Err(error)) => tracing::error!(%tenant, %error, "answers are not cached for this tenant"),
                Err(error) => {
                    is_behind |= matches!(error, control::ContentError::Store(_));
                    tracing::warn!(%tenant, %error, "answers are not cached for this tenant");
                }
            }
        }
        self.set(kept);
        self.0.is_behind.store(is_behind, Ordering::Relaxed);
    }

    fn known(&self) -> HashMap<TenantId, Arc<SealingKey>> {
        self.0
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, keys: HashMap<TenantId, Arc<SealingKey>>) {
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

impl Sealer for Contents {
    // threat: AGP-I2
    fn key(&self, tenant: TenantId) -> Option<Arc<SealingKey>> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant).cloned()
    }
}
