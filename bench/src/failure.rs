//! Why a benchmark stopped, as one sentence.

use std::fmt;

/// A reason to stop.
#[derive(Debug)]
pub struct Failure(String);

/// What every step returns.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure in these words.
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(why: std::io::Error) -> Self {
        Self(why.to_string())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(why: serde_json::Error) -> Self {
        Self(format!("unreadable JSON: {why}"))
    }
}
