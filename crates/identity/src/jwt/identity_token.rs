//! Identity tokens (OpenID Connect Core 1.0): who signed in at a provider, said to us, once, in answer to
//! what we asked. They are no access tokens and open nothing else.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential::same_text;
use domain::UnixMillis;
use serde_json::{Map, Value};

use super::claims::{ClaimPath, plain};
use super::compact::Compact;
use super::jwk::Algorithm;
use super::jwks::KeySet;
use super::{Refused, times};

/// How far the provider's clock may differ.
const LEEWAY: Duration = Duration::from_secs(60);
/// It is used at once: one that lives for a day was made for something else.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long ago it may have been issued.
const AGE_MAX: Duration = Duration::from_secs(600);
const GROUPS_MAX: usize = 1_000;

/// What the token must fit.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// `iss`, byte for byte.
    pub issuer: &'a str,
    /// Who we are there.
    pub client: &'a str,
    /// What we asked with.
    pub nonce: &'a str,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
    /// Where groups stand, if they are wanted.
    pub groups: Option<&'a ClaimPath>,
}

/// Whom the provider saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Unique within the provider, and never given to anybody else.
    pub subject: String,
    /// The address, only if the provider says that it verified it.
    pub verified_email: Option<String>,
    /// What people call them.
    pub name: Option<String>,
    /// What they belong to there.
    pub groups: Vec<String>,
    /// How they showed who they are (RFC 8176).
    pub methods: Vec<String>,
    /// How good that is.
    pub context: Option<String>,
}

impl Identity {
    /// Reads and verifies a token.
    // threat: AGP-S3
    // threat: CTX-T1
    pub fn read(
        token: &str,
        keys: &KeySet,
        expected: &Expected<'_>,
        now: UnixMillis,
    ) -> Result<Self, Refused> {
        let token = Compact::read(token)?;
        let typ = token.header_text("typ")?;
        if !typ.is_none_or(|typ| typ.eq_ignore_ascii_case("jwt")) {
            return Err(Refused::Type);
        }
        let key = keys.find(token.header_text("kid")?, token.algorithm);
        if !token.is_signed_with(key.ok_or(Refused::UnknownKey)?) {
            return Err(Refused::Signature);
        }
        if token.claim_text("iss")? != expected.issuer {
            return Err(Refused::Issuer);
        }
        audience(&token.payload, expected.client)?;
        times::check(&token.payload, now, LEEWAY, LIFETIME_MAX)?;
        if now.since(times::required(&token.payload, "iat")?) > AGE_MAX {
            return Err(Refused::Expired);
        }
        if !same_text(token.claim_text("nonce")?, expected.nonce) {
            return Err(Refused::OtherSignIn);
        }
        goes_with(&token, expected.access_token)?;
        claims(&token.payload, expected.groups)
    }
}

/// For us; and where it is for others too, issued to us (section 3.1.3.7).
// threat: AGP-S3
fn audience(claims: &Map<String, Value>, client: &str) -> Result<(), Refused> {
    let (is_ours, is_shared) = match claims.get("aud") {
        Some(Value::Array(list)) => (list.iter().any(|one| one == client), list.len() > 1),
        Some(one) => (one == client, false),
        None => (false, false),
    };
    let party = claims.get("azp");
    let is_issued_to_us = party.map_or(!is_shared, |party| party == client);
    (is_ours && is_issued_to_us)
        .then_some(())
        .ok_or(Refused::Audience)
}

/// `at_hash`: the left half of the access token's hash, by the signature's own algorithm.
fn goes_with(token: &Compact<'_>, access_token: Option<&str>) -> Result<(), Refused> {
    let Some(given) = token.payload.get("at_hash") else {
        return Ok(());
    };
    let access_token = access_token.ok_or(Refused::OtherSignIn)?;
    let algorithm = match token.algorithm {
        Algorithm::Rs256 | Algorithm::Es256 => &SHA256,
        Algorithm::EdDsa => &SHA512,
    };
    let hash = digest(algorithm, access_token.as_bytes());
    let half = hash.as_ref().get(..hash.as_ref().len() / 2).unwrap_or_default();
    let is_same = given
        .as_str()
        .is_some_and(|given| same_text(given, &URL_SAFE_NO_PAD.encode(half)));
    is_same.then_some(()).ok_or(Refused::OtherSignIn)
}

fn claims(claims: &Map<String, Value>, groups: Option<&ClaimPath>) -> Result<Identity, Refused> {
    let text = |name: &str| claims.get(name).and_then(plain);
    // Some say it as a text.
    let is_verified = claims
        .get("email_verified")
        .is_some_and(|said| *said == Value::Bool(true) || said == "true");
    let found = groups.and_then(|path| path.find(claims));
    Ok(Identity {
        subject: text("sub").ok_or_else(|| Refused::Claim("sub".to_owned()))?,
        verified_email: text("email").filter(|_| is_verified),
        name: text("name"),
        groups: texts(found).ok_or_else(|| Refused::Claim("groups".to_owned()))?,
        methods: texts(claims.get("amr")).ok_or_else(|| Refused::Claim("amr".to_owned()))?,
        context: text("acr"),
    })
}

/// A text or an array of texts; nothing is none.
fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) if list.len() <= GROUPS_MAX => list.iter().map(plain).collect(),
        Some(one) => Some(vec![plain(one)?]),
    }
}
