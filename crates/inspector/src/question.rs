//! What a guard outside is asked, and what it said.

use domain::{RequestId, TenantId};
use guard::{Direction, Finding, Origin};

use crate::kind::Spent;

/// One text of a call.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// Who wrote it.
    pub origin: Origin,
    /// What it says.
    pub text: &'a str,
}

/// What is asked: all texts of one call that go one way.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whose call it is. Answers are remembered by tenant; it is not told outside.
    pub tenant: TenantId,
    /// The call's id, for the other side's log.
    pub request: RequestId,
    /// Which way they go.
    pub direction: Direction,
    /// The model's name as the caller gave it.
    pub model: Option<&'a str>,
    /// The texts.
    pub texts: &'a [Text<'a>],
}

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Findings, each with the number of its text.
    pub findings: Vec<(usize, Finding)>,
    /// How many texts the other side saw; the rest was remembered, or blank.
    pub asked: usize,
    /// LLM tokens that it took, where it says so.
    pub spent: Spent,
}

impl std::fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text")
            .field("origin", &self.origin)
            .field("bytes", &self.text.len())
            .finish()
    }
}
