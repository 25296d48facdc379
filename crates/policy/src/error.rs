//! Why a set of policies was not accepted.

use cedar_policy::ffi::DetailedError;

/// A set of policies that will not be served, with where and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not Cedar.
    #[error("{place} is not a policy: {reason}; {advice}")]
    Syntax {
        /// File and line.
        place: String,
        /// What the parser says.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// Cedar, but not in the words of the schema, or a policy that can never apply.
    #[error("{place}, policy `{policy}`: {reason}; {advice}")]
    Invalid {
        /// File and line.
        place: String,
        /// The policy's id.
        policy: String,
        /// What the validator says.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// Two policies claim one id.
    #[error("{place}: policy id `{policy}` is already taken by {other}; give one of them another `@id`")]
    Duplicate {
        /// File and line of the second.
        place: String,
        /// The id.
        policy: String,
        /// File and line of the first.
        other: String,
    },
    /// A template: nothing links templates here, so it would never apply.
    #[error(
        "{place}, policy `{policy}`: templates are not used here; write an entity in place of the `?` slot"
    )]
    Template {
        /// File and line.
        place: String,
        /// The template's id.
        policy: String,
    },
    /// A policy that fits the schema but not the control plane.
    #[error("policy `{policy}`: {reason}; {advice}")]
    Misplaced {
        /// The policy's id.
        policy: String,
        /// Why.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// More policies than are taken.
    #[error("{count} bytes of policies are more than the {max} that are accepted; merge or drop some")]
    TooLarge {
        /// Bytes handed in.
        count: usize,
        /// The most that is accepted.
        max: usize,
    },
    /// One policy nested too deeply or strung too long.
    #[error(
        "{place}: a policy has more than {max} {what}; split it, or compare with a set: `[\"a\", \"b\"].contains(…)`"
    )]
    Excess {
        /// File and line where the bound is passed.
        place: String,
        /// What there is too much of.
        what: &'static str,
        /// How much of it is accepted.
        max: usize,
    },
    /// No thread could be started to check the policies on.
    #[error("cannot start a thread to check the policies on: {0}; free some memory or threads and try again")]
    Thread(String),
    /// The embedded schema or defaults are broken: a fault of this build, not of the configuration.
    #[error("the built-in {what} is broken: {reason}; this build is faulty, use another one")]
    Builtin {
        /// Which part.
        what: &'static str,
        /// What the parser says.
        reason: String,
    },
}

/// `file:line` of a byte offset into `text`.
pub fn place(file: &str, text: &str, offset: usize) -> String {
    let before = text.as_bytes().get(..offset.min(text.len())).unwrap_or_default();
    let line = before
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        .saturating_add(1);
    format!("{}:{line}", clip(file, 120))
}

/// Where a Cedar error points to: the start of its first label, or of a related error's.
pub fn offset(error: &DetailedError) -> Option<usize> {
    let own = error.source_locations.first().map(|label| label.loc.start);
    own.or_else(|| error.related.iter().find_map(offset))
}

/// Cedar's own sentence on one line, without the input it quotes at length.
pub fn reason(error: &DetailedError) -> String {
    clip(
        &error.message.split_whitespace().collect::<Vec<_>>().join(" "),
        300,
    )
}

/// Cedar's advice, or ours.
pub fn advice(error: &DetailedError, otherwise: &str) -> String {
    let help = error
        .help
        .as_deref()
        .or_else(|| error.related.iter().find_map(|other| other.help.as_deref()));
    clip(help.unwrap_or(otherwise), 300)
}

/// Error texts repeat what was written, but not a book of it.
pub fn clip(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}
