//! The session of a person: since when, until when, and by what it was proven. Rules only: whose it is and
//! under which token it is found is the store's row around it.

use std::time::Duration;

use domain::UnixMillis;
use serde::{Deserialize, Serialize};

/// Clocks of replicas differ: a proof may be this much younger than now.
const CLOCKS_DIFFER: Duration = Duration::from_secs(10);
/// `last_seen` is worth storing again after this part of the idle time.
const SEEN_PARTS: u64 = 20;

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Without being used.
    pub idle: Duration,
    /// In all, however much it is used.
    pub absolute: Duration,
}

/// What is asked for beside the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A code of an authenticator app.
    Totp,
    /// A recovery code.
    RecoveryCode,
    /// A passkey whose device verified its user.
    Passkey,
    /// What an identity provider says it was shown, where its word is taken for it.
    SingleSignOn,
}

/// When a second factor was shown last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Which.
    pub factor: Factor,
    /// When.
    pub at: UnixMillis,
}

/// Whether a session may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In use.
    Active,
    /// Not used for too long.
    Idle,
    /// Past its end.
    Expired,
    /// Ended by the user or an administrator.
    Revoked,
}

/// One session as stored. Its terms are those of when it began: who shortens the lifetime and means those
/// that run already, revokes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When the person logged in.
    pub created: UnixMillis,
    /// When it was used last, as far as stored.
    pub last_seen: UnixMillis,
    /// How long it may go unused.
    pub idle_ms: u64,
    /// From this time on it is refused.
    pub expires: UnixMillis,
    /// Second factors that were shown: each once, with its last time.
    #[serde(default)]
    pub proofs: Vec<Proof>,
    /// When it was ended, if it was.
    #[serde(default)]
    pub revoked: Option<UnixMillis>,
}

impl Session {
    /// A session that begins `now`, after the password.
    pub fn begin(now: UnixMillis, lifetime: Lifetime) -> Self {
        Self {
            created: now,
            last_seen: now,
            idle_ms: u64::try_from(lifetime.idle.as_millis()).unwrap_or(u64::MAX),
            expires: now.plus(lifetime.absolute),
            proofs: Vec::new(),
            revoked: None,
        }
    }

    /// Whether it may be used `now`.
    // threat: CTX-T2
    // threat: CTX-T3
    pub fn state(&self, now: UnixMillis) -> State {
        if self.revoked.is_some() {
            return State::Revoked;
        }
        if now >= self.expires {
            return State::Expired;
        }
        if now >= self.last_seen.plus(Duration::from_millis(self.idle_ms)) {
            return State::Idle;
        }
        State::Active
    }

    /// Notes that it was used; says whether that is worth a write. A session that may not be used is not
    /// brought back by being used.
    pub fn seen(&mut self, now: UnixMillis) -> bool {
        let part = Duration::from_millis(self.idle_ms / SEEN_PARTS);
        let worth =
            self.state(now) == State::Active && now > self.last_seen && now.since(self.last_seen) >= part;
        if worth {
            self.last_seen = now;
        }
        worth
    }

    /// Notes that a second factor was shown. Give the browser a new token with it: what was known of the
    /// session before must not carry what it may do now.
    pub fn prove(&mut self, factor: Factor, at: UnixMillis) {
        self.proofs.retain(|proof| proof.factor != factor);
        self.proofs.push(Proof { factor, at });
    }

    /// Whether a second factor was ever shown in it.
    pub fn is_proven(&self) -> bool {
        !self.proofs.is_empty()
    }

    /// Whether a second factor was shown in the last `within`: what dangerous changes ask for.
    // threat: CTX-T2
    pub fn is_fresh(&self, now: UnixMillis, within: Duration) -> bool {
        self.state(now) == State::Active
            && self
                .proofs
                .iter()
                .any(|proof| proof.at <= now.plus(CLOCKS_DIFFER) && now.since(proof.at) <= within)
    }

    /// Ends it. The first time stays.
    pub fn revoke(&mut self, now: UnixMillis) {
        self.revoked.get_or_insert(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const START: UnixMillis = UnixMillis(1_800_000_000_000);

    fn session() -> Session {
        let lifetime = Lifetime {
            idle: 30 * MINUTE,
            absolute: 12 * 60 * MINUTE,
        };
        Session::begin(START, lifetime)
    }

    fn after(minutes: u32) -> UnixMillis {
        START.plus(minutes * MINUTE)
    }

    #[test]
    fn ctx_t3_a_session_ends_when_it_is_not_used() {
        let mut session = session();
        assert_eq!(session.state(UnixMillis(after(30).0 - 1)), State::Active);
        assert_eq!(session.state(after(30)), State::Idle);
        assert!(session.seen(after(29)));
        assert_eq!(session.state(after(58)), State::Active);
        assert_eq!(session.state(after(59)), State::Idle);
        assert!(!session.seen(after(59)), "not brought back");
        assert_eq!(session.state(after(59)), State::Idle);
    }

    #[test]
    fn ctx_t3_a_session_ends_however_much_it_is_used() {
        let mut session = session();
        for minute in 1..720 {
            session.seen(after(minute));
            assert_eq!(session.state(after(minute)), State::Active, "{minute}");
        }
        assert_eq!(session.state(after(720)), State::Expired);
    }

    #[test]
    fn ctx_t3_a_revoked_session_stays_revoked() {
        let mut session = session();
        session.revoke(after(1));
        session.revoke(after(2));
        session.seen(after(3));
        assert_eq!(session.state(after(3)), State::Revoked);
        assert_eq!(session.revoked, Some(after(1)));
    }

    #[test]
    fn use_is_written_seldom() {
        let mut session = session();
        let writes = (1..=1000)
            .filter(|n| session.seen(UnixMillis(START.0 + n * 1000)))
            .count();
        assert_eq!(writes, 11, "once in 90 seconds");
    }

    #[test]
    fn ctx_t2_freshness_is_of_the_second_factor_and_passes() {
        let mut session = session();
        assert!(!session.is_fresh(START, MINUTE) && !session.is_proven());
        session.prove(Factor::RecoveryCode, START);
        session.prove(Factor::Totp, after(10));
        assert!(session.is_fresh(after(10), MINUTE) && session.is_fresh(after(11), MINUTE));
        assert!(!session.is_fresh(UnixMillis(after(11).0 + 1), MINUTE));
        session.prove(Factor::Totp, after(20));
        assert_eq!(session.proofs.len(), 2, "one a factor");
        assert!(session.is_fresh(after(21), MINUTE));
        // Another replica's clock may be a little ahead, not far.
        assert!(session.is_fresh(UnixMillis(after(20).0 - 10_000), MINUTE));
        assert!(!session.is_fresh(UnixMillis(after(20).0 - 10_001), MINUTE));
        session.revoke(after(21));
        assert!(!session.is_fresh(after(21), MINUTE));
    }

    #[test]
    fn it_is_stored_and_read_back() {
        let mut session = session();
        session.prove(Factor::RecoveryCode, START);
        let text = serde_json::to_string(&session).unwrap();
        assert!(text.contains("\"recovery_code\""));
        assert_eq!(serde_json::from_str::<Session>(&text).unwrap(), session);
    }

    proptest! {
        #[test]
        fn ctx_t3_no_sequence_of_uses_outlives_the_end(times in proptest::collection::vec(any::<i64>(), 0..20), idle: u64, absolute: u64) {
            let lifetime = Lifetime { idle: Duration::from_millis(idle), absolute: Duration::from_millis(absolute) };
            let mut session = Session::begin(START, lifetime);
            let end = session.expires;
            for time in times {
                session.seen(UnixMillis(time));
                prop_assert!(session.last_seen >= START);
                prop_assert!(session.state(end) != State::Active);
                prop_assert!(session.state(UnixMillis(i64::MAX)) != State::Active);
            }
        }
    }
}
