//! The master key: one secret for an instance, from which every other is derived by purpose.

use std::fmt;

use aws_lc_rs::hmac;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::pepper::hmac_sha256;
use crate::{NoRandomness, Pepper, SealError, SealingKey, random_32};

/// What keys are derived for. Two purposes never share a key.
pub mod purpose {
    /// Hashing virtual keys.
    pub const PEPPER: &str = "pepper";
    /// The seed of the key that signs ledger checkpoints.
    pub const LEDGER_SIGNER: &str = "ledger-signer";
    /// Cached answers; of a tenant's content key.
    pub const CACHE: &str = "cache";
    /// What tenants keep of their calls' exchanges; of a tenant's content key.
    pub const EXCHANGES: &str = "exchanges";
    /// Secrets of what tenants have delivered by themselves; of a tenant's content key.
    pub const DELIVERY: &str = "delivery";
    /// Wrapping the content keys of tenants.
    pub const CONTENT_KEYS: &str = "content-keys";
    /// What tells two master keys apart, and nothing else.
    pub const MARK: &str = "mark";
    /// Provider credentials and other secrets at rest.
    pub const SEALED_SECRETS: &str = "sealed-secrets";
    /// Cursors of the control plane's lists.
    pub const CURSORS: &str = "cursors";
    /// Answers that the control plane keeps for requests that come again.
    pub const REPLAYS: &str = "replays";
    /// Seeds of authenticator apps.
    pub const LOGINS: &str = "logins";
    /// Short-lived tokens that stand for a key.
    pub const ACCESS_TOKENS: &str = "access-tokens";
    /// Keys of the tokens that own backends know the gate by.
    pub const IDENTITY_KEYS: &str = "identity-keys";
    /// Tokens against requests across sites.
    pub const CSRF: &str = "csrf";
    /// What is begun in one request and finished in another.
    pub const CEREMONIES: &str = "ceremonies";
    /// What is made up for accounts that are not there.
    pub const MADE_UP: &str = "made-up";
    /// Provider credentials in the store.
    pub const STORED_CREDENTIALS: &str = "stored-credentials";
    /// Sealing the keys that sign the logs after the first.
    pub const LEDGER_KEYS: &str = "ledger-keys";
    /// Marks of samples and templates in the store, by which it is known that they are as they were written.
    pub const APPS: &str = "apps";
    /// What tells values of provider credentials apart.
    pub const CREDENTIAL_PRINTS: &str = "credential-prints";
}

/// Domain separation from any other use of the same bytes.
const DERIVE_SALT: &[u8] = b"bartizan master key v1";

/// 256 random bits that everything secret of an instance hangs on. Wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// A new one.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(*random_32()?))
    }

    /// The one with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A second copy, on purpose.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key for `purpose` (see [`purpose`]): HKDF-SHA-256 (RFC 5869), whose output of one block is
    /// written out here because in that form it cannot fail.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let extract = hmac::Key::new(hmac::HMAC_SHA256, DERIVE_SALT);
        let root = Zeroizing::new(hmac_sha256(&extract, &self.0));
        let expand = hmac::Key::new(hmac::HMAC_SHA256, root.as_slice());
        Zeroizing::new(hmac_sha256(&expand, &[purpose.as_bytes(), &[1]].concat()))
    }

    /// The pepper for virtual keys.
    pub fn pepper(&self) -> Pepper {
        Pepper::new(&self.derive(purpose::PEPPER))
    }

    /// What this key is known by where several must be the same: 64 hex digits that say nothing about it.
    pub fn mark(&self) -> String {
        hex::encode(*self.derive(purpose::MARK))
    }

    /// A prepared sealing key for `purpose`.
    pub fn sealing_key(&self, purpose: &str) -> Result<SealingKey, SealError> {
        SealingKey::new(&self.derive(purpose))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[master key]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hkdf;

    #[test]
    fn derivation_is_hkdf_sha256() {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, DERIVE_SALT).extract(&[9; 32]);
        let mut expected = [0u8; 32];
        prk.expand(&[b"pepper"], hkdf::HKDF_SHA256)
            .unwrap()
            .fill(&mut expected)
            .unwrap();
        assert_eq!(*MasterKey::from_bytes([9; 32]).derive(purpose::PEPPER), expected);
    }

    #[test]
    fn purposes_and_masters_do_not_share_keys() {
        let (a, b) = (MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
        let all = [
            purpose::PEPPER,
            purpose::LEDGER_SIGNER,
            purpose::CACHE,
            purpose::CONTENT_KEYS,
            purpose::SEALED_SECRETS,
            purpose::CURSORS,
            purpose::REPLAYS,
            purpose::LOGINS,
            purpose::CEREMONIES,
            purpose::MADE_UP,
            purpose::CSRF,
            purpose::STORED_CREDENTIALS,
            purpose::CREDENTIAL_PRINTS,
            purpose::IDENTITY_KEYS,
            "",
        ];
        let derived: std::collections::HashSet<_> =
            all.iter().flat_map(|p| [*a.derive(p), *b.derive(p)]).collect();
        assert_eq!(derived.len(), 2 * all.len());
    }

    #[test]
    fn agp_i1_debug_does_not_show_the_master_key() {
        assert_eq!(format!("{:?}", MasterKey::from_bytes([0x41; 32])), "[master key]");
    }
}
