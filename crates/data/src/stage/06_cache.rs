//! Stage 6: answers already given to the same tenant for the same bytes. Off unless configured.
//!
//! The key holds the tenant, the policy set, the model and the body; the value is sealed under the
//! tenant's own key, so that neither a collision nor a memory dump crosses tenants. What is found here
//! still passes inspect_output and settle.

use std::sync::Arc;
use std::time::Instant;

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
    pub(super) key: Option<CacheKey>,
}

impl Missed {
    /// The call, and under which key its answer is kept.
    pub fn into_parts(self) -> (Inspected, Option<CacheKey>) {
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
    answers: moka::sync::Cache<CacheKey, Arc<[u8]>>,
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
            .weigher(|_: &CacheKey, value: &Arc<[u8]>| u32::try_from(value.len()).unwrap_or(u32::MAX))
            .build();
        Self { master, answers }
    }

    fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let sealed = self.answers.get(key)?;
        let opened = self.master.key(key.tenant)?.open(&sealed, &key.digest).ok()?;
        Some(Bytes::copy_from_slice(&opened))
    }

    /// Keeps an answer for the tenant that paid for it.
    // threat: AGP-I2
    // threat: AGP-D4
    pub fn put(&self, key: CacheKey, answer: &[u8]) {
        let Some(sealing) = self.master.key(key.tenant) else {
            return;
        };
        if let Ok(sealed) = sealing.seal(answer, &key.digest) {
            self.answers.insert(key, sealed.into());
        }
    }
}

/// Looks the call up.
// threat: AGP-I2
// threat: AGP-E1
pub fn run(gate: &Gate, call: Inspected, ticket: &Ticket) -> Cached {
    let Some(cache) = gate
        .cache
        .as_ref()
        .filter(|_| ticket.settings.cache.is_some() && !call.envelope.stream)
    else {
        return Cached::Miss(Missed { call, key: None });
    };
    let started = Instant::now();
    let key = key_of(&call, ticket);
    let found = cache.get(&key);
    tracing::debug!(request = %ticket.id, hit = found.is_some(), us = started.elapsed().as_micros(), "cache");
    match found {
        Some(body) => Cached::Hit(body, call),
        None => Cached::Miss(Missed { call, key: Some(key) }),
    }
}

/// Keeps an answer that was looked for and not found.
pub fn keep(gate: &Gate, key: Option<CacheKey>, answer: &[u8]) {
    if let (Some(cache), Some(key)) = (&gate.cache, key) {
        cache.put(key, answer);
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
