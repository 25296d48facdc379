//! Receipts: what the gate signs on an answer, and what somebody holds an answer against who was given one.
//!
//! The signature is one over HTTP messages (RFC 9421), by the key that signs the log: over the answer's status, the digest
//! of its body, its id and the model that served it, and over what it answers. The text that is signed begins with a
//! quotation mark and does not end with a newline; that of a note ends with one: neither is ever taken for the other.
//!
//! Read strictly: only what [`Said::sign`] writes. Reads no file and hashes with nothing but SHA-256.

mod kept;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{RequestId, UnixMillis};

use crate::merkle::sha256;
use crate::note::Signer;

pub use kept::{Asked, Kept, Receipt, covers, verify};

/// The signature's name among others.
pub const LABEL: &str = "receipt";
/// What it is for.
const TAG: &str = "bartizan-receipt";
/// The answer's body (RFC 9530).
pub const CONTENT_DIGEST: &str = "content-digest";
/// The model that was asked for.
pub const MODEL: &str = "x-bartizan-model";
/// Who served it: `provider/upstream-model`; left out where nobody was called.
pub const TARGET: &str = "x-bartizan-target";
/// SHA-256 of the request's body as the gate got it.
pub const REQUEST_DIGEST: &str = "x-bartizan-request-digest";
/// The request's id.
const REQUEST_ID: &str = "x-request-id";
const STATUS: &str = "@status";
const METHOD: &str = "@method";
const PATH: &str = "@path";
const SIGNATURE: &str = "signature";
const SIGNATURE_INPUT: &str = "signature-input";

/// Why an answer is not what was signed, or not what is in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// A header is not there, or twice.
    #[error("the answer has no `{0}`, or several: was the key made with receipts?")]
    Missing(&'static str),
    /// Not as the gate writes it.
    #[error("`{0}` is not as the gate writes it")]
    Malformed(&'static str),
    /// The body is another.
    #[error("the body is not the one that was signed")]
    Body,
    /// What was asked is not there to be held against it.
    #[error("the receipt is bound to the request's `{0}`: give the head of the request")]
    NoRequest(String),
    /// The request is another.
    #[error("it answers another request")]
    OtherRequest,
    /// Signed with a key that nobody here knows.
    #[error("signed with `{0}`, which is none of the keys that are known here")]
    UnknownKey(String),
    /// Signed with a key that was replaced, and nothing shows that it was before.
    #[error("signed with `{0}`, a key that was replaced: only the receipt from the log shows when")]
    Replaced(String),
    /// Does not fit.
    #[error(
        "the signature does not fit the answer: its status, head or body was changed, or it answers another request"
    )]
    Signature,
    /// Older than it may be.
    #[error("signed {0} seconds ago, which is longer than allowed: an old answer may have been sent again")]
    Stale(i64),
    /// The entry in the log says something else.
    #[error("the log says something else of {request}: {what}")]
    Disagrees {
        /// Which request.
        request: RequestId,
        /// What differs.
        what: &'static str,
    },
}

/// What is said of an answer.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// The status.
    pub status: u16,
    /// The request's id.
    pub request: RequestId,
    /// The model that was asked for, if it is one of the gate's.
    pub model: Option<&'a str>,
    /// Who served it.
    pub target: Option<&'a str>,
    /// The path that was called.
    pub path: &'a str,
    /// SHA-256 of the request's body, if it was read.
    pub request_digest: Option<[u8; 32]>,
    /// Of a request that was signed itself, `content-digest` and `signature` as they came.
    pub signed: Option<(Option<&'a str>, &'a str)>,
}

/// A line of the text that is signed.
struct Line<'a> {
    name: &'static str,
    is_of_request: bool,
    value: &'a str,
}

impl Said<'_> {
    /// The headers that make an answer with this body one with a receipt.
    // threat: AGP-T2
    pub fn sign(&self, body: &[u8], at: UnixMillis, signer: &Signer) -> Vec<(&'static str, String)> {
        let mut fields = vec![(CONTENT_DIGEST, digest_field(&sha256(&[body])))];
        fields.extend(self.model.map(|model| (MODEL, escaped(model))));
        fields.extend(self.target.map(|target| (TARGET, escaped(target))));
        fields.extend(
            self.request_digest
                .map(|digest| (REQUEST_DIGEST, digest_field(&digest))),
        );
        let (status, request) = (self.status.to_string(), self.request.to_string());
        let line = |name, value| Line {
            name,
            is_of_request: false,
            value,
        };
        let mut lines = vec![line(STATUS, &status), line(REQUEST_ID, &request)];
        lines.extend(fields.iter().map(|(name, value)| line(name, value)));
        lines.extend(self.of_request());
        let list: Vec<String> = lines.iter().map(Line::id).collect();
        let params = format!(
            "({});created={};keyid=\"{}\";alg=\"ed25519\";tag=\"{TAG}\"",
            list.join(" "),
            at.0.div_euclid(1000),
            signer.verifier().id(),
        );
        let signature = signer.sign_message(&base(&lines, &params));
        fields.push((SIGNATURE_INPUT, format!("{LABEL}={params}")));
        fields.push((SIGNATURE, format!("{LABEL}=:{}:", STANDARD.encode(signature))));
        fields
    }

    /// What binds the answer to its request.
    fn of_request(&self) -> impl Iterator<Item = Line<'_>> {
        let (digest, signature) = match self.signed {
            Some((digest, signature)) => (digest, Some(signature)),
            None => (None, None),
        };
        let all = [
            (METHOD, Some("POST")),
            (PATH, Some(self.path)),
            (CONTENT_DIGEST, digest),
            (SIGNATURE, signature),
        ];
        all.into_iter().filter_map(|(name, value)| {
            Some(Line {
                name,
                is_of_request: true,
                value: value?,
            })
        })
    }
}

impl Line<'_> {
    fn id(&self) -> String {
        let of = if self.is_of_request { ";req" } else { "" };
        format!("\"{}\"{of}", self.name)
    }
}

/// The text that is signed (RFC 9421, section 2.5).
fn base(lines: &[Line<'_>], params: &str) -> String {
    let mut base = String::new();
    for line in lines {
        base.extend([&line.id(), ": ", line.value, "\n"]);
    }
    base.extend(["\"@signature-params\": ", params]);
    base
}

/// As RFC 9530 writes it.
fn digest_field(digest: &[u8; 32]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest))
}

/// A name as a header's value: what is no visible ASCII, and `%`, as `%` and two digits.
pub fn escaped(name: &str) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'%' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}
