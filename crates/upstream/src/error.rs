//! What can go wrong on the way out, and whether the provider can have seen the call.

/// Why an upstream call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection: name, route, TLS or egress rule. The provider has seen nothing.
    #[error("could not connect: {0}")]
    Connect(String),
    /// The connection failed after the call may have been sent.
    #[error("connection failed: {0}")]
    Broken(String),
    /// No answer's head within the deadline; the call was sent.
    #[error("no first byte within {0} ms")]
    FirstByte(u64),
}

impl UpstreamError {
    /// Whether the provider cannot have seen the call, so that trying again cannot bill twice.
    pub const fn unsent(&self) -> bool {
        matches!(self, Self::Connect(_))
    }
}

/// Why a certificate is not shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It is of another key.
    #[error("certificate and private key do not belong together")]
    Apart,
    /// One of the two is damaged, or of a kind that is not spoken.
    #[error("certificate or private key cannot be used: {0}")]
    Unreadable(String),
    /// Its time is over.
    #[error("the certificate has expired")]
    Expired,
    /// Its time has not come.
    #[error("the certificate is not valid yet: is this machine's clock right?")]
    Early,
}
