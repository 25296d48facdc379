//! Why a signed request is refused. Says nothing of keys, and of the request only a component's name.

/// One reason; the first that was met.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No signature at all.
    #[error("the request is not signed; send `signature-input` and `signature`")]
    Missing,
    /// Not structured fields of the expected kind, or too long.
    #[error("`signature-input` or `signature` is malformed")]
    Malformed,
    /// Which one is meant?
    #[error("the request has several signatures; send one")]
    Several,
    /// A component that cannot be covered here, or twice the same.
    #[error("the component `{0}` cannot be covered; cover derived components and header fields, each once")]
    Component(String),
    /// A component that must be covered is not.
    #[error("the signature does not cover `{0}`")]
    NotCovered(&'static str),
    /// A covered component that the request does not have.
    #[error("the request has no `{0}`, which its signature covers")]
    Absent(String),
    /// A parameter is missing, malformed or not known.
    #[error("the signature's parameter `{0}` is missing, malformed or not known")]
    Parameter(String),
    /// Made with another key, or not by the key's algorithm, or over another request.
    #[error("the signature does not verify")]
    Signature,
    /// Made too long ago, or past its own end.
    #[error("the signature is too old; sign each request anew")]
    Expired,
    /// Made later than now.
    #[error("the signature is from the future; check the clock")]
    NotYet,
    /// The body is another one than was signed, or is not covered.
    #[error("the body is not the one that was signed; cover `content-digest` with sha-256")]
    Body,
}
