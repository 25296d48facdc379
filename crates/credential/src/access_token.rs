//! Short-lived tokens that stand for a virtual key, so that whoever works with one never holds the key.
//!
//! `btzt_` and a sealed [`Grant`]: every replica opens it with the key derived from the master key, without asking
//! a store. It holds the digest of the key it was given for, and is found as that key is: what ends the key ends it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Operation, Secret, UnixMillis};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{PublicKey, SealError, SealingKey};

const PREFIX: &str = "btzt_";
/// Longer ones are not looked at.
const TEXT_BYTES_MAX: usize = 8 * 1024;
const AAD: &[u8] = b"bartizan access token v1";

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Digest of the key it stands for.
    pub key: [u8; 32],
    /// From this time on it is refused.
    pub expires: UnixMillis,
    /// What it may ask for, of what the key may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<Operation>>,
    /// Models it may use, of those the key may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// When there is one, every call with the token is signed with the other half of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<PublicKey>,
}

impl Grant {
    /// Whether a text claims to be such a token.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The token for this.
    pub fn seal(&self, key: &SealingKey) -> Result<Secret, SealError> {
        let plain = Zeroizing::new(serde_json::to_vec(self).map_err(|_| SealError::Sealing)?);
        let sealed = key.seal(&plain, AAD)?;
        Ok(Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed))))
    }

    /// What a token says, if it was made here and its time is not over.
    // threat: CTX-T1
    // threat: AGP-S1
    pub fn open(text: &str, key: &SealingKey, now: UnixMillis) -> Option<Self> {
        let digits = text
            .strip_prefix(PREFIX)
            .filter(|digits| digits.len() <= TEXT_BYTES_MAX)?;
        let sealed = URL_SAFE_NO_PAD.decode(digits).ok()?;
        let plain = Zeroizing::new(key.open(&sealed, AAD).ok()?);
        let grant: Self = serde_json::from_slice(&plain).ok()?;
        (now < grant.expires).then_some(grant)
    }

    /// Whether this may be asked for.
    // threat: AGP-E1
    pub fn has_operation(&self, operation: Operation) -> bool {
        let listed = self.operations.as_ref();
        listed.is_none_or(|operations| operations.contains(&operation))
    }

    /// Whether this model is there.
    // threat: AGP-E1
    pub fn has_model(&self, model: &str) -> bool {
        let listed = self.models.as_ref();
        listed.is_none_or(|models| models.iter().any(|one| one == model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MasterKey;
    use crate::master::purpose;
    use proptest::prelude::*;

    fn sealing(byte: u8) -> SealingKey {
        let master = MasterKey::from_bytes([byte; 32]);
        master.sealing_key(purpose::ACCESS_TOKENS).unwrap()
    }

    fn grant() -> Grant {
        Grant {
            key: [3; 32],
            expires: UnixMillis(100),
            operations: Some(vec![Operation::Chat]),
            models: Some(vec!["m".into()]),
            signing_key: None,
        }
    }

    #[test]
    fn ctx_t1_a_token_opens_where_it_was_made_and_in_its_time() {
        let token = grant().seal(&sealing(1)).unwrap();
        let open = |text: &str, key, now| Grant::open(text, &sealing(key), UnixMillis(now));
        assert_eq!(open(token.expose(), 1, 99), Some(grant()));
        assert_eq!(open(token.expose(), 1, 100), None);
        assert_eq!(open(token.expose(), 2, 99), None);
        assert_eq!(open(&token.expose().replace("btzt_", "btz_"), 1, 99), None);
        let other = MasterKey::from_bytes([1; 32]).sealing_key(purpose::CSRF).unwrap();
        assert_eq!(Grant::open(token.expose(), &other, UnixMillis(0)), None);
    }

    #[test]
    fn agp_e1_what_is_listed_narrows_and_what_is_not_does_not() {
        let some = grant();
        assert!(some.has_operation(Operation::Chat) && !some.has_operation(Operation::Embeddings));
        assert!(some.has_model("m") && !some.has_model("n"));
        let none = Grant {
            operations: Some(Vec::new()),
            models: None,
            ..some
        };
        assert!(!none.has_operation(Operation::Chat) && none.has_model("n"));
    }

    proptest! {
        #[test]
        fn agp_s1_any_changed_character_closes_it(at in 5usize..150, to in "[A-Za-z0-9_-]") {
            let token = grant().seal(&sealing(1)).unwrap();
            let mut text = token.expose().to_owned();
            let at = at % (text.len() - 1);
            if at >= 5 && text.get(at..=at) != Some(to.as_str()) {
                text.replace_range(at..=at, &to);
                prop_assert_eq!(Grant::open(&text, &sealing(1), UnixMillis(0)), None);
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "(btzt_)?\\PC*") {
            prop_assert_eq!(Grant::open(&text, &sealing(1), UnixMillis(0)), None);
        }
    }
}
