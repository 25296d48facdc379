//! The keys an issuer publishes (JWKS, RFC 7517), bounded in size and count. Keys that are not for us are
//! left aside with their reason; a set that is left with none is refused, so that a bad answer never
//! replaces good keys.

use serde_json::Value;

use super::jwk::{Algorithm, Jwk, Unusable};
use super::strict;

/// The longest text that is read.
pub const KEY_SET_BYTES_MAX: usize = 128 * 1024;
/// The most keys, usable or not.
pub const KEYS_MAX: usize = 64;

/// Why a text is no set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeySet {
    /// Too much text.
    #[error("the key set is longer than {KEY_SET_BYTES_MAX} bytes")]
    TooLong,
    /// Too many keys.
    #[error("the key set has more than {KEYS_MAX} keys")]
    TooMany,
    /// Not a JSON object with an array `keys` of objects.
    #[error("not a JSON Web Key Set")]
    Malformed,
    /// Two usable keys of one name: a token could not say which it means.
    #[error("two keys of the set have the same `kid`")]
    Ambiguous,
    /// Nothing to verify with.
    #[error(
        "the key set has no usable key; publish RSA of 2048 bits or more, P-256 or Ed25519 for signatures"
    )]
    NoneUsable,
}

/// The keys of one issuer.
pub struct KeySet {
    keys: Vec<Jwk>,
    left_aside: Vec<Unusable>,
}

impl KeySet {
    /// Reads what an issuer published.
    pub fn parse(text: &str) -> Result<Self, BadKeySet> {
        if text.len() > KEY_SET_BYTES_MAX {
            return Err(BadKeySet::TooLong);
        }
        let set = strict::object(text.as_bytes()).ok_or(BadKeySet::Malformed)?;
        let list = set
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(BadKeySet::Malformed)?;
        if list.len() > KEYS_MAX {
            return Err(BadKeySet::TooMany);
        }
        let (mut keys, mut left_aside) = (Vec::new(), Vec::new());
        for one in list {
            match Jwk::read(one.as_object().ok_or(BadKeySet::Malformed)?) {
                Ok(key) => keys.push(key),
                Err(why) => left_aside.push(why),
            }
        }
        refuse_ambiguity(&keys)?;
        if keys.is_empty() {
            return Err(BadKeySet::NoneUsable);
        }
        Ok(Self { keys, left_aside })
    }

    /// Why keys were left aside, one for each.
    pub fn left_aside(&self) -> &[Unusable] {
        &self.left_aside
    }

    /// How many can verify.
    pub fn usable(&self) -> usize {
        self.keys.len()
    }

    /// The key that a header means: the one of its name and algorithm. Without a name only where there is
    /// no choice. The name is compared, and nothing else is ever done with it.
    // threat: AGP-S3
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&Jwk> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.algorithm == algorithm && id.is_none_or(|id| key.id.as_deref() == Some(id)));
        let found = fitting.next()?;
        fitting.next().is_none().then_some(found)
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "[{} keys, {} left aside]",
            self.keys.len(),
            self.left_aside.len()
        )
    }
}

fn refuse_ambiguity(keys: &[Jwk]) -> Result<(), BadKeySet> {
    let mut ids: Vec<_> = keys.iter().filter_map(|key| key.id.as_deref()).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    (ids.len() == count).then_some(()).ok_or(BadKeySet::Ambiguous)
}
