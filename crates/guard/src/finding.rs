//! Where something was found, and by which rule. Never holds or shows the matched text.

use std::ops::Range;

use serde::Serialize;

/// The family of guards that made a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A credential: a key, token, password or private key.
    Secret,
    /// What says who somebody is, or how to reach them.
    Personal,
    /// Text that is to be taken for an instruction where it is none, or that is to undo those that are.
    Injection,
    /// What nobody should be helped with, or be told.
    Moderation,
}

/// One stretch of text that a rule matched.
///
/// In a stream a match longer than what may be held back arrives as several findings of the same rule
/// that touch each other (`a..b`, `b..c`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Finding {
    /// Bytes of the text handed in; of the whole channel for streams.
    pub span: Range<usize>,
    /// The rule's stable name, such as `aws_access_key_id`.
    pub rule: &'static str,
    /// The family of guards.
    pub kind: Kind,
    /// How sure it is, in percent; [`SURE`] where the form alone proves it.
    pub score: u8,
}

/// The score of a finding that cannot be an accident: a check digit, a provider's own prefix and length.
pub const SURE: u8 = 100;
