//! Spent nonces in memory.

use std::collections::btree_map::Entry;

use async_trait::async_trait;
use domain::{TenantScope, UnixMillis};

use super::MemoryStore;
use crate::{Nonces, StoreError};

#[async_trait]
impl Nonces for MemoryStore {
    async fn spend_nonce(
        &self,
        scope: &TenantScope,
        digest: &[u8; 32],
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        match self.state().nonces.entry((scope.tenant(), *digest)) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(place) => {
                place.insert(until);
                Ok(true)
            }
        }
    }

    async fn forget_nonces(&self, now: UnixMillis) -> Result<u64, StoreError> {
        let nonces = &mut self.state().nonces;
        let before = nonces.len();
        nonces.retain(|_, until| *until >= now);
        Ok((before - nonces.len()) as u64)
    }
}
