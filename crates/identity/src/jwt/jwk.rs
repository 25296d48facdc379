//! One public key (JWK, RFC 7517) and what it may verify. The algorithm belongs to the key: a token's header
//! cannot choose another.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// What AWS-LC computes with; more only costs time.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const EXPONENT_BYTES_MAX: usize = 4;
const KEY_ID_CHARS_MAX: usize = 256;

/// Signature algorithms that are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// The one of this name in a JOSE header.
    // threat: AGP-S3
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// Why a key of a set is left aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A type, curve or algorithm that is not accepted; shared secrets among them.
    #[error("the key is of a type that is not accepted; publish RSA, P-256 or Ed25519")]
    Kind,
    /// For encryption, or for something else.
    #[error("the key is not for signatures")]
    Use,
    /// A private key lies open.
    #[error("the key holds private parts; replace it, it is known to everybody")]
    Private,
    /// Members missing, or no point on the curve.
    #[error("the key is malformed")]
    Malformed,
    /// RSA with less than 2048 bits, or more than anybody needs.
    #[error("the RSA key has fewer than 2048 bits or more than 8192")]
    Size,
}

/// A usable key.
pub(super) struct Jwk {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    key: ParsedPublicKey,
    /// SHA-256 of the key's members in their one form (RFC 7638).
    pub(super) thumbprint: [u8; 32],
}

impl Jwk {
    /// Reads a key.
    // threat: AGP-S3
    pub(super) fn read(jwk: &Map<String, Value>) -> Result<Self, Unusable> {
        refuse_other_uses(jwk)?;
        let (algorithm, key, canonical) = match text(jwk, "kty")? {
            "RSA" => rsa(jwk)?,
            "EC" if text(jwk, "crv")? == "P-256" => p256(jwk)?,
            "OKP" if text(jwk, "crv")? == "Ed25519" => ed25519(jwk)?,
            _ => return Err(Unusable::Kind),
        };
        let named = jwk
            .get("alg")
            .map(|name| name.as_str().and_then(Algorithm::named));
        if named.is_some_and(|named| named != Some(algorithm)) {
            return Err(Unusable::Kind);
        }
        Ok(Self {
            id: key_id(jwk)?,
            algorithm,
            key,
            thumbprint: sha256(canonical.as_bytes()),
        })
    }

    /// Whether `signature` is this key's over `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

/// SHA-256 of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

fn refuse_other_uses(jwk: &Map<String, Value>) -> Result<(), Unusable> {
    // `k` is a shared secret's only member: whoever publishes one lets everybody sign.
    if jwk.contains_key("d") || jwk.contains_key("k") {
        return Err(Unusable::Private);
    }
    let for_signatures = jwk.get("use").is_none_or(|used| used == "sig");
    let verifies = jwk.get("key_ops").is_none_or(|operations| {
        let list = operations.as_array();
        list.is_some_and(|list| list.iter().any(|one| one == "verify"))
    });
    (for_signatures && verifies).then_some(()).ok_or(Unusable::Use)
}

type Read = (Algorithm, ParsedPublicKey, String);

fn rsa(jwk: &Map<String, Value>) -> Result<Read, Unusable> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    let top = *n.first().ok_or(Unusable::Malformed)?;
    let bits = n.len() * 8 - usize::try_from(top.leading_zeros()).unwrap_or(0);
    let odd = e.last().is_some_and(|last| last % 2 == 1) && e != [1];
    if top == 0 || e.first() == Some(&0) || !odd || e.len() > EXPONENT_BYTES_MAX {
        return Err(Unusable::Malformed);
    }
    if !MODULUS_BITS.contains(&bits) {
        return Err(Unusable::Size);
    }
    let canonical = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, spell(&e), spell(&n));
    let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
    Ok((Algorithm::Rs256, key.map_err(|_| Unusable::Malformed)?, canonical))
}

fn p256(jwk: &Map<String, Value>) -> Result<Read, Unusable> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != 32 || y.len() != 32 {
        return Err(Unusable::Malformed);
    }
    let canonical = format!(
        r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
        spell(&x),
        spell(&y)
    );
    let point = [&[4], x.as_slice(), &y].concat();
    let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    Ok((Algorithm::Es256, key.map_err(|_| Unusable::Malformed)?, canonical))
}

fn ed25519(jwk: &Map<String, Value>) -> Result<Read, Unusable> {
    let x = bytes(jwk, "x")?;
    if x.len() != 32 {
        return Err(Unusable::Malformed);
    }
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, spell(&x));
    let key = ParsedPublicKey::new(&ED25519, x);
    Ok((Algorithm::EdDsa, key.map_err(|_| Unusable::Malformed)?, canonical))
}

fn key_id(jwk: &Map<String, Value>) -> Result<Option<String>, Unusable> {
    let Some(id) = jwk.get("kid") else {
        return Ok(None);
    };
    let id = id.as_str().filter(|id| id.chars().count() <= KEY_ID_CHARS_MAX);
    id.map(|id| Some(id.to_owned())).ok_or(Unusable::Malformed)
}

fn text<'a>(jwk: &'a Map<String, Value>, name: &str) -> Result<&'a str, Unusable> {
    jwk.get(name).and_then(Value::as_str).ok_or(Unusable::Malformed)
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, Unusable> {
    URL_SAFE_NO_PAD
        .decode(text(jwk, name)?)
        .map_err(|_| Unusable::Malformed)
}

fn spell(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thumbprint(jwk: &str) -> String {
        let jwk = super::super::strict::object(jwk.as_bytes()).unwrap();
        spell(&Jwk::read(&jwk).unwrap().thumbprint)
    }

    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        // RFC 7638, section 3.1.
        let rsa = concat!(
            r#"{"kty":"RSA","alg":"RS256","kid":"2011-04-29","e":"AQAB","n":""#,
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiF",
            "V4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9",
            "c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1",
            "jF44-csFCur-kEgU8awapJzKnqDKgw",
            r#""}"#
        );
        assert_eq!(thumbprint(rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        // RFC 8037, appendix A.3.
        let ed = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(thumbprint(ed), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
