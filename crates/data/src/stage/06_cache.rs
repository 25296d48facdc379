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

use super::inspect_input::Inspected;
use crate::gate::Gate;
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
    /// The tenant's key for cached answers; none where nothing may be kept for it, or no longer. It is asked on
    /// every call: it must be at hand.
    fn key(&self, tenant: TenantId) -> Option<Arc<SealingKey>>;
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

    fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let sealed = self.answers.get(key)?;
        let opened = self
            .master
            .key(key.tenant)?
            .open(&sealed.bytes, &key.digest)
            .ok()?;
        Some(Bytes::copy_from_slice(&opened))
    }

    /// Keeps an answer for the tenant that paid for it, for this long.
    // threat: AGP-I2
    // threat: AGP-D4
    pub fn put(&self, key: CacheKey, answer: &[u8], lives: Duration) {
        let Some(sealing) = self.master.key(key.tenant) else {
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
pub fn run(gate: &Gate, call: Inspected, ticket: &Ticket) -> Cached {
    let lives = ticket.settings.cache.map(|cache| cache.lives(ticket.data_class));
    let lives = lives.filter(|lives| !lives.is_zero() && !call.envelope.stream);
    let (Some(cache), Some(lives)) = (&gate.cache, lives) else {
        return Cached::Miss(Missed { call, key: None });
    };
    let started = Instant::now();
    let key = key_of(&call, ticket);
    let found = cache.get(&key);
    tracing::debug!(request = %ticket.id, hit = found.is_some(), us = started.elapsed().as_micros(), "cache");
    match found {
        Some(body) => Cached::Hit(body, call),
        None => Cached::Miss(Missed {
            call,
            key: Some((key, lives)),
        }),
    }
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
