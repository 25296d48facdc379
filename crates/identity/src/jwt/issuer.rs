//! An issuer that an administrator registered: whose tokens are believed, and how far.

use std::time::Duration;

use super::claims::ClaimPaths;
use super::jwks::KeySet;
use super::rule::{self, Condition, Rule};

/// The most that clocks may differ.
pub const LEEWAY_MAX: Duration = Duration::from_secs(300);
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);
const AUDIENCES_MAX: usize = 16;
const NAME_CHARS_MAX: usize = 512;

/// What is expected of an issuer's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// `iss`, compared byte for byte.
    pub issuer: String,
    /// Who we are: one of these must be in `aud`.
    pub audiences: Vec<String>,
    /// Only tokens that say they are access tokens (`typ: at+jwt`, RFC 9068); else also those that say
    /// nothing or `JWT`, among which are identity tokens for the same audience.
    pub access_tokens_only: bool,
    /// Only tokens that are bound to a key or certificate.
    pub bound_only: bool,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// From `iat` to `exp` at most.
    pub lifetime_max: Duration,
    /// Where what stands.
    pub claims: ClaimPaths,
    /// What the claims of every token must be.
    pub require: Vec<Condition>,
    /// What they may be, for tokens that are known by more than their subject.
    pub rules: Vec<Rule>,
}

/// Rules that are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadIssuer {
    /// No name, or an endless one.
    #[error("give the issuer as it stands in `iss`, with at most {NAME_CHARS_MAX} characters")]
    Name,
    /// No audience: tokens for anybody would be taken.
    #[error("give 1 to {AUDIENCES_MAX} audiences, each with at most {NAME_CHARS_MAX} characters")]
    Audiences,
    /// Clocks that differ by more than [`LEEWAY_MAX`].
    #[error("the leeway is at most 300 seconds; set the clocks instead")]
    Leeway,
    /// None at all, or longer than a day.
    #[error("the longest lifetime is between 1 second and 24 hours")]
    Lifetime,
    /// Too many of them, or one that asks for nothing.
    #[error("give at most 128 rules, each with 1 to 16 conditions of 1 to 64 values")]
    Rules,
}

/// A registered issuer and its keys of now.
#[derive(Debug)]
pub struct Issuer {
    pub(super) rules: Rules,
    pub(super) keys: KeySet,
}

impl Issuer {
    /// An issuer, if its rules are within bounds.
    pub fn new(rules: Rules, keys: KeySet) -> Result<Self, BadIssuer> {
        rules.check()?;
        Ok(Self { rules, keys })
    }

    /// What is expected of its tokens.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }
}

impl Rules {
    /// Whether they are within bounds.
    pub fn check(&self) -> Result<(), BadIssuer> {
        let named = |name: &String| (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        if !named(&self.issuer) {
            return Err(BadIssuer::Name);
        }
        if !(1..=AUDIENCES_MAX).contains(&self.audiences.len()) || !self.audiences.iter().all(named) {
            return Err(BadIssuer::Audiences);
        }
        if self.leeway > LEEWAY_MAX {
            return Err(BadIssuer::Leeway);
        }
        if self.lifetime_max < Duration::from_secs(1) || self.lifetime_max > LIFETIME_MAX {
            return Err(BadIssuer::Lifetime);
        }
        if !rule::are_bounded(&self.require, &self.rules) {
            return Err(BadIssuer::Rules);
        }
        Ok(())
    }
}
