//! Why a guard outside gave no verdict. Never holds a text or what was answered.

use crate::kind::Malformed;

/// Why there is no verdict. What happens to the call then is its operator's to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It is not asked now, because it failed too often.
    #[error("it rests after failures")]
    Resting,
    /// A request that had the whole time was not answered in it.
    #[error("no answer in time")]
    Late,
    /// No verdict on all texts in time, and no request had all of it: there were too many.
    #[error("there was no turn in time for all that was asked")]
    Crowded,
    /// No connection, or it broke.
    #[error("{0}")]
    Unreached(String),
    /// Another status than 200; redirects are not followed.
    #[error("answered with status {0}")]
    Status(u16),
    /// More than is read of an answer.
    #[error("the answer is larger than {} bytes", crate::ANSWER_BYTES_MAX)]
    TooLarge,
    /// Not the form that is expected.
    #[error("the answer makes no sense: {0}")]
    Malformed(#[from] Malformed),
    /// A text that is too long to be shown.
    #[error("a text is longer than `text_bytes_max`")]
    TooLong,
    /// More texts than are asked about for one call.
    #[error("there are more texts than `texts_max`")]
    TooMany,
    /// The credential it is to be shown cannot be had.
    #[error("its credential cannot be had")]
    Withheld,
}

impl Unanswered {
    /// Whether the other side is to blame whatever it was asked. What one text, or one caller's many,
    /// can provoke does not make it rest: else one
    /// caller could take the guard away from all others.
    // threat: AGP-D2
    pub(crate) const fn is_its_fault(&self) -> bool {
        match self {
            Self::Late | Self::Unreached(_) => true,
            Self::Status(status) => matches!(status, 401 | 403 | 404 | 429) || *status >= 500,
            Self::Resting
            | Self::Crowded
            | Self::TooLarge
            | Self::Malformed(_)
            | Self::TooLong
            | Self::TooMany
            | Self::Withheld => false,
        }
    }
}
