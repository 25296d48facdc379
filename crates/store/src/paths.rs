//! Paths through the logs, for proofs that are asked for while others are served: the roots of whole stretches are kept,
//! so that a path costs one stretch of leaves and not the log. What is kept is bounded, and believed by nobody: whoever
//! makes a proof verifies it, and has it forgotten if it does not hold.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{TenantId, TenantScope};
use ledger::merkle::{Hash, consistency_over, inclusion_over, root_of};

use crate::{LogKind, Store, StoreError};

/// Leaves of a stretch: 32 KiB of hashes.
const EACH: u64 = 1024;
/// Leaves that are read at once while roots are made: 1 MiB of hashes.
const READ_AT_ONCE: u64 = 32 * EACH;
/// Roots that are kept of all logs together: 8 MiB, for 268 million entries.
const ROOTS_MAX: usize = 1 << 18;

/// Makes paths.
pub struct Paths {
    store: Arc<dyn Store>,
    known: Mutex<HashMap<(TenantId, LogKind), Vec<Hash>>>,
}

impl fmt::Debug for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Paths")
    }
}

impl Paths {
    /// Through the logs of this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            known: Mutex::default(),
        }
    }

    /// From leaf `index` to the root at `size`.
    pub async fn inclusion(
        &self,
        scope: &TenantScope,
        log: LogKind,
        (index, size): (u64, u64),
    ) -> Result<Vec<Hash>, StoreError> {
        let (roots, leaves) = self.around(scope, log, (index, size)).await?;
        inclusion_over(&roots, &leaves, index, EACH).ok_or(StoreError::NotFound)
    }

    /// From the log of `old` leaves to that of `size`; nothing where one is empty or both are the same.
    pub async fn consistency(
        &self,
        scope: &TenantScope,
        log: LogKind,
        (old, size): (u64, u64),
    ) -> Result<Vec<Hash>, StoreError> {
        if old == 0 || old == size {
            return Ok(Vec::new());
        }
        let (roots, leaves) = self.around(scope, log, (old, size)).await?;
        consistency_over(&roots, &leaves, old, EACH).ok_or(StoreError::NotFound)
    }

    /// Keeps nothing of this log any more: what was made of it does not hold.
    pub fn forget(&self, tenant: TenantId, log: LogKind) {
        self.known().remove(&(tenant, log));
    }

    /// The roots of all stretches, and the leaves of the one around `at`.
    async fn around(
        &self,
        scope: &TenantScope,
        log: LogKind,
        (at, size): (u64, u64),
    ) -> Result<(Vec<Hash>, Vec<Hash>), StoreError> {
        if at >= size {
            return Err(StoreError::NotFound);
        }
        let roots = self.roots(scope, log, size).await?;
        let from = at - at % EACH;
        let leaves = self.leaves(scope, log, from, size.min(from + EACH)).await?;
        Ok((roots, leaves))
    }

    async fn roots(&self, scope: &TenantScope, log: LogKind, size: u64) -> Result<Vec<Hash>, StoreError> {
        let name = (scope.tenant(), log);
        let whole = usize::try_from(size / EACH).unwrap_or(usize::MAX);
        let mut roots = self.known().get(&name).cloned().unwrap_or_default();
        roots.truncate(whole);
        let before = roots.len();
        while roots.len() < whole {
            let from = EACH * u64::try_from(roots.len()).unwrap_or(u64::MAX);
            let end = from.saturating_add(READ_AT_ONCE).min(size - size % EACH);
            let leaves = self.leaves(scope, log, from, end).await?;
            let each = usize::try_from(EACH).unwrap_or(usize::MAX);
            roots.extend(leaves.chunks(each).map(root_of));
        }
        if roots.len() > before {
            self.keep(name, &roots);
        }
        if !size.is_multiple_of(EACH) {
            let leaves = self.leaves(scope, log, size - size % EACH, size).await?;
            roots.push(root_of(&leaves));
        }
        Ok(roots)
    }

    fn keep(&self, name: (TenantId, LogKind), roots: &[Hash]) {
        let mut known = self.known();
        let others = known.iter().filter(|(of, _)| **of != name);
        if others.map(|(_, roots)| roots.len()).sum::<usize>() + roots.len() > ROOTS_MAX {
            known.clear();
        }
        let longest = known.get(&name).map_or(0, Vec::len);
        if roots.len() > longest && roots.len() <= ROOTS_MAX {
            known.insert(name, roots.to_vec());
        }
    }

    /// Leaves `from` up to `to`, all of them.
    async fn leaves(
        &self,
        scope: &TenantScope,
        log: LogKind,
        from: u64,
        to: u64,
    ) -> Result<Vec<Hash>, StoreError> {
        let leaves = self.store.log_leaves(scope, log, from, to).await?;
        let all = u64::try_from(leaves.len()).is_ok_and(|count| count == to - from);
        all.then_some(leaves).ok_or(StoreError::NotFound)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<(TenantId, LogKind), Vec<Hash>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
