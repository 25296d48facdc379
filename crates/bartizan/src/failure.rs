//! What went wrong and what to do next: `error:` then `hint:`.

use std::fmt;

/// Exit codes, as documented in `--help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something failed.
    Failed = 1,
    /// The command line or a file is wrong.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// Evidence does not verify.
    Tampered = 4,
}

/// A failure as a person reads it.
#[derive(Debug)]
pub struct Failure {
    what: String,
    hint: Option<String>,
    exit: Exit,
}

/// Anything that can be given a hint.
pub trait Hint {
    /// Adds what to do next.
    #[must_use]
    fn hint(self, hint: impl Into<String>) -> Self;
}

impl Failure {
    /// A failure, lower case, no full stop.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: None,
            exit: Exit::Failed,
        }
    }

    /// The command line or a file is wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::new(what)
        }
    }

    /// There is no such thing.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self {
            exit: Exit::NotFound,
            ..Self::new(what)
        }
    }

    /// Evidence does not verify.
    pub fn tampered(what: impl Into<String>) -> Self {
        Self {
            exit: Exit::Tampered,
            ..Self::new(what)
        }
    }

    /// Everything is said already: only the exit code is left.
    pub const fn said() -> Self {
        Self {
            what: String::new(),
            hint: None,
            exit: Exit::Failed,
        }
    }

    /// The same, with where it happened before it.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        Self {
            what: format!("{place}: {}", self.what),
            ..self
        }
    }

    /// The same, as something that cannot be told.
    #[must_use]
    pub fn into_usage(self) -> Self {
        Self {
            exit: Exit::Usage,
            ..self
        }
    }

    /// Whether there is something to say.
    pub const fn is_said(&self) -> bool {
        self.what.is_empty()
    }

    /// The process's exit code.
    pub const fn exit(&self) -> u8 {
        self.exit as u8
    }
}

impl Hint for Failure {
    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl From<store::StoreError> for Failure {
    fn from(error: store::StoreError) -> Self {
        match error {
            store::StoreError::NotFound => Self::not_found("there is no such thing in this tenant"),
            store::StoreError::Removed(_) => Self::not_found(error.to_string()).hint(
                "`ledger.keep_days` says how long entries are kept; reports are made of sums that stay",
            ),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<store::SigningError> for Failure {
    fn from(error: store::SigningError) -> Self {
        use store::SigningError as Error;
        match error {
            Error::Store(store::StoreError::Superseded) => {
                Self::new("somebody else is replacing the key of the logs just now").hint(
                    "should they have died meanwhile, signing goes on by itself in a minute: run this again then",
                )
            }
            Error::Unusable => Self::new(error.to_string()).hint(
                "bring back the root it was sealed under, or give it up: `bartizan ledger rotate-key --without-old`",
            ),
            Error::Tampered(_) => Self::tampered(error.to_string()),
            other => Self::new(other.to_string()),
        }
    }
}
