//! Stage 6: answers already given to the same tenant for the same bytes. Off unless configured.
//!
//! The key holds the tenant, the policy set, the model and the body; the value is sealed under the
//! tenant's own key, so that neither a collision nor a memory dump crosses tenants. What is found here
//! still passes inspect_output and settle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use credential::SealingKey;
use domain::TenantId;

use super::identify::inactive;
use super::inspect_input::Inspected;
use crate::gate::Gate;
use crate::refusal::Gated;
use crate::settings::CacheSettings;
use crate::ticket::Ticket;

/// Looked up, and not found: the call has to be made.
#[derive(Debug)]
pub struct Missed {
    pub(super) call: Inspected,
    pub(super) key: Option<(CacheKey, Duration)>,
}

impl Missed {
    /// The call, and under which key its answer is kept, and for how long.
    pub fn into_parts(self) -> (Inspected, Option<(CacheKey, Duration)>) {
        (self.call, self.key)
    }
}

/// What stage 6 found.
#[derive(Debug)]
pub enum Cached {
    /// The body of a former answer, in the caller's dialect.
    Hit(Bytes, Inspected),
    /// Nothing, or the cache is off.
    Miss(Missed),
}

/// Which answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey {
    tenant: TenantId,
    digest: [u8; 32],
}

/// The cache: sealed answers by key.
#[derive(Debug)]
pub struct Cache {
    master: Box<dyn Sealer>,
    answers: moka::sync::Cache<CacheKey, Arc<Sealed>>,
}

/// A sealed answer, and how long it lives: what is graver may live for a shorter time.
#[derive(Debug)]
struct Sealed {
    bytes: Box<[u8]>,
    lives: Duration,
}

/// Each answer ends in its own time.
struct Ends;

impl moka::Expiry<CacheKey, Arc<Sealed>> for Ends {
    fn expire_after_create(&self, _: &CacheKey, sealed: &Arc<Sealed>, _: Instant) -> Option<Duration> {
        Some(sealed.lives)
    }

    fn expire_after_update(
        &self,
        _: &CacheKey,
        sealed: &Arc<Sealed>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(sealed.lives)
    }
}

/// Where tenants' sealing keys come from.
pub trait Sealer: Send + Sync + std::fmt::Debug {
    /// The tenant's key for cached answers. It is asked on every call: it must be at hand.
    fn key(&self, tenant: TenantId) -> Sealing;
}

/// What a tenant's answers are sealed under.
#[derive(Debug, Clone)]
pub enum Sealing {
    /// This key.
    Key(Arc<SealingKey>),
    /// There is none now: nothing is kept.
    Nothing,
    /// It is gone for ever, and the tenant with it: nothing is answered any more.
    Gone,
}

impl Cache {
    /// An empty cache.
    pub fn new(settings: CacheSettings, master: Box<dyn Sealer>) -> Self {
        let answers = moka::sync::Cache::builder()
            .max_capacity(settings.bytes_max)
            .time_to_live(settings.ttl)
            .expire_after(Ends)
            .weigher(|_: &CacheKey, value: &Arc<Sealed>| u32::try_from(value.bytes.len()).unwrap_or(u32::MAX))
            .build();
        Self { master, answers }
    }

    /// The tenant's key, if it has one now. That it is gone is known before the directory knows it: a call that came by the
    /// one before is refused here, not made.
    // threat: ANP-0016
    fn sealing(&self, tenant: TenantId) -> Gated<Option<Arc<SealingKey>>> {
        match self.master.key(tenant) {
            Sealing::Key(key) => Ok(Some(key)),
            Sealing::Nothing => Ok(None),
            Sealing::Gone => Err(inactive().internally("the tenant's content key is gone")),
        }
    }

    fn get(&self, sealing: &SealingKey, key: &CacheKey) -> Option<Bytes> {
        let sealed = self.answers.get(key)?;
        let opened = sealing.open(&sealed.bytes, &key.digest).ok()?;
        Some(Bytes::copy_from_slice(&opened))
    }

    /// Keeps an answer for the tenant that paid for it, for this long.
    // threat: AGP-I2
    // threat: AGP-D4
    pub fn put(&self, key: CacheKey, answer: &[u8], lives: Duration) {
        let Sealing::Key(sealing) = self.master.key(key.tenant) else {
            return;
        };
        if let Ok(sealed) = sealing.seal(answer, &key.digest) {
            let bytes = sealed.into();
            self.answers.insert(key, Arc::new(Sealed { bytes, lives }));
        }
    }
}

/// Looks the call up.
// threat: AGP-I2
// threat: AGP-E1
pub fn run(gate: &Gate, call: Inspected, ticket: &Ticket) -> Gated<Cached> {
    let (Some(cache), Some(settings)) = (&gate.cache, &ticket.settings.cache) else {
        return Ok(Cached::Miss(Missed { call, key: None }));
    };
    let sealing = cache.sealing(ticket.key.principal.tenant)?;
    // What guards ask is of many tenants: they remember verdicts themselves, tenant by tenant.
    let lives = settings.lives(ticket.data_class);
    if lives.is_zero() || call.envelope.stream || ticket.is_a_guards {
        return Ok(Cached::Miss(Missed { call, key: None }));
    }
    let started = Instant::now();
    let key = key_of(&call, ticket);
    let found = sealing.and_then(|sealing| cache.get(&sealing, &key));
    tracing::debug!(request = %ticket.id, hit = found.is_some(), us = started.elapsed().as_micros(), "cache");
    Ok(match found {
        Some(body) => Cached::Hit(body, call),
        None => Cached::Miss(Missed {
            call,
            key: Some((key, lives)),
        }),
    })
}

/// Keeps an answer that was looked for and not found.
pub fn keep(gate: &Gate, key: Option<(CacheKey, Duration)>, answer: &[u8]) {
    if let (Some(cache), Some((key, lives))) = (&gate.cache, key) {
        cache.put(key, answer, lives);
    }
}

fn key_of(call: &Inspected, ticket: &Ticket) -> CacheKey {
    let tenant = ticket.key.principal.tenant;
    let mut hasher = blake3::Hasher::new_derive_key("bartizan 2026 answer cache v1");
    for part in [
        tenant.as_bytes().as_slice(),
        ticket.settings.policy_fingerprint.as_bytes(),
        &ticket.settings.revision.to_le_bytes(),
        call.endpoint.path().as_bytes(),
        call.model.name.as_bytes(),
        &call.body,
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    CacheKey {
        tenant,
        digest: *hasher.finalize().as_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use credential::{ContentKey, purpose};

    use super::*;
    use crate::refusal::Code;

    #[derive(Debug, Clone)]
    struct Says(Arc<Mutex<Sealing>>);

    impl Sealer for Says {
        fn key(&self, _: TenantId) -> Sealing {
            self.0.lock().unwrap().clone()
        }
    }

    #[test]
    fn anp_0016_a_tenant_whose_content_key_is_gone_is_refused_and_not_served_without_the_cache() {
        let content = ContentKey::generate().unwrap();
        let sealing = Sealing::Key(Arc::new(content.sealing_key(purpose::CACHE).unwrap()));
        let says = Says(Arc::new(Mutex::new(sealing)));
        let settings = CacheSettings {
            bytes_max: 1 << 20,
            ttl: Duration::from_secs(60),
            ttl_max: domain::ByClass::default(),
        };
        let cache = Cache::new(settings, Box::new(says.clone()));
        let key = CacheKey {
            tenant: TenantId::from_u128(1),
            digest: [7; 32],
        };
        let found = || {
            let sealing = cache.sealing(key.tenant)?;
            Gated::Ok(sealing.and_then(|sealing| cache.get(&sealing, &key)))
        };
        cache.put(key, b"an answer", Duration::from_secs(60));
        assert_eq!(found().unwrap().as_deref(), Some(&b"an answer"[..]));
        *says.0.lock().unwrap() = Sealing::Nothing;
        assert_eq!(found().unwrap(), None, "it is served, and nothing is kept");
        *says.0.lock().unwrap() = Sealing::Gone;
        assert_eq!(found().unwrap_err().code, Code::TenantInactive);
    }
}
