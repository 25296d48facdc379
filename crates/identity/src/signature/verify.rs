//! From a request's head to who signed it. What was read says which key is meant; what was verified says
//! what the body must be.

use std::time::Duration;

use domain::UnixMillis;

use super::base::base;
use super::content::{self, Body};
use super::input::Input;
use super::key::VerifyingKey;
use super::refused::Refused;
use super::request::{Component, Request};

/// The widest window that can be configured, either way. Where nonces are shared they are kept this long, whatever is
/// configured now: a wider window tomorrow must not bring back what was used today.
pub const WINDOW_MAX: Duration = Duration::from_secs(300);

/// How old a signature may be, and how far the client's clock ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    age_max: Duration,
    ahead_max: Duration,
}

impl Window {
    /// A window of at most [`WINDOW_MAX`] either way.
    pub fn new(age_max: Duration, ahead_max: Duration) -> Option<Self> {
        let fits = age_max <= WINDOW_MAX && ahead_max <= WINDOW_MAX;
        fits.then_some(Self { age_max, ahead_max })
    }

    /// How old what was made may be.
    pub(crate) const fn age_max(&self) -> Duration {
        self.age_max
    }

    /// How far ahead.
    pub(crate) const fn ahead_max(&self) -> Duration {
        self.ahead_max
    }
}

impl Default for Window {
    /// A minute old, ten seconds ahead.
    fn default() -> Self {
        Self {
            age_max: Duration::from_secs(60),
            ahead_max: Duration::from_secs(10),
        }
    }
}

/// A signed request that was read and is not verified.
#[derive(Debug)]
pub struct Presented<'a> {
    request: Request<'a>,
    input: Input,
}

/// A request that its key has signed. Not to be used before the nonce is admitted by
/// [`Replay`](super::Replay) and the body is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Whose signature.
    pub key_id: String,
    /// Never to be seen again from this key.
    pub nonce: String,
    /// When it was made, as the client says.
    pub created: UnixMillis,
    /// After that it is refused for its age: remember the nonce as long.
    pub remember_until: UnixMillis,
    /// What the body must be.
    pub body: Body,
    /// The signature's bytes: for evidence.
    pub signature: Vec<u8>,
}

impl<'a> Presented<'a> {
    /// Reads the signature of a request's head.
    pub fn read(request: &Request<'a>) -> Result<Self, Refused> {
        let input = Input::read(request)?;
        Ok(Self {
            request: *request,
            input,
        })
    }

    /// Which key is meant: to find it, and for nothing else.
    pub fn key_id(&self) -> &str {
        &self.input.key_id
    }

    /// Verifies it with the key of that name at `now`.
    // threat: ANP-0001
    // threat: AGP-S1
    pub fn verify(&self, key: &VerifyingKey, window: &Window, now: UnixMillis) -> Result<Signed, Refused> {
        let input = &self.input;
        self.check_coverage()?;
        // The key's algorithm counts; a parameter that says another is a mistake, not a choice.
        if input
            .algorithm
            .as_deref()
            .is_some_and(|said| said != key.algorithm())
        {
            return Err(Refused::Parameter("alg".into()));
        }
        let base = base(&self.request, &input.components, &input.params)?;
        if !key.verifies(&base, &input.signature) {
            return Err(Refused::Signature);
        }
        let remember_until = input.created.plus(window.age_max);
        if remember_until < now || input.expires.is_some_and(|expires| expires <= now) {
            return Err(Refused::Expired);
        }
        if input.created > now.plus(window.ahead_max) {
            return Err(Refused::NotYet);
        }
        Ok(Signed {
            key_id: input.key_id.clone(),
            nonce: input.nonce.clone(),
            created: input.created,
            remember_until,
            body: self.body()?,
            signature: input.signature.clone(),
        })
    }

    fn check_coverage(&self) -> Result<(), Refused> {
        if !self.covers(&Component::Method) {
            return Err(Refused::NotCovered("@method"));
        }
        let in_parts = self.covers(&Component::Path) && self.covers(&Component::Query);
        if !in_parts && !self.covers(&Component::TargetUri) {
            return Err(Refused::NotCovered("@target-uri"));
        }
        Ok(())
    }

    fn body(&self) -> Result<Body, Refused> {
        if self.covers(&Component::Field(content::FIELD.into())) {
            return Body::promised(&self.request);
        }
        Ok(Body::Empty)
    }

    fn covers(&self, component: &Component) -> bool {
        self.input.components.contains(component)
    }
}
