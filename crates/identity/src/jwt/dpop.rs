//! Proof of possession (DPoP, RFC 9449): a small JWT that a client signs for one request and one token with
//! the key the token is bound to. Replays are for the caller to refuse: each proof has a name.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential::same_digest;
use domain::UnixMillis;
use serde_json::Value;

use super::compact::Compact;
use super::jwk::{Jwk, sha256};
use super::{Refused, times};
use crate::signature::Window;

const ID_CHARS_MAX: usize = 128;

/// What a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct ProvenRequest<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The absolute address as the client sees it: scheme and host come from the configuration or from a
    /// trusted proxy, not from whoever asks. A query does not count.
    pub uri: &'a str,
    /// The token that is presented with it.
    pub access_token: &'a str,
    /// The nonce we asked for, if we did.
    pub nonce: Option<&'a str>,
}

/// A proof that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Thumbprint of the key it was signed with: goes into [`Shown`](super::Shown).
    pub key: [u8; 32],
    /// Its name. Refuse it if it was seen with this key before.
    pub id: String,
    /// When it was made, as the client says.
    pub issued: UnixMillis,
    /// Until then it could be used again: remember its name as long.
    pub remember_until: UnixMillis,
}

/// Checks a proof for `request` at `now`, made within `window`. Verify the token first: the proof's key is anybody's, and large
/// ones cost the most.
// threat: CTX-T3
// threat: ANP-0001
pub fn check_proof(
    proof: &str,
    request: &ProvenRequest<'_>,
    window: &Window,
    now: UnixMillis,
) -> Result<Proof, Refused> {
    let proof = Compact::read(proof)?;
    if proof.header_text("typ")? != Some("dpop+jwt") {
        return Err(Refused::Type);
    }
    let jwk = proof
        .header
        .get("jwk")
        .and_then(Value::as_object)
        .ok_or(Refused::UnknownKey)?;
    let key = Jwk::read(jwk).map_err(|_| Refused::UnknownKey)?;
    if !proof.is_signed_with(&key) {
        return Err(Refused::Signature);
    }
    check_request(&proof, request)?;
    let issued = times::required(&proof.payload, "iat")?;
    let remember_until = issued.plus(window.age_max());
    if remember_until < now {
        return Err(Refused::Expired);
    }
    if issued > now.plus(window.ahead_max()) {
        return Err(Refused::NotYet);
    }
    let id = proof.claim_text("jti")?;
    if id.is_empty() || id.chars().count() > ID_CHARS_MAX {
        return Err(Refused::Claim("jti".into()));
    }
    Ok(Proof {
        key: key.thumbprint,
        id: id.to_owned(),
        issued,
        remember_until,
    })
}

fn check_request(proof: &Compact<'_>, request: &ProvenRequest<'_>) -> Result<(), Refused> {
    let hash = URL_SAFE_NO_PAD.decode(proof.claim_text("ath")?).ok();
    let hash: Option<[u8; 32]> = hash.and_then(|hash| hash.try_into().ok());
    let for_token = hash.is_some_and(|hash| same_digest(&hash, &sha256(request.access_token.as_bytes())));
    let for_nonce = request.nonce.is_none() || proof.claim_text("nonce").ok() == request.nonce;
    let asked = place(request.uri);
    let for_place = asked.is_some() && asked == place(proof.claim_text("htu")?);
    let for_method = proof.claim_text("htm")? == request.method;
    (for_token && for_nonce && for_place && for_method)
        .then_some(())
        .ok_or(Refused::OtherRequest)
}

/// Scheme, host with port, and path: what tells two addresses apart without query and fragment.
fn place(uri: &str) -> Option<(String, String, &str)> {
    let (scheme, rest) = uri.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(at)?;
    let host = host.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let host = host.strip_suffix(default).unwrap_or(&host).to_owned();
    if host.is_empty() || host.contains('@') {
        return None;
    }
    Some((scheme, host, if path.is_empty() { "/" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_compared_as_rfc_3986_says() {
        let same = |a: &str, b: &str| place(a).is_some() && place(a) == place(b);
        assert!(same(
            "https://Gate.example:443/v1/chat?x=1#y",
            "HTTPS://gate.example/v1/chat"
        ));
        assert!(same("http://gate.example", "http://gate.example:80/"));
        assert!(!same("https://gate.example:8443/v1", "https://gate.example/v1"));
        assert!(!same("https://gate.example/v1/", "https://gate.example/v1"));
        assert!(!same("https://gate.example/V1", "https://gate.example/v1"));
        assert!(!same("http://gate.example/v1", "https://gate.example/v1"));
        for bad in ["", "/v1", "ftp://a/b", "https://", "https:///v1", "https://a@b/"] {
            assert!(place(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_place_is_read_without_panic(text in "\\PC*|https?://\\PC*") {
            let _ = place(&text);
        }
    }
}
