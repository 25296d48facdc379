//! Keys that sign requests, and keys that verify them.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey,
};
use credential::PublicKey;
use zeroize::Zeroizing;

/// Shorter secrets can be guessed.
const SECRET_BYTES_MIN: usize = 32;
const HMAC_SHA256: &str = "hmac-sha256";
const ED25519_NAME: &str = "ed25519";
const P256_NAME: &str = "ecdsa-p256-sha256";

/// A key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a signing secret has at least {SECRET_BYTES_MIN} bytes; a signing key is Ed25519 or P-256, in PKCS #8"
)]
pub struct BadKey;

/// What signs.
pub struct SigningKey(Signing);

enum Signing {
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519KeyPair>),
    P256(Box<EcdsaKeyPair>),
}

/// What verifies. With HMAC it is the same secret, so who can verify can sign.
pub struct VerifyingKey(Verifying);

enum Verifying {
    Hmac(Box<hmac::Key>),
    Public(&'static str, Box<ParsedPublicKey>),
}

impl SigningKey {
    /// Signs with a shared secret: the text of a [`SigningSecret`](crate::token::SigningSecret).
    pub fn hmac_sha256(secret: &[u8]) -> Result<Self, BadKey> {
        Ok(Self(Signing::Hmac(hmac_key(secret)?)))
    }

    /// Signs with a private key, given by its seed.
    pub fn ed25519(seed: &[u8; 32]) -> Result<Self, BadKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| BadKey)?;
        Ok(Self(Signing::Ed25519(Box::new(pair))))
    }

    /// A new Ed25519 key, in PKCS #8: for a file that nobody else reads.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, BadKey> {
        let pair = Ed25519KeyPair::generate().map_err(|_| BadKey)?;
        let document = pair.to_pkcs8v1().map_err(|_| BadKey)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Signs with a private key, Ed25519 or P-256, given in PKCS #8.
    pub fn pkcs8(der: &[u8]) -> Result<Self, BadKey> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self(Signing::Ed25519(Box::new(pair))));
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| BadKey)?;
        Ok(Self(Signing::P256(Box::new(pair))))
    }

    /// The other half, to register it.
    pub fn public(&self) -> Option<PublicKey> {
        match &self.0 {
            Signing::Hmac(_) => None,
            Signing::Ed25519(pair) => PublicKey::ed25519(pair.public_key().as_ref().try_into().ok()?).ok(),
            Signing::P256(pair) => PublicKey::p256(pair.public_key().as_ref().try_into().ok()?).ok(),
        }
    }

    pub(super) const fn algorithm(&self) -> &'static str {
        match &self.0 {
            Signing::Hmac(_) => HMAC_SHA256,
            Signing::Ed25519(_) => ED25519_NAME,
            Signing::P256(_) => P256_NAME,
        }
    }

    pub(super) fn sign(&self, base: &str) -> Result<Vec<u8>, BadKey> {
        Ok(match &self.0 {
            Signing::Hmac(key) => hmac::sign(key, base.as_bytes()).as_ref().to_vec(),
            Signing::Ed25519(pair) => pair.sign(base.as_bytes()).as_ref().to_vec(),
            Signing::P256(pair) => {
                let signed = pair.sign(&SystemRandom::new(), base.as_bytes());
                signed.map_err(|_| BadKey)?.as_ref().to_vec()
            }
        })
    }
}

impl VerifyingKey {
    /// Verifies with a shared secret.
    pub fn hmac_sha256(secret: &[u8]) -> Result<Self, BadKey> {
        Ok(Self(Verifying::Hmac(hmac_key(secret)?)))
    }

    /// Verifies with a public key.
    pub fn public(key: &PublicKey) -> Result<Self, BadKey> {
        let parsed = key.parsed().map_err(|_| BadKey)?;
        Ok(Self(Verifying::Public(key.algorithm(), Box::new(parsed))))
    }

    /// Verifies with an Ed25519 public key.
    pub fn ed25519(public: &[u8; 32]) -> Result<Self, BadKey> {
        let key = ParsedPublicKey::new(&ED25519, public).map_err(|_| BadKey)?;
        Ok(Self(Verifying::Public(ED25519_NAME, Box::new(key))))
    }

    pub(super) const fn algorithm(&self) -> &'static str {
        match &self.0 {
            Verifying::Hmac(_) => HMAC_SHA256,
            Verifying::Public(name, _) => name,
        }
    }

    /// Whether `signature` is this key's over `base`; in constant time where the key is a secret.
    pub(super) fn verifies(&self, base: &str, signature: &[u8]) -> bool {
        match &self.0 {
            Verifying::Hmac(key) => hmac::verify(key, base.as_bytes(), signature).is_ok(),
            Verifying::Public(_, key) => key.verify_sig(base.as_bytes(), signature).is_ok(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} signing key]", self.algorithm())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} verifying key]", self.algorithm())
    }
}

fn hmac_key(secret: &[u8]) -> Result<Box<hmac::Key>, BadKey> {
    let long_enough = secret.len() >= SECRET_BYTES_MIN;
    long_enough
        .then(|| Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
        .ok_or(BadKey)
}
