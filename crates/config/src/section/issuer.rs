//! Identity providers whose tokens machines may present instead of a key.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An identity provider. A token of its gets in if a key of the issuer's tenant is bound to its subject, or to the one
/// rule that it meets: `bartizan keys update KEY --binding jwt:NAME:SUBJECT` or `rule:NAME:RULE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// What bindings call it: lower-case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// `iss` of its tokens, byte for byte.
    pub issuer: String,
    /// What `aud` must hold one of: whom tokens for this gate are for.
    pub audiences: Vec<String>,
    /// The one tenant it speaks for, by name or id.
    pub tenant: String,
    /// Where its keys are: an `https://` address of a JWK set (plain http on loopback only), or a file.
    pub jwks: String,
    /// The claim that says who: a name, or a JSON pointer.
    #[serde(default = "subject")]
    pub subject: String,
    /// What the claims of every token must be, or it is refused: a claim's name or JSON pointer, and its value, which is
    /// a text, a whole number, `true` or `false`, `{ glob: TEXT }` or a list of those.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub require: BTreeMap<String, Claim>,
    /// Keys for tokens by what their claims are. A token that meets rules of two names is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ClaimRule>,
    /// What its tokens must be bound to.
    #[serde(default)]
    pub binding: TokenBinding,
    /// Only tokens that say they are access tokens (`typ: at+jwt`).
    #[serde(default)]
    pub access_tokens_only: bool,
    /// The longest that a token may live, from `iat` to `exp`.
    #[serde(default = "lifetime_max_ms")]
    pub lifetime_max_ms: u64,
    /// How far clocks may differ.
    #[serde(default = "leeway_ms")]
    pub leeway_ms: u64,
    /// How often its keys are asked for; a token with an unknown key asks sooner, at most every five seconds.
    #[serde(default = "refresh_ms")]
    pub refresh_ms: u64,
    /// How long the last known keys are good while its keys cannot be had; then its tokens are refused.
    #[serde(default = "keep_ms")]
    pub keep_ms: u64,
}

/// A name for tokens whose claims are so. It stands for the key that is bound to `rule:ISSUER:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// What bindings call it: lower-case letters, digits, `-`, `_` and `.`. Rules of one name are alternatives.
    pub name: String,
    /// All of this must hold: a claim's name or JSON pointer, and its value, as under `require`.
    pub when: BTreeMap<String, Claim>,
}

/// What a claim must be. One that is an array holds what one of its elements is. A number is not its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "give a text, a whole number, `true` or `false`, `{ glob: … }`, or a list of those"
)]
pub enum Claim {
    /// This.
    Is(ClaimValue),
    /// One of these.
    IsOneOf(Vec<ClaimValue>),
}

impl Claim {
    /// What it may be.
    pub fn values(&self) -> &[ClaimValue] {
        match self {
            Self::Is(value) => std::slice::from_ref(value),
            Self::IsOneOf(values) => values,
        }
    }
}

/// One value of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum ClaimValue {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A text, character for character.
    Text(String),
    /// A text like this. A variant and not a type of its own, which could be written as a list.
    Like {
        /// With `*` for any characters but `/` and `:`, and `**` for any at all.
        glob: String,
    },
}

/// What a token must be bound to, so that nobody who steals it can use it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenBinding {
    /// Nothing; what a token says it is bound to must be shown all the same.
    #[default]
    None,
    /// A key that proves each request (DPoP, RFC 9449).
    Dpop,
    /// The client certificate of the connection (RFC 8705).
    Certificate,
}

fn subject() -> String {
    "sub".to_owned()
}

const fn lifetime_max_ms() -> u64 {
    3_600_000
}

const fn leeway_ms() -> u64 {
    30_000
}

const fn refresh_ms() -> u64 {
    300_000
}

const fn keep_ms() -> u64 {
    3_600_000
}
