//! The content key: one random secret for each tenant, under which whatever is sealed for that tenant lies. It is
//! stored only wrapped, and once the wrapped form is destroyed, nothing that was sealed under it opens again.

use std::fmt;

use crate::{MasterKey, NoRandomness, SealError, SealingKey};

/// What a wrapped key is bound to, beside the tenant.
const PLACE: &[u8] = b"bartizan content key of ";

/// 256 random bits of one tenant's. Derives a key for each purpose, as the master key does for the instance.
#[derive(Debug)]
pub struct ContentKey(MasterKey);

impl ContentKey {
    /// A new one.
    pub fn generate() -> Result<Self, NoRandomness> {
        MasterKey::generate().map(Self)
    }

    /// As it is stored: sealed under the instance's wrapping key, bound to the tenant.
    // threat: AGP-I2
    pub fn wrap(&self, wrapping: &SealingKey, tenant: &str) -> Result<Vec<u8>, SealError> {
        wrapping.seal(self.0.bytes(), &place(tenant))
    }

    /// What [`ContentKey::wrap`] made for that tenant.
    // threat: AGP-E1
    pub fn unwrap_from(sealed: &[u8], wrapping: &SealingKey, tenant: &str) -> Result<Self, SealError> {
        let bytes = zeroize::Zeroizing::new(wrapping.open(sealed, &place(tenant))?);
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| SealError::Form)?;
        Ok(Self(MasterKey::from_bytes(bytes)))
    }

    /// A prepared key for one purpose.
    pub fn sealing_key(&self, purpose: &str) -> Result<SealingKey, SealError> {
        self.0.sealing_key(purpose)
    }

    /// What it is known by, for example when it was destroyed: 64 hex digits that say nothing about it.
    pub fn fingerprint(&self) -> String {
        self.0.mark()
    }
}

impl fmt::Display for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[content key]")
    }
}

fn place(tenant: &str) -> Vec<u8> {
    [PLACE, tenant.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purpose;

    fn wrapping(byte: u8) -> SealingKey {
        MasterKey::from_bytes([byte; 32])
            .sealing_key(purpose::CONTENT_KEYS)
            .unwrap()
    }

    #[test]
    fn agp_i2_a_wrapped_key_opens_for_its_tenant_on_its_instance_and_nowhere_else() {
        let key = ContentKey::generate().unwrap();
        let sealed = key.wrap(&wrapping(1), "tnt_a").unwrap();
        let again = ContentKey::unwrap_from(&sealed, &wrapping(1), "tnt_a").unwrap();
        assert_eq!(again.fingerprint(), key.fingerprint());
        let text = key.sealing_key("x").unwrap().seal(b"canary", b"").unwrap();
        assert_eq!(
            again.sealing_key("x").unwrap().open(&text, b"").unwrap(),
            b"canary"
        );
        assert!(again.sealing_key("y").unwrap().open(&text, b"").is_err());
        assert!(ContentKey::unwrap_from(&sealed, &wrapping(1), "tnt_b").is_err());
        assert!(ContentKey::unwrap_from(&sealed, &wrapping(2), "tnt_a").is_err());
        let other = ContentKey::generate().unwrap();
        assert_ne!(other.fingerprint(), key.fingerprint());
        assert!(other.sealing_key("x").unwrap().open(&text, b"").is_err());
    }

    #[test]
    fn agp_i1_neither_debug_nor_display_shows_it() {
        let key = ContentKey(MasterKey::from_bytes([0x41; 32]));
        assert_eq!(format!("{key:?} {key}"), "ContentKey([master key]) [content key]");
    }
}
