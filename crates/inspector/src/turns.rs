//! Whose turn it is: so many requests to one guard outside are under way at once, and no tenant's are all of them. Never
//! looks at what is asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use domain::TenantId;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

/// Turns of one guard outside.
#[derive(Debug)]
pub struct Turns {
    all: Semaphore,
    share: usize,
    tenants: Mutex<HashMap<TenantId, Weak<Semaphore>>>,
}

/// One tenant's part of them. Held as long as it asks.
#[derive(Debug)]
pub struct Share<'t> {
    all: &'t Semaphore,
    own: Arc<Semaphore>,
}

/// Leave for one request.
#[derive(Debug)]
pub struct Turn<'s> {
    /// Whether nobody had to be waited for.
    pub at_once: bool,
    _all: SemaphorePermit<'s>,
    _own: SemaphorePermit<'s>,
}

impl Turns {
    /// So many at once, of which one tenant has three quarters at most: one is always left for the others, where there are two.
    pub fn new(at_once_max: usize) -> Self {
        Self {
            all: Semaphore::new(at_once_max),
            share: at_once_max.saturating_sub((at_once_max / 4).max(1)).max(1),
            tenants: Mutex::default(),
        }
    }

    /// The tenant's part, the same for all that it asks now.
    // threat: AGP-D2
    pub fn of(&self, tenant: TenantId) -> Share<'_> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let own = tenants.get(&tenant).and_then(Weak::upgrade);
        let own = own.unwrap_or_else(|| {
            tenants.retain(|_, share| share.strong_count() > 0);
            let own = Arc::new(Semaphore::new(self.share));
            tenants.insert(tenant, Arc::downgrade(&own));
            own
        });
        Share { all: &self.all, own }
    }
}

impl Share<'_> {
    /// A turn, as soon as there is one. Where many wait, no more of a tenant's stand in the line of all than it has turns.
    pub async fn turn(&self) -> Result<Turn<'_>, AcquireError> {
        if let Ok(own) = self.own.try_acquire()
            && let Ok(all) = self.all.try_acquire()
        {
            return Ok(Turn {
                at_once: true,
                _all: all,
                _own: own,
            });
        }
        let own = self.own.acquire().await?;
        Ok(Turn {
            at_once: false,
            _all: self.all.acquire().await?,
            _own: own,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn agp_d2_one_tenant_never_has_all_turns() {
        for (at_once_max, share) in [(1, 1), (2, 1), (3, 2), (4, 3), (16, 12)] {
            let turns = Turns::new(at_once_max);
            let (greedy, other) = (TenantId::generate(), TenantId::generate());
            let (one, again) = (turns.of(greedy), turns.of(greedy));
            let mut held = Vec::new();
            for number in 0..share {
                let asked = if number % 2 == 0 { &one } else { &again };
                let turn = asked.turn().await.unwrap();
                assert!(turn.at_once);
                held.push(turn);
            }
            for asked in [&one, &again] {
                assert!(
                    asked.own.try_acquire().is_err(),
                    "{at_once_max}: no more than its share"
                );
            }
            if at_once_max > 1 {
                assert!(turns.of(other).turn().await.unwrap().at_once, "{at_once_max}");
            }
        }
    }

    #[tokio::test]
    async fn who_asks_no_more_is_forgotten() {
        let turns = Turns::new(4);
        for _ in 0..100 {
            turns.of(TenantId::generate());
        }
        let kept = turns.of(TenantId::generate());
        assert_eq!(turns.tenants.lock().unwrap().len(), 1);
        drop(kept);
    }
}
