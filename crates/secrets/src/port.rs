//! What every engine promises: a secret for a reference, or why there is none. Never both, never half.

use std::borrow::Cow;

use async_trait::async_trait;
use credential::{SecretRef, Weakness};
use domain::Secret;

/// Secrets are short; what is longer is not one.
pub const SECRET_BYTES_MAX: usize = 64 << 10;

/// Where secrets are kept.
#[async_trait]
pub trait Secrets: std::fmt::Debug + Send + Sync {
    /// The secret that `reference` points to, as it is now.
    async fn get(&self, reference: &SecretRef) -> Result<Versioned<Secret>, SecretError>;
}

/// A value and which one of its kind it is.
#[derive(Debug)]
pub struct Versioned<T> {
    /// The value.
    pub value: T,
    /// Rises with every change, where whoever keeps the value counts them.
    pub version: Option<u64>,
}

impl Versioned<Secret> {
    /// A second copy, on purpose.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            value: self.value.duplicate(),
            version: self.version,
        }
    }
}

/// What is wrong, as the end of a sentence that begins with the reference.
pub type Why = Cow<'static, str>;

/// Why there is no secret. Names the reference, never what was found there.
// threat: AGP-I1
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There is nothing at the reference: an answer, not a failure to get one.
    #[error("`{0}` {1}")]
    NotFound(SecretRef, Why),
    /// Whoever keeps it refuses to give it to us.
    #[error("`{0}` {1}")]
    Forbidden(SecretRef, Why),
    /// Whoever keeps it did not answer, or could not: trying again may help.
    #[error("`{0}` {1}")]
    Unavailable(SecretRef, Why),
    /// What is there is no secret.
    #[error("`{0}` {1}")]
    Malformed(SecretRef, Why),
    /// No engine was configured for such references.
    #[error("`{0}` {1}")]
    Unconfigured(SecretRef, Why),
}

impl SecretError {
    /// Whether the last known value may stand in for the answer that is missing.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(..))
    }

    /// For a reference of a kind the engine does not know.
    pub fn unconfigured(reference: &SecretRef) -> Self {
        Self::Unconfigured(reference.clone(), "is of a kind that is not configured".into())
    }
}

/// What was read, as a secret: one final line break is not part of it, and an empty one protects nothing.
pub fn taken_in(reference: &SecretRef, text: &str) -> Result<Secret, SecretError> {
    let malformed = |why: &'static str| Err(SecretError::Malformed(reference.clone(), why.into()));
    if text.len() > SECRET_BYTES_MAX {
        return malformed("is too large to be a secret");
    }
    let line = text.strip_suffix('\n').unwrap_or(text);
    let secret = Secret::new(line.strip_suffix('\r').unwrap_or(line));
    if credential::weakness(&secret) == Some(Weakness::Empty) {
        return malformed("is empty");
    }
    Ok(secret)
}
