//! Whether a stored key may be used now, from there; and how it is rotated and revoked.

use std::net::IpAddr;
use std::time::Duration;

use domain::UnixMillis;

use crate::pepper::same_digest;
use crate::{KeyRecord, KeyState, Predecessor, Suspension};

/// Which of a record's digests the presented key had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The key in force.
    Current,
    /// The one that rotation replaced.
    Predecessor,
}

/// Why a key that exists may not be used. For the log and the audit: a caller is told only that the key
/// is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Revoked for ever.
    #[error("the key is revoked")]
    Revoked,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// It was rotated and the grace of the old one is over.
    #[error("the key was rotated and its grace has ended")]
    PredecessorExpired,
    /// It is a bait: whoever has it took it.
    #[error("the key is a honey key")]
    Honey,
    /// Somebody, or a signal, took it out of use until somebody lets it work again.
    #[error("the key is suspended")]
    Suspended,
    /// Not to be used from this address.
    #[error("the key may not be used from this address")]
    WrongNetwork,
}

impl KeyRecord {
    /// Which of the record's digests this is, compared in constant time.
    pub fn matches(&self, digest: &[u8; 32]) -> Option<Which> {
        if same_digest(&self.digest, digest) {
            return Some(Which::Current);
        }
        let old = self.predecessor.as_ref()?;
        same_digest(&old.digest, digest).then_some(Which::Predecessor)
    }

    /// Whether the key may be used at `now` from `address`. An unknown address satisfies no restriction.
    // threat: AGP-S1
    // threat: ANP-0001
    pub fn check(&self, matched: Which, now: UnixMillis, address: Option<IpAddr>) -> Result<(), KeyProblem> {
        if self.state == KeyState::Revoked {
            return Err(KeyProblem::Revoked);
        }
        if self.expires.is_some_and(|end| now >= end) {
            return Err(KeyProblem::Expired);
        }
        if matched == Which::Predecessor && self.predecessor.is_none_or(|old| now >= old.valid_until) {
            return Err(KeyProblem::PredecessorExpired);
        }
        // Before its networks are asked about: nothing may tell it from a key that is not there.
        if self.honey {
            return Err(KeyProblem::Honey);
        }
        if !self.allows(address) {
            return Err(KeyProblem::WrongNetwork);
        }
        if self.suspended.is_some() {
            return Err(KeyProblem::Suspended);
        }
        Ok(())
    }

    /// A v4 address that arrives mapped into v6 is the v4 address.
    fn allows(&self, address: Option<IpAddr>) -> bool {
        let inside = |address: IpAddr| {
            self.networks
                .iter()
                .any(|net| net.contains(&address.to_canonical()))
        };
        self.networks.is_empty() || address.is_some_and(inside)
    }

    /// The record after rotation: the new digest in force, the old one good for `grace` more.
    ///
    /// Only one predecessor is kept: one that still had grace from an earlier rotation loses it. A revoked
    /// key stays revoked, and with no grace nothing of the old key remains.
    #[must_use]
    pub fn rotate(&self, digest: [u8; 32], hint: String, grace: Duration, now: UnixMillis) -> Self {
        let old = Predecessor {
            digest: self.digest,
            valid_until: now.plus(grace),
        };
        Self {
            digest,
            hint,
            predecessor: (!grace.is_zero()).then_some(old),
            ..self.clone()
        }
    }

    /// The record while the key is suspended; what was said first stays.
    #[must_use]
    pub fn suspend(&self, why: Suspension) -> Self {
        Self {
            suspended: Some(self.suspended.clone().unwrap_or(why)),
            ..self.clone()
        }
    }

    /// The record once it works again.
    #[must_use]
    pub fn resume(&self) -> Self {
        Self {
            suspended: None,
            ..self.clone()
        }
    }

    /// The record after revocation, of all its digests at once.
    #[must_use]
    pub fn revoke(&self) -> Self {
        Self {
            state: KeyState::Revoked,
            predecessor: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, ModelAccess};
    use domain::{KeyId, TeamId, TenantId};

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn record() -> KeyRecord {
        KeyRecord {
            id: KeyId::from_u128(1),
            tenant: TenantId::from_u128(2),
            team: TeamId::from_u128(3),
            project: None,
            owner: None,
            name: "ci".into(),
            digest: [1; 32],
            hint: "btz_1111…".into(),
            predecessor: None,
            state: KeyState::Active,
            created: UnixMillis(0),
            expires: None,
            models: ModelAccess::All,
            operations: Vec::new(),
            networks: Vec::new(),
            limits: Limits::default(),
            signing_key: None,
            bindings: Vec::new(),
            honey: false,
            receipts: false,
            suspended: None,
            marks: crate::Marks::default(),
        }
    }

    fn at(millis: i64) -> UnixMillis {
        UnixMillis(millis)
    }

    #[test]
    fn agp_s1_expiry_is_exact() {
        let record = KeyRecord {
            expires: Some(NOW),
            ..record()
        };
        assert_eq!(record.check(Which::Current, at(NOW.0 - 1), None), Ok(()));
        assert_eq!(record.check(Which::Current, NOW, None), Err(KeyProblem::Expired));
    }

    #[test]
    fn agp_s1_a_revoked_key_is_refused_whatever_else_holds() {
        let record = KeyRecord {
            expires: Some(at(1)),
            ..record()
        }
        .rotate([2; 32], "h".into(), Duration::from_secs(60), NOW)
        .revoke();
        for which in [Which::Current, Which::Predecessor] {
            assert_eq!(record.check(which, NOW, None), Err(KeyProblem::Revoked));
        }
        assert_eq!(record.matches(&[1; 32]), None);
        let again = record.rotate([3; 32], "h".into(), Duration::ZERO, NOW);
        assert_eq!(again.check(Which::Current, NOW, None), Err(KeyProblem::Revoked));
    }

    #[test]
    fn anp_0001_the_old_key_lives_exactly_its_grace() {
        let rotated = record().rotate([2; 32], "btz_2222…".into(), Duration::from_millis(500), NOW);
        assert_eq!(rotated.matches(&[2; 32]), Some(Which::Current));
        assert_eq!(rotated.matches(&[1; 32]), Some(Which::Predecessor));
        assert_eq!(rotated.hint, "btz_2222…");
        assert_eq!(rotated.check(Which::Predecessor, at(NOW.0 + 499), None), Ok(()));
        assert_eq!(
            rotated.check(Which::Predecessor, at(NOW.0 + 500), None),
            Err(KeyProblem::PredecessorExpired)
        );
        assert_eq!(rotated.check(Which::Current, at(NOW.0 + 500), None), Ok(()));
        let bare = record().rotate([2; 32], "h".into(), Duration::ZERO, NOW);
        assert_eq!(bare.matches(&[1; 32]), None);
        assert_eq!(
            bare.check(Which::Predecessor, NOW, None),
            Err(KeyProblem::PredecessorExpired)
        );
    }

    #[test]
    fn anp_0001_a_suspended_key_is_refused_in_all_its_forms_until_it_is_resumed() {
        let suspended = record().suspend(Suspension {
            since: NOW,
            why: "new_network".into(),
        });
        let again = suspended.suspend(Suspension::by_hand(at(NOW.0 + 1)));
        assert_eq!(again, suspended, "what was said first stays");
        let rotated = suspended.rotate([2; 32], "h".into(), Duration::from_secs(60), NOW);
        for which in [Which::Current, Which::Predecessor] {
            assert_eq!(rotated.check(which, NOW, None), Err(KeyProblem::Suspended));
            assert_eq!(rotated.resume().check(which, NOW, None), Ok(()));
            assert_eq!(rotated.revoke().check(which, NOW, None), Err(KeyProblem::Revoked));
        }
        assert_eq!(suspended.resume(), record());
        let elsewhere = KeyRecord {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            ..suspended
        };
        let from = Some("192.0.2.1".parse().unwrap());
        assert_eq!(
            elsewhere.check(Which::Current, NOW, from),
            Err(KeyProblem::WrongNetwork),
            "nobody else is told"
        );
    }

    #[test]
    fn ctx_t1_networks_hold_for_mapped_and_unknown_addresses() {
        let record = KeyRecord {
            networks: vec!["10.1.0.0/16".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            ..record()
        };
        let from = |text: &str| record.check(Which::Current, NOW, Some(text.parse().unwrap()));
        assert_eq!(from("10.1.255.255"), Ok(()));
        assert_eq!(from("::ffff:10.1.2.3"), Ok(()));
        assert_eq!(from("2001:db8::1"), Ok(()));
        assert_eq!(from("10.2.0.0"), Err(KeyProblem::WrongNetwork));
        assert_eq!(from("::1"), Err(KeyProblem::WrongNetwork));
        assert_eq!(
            record.check(Which::Current, NOW, None),
            Err(KeyProblem::WrongNetwork)
        );
    }
}
