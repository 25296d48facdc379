//! Why a token or proof is refused. Says nothing of the token but the name of a claim.

/// One reason; the first that was met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Longer than any we take.
    #[error(
        "the token is longer than {} bytes; ask the issuer for fewer claims",
        super::TOKEN_BYTES_MAX
    )]
    TooLong,
    /// Not three parts of base64url, of which the first two are JSON objects that name nothing twice.
    #[error("not a signed JWT in compact form")]
    Malformed,
    /// `none`, a shared secret, or one that is not supported.
    #[error("the token's algorithm is not accepted; sign with RS256, ES256 or EdDSA")]
    Algorithm,
    /// It has conditions that we do not know.
    #[error("the token has critical extensions that are not known here")]
    Critical,
    /// A JWT for something else.
    #[error("the token is of another type than an access token")]
    Type,
    /// None of the issuer's keys is meant.
    #[error("the token is signed with a key that its issuer does not publish")]
    UnknownKey,
    /// The signature is not by that key over these bytes.
    #[error("the token's signature does not verify")]
    Signature,
    /// By somebody else than was asked about.
    #[error("the token is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the token is for another audience; ask the issuer for one for this gate")]
    Audience,
    /// Past its end.
    #[error("the token has expired; get a new one")]
    Expired,
    /// Issued, or good from, later than now.
    #[error("the token is not valid yet; check the clocks")]
    NotYet,
    /// Good for longer than is accepted.
    #[error("the token lives longer than is accepted; ask the issuer for a shorter one")]
    Lifetime,
    /// A claim is missing, not of its type or not what the issuer's tokens must say.
    #[error("the claim `{0}` is missing or is not what is expected")]
    Claim(String),
    /// Bound to a key or certificate that was not shown, or not bound where it must be.
    #[error("the token is bound to a key or certificate that was not shown, or is not bound at all")]
    Binding,
    /// An identity token that answers another sign-in, or goes with another access token.
    #[error("the identity token is not of this sign-in")]
    OtherSignIn,
    /// The proof is for another method, address or token, or lacks the nonce.
    #[error("the proof is not for this request")]
    OtherRequest,
}
