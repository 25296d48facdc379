//! Issuers whose tokens are taken, with their keys of now. Asks nobody: keys are put in by whoever fetches them,
//! and a token whose key is not known is refused, not waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use domain::UnixMillis;
use identity::jwt::{BadIssuer, Claims, Issuer, KeySet, Presented, Refused, Rules, Shown, Verified};
use tokio::sync::Notify;

/// What a token must be bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Nothing; but what it says it is bound to must be shown.
    AsItSays,
    /// A key that proves each request (RFC 9449).
    Key,
    /// A client certificate (RFC 8705).
    Certificate,
}

/// Where an issuer's keys are, and how often somebody looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource {
    /// An address, or a file.
    pub place: String,
    /// How often they are asked for.
    pub refresh: Duration,
    /// How long they are good while nobody answers; then its tokens are refused.
    pub keep: Duration,
}

/// A registered issuer.
#[derive(Debug)]
pub struct RegisteredIssuer {
    /// Its name in the configuration, and in bindings.
    pub name: String,
    /// The one tenant that it speaks for: name or id.
    pub tenant: String,
    /// Where its keys are.
    pub source: KeySource,
    rules: Rules,
    bound: Bound,
    keys: ArcSwapOption<Keys>,
    wanted: Notify,
}

#[derive(Debug)]
struct Keys {
    issuer: Issuer,
    good_until: Instant,
}

impl RegisteredIssuer {
    /// One without keys yet: all its tokens are refused until it has some.
    pub fn new(
        (name, tenant): (String, String),
        source: KeySource,
        rules: Rules,
        bound: Bound,
    ) -> Result<Self, BadIssuer> {
        rules.check()?;
        Ok(Self {
            name,
            tenant,
            source,
            rules,
            bound,
            keys: ArcSwapOption::empty(),
            wanted: Notify::new(),
        })
    }

    /// Puts keys in force until they are too old; what was there goes.
    // threat: AGP-S3
    pub fn put(&self, keys: KeySet) -> Result<(), BadIssuer> {
        let issuer = Issuer::new(self.rules.clone(), keys)?;
        let good_until = Instant::now() + self.source.keep;
        self.keys.store(Some(Arc::new(Keys { issuer, good_until })));
        Ok(())
    }

    /// Resolves when a token came whose key is not among them.
    pub async fn wants_keys(&self) {
        self.wanted.notified().await;
    }

    /// Whether it is as `other` is, but for its keys of now.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.name, &self.tenant, &self.source, &self.rules, self.bound)
            == (
                &other.name,
                &other.tenant,
                &other.source,
                &other.rules,
                other.bound,
            )
    }

    fn current(&self) -> Option<Arc<Keys>> {
        self.keys
            .load_full()
            .filter(|keys| Instant::now() < keys.good_until)
    }

    fn verify(&self, token: &Presented<'_>, now: UnixMillis) -> Result<Verified, Refused> {
        let Some(keys) = self.current() else {
            self.wanted.notify_one();
            return Err(Refused::UnknownKey);
        };
        let verified = token.verify(&keys.issuer, now);
        if verified.as_ref().is_err_and(|why| *why == Refused::UnknownKey) {
            self.wanted.notify_one();
        }
        let verified = verified?;
        let fits = match self.bound {
            Bound::AsItSays => true,
            Bound::Key => verified.wants_key().is_some(),
            Bound::Certificate => verified.wants_key().is_none(),
        };
        fits.then_some(verified).ok_or(Refused::Binding)
    }
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Issuers(Vec<Arc<RegisteredIssuer>>);

/// A token that is good, and whose.
#[derive(Debug)]
pub struct Known<'a> {
    /// Its issuer.
    pub issuer: &'a RegisteredIssuer,
    verified: Verified,
}

impl Known<'_> {
    /// What it says, if what it is bound to was shown.
    pub fn claims(self, shown: &Shown) -> Result<Claims, Refused> {
        self.verified.claims(shown)
    }
}

impl Issuers {
    /// These.
    pub const fn new(all: Vec<Arc<RegisteredIssuer>>) -> Self {
        Self(all)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<RegisteredIssuer>> {
        self.0.iter()
    }

    /// Verifies a token by the one issuer it is from and for.
    // threat: AGP-S3
    // threat: CTX-T1
    pub fn verify(&self, token: &str, now: UnixMillis) -> Result<Known<'_>, Refused> {
        let token = Presented::read(token)?;
        let mut meant = self.0.iter().filter(|one| token.is_for(&one.rules));
        let issuer = meant.next().ok_or(Refused::Issuer)?;
        if meant.next().is_some() {
            return Err(Refused::Audience); // For two of us at once: nobody can say whose it is.
        }
        let verified = issuer.verify(&token, now)?;
        Ok(Known { issuer, verified })
    }
}
