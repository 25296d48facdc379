//! Nonces that were seen, for as long as they could be used again. Of fixed size: when it is full, requests
//! are refused rather than nonces forgotten, and nobody fills it for others.
//!
//! An entry takes some hundred bytes. The window is a process's own: another replica has not seen what this
//! one has, and a restart forgets; so signatures made before the window began are refused.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{Context, SHA256};
use domain::UnixMillis;

/// 128 bits of a hash.
type Digest = [u8; 16];

/// Why a nonce is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// It was seen.
    #[error("the nonce was used before; sign each request with a new one")]
    Replayed,
    /// Made before anything was remembered: it may have been used then.
    #[error("the signature is older than this instance remembers; sign the request anew")]
    BeforeMemory,
    /// This key has used all that is kept for one.
    #[error("the key has too many signed requests in this minute; slow down")]
    KeyFull,
    /// All is used.
    #[error("too many signed requests in this minute; try again later")]
    Full,
}

/// What was seen.
#[derive(Debug)]
pub struct Replay {
    entries_max: usize,
    entries_per_key_max: usize,
    began: UnixMillis,
    /// Each nonce with its key, and until when.
    seen: BTreeMap<Digest, Digest>,
    until: BTreeSet<(UnixMillis, Digest)>,
    per_key: BTreeMap<Digest, usize>,
}

impl Replay {
    /// Room for `entries_max` nonces, of which one key may take `entries_per_key_max`. `began` is now; an
    /// earlier time for whoever knows that nothing was admitted since.
    pub const fn new(entries_max: usize, entries_per_key_max: usize, began: UnixMillis) -> Self {
        Self {
            entries_max,
            entries_per_key_max,
            began,
            seen: BTreeMap::new(),
            until: BTreeSet::new(),
            per_key: BTreeMap::new(),
        }
    }

    /// Admits the nonce of a verified signature of `key`, once.
    // threat: ANP-0001
    pub fn admit(
        &mut self,
        key: &str,
        nonce: &str,
        created: UnixMillis,
        remember_until: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), NotAdmitted> {
        self.forget(now);
        let (owner, name) = (digest(&[key]), digest(&[key, nonce]));
        if self.seen.contains_key(&name) {
            return Err(NotAdmitted::Replayed);
        }
        if created < self.began {
            return Err(NotAdmitted::BeforeMemory);
        }
        let count = self.per_key.get(&owner).copied().unwrap_or(0);
        if count >= self.entries_per_key_max {
            return Err(NotAdmitted::KeyFull);
        }
        if self.seen.len() >= self.entries_max {
            return Err(NotAdmitted::Full);
        }
        self.seen.insert(name, owner);
        self.until.insert((remember_until, name));
        self.per_key.insert(owner, count + 1);
        Ok(())
    }

    /// What is too old to be accepted need not be remembered. At `remember_until` itself it still is.
    fn forget(&mut self, now: UnixMillis) {
        while let Some((until, name)) = self.until.first().copied()
            && until < now
        {
            self.until.pop_first();
            let Some(owner) = self.seen.remove(&name) else {
                continue;
            };
            match self.per_key.get_mut(&owner) {
                Some(count) if *count > 1 => *count -= 1,
                _ => drop(self.per_key.remove(&owner)),
            }
        }
    }
}

/// A name of one size. Lengths are hashed too, so that no two lists of parts run into the same text.
fn digest(parts: &[&str]) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut out = Digest::default();
    out.iter_mut()
        .zip(context.finish().as_ref())
        .for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: UnixMillis = UnixMillis(1_800_000_000_000);

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(START.0 + ms)
    }

    #[test]
    fn anp_0001_a_nonce_is_admitted_once_while_it_could_be_used() {
        let mut replay = Replay::new(10, 10, START);
        let mut admit = |nonce, now| replay.admit("a", nonce, START, at(60), at(now));
        assert_eq!(admit("n", 0), Ok(()));
        assert_eq!(admit("n", 0), Err(NotAdmitted::Replayed));
        assert_eq!(admit("n", 60), Err(NotAdmitted::Replayed));
        // By then the signature itself is refused for its age.
        assert_eq!(admit("n", 61), Ok(()));
    }

    #[test]
    fn keys_do_not_share_nonces_nor_run_into_each_other() {
        let mut replay = Replay::new(10, 10, START);
        for (key, nonce) in [
            ("a", "n"),
            ("b", "n"),
            ("an", ""),
            ("", "an"),
            ("", "a"),
            ("a", ""),
        ] {
            assert_eq!(
                replay.admit(key, nonce, START, at(60), START),
                Ok(()),
                "{key} {nonce}"
            );
        }
    }

    #[test]
    fn anp_0001_a_full_window_refuses_and_one_key_cannot_fill_it() {
        let mut replay = Replay::new(5, 3, START);
        let mut admit =
            |key: &str, nonce: u8, now| replay.admit(key, &nonce.to_string(), START, at(60), at(now));
        for nonce in 0..3 {
            assert_eq!(admit("hog", nonce, 0), Ok(()));
        }
        assert_eq!(admit("hog", 3, 0), Err(NotAdmitted::KeyFull));
        assert_eq!(admit("a", 0, 0), Ok(()));
        assert_eq!(admit("b", 0, 0), Ok(()));
        assert_eq!(admit("c", 0, 0), Err(NotAdmitted::Full));
        // Nothing was forgotten for it.
        assert_eq!(admit("hog", 0, 60), Err(NotAdmitted::Replayed));
        for nonce in 0..3 {
            assert_eq!(admit("hog", nonce, 61), Ok(()));
        }
    }

    #[test]
    fn anp_0001_what_was_signed_before_the_window_began_is_refused() {
        let mut replay = Replay::new(5, 5, START);
        assert_eq!(
            replay.admit("a", "n", at(-1), at(60), START),
            Err(NotAdmitted::BeforeMemory)
        );
        assert_eq!(replay.admit("a", "n", at(0), at(60), START), Ok(()));
    }

    proptest! {
        #[test]
        fn anp_0001_no_nonce_is_admitted_twice_within_its_time(steps in proptest::collection::vec((0u8..3, 0u8..6, 0i64..40), 0..200)) {
            let mut replay = Replay::new(8, 4, START);
            let mut now = 0;
            let mut admitted: Vec<(u8, u8, i64)> = Vec::new();
            for (key, nonce, pause) in steps {
                now += pause;
                let answer = replay.admit(&key.to_string(), &nonce.to_string(), at(now), at(now + 60), at(now));
                let live = |(k, n, until): &(u8, u8, i64)| (*k, *n) == (key, nonce) && *until >= now;
                prop_assert_eq!(answer == Err(NotAdmitted::Replayed), admitted.iter().any(live));
                if answer.is_ok() {
                    admitted.push((key, nonce, now + 60));
                }
                let remembered = admitted.iter().filter(|(_, _, until)| *until >= now).count();
                prop_assert_eq!(replay.seen.len(), remembered);
                prop_assert_eq!(replay.until.len(), remembered);
                prop_assert_eq!(replay.per_key.values().sum::<usize>(), remembered);
                prop_assert!(remembered <= 8 && replay.per_key.values().all(|count| *count <= 4));
            }
        }
    }
}
