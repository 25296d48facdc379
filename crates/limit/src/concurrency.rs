//! How many at once: an atomic count with a ceiling, and permits that give their place back when dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A ceiling on how many permits are out at once. Clones share the count.
#[derive(Debug, Clone)]
pub struct Concurrency(Arc<Places>);

#[derive(Debug)]
struct Places {
    taken: AtomicU32,
    max: u32,
}

/// All places are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {max} places are taken")]
pub struct Full {
    /// How many places there are.
    pub max: u32,
}

/// One place; free again when dropped.
#[derive(Debug)]
pub struct Permit(Arc<Places>);

impl Concurrency {
    /// At most `max` at once; zero admits nothing.
    pub fn new(max: u32) -> Self {
        Self(Arc::new(Places {
            taken: AtomicU32::new(0),
            max,
        }))
    }

    /// Takes a place if one is free.
    // threat: ANP-0019
    // threat: CTX-T5
    pub fn acquire(&self) -> Result<Permit, Full> {
        let max = self.0.max;
        let take = |taken: u32| (taken < max).then(|| taken + 1);
        match self
            .0
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        {
            Ok(_) => Ok(Permit(Arc::clone(&self.0))),
            Err(_) => Err(Full { max }),
        }
    }

    /// How many places are taken.
    pub fn taken(&self) -> u32 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// How many places there are.
    pub fn max(&self) -> u32 {
        self.0.max
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anp_0019_at_the_ceiling_and_one_past_it() {
        let places = Concurrency::new(2);
        let (a, _b) = (places.acquire().unwrap(), places.clone().acquire().unwrap());
        assert_eq!(places.acquire().unwrap_err(), Full { max: 2 });
        drop(a);
        assert_eq!(places.taken(), 1);
        let _c = places.acquire().unwrap();
        assert!(places.acquire().is_err());
        assert!(Concurrency::new(0).acquire().is_err());
    }

    #[test]
    fn ctx_t5_threads_together_never_exceed_the_ceiling() {
        let places = Concurrency::new(3);
        let most = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        if let Ok(_permit) = places.acquire() {
                            most.fetch_max(places.taken(), Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(places.taken(), 0);
    }
}
