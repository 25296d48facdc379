//! What can be wrong with a body: one enum, each message a sentence for the caller.

use crate::Dialect;

/// Longest piece of a caller's own text repeated back to it, in characters.
const QUOTED_CHARS_MAX: usize = 80;

/// Why a body could not be read, rewritten or translated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialectError {
    /// Not UTF-8, not JSON, or JSON that goes on after its end.
    #[error("the body is not valid JSON: {detail}")]
    NotJson {
        /// What was expected, and at which byte.
        detail: String,
    },
    /// JSON, but not an object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// A field that decides something was given twice, so that two readers could disagree on it.
    #[error("field `{field}` is given more than once")]
    Duplicate {
        /// The field.
        field: String,
    },
    /// A field whose name differs from a known one only by case: some readers would take it for that one.
    #[error("field `{field}` differs from `{known}` only by case")]
    Lookalike {
        /// As given.
        field: String,
        /// The field it could be taken for.
        known: String,
    },
    /// A field that must be there is not.
    #[error("field `{field}` is missing")]
    Missing {
        /// The field.
        field: String,
    },
    /// A known field of the wrong type or value.
    #[error("field `{field}` must be {expected}")]
    WrongType {
        /// The field.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
    /// More of something than the limit allows.
    #[error("too many or too deep: `{field}` is limited to {max}")]
    TooMany {
        /// What is limited.
        field: &'static str,
        /// The limit.
        max: u64,
    },
    /// Said in the caller's dialect, and not sayable in the target's.
    #[error("field `{field}` cannot be carried over to the {to} dialect of this model's provider")]
    NotCarried {
        /// The field, with its path.
        field: String,
        /// The dialect it cannot be said in.
        to: Dialect,
    },
    /// A call that exists in one dialect only.
    #[error("`{path}` has no counterpart in the {to} dialect of this model's provider")]
    NoCounterpart {
        /// The path of the call.
        path: &'static str,
        /// The dialect without it.
        to: Dialect,
    },
    /// The upstream's answer is not what its dialect says.
    #[error("the provider's answer could not be understood: {detail}")]
    BadUpstream {
        /// What is wrong, never the answer's own text.
        detail: String,
    },
    /// One event of a stream is larger than the limit.
    #[error("the provider sent a stream event larger than {max} bytes")]
    EventTooLarge {
        /// The limit.
        max: usize,
    },
    /// The envelope was read from another body.
    #[error("the request changed after it was read")]
    Stale,
}

impl DialectError {
    pub(crate) fn not_json(expected: &str, at: usize) -> Self {
        Self::NotJson {
            detail: format!("{expected} at byte {at}"),
        }
    }

    pub(crate) fn missing(field: &str) -> Self {
        Self::Missing { field: clip(field) }
    }

    pub(crate) fn wrong(field: &str, expected: &'static str) -> Self {
        Self::WrongType {
            field: clip(field),
            expected,
        }
    }

    pub(crate) fn not_carried(field: &str, to: Dialect) -> Self {
        Self::NotCarried {
            field: clip(field),
            to,
        }
    }

    pub(crate) fn upstream(detail: impl Into<String>) -> Self {
        Self::BadUpstream {
            detail: detail.into(),
        }
    }

    /// The same fault, when it is the upstream's body that has it.
    pub(crate) fn of_upstream(self) -> Self {
        match self {
            Self::BadUpstream { .. } | Self::EventTooLarge { .. } => self,
            other => Self::BadUpstream {
                detail: other.to_string(),
            },
        }
    }
}

/// The start of a text, control characters replaced, short enough to repeat in a message.
pub(crate) fn clip(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(QUOTED_CHARS_MAX)
        .map(|c| if c.is_control() || c == '`' { '?' } else { c })
        .collect();
    if short.len() < text.len() && text.chars().count() > QUOTED_CHARS_MAX {
        short.push('…');
    }
    short
}
