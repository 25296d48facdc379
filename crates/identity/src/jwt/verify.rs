//! From a presented text to claims. Each step gives the only thing the next one takes: what is read but not
//! verified says no more than whose it claims to be, and what is verified but bound says nothing until what
//! it is bound to is shown.

use domain::UnixMillis;
use serde_json::Value;

use super::binding::{Binding, Shown};
use super::claims::Claims;
use super::compact::Compact;
use super::issuer::{Issuer, Rules};
use super::{Refused, rule, times};

/// A token that was read and is not verified.
pub struct Presented<'a>(Compact<'a>);

impl<'a> Presented<'a> {
    /// Reads a token: its form, size and algorithm.
    // threat: CTX-T1
    pub fn read(token: &'a str) -> Result<Self, Refused> {
        let compact = Compact::read(token)?;
        compact.claim_text("iss")?;
        Ok(Self(compact))
    }

    /// Whom it claims to be from: to find the issuer among those registered, and for nothing else.
    pub fn issuer(&self) -> &str {
        self.0.claim_text("iss").unwrap_or_default()
    }

    /// Whether it claims to be from the issuer of these rules and for one of its audiences: where tenants register the same
    /// issuer, their audiences tell them apart.
    pub fn is_for(&self, rules: &Rules) -> bool {
        self.issuer() == rules.issuer && self.has_audience(&rules.audiences)
    }

    /// Verifies it as a token of `issuer` at `now`.
    // threat: AGP-S3
    // threat: CTX-T1
    pub fn verify(&self, issuer: &Issuer, now: UnixMillis) -> Result<Verified, Refused> {
        let (token, rules) = (&self.0, &issuer.rules);
        self.check_type(rules)?;
        let key = issuer.keys.find(token.header_text("kid")?, token.algorithm);
        if !token.is_signed_with(key.ok_or(Refused::UnknownKey)?) {
            return Err(Refused::Signature);
        }
        if self.issuer() != rules.issuer {
            return Err(Refused::Issuer);
        }
        if !self.has_audience(&rules.audiences) {
            return Err(Refused::Audience);
        }
        let expires = times::check(&token.payload, now, rules.leeway, rules.lifetime_max)?;
        let binding = Binding::read(&token.payload)?;
        if rules.bound_only && !binding.is_bound() {
            return Err(Refused::Binding);
        }
        for required in &rules.require {
            if !required.is_met_by(&token.payload) {
                return Err(required.claim.refused());
            }
        }
        let mut claims = Claims::read(&token.payload, &rules.claims, expires)?;
        claims.rules = rule::met(&rules.rules, &token.payload)
            .into_iter()
            .map(str::to_owned)
            .collect();
        Ok(Verified { claims, binding })
    }

    /// Tokens for other purposes are signed with the same keys: proofs, logouts, events.
    fn check_type(&self, rules: &Rules) -> Result<(), Refused> {
        let lower = self.0.header_text("typ")?.map(str::to_ascii_lowercase);
        let bare = lower
            .as_deref()
            .map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        match bare {
            Some("at+jwt") => Ok(()),
            None | Some("jwt") if !rules.access_tokens_only => Ok(()),
            _ => Err(Refused::Type),
        }
    }

    /// `aud` is a text or an array of texts.
    fn has_audience(&self, audiences: &[String]) -> bool {
        let ours = |value: &Value| audiences.iter().any(|one| value == one);
        match self.0.payload.get("aud") {
            Some(Value::Array(list)) => list.iter().all(Value::is_string) && list.iter().any(ours),
            Some(one) => ours(one),
            None => false,
        }
    }
}

/// A token that is its issuer's and good now.
#[derive(Debug)]
pub struct Verified {
    claims: Claims,
    binding: Binding,
}

impl Verified {
    /// What it says, if what it is bound to was shown.
    // threat: CTX-T3
    pub fn claims(self, shown: &Shown) -> Result<Claims, Refused> {
        self.binding
            .is_met_by(shown)
            .then_some(self.claims)
            .ok_or(Refused::Binding)
    }

    /// The thumbprint of the key whose proof it wants to be shown, if any.
    pub const fn wants_key(&self) -> Option<[u8; 32]> {
        self.binding.key()
    }
}
