//! The answer, and why.

use serde::Serialize;

/// The answer to an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether it may be done.
    pub permit: bool,
    /// The policies that decided, by their `@id`, sorted. Empty when nothing permitted it.
    pub policies: Vec<String>,
    /// What the actor can do about a "no": the `@reason` of a policy that forbids it, and only when nothing
    /// else stands in the way. May be told to the caller.
    pub reason: Option<String>,
    /// What went wrong while deciding. Whatever it was, the answer is then "no". For logs.
    pub error: Option<String>,
}

impl Verdict {
    pub(super) const fn failed(error: String) -> Self {
        Self {
            permit: false,
            policies: Vec::new(),
            reason: None,
            error: Some(error),
        }
    }
}
