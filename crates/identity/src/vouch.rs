//! What the gate vouches for towards own backends: a token (JWT, RFC 7519) that says for whom one call is made,
//! good for a moment, for one audience, one path and one body. Whoever steals it can do that call again and nothing
//! else.
//!
//! Ed25519 only, and no JOSE library: there is one header and one way to spell each claim.

mod keys;

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::UnixMillis;
use serde::Serialize;

pub use keys::{BadVouchKeys, PUBLISHED_AFTER, PUBLISHED_BEFORE, Rotation, VouchKey, VouchKeys};

/// What is said of one call. Ids, never names: those are people's and change.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who says it: the gate's address.
    pub issuer: &'a str,
    /// Whom it is said to.
    pub audience: &'a str,
    /// The virtual key.
    pub subject: &'a str,
    /// Its tenant.
    pub tenant: &'a str,
    /// Its team.
    pub team: &'a str,
    /// Its project.
    pub project: Option<&'a str>,
    /// The model's name as the caller knows it.
    pub model: &'a str,
    /// Which token this is: there is no second of the name.
    pub id: &'a str,
    /// The method.
    pub method: &'a str,
    /// The address that is called, without a query.
    pub address: &'a str,
    /// The body that is sent.
    pub body: &'a [u8],
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: &'a str,
    tenant: &'a str,
    team: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    model: &'a str,
    htm: &'a str,
    htu: &'a str,
    body_sha256: String,
}

impl VouchKey {
    /// The token for a call, from `now` on for `lifetime`.
    // threat: ANP-0009
    // threat: ANP-0006
    pub fn token(&self, call: &Call<'_>, now: UnixMillis, lifetime: Duration) -> String {
        let seconds = now.0.div_euclid(1_000);
        let lifetime = i64::try_from(lifetime.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX);
        let claims = Claims {
            iss: call.issuer,
            aud: call.audience,
            sub: call.subject,
            iat: seconds,
            nbf: seconds,
            exp: seconds.saturating_add(lifetime),
            jti: call.id,
            tenant: call.tenant,
            team: call.team,
            project: call.project,
            model: call.model,
            htm: call.method,
            htu: call.address,
            body_sha256: hex(digest(&SHA256, call.body).as_ref()),
        };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let mut token = format!("{}.{}", self.header(), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
