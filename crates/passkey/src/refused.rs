//! Why an answer is refused. For audit records and logs: outside, one "no" looks like another.

use webauthn_rs::prelude::WebauthnError;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not what an authenticator answers.
    #[error("not an authenticator's answer")]
    Malformed,
    /// The count of its uses did not rise: there may be two of what must be one.
    #[error("the passkey's count of uses went back: it may have been copied")]
    WentBack,
    /// It answers another challenge.
    #[error("the answer is to another challenge")]
    Challenge,
    /// It was made for another site.
    #[error("the answer was made for another site")]
    Site,
    /// Nobody showed that they may use the device.
    #[error("the device did not verify its user")]
    NotVerified,
    /// Another passkey than was asked for.
    #[error("the answer is of another passkey")]
    Unknown,
    /// The signature, or something else in it, is wrong.
    #[error("the answer does not verify")]
    Wrong,
}

impl Refused {
    /// Its stable name, for audit records.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Malformed => "passkey_malformed",
            Self::WentBack => "passkey_count_went_back",
            Self::Challenge => "passkey_other_challenge",
            Self::Site => "passkey_other_site",
            Self::NotVerified => "passkey_user_not_verified",
            Self::Unknown => "passkey_unknown",
            Self::Wrong => "passkey_wrong",
        }
    }
}

impl From<WebauthnError> for Refused {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::CredentialPossibleCompromise => Self::WentBack,
            WebauthnError::MismatchedChallenge => Self::Challenge,
            WebauthnError::InvalidRPOrigin | WebauthnError::InvalidRPIDHash => Self::Site,
            WebauthnError::UserNotPresent | WebauthnError::UserNotVerified => Self::NotVerified,
            WebauthnError::CredentialNotFound => Self::Unknown,
            _ => Self::Wrong,
        }
    }
}
