//! Keys that sign requests, and keys that verify them.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};

/// Shorter secrets can be guessed.
const SECRET_BYTES_MIN: usize = 32;
const HMAC_SHA256: &str = "hmac-sha256";
const ED25519_NAME: &str = "ed25519";

/// A key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret has at least {SECRET_BYTES_MIN} bytes, an ed25519 key exactly 32")]
pub struct BadKey;

/// What signs.
pub struct SigningKey(Signing);

enum Signing {
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// What verifies. With HMAC it is the same secret, so who can verify can sign.
pub struct VerifyingKey(Verifying);

enum Verifying {
    Hmac(Box<hmac::Key>),
    Ed25519(Box<ParsedPublicKey>),
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

    /// The other half, to register it.
    pub fn public(&self) -> Option<[u8; 32]> {
        match &self.0 {
            Signing::Hmac(_) => None,
            Signing::Ed25519(pair) => pair.public_key().as_ref().try_into().ok(),
        }
    }

    pub(super) const fn algorithm(&self) -> &'static str {
        match &self.0 {
            Signing::Hmac(_) => HMAC_SHA256,
            Signing::Ed25519(_) => ED25519_NAME,
        }
    }

    pub(super) fn sign(&self, base: &str) -> Vec<u8> {
        match &self.0 {
            Signing::Hmac(key) => hmac::sign(key, base.as_bytes()).as_ref().to_vec(),
            Signing::Ed25519(pair) => pair.sign(base.as_bytes()).as_ref().to_vec(),
        }
    }
}

impl VerifyingKey {
    /// Verifies with a shared secret.
    pub fn hmac_sha256(secret: &[u8]) -> Result<Self, BadKey> {
        Ok(Self(Verifying::Hmac(hmac_key(secret)?)))
    }

    /// Verifies with a public key.
    pub fn ed25519(public: &[u8; 32]) -> Result<Self, BadKey> {
        let key = ParsedPublicKey::new(&ED25519, public).map_err(|_| BadKey)?;
        Ok(Self(Verifying::Ed25519(Box::new(key))))
    }

    pub(super) const fn algorithm(&self) -> &'static str {
        match &self.0 {
            Verifying::Hmac(_) => HMAC_SHA256,
            Verifying::Ed25519(_) => ED25519_NAME,
        }
    }

    /// Whether `signature` is this key's over `base`; in constant time where the key is a secret.
    pub(super) fn verifies(&self, base: &str, signature: &[u8]) -> bool {
        match &self.0 {
            Verifying::Hmac(key) => hmac::verify(key, base.as_bytes(), signature).is_ok(),
            Verifying::Ed25519(key) => key.verify_sig(base.as_bytes(), signature).is_ok(),
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
