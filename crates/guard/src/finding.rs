//! Where something was found, and by which rule. Never holds or shows the matched text.

use std::borrow::Cow;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The family of guards that made a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A credential: a key, token, password or private key.
    Secret,
    /// What says who somebody is, or how to reach them.
    Personal,
    /// Text that is to be taken for an instruction where it is none, or that is to undo those that are.
    Injection,
    /// What nobody should be helped with, or be told.
    Moderation,
    /// What this application is not for.
    Topic,
    /// An address that leads, or carries something, where it must not.
    Link,
    /// What an operator's own rules look for: patterns, words, extensions.
    Custom,
    /// A request that is larger, deeper or of another form than its route allows.
    Bounds,
    /// An answer that is not of the form that was asked for.
    Format,
    /// Content that no guard could read: an image, a sound, an encoding too deep.
    Unread,
    /// A system prompt that comes out again.
    Leak,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::Secret,
        Self::Personal,
        Self::Injection,
        Self::Moderation,
        Self::Topic,
        Self::Link,
        Self::Custom,
        Self::Bounds,
        Self::Format,
        Self::Unread,
        Self::Leak,
    ];

    /// Its name in records and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Personal => "personal",
            Self::Injection => "injection",
            Self::Moderation => "moderation",
            Self::Topic => "topic",
            Self::Link => "link",
            Self::Custom => "custom",
            Self::Bounds => "bounds",
            Self::Format => "format",
            Self::Unread => "unread",
            Self::Leak => "leak",
        }
    }
}

/// One stretch of text that a rule matched.
///
/// In a stream a match longer than what may be held back arrives as several findings of the same rule
/// that touch each other (`a..b`, `b..c`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Finding {
    /// Bytes of the text handed in; of the whole channel for streams.
    pub span: Range<usize>,
    /// The rule's stable name, such as `aws_access_key_id`; an operator's own name for rules of theirs.
    pub rule: Cow<'static, str>,
    /// The family of guards.
    pub kind: Kind,
    /// What kind of thing within the family, where that knows kinds: of personal data, of harm. Empty elsewhere.
    pub category: &'static str,
    /// How sure it is, in percent; [`SURE`] where the form alone proves it.
    pub score: u8,
}

/// The score of a finding that cannot be an accident: a check digit, a provider's own prefix and length.
pub const SURE: u8 = 100;
