//! The public half of a key pair that a machine signs with: Ed25519 or P-256, and nothing else. Kept as a JWK;
//! read from a JWK, from PEM, or from the base64 of a SubjectPublicKeyInfo.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// More text than any key of these kinds has.
const TEXT_BYTES_MAX: usize = 4096;
/// What stands before the key in a SubjectPublicKeyInfo; the kinds leave no choice in it.
const ED25519_SPKI: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
const P256_SPKI: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A text that is no public key for signatures here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPublicKey {
    /// Another kind, or not readable at all.
    #[error("give an Ed25519 or P-256 public key as a JWK, as PEM or as base64 of its SubjectPublicKeyInfo")]
    Form,
    /// The other half came with it.
    #[error("that is the private key: give the public one, and keep the private one where it was made")]
    Private,
}

/// A public key of a kind that is known here; its point is on the curve.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Jwk", into = "Jwk")]
pub struct PublicKey(Point);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Point {
    Ed25519([u8; 32]),
    /// The uncompressed point: 4, x, y.
    P256([u8; 65]),
}

/// A JWK's members that count. Others say what the key is for, and where it is used says that here.
#[derive(Serialize, Deserialize)]
struct Jwk {
    crv: String,
    kty: String,
    x: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(default, skip_serializing)]
    d: Option<IgnoredAny>,
}

impl PublicKey {
    /// The Ed25519 key of these bytes.
    pub fn ed25519(bytes: [u8; 32]) -> Result<Self, NotAPublicKey> {
        let parsed = ParsedPublicKey::new(&ED25519, bytes);
        parsed
            .map(|_| Self(Point::Ed25519(bytes)))
            .map_err(|_| NotAPublicKey::Form)
    }

    /// The P-256 key of this uncompressed point.
    pub fn p256(point: [u8; 65]) -> Result<Self, NotAPublicKey> {
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        parsed
            .map(|_| Self(Point::P256(point)))
            .map_err(|_| NotAPublicKey::Form)
    }

    /// The key, prepared to verify with.
    pub fn parsed(&self) -> Result<ParsedPublicKey, NotAPublicKey> {
        let parsed = match &self.0 {
            Point::Ed25519(bytes) => ParsedPublicKey::new(&ED25519, bytes),
            Point::P256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point),
        };
        parsed.map_err(|_| NotAPublicKey::Form)
    }

    /// Its algorithm in HTTP Message Signatures (RFC 9421).
    pub const fn algorithm(&self) -> &'static str {
        match self.0 {
            Point::Ed25519(_) => "ed25519",
            Point::P256(_) => "ecdsa-p256-sha256",
        }
    }

    /// SHA-256 of its members in their one form (RFC 7638): what it is known by.
    pub fn thumbprint(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, self.to_string().as_bytes()).as_ref());
        out
    }

    /// The thumbprint as a text: the `keyid` of its signatures.
    pub fn name(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.thumbprint())
    }

    fn of_spki(der: &[u8]) -> Result<Self, NotAPublicKey> {
        let read = |prefix| der.strip_prefix::<[u8]>(prefix);
        if let Some(Ok(key)) = read(ED25519_SPKI).map(<[u8; 32]>::try_from) {
            return Self::ed25519(key);
        }
        match read(P256_SPKI).map(<[u8; 65]>::try_from) {
            Some(Ok(point)) => Self::p256(point),
            _ => Err(NotAPublicKey::Form),
        }
    }
}

impl fmt::Display for PublicKey {
    /// As a JWK, in the one form that thumbprints are made of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Jwk { crv, kty, x, y, .. } = Jwk::from(self.clone());
        write!(f, r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}""#)?;
        match y {
            Some(y) => write!(f, r#","y":"{y}"}}"#),
            None => f.write_str("}"),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for PublicKey {
    type Err = NotAPublicKey;

    fn from_str(text: &str) -> Result<Self, NotAPublicKey> {
        let text = text.trim();
        if text.len() > TEXT_BYTES_MAX {
            return Err(NotAPublicKey::Form);
        }
        if text.contains("PRIVATE KEY") {
            return Err(NotAPublicKey::Private);
        }
        if text.starts_with('{') {
            let jwk: Jwk = serde_json::from_str(text).map_err(|_| NotAPublicKey::Form)?;
            return jwk.try_into();
        }
        let within = match text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
            Some(rest) => rest
                .strip_suffix("-----END PUBLIC KEY-----")
                .ok_or(NotAPublicKey::Form)?,
            None => text,
        };
        let digits: String = within.split_ascii_whitespace().collect();
        let der = STANDARD.decode(digits).map_err(|_| NotAPublicKey::Form)?;
        Self::of_spki(&der)
    }
}

impl TryFrom<Jwk> for PublicKey {
    type Error = NotAPublicKey;

    fn try_from(jwk: Jwk) -> Result<Self, NotAPublicKey> {
        if jwk.d.is_some() {
            return Err(NotAPublicKey::Private);
        }
        let bytes = |text: &str| -> Result<[u8; 32], NotAPublicKey> {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok();
            bytes
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(NotAPublicKey::Form)
        };
        match (jwk.kty.as_str(), jwk.crv.as_str(), jwk.y) {
            ("OKP", "Ed25519", None) => Self::ed25519(bytes(&jwk.x)?),
            ("EC", "P-256", Some(y)) => {
                let (x, y) = (bytes(&jwk.x)?, bytes(&y)?);
                let point = [&[4], x.as_slice(), &y].concat();
                Self::p256(point.try_into().map_err(|_| NotAPublicKey::Form)?)
            }
            _ => Err(NotAPublicKey::Form),
        }
    }
}

impl From<PublicKey> for Jwk {
    fn from(key: PublicKey) -> Self {
        let (crv, kty, x, y) = match &key.0 {
            Point::Ed25519(x) => ("Ed25519", "OKP", x.as_slice(), None),
            Point::P256(point) => {
                let (_, coordinates) = point.split_at(1);
                let (x, y) = coordinates.split_at(32);
                ("P-256", "EC", x, Some(URL_SAFE_NO_PAD.encode(y)))
            }
        };
        Self {
            crv: crv.to_owned(),
            kty: kty.to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
            y,
            d: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // RFC 8037, appendix A.
    const ED: &str = r#"{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    // RFC 7517, appendix A.1.
    const EC: &str = r#"{"crv":"P-256","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#;

    #[test]
    fn every_form_reads_as_the_same_key() {
        let ed: PublicKey = ED.parse().unwrap();
        assert_eq!(ed.to_string(), ED);
        assert_eq!(ed.name(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let ec: PublicKey = EC.parse().unwrap();
        assert_eq!(ec.to_string(), EC);
        for (key, prefix) in [(&ed, ED25519_SPKI), (&ec, P256_SPKI)] {
            let point = match &key.0 {
                Point::Ed25519(bytes) => bytes.to_vec(),
                Point::P256(point) => point.to_vec(),
            };
            let base64 = STANDARD.encode([prefix, &point].concat());
            assert_eq!(&base64.parse::<PublicKey>().unwrap(), key);
            let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----\n");
            assert_eq!(&pem.parse::<PublicKey>().unwrap(), key);
            let stored = serde_json::to_string(key).unwrap();
            assert_eq!(&serde_json::from_str::<PublicKey>(&stored).unwrap(), key);
        }
    }

    #[test]
    fn agp_s1_what_is_no_public_key_of_these_kinds_is_refused() {
        for text in [
            "",
            "AAAA",
            "{}",
            r#"{"kty":"oct","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}"#,
            &"A".repeat(5000),
        ] {
            assert_eq!(text.parse::<PublicKey>(), Err(NotAPublicKey::Form), "{text}");
        }
        let whole = ED.replace("\"x\"", "\"d\":\"AA\",\"x\"");
        assert_eq!(whole.parse::<PublicKey>(), Err(NotAPublicKey::Private));
        let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";
        assert_eq!(pem.parse::<PublicKey>(), Err(NotAPublicKey::Private));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let _ = text.parse::<PublicKey>();
        }
    }
}
