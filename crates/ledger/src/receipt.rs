//! Receipts: what the gate signs on an answer, and what somebody holds an answer against who was given one.
//!
//! The signature is one over HTTP messages (RFC 9421), by the key that signs the log: over the answer's status, the digest
//! of its body, its id and the model that served it, and over what it answers. The text that is signed begins with a
//! quotation mark and does not end with a newline; that of a note ends with one: neither is ever taken for the other.
//!
//! Read strictly: only what [`Said::sign`] writes. Reads no file and hashes with nothing but SHA-256.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{RequestId, UnixMillis};

use crate::merkle::sha256;
use crate::note::{Signer, Verifier};
use crate::{Digest, Entry};

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

/// Longer than any that is signed here.
const FIELD_BYTES_MAX: usize = 8 * 1024;

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

/// An answer that somebody kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// Its status.
    pub status: u16,
    /// Its header fields.
    pub fields: &'a [(String, String)],
    /// Its body.
    pub body: &'a [u8],
}

/// What it was an answer to, as far as that was kept.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The paths that it may have been; what is signed is one of them.
    pub paths: &'a [&'a str],
    /// The request's header fields.
    pub fields: &'a [(String, String)],
    /// Its body.
    pub body: Option<&'a [u8]>,
}

/// What a receipt says, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The request's id.
    pub request: RequestId,
    /// The answer's status.
    pub status: u16,
    /// The model that was asked for, as it stands in the header.
    pub model: Option<String>,
    /// Who served it, likewise.
    pub target: Option<String>,
    /// The path that was called.
    pub path: String,
    /// When it was signed.
    pub at: UnixMillis,
    /// Which of the keys signed it.
    pub key: usize,
    /// Whether the request's body was given and is the one that was answered.
    pub is_of_request: bool,
}

/// Whether this is the answer that the gate gave: to this request, as far as that is known. `keys` are the log's, the
/// oldest first.
// threat: AGP-T2
pub fn verify(answer: &Kept<'_>, asked: &Asked<'_>, keys: &[Verifier]) -> Result<Receipt, ReceiptError> {
    let own = |name| field(answer.fields, name).ok_or(ReceiptError::Missing(name));
    let optional = |name| field(answer.fields, name);
    if own(CONTENT_DIGEST)? != digest_field(&sha256(&[answer.body])) {
        return Err(ReceiptError::Body);
    }
    let input = Input::read(own(SIGNATURE_INPUT)?)?;
    let request = own(REQUEST_ID)?;
    let request = request.parse().map_err(|_| ReceiptError::Malformed(REQUEST_ID))?;
    let told = optional(REQUEST_DIGEST);
    let is_of_request = match (asked.body, told) {
        (Some(body), Some(told)) if *told != digest_field(&sha256(&[body])) => {
            return Err(ReceiptError::OtherRequest);
        }
        (Some(_), None) => return Err(ReceiptError::Missing(REQUEST_DIGEST)),
        (given, _) => given.is_some(),
    };
    let named = |key: &Verifier| key.id() == input.key_id;
    let key = keys.iter().position(named);
    let key = key.ok_or_else(|| ReceiptError::UnknownKey(input.key_id.to_owned()))?;
    let signature = signature(own(SIGNATURE)?)?;
    let status = answer.status.to_string();
    let fits = |path: &&&str| -> Result<bool, ReceiptError> {
        let lines = input.lines(answer, &status, (asked, path))?;
        let base = base(&lines, input.params);
        Ok(keys
            .get(key)
            .is_some_and(|key| key.verifies_message(&base, &signature)))
    };
    for path in asked.paths {
        if fits(&path)? {
            return Ok(Receipt {
                request,
                status: answer.status,
                model: optional(MODEL).map(ToOwned::to_owned),
                target: optional(TARGET).map(ToOwned::to_owned),
                path: (*path).to_owned(),
                at: input.created,
                key,
                is_of_request,
            });
        }
    }
    Err(ReceiptError::Signature)
}

impl Receipt {
    /// Whether it is no older than that.
    pub fn is_fresh(&self, now: UnixMillis, seconds_max: i64) -> Result<(), ReceiptError> {
        let age = now.0.saturating_sub(self.at.0).div_euclid(1000);
        (age <= seconds_max).then_some(()).ok_or(ReceiptError::Stale(age))
    }

    /// Whether the entry that is in the log says the same.
    pub fn agrees(&self, entry: &Entry) -> Result<(), ReceiptError> {
        let differs = |what| {
            Err(ReceiptError::Disagrees {
                request: entry.id,
                what,
            })
        };
        if self.request != entry.id {
            return differs("it is the receipt of another request than the answer's");
        }
        if self.status != entry.status {
            return differs("the status was another");
        }
        if self.model != entry.model.as_deref().map(escaped) {
            return differs("the model was another");
        }
        if self.target != entry.target.as_deref().map(escaped) {
            return differs("another target served it");
        }
        Ok(())
    }
}

/// Whether the entry's digests are those of the body that was got and, if it is there, of the one that was sent. For
/// streams this is the receipt: their heads leave before their bodies are known.
// threat: AGP-T2
pub fn covers(entry: &Entry, body: &Digest, sent: Option<&Digest>) -> Result<(), ReceiptError> {
    let differs = |what| {
        Err(ReceiptError::Disagrees {
            request: entry.id,
            what,
        })
    };
    match &entry.response_digest {
        None => return differs("the answer did not end, so nothing of it was signed"),
        Some(digest) if digest != body => return differs("the answer was another"),
        Some(_) => {}
    }
    if sent.is_some() && entry.request_digest.as_ref() != sent {
        return differs("the request was another");
    }
    Ok(())
}

/// `signature-input`, read.
struct Input<'a> {
    names: Vec<(&'a str, bool)>,
    created: UnixMillis,
    key_id: &'a str,
    params: &'a str,
}

impl<'a> Input<'a> {
    fn read(text: &'a str) -> Result<Self, ReceiptError> {
        Self::parts(text).ok_or(ReceiptError::Malformed(SIGNATURE_INPUT))
    }

    fn parts(text: &'a str) -> Option<Self> {
        let params = text.strip_prefix(LABEL)?.strip_prefix('=')?;
        let (list, rest) = params.strip_prefix('(')?.split_once(')')?;
        let names: Option<Vec<_>> = list.split(' ').map(component).collect();
        let names = names?;
        let (created, rest) = rest.strip_prefix(";created=")?.split_once(";keyid=\"")?;
        let (key_id, rest) = rest.split_once('"')?;
        let seconds: i64 = created.parse().ok().filter(|seconds| *seconds >= 0)?;
        let whole = rest == format!(";alg=\"ed25519\";tag=\"{TAG}\"");
        let all = [
            (STATUS, false),
            (REQUEST_ID, false),
            (CONTENT_DIGEST, false),
            (METHOD, true),
            (PATH, true),
        ];
        let enough = all.iter().all(|must| names.contains(must));
        (whole && enough).then_some(Self {
            names,
            created: UnixMillis(seconds.checked_mul(1000)?),
            key_id,
            params,
        })
    }

    /// The lines that it covers, of this answer to a request on `path`.
    fn lines<'l>(
        &self,
        answer: &Kept<'l>,
        status: &'l str,
        (asked, path): (&Asked<'l>, &'l str),
    ) -> Result<Vec<Line<'l>>, ReceiptError>
    where
        'a: 'l,
    {
        let mut lines = Vec::with_capacity(self.names.len());
        for (name, is_of_request) in &self.names {
            let known = [
                STATUS,
                METHOD,
                PATH,
                REQUEST_ID,
                CONTENT_DIGEST,
                MODEL,
                TARGET,
                REQUEST_DIGEST,
                SIGNATURE,
            ];
            let name = known.into_iter().find(|known| known == name);
            let name = name.ok_or(ReceiptError::Malformed(SIGNATURE_INPUT))?;
            let value = match (name, is_of_request) {
                (STATUS, false) => status,
                (METHOD, true) => "POST",
                (PATH, true) => path,
                (CONTENT_DIGEST | SIGNATURE, true) => {
                    field(asked.fields, name).ok_or_else(|| ReceiptError::NoRequest(name.to_owned()))?
                }
                (REQUEST_ID | CONTENT_DIGEST | MODEL | TARGET | REQUEST_DIGEST, false) => {
                    field(answer.fields, name).ok_or(ReceiptError::Missing(name))?
                }
                _ => return Err(ReceiptError::Malformed(SIGNATURE_INPUT)),
            };
            lines.push(Line {
                name,
                is_of_request: *is_of_request,
                value,
            });
        }
        // What is said and not signed is said by anybody.
        for name in [MODEL, TARGET, REQUEST_DIGEST] {
            if field(answer.fields, name).is_some() && !self.names.contains(&(name, false)) {
                return Err(ReceiptError::Signature);
            }
        }
        Ok(lines)
    }
}

/// `"name"`, or `"name";req` of the request.
fn component(text: &str) -> Option<(&str, bool)> {
    let (quoted, is_of_request) = match text.strip_suffix(";req") {
        Some(quoted) => (quoted, true),
        None => (text, false),
    };
    Some((quoted.strip_prefix('"')?.strip_suffix('"')?, is_of_request))
}

fn signature(text: &str) -> Result<Vec<u8>, ReceiptError> {
    let digits = text.strip_prefix(LABEL).and_then(|rest| rest.strip_prefix("=:"));
    let digits = digits.and_then(|rest| rest.strip_suffix(':'));
    digits
        .and_then(|digits| STANDARD.decode(digits).ok())
        .ok_or(ReceiptError::Malformed(SIGNATURE))
}

/// The one value of a field; none where it is there twice or longer than any.
fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = fields.iter().filter(|(of, _)| of.eq_ignore_ascii_case(name));
    let (_, value) = values.next()?;
    (values.next().is_none() && value.len() <= FIELD_BYTES_MAX).then(|| value.trim())
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

#[cfg(test)]
mod tests {
    use super::*;

    const PATHS: &[&str] = &["/v1/messages", "/v1/chat/completions"];
    const BODY: &[u8] = b"{\"answer\":42}";
    const SENT: &[u8] = b"{\"question\":6}";

    fn signer(seed: u8) -> Signer {
        Signer::from_seed("log", &[seed; 32]).unwrap()
    }

    fn said() -> Said<'static> {
        Said {
            status: 200,
            request: RequestId::from_u128(7),
            model: Some("größer 100%"),
            target: Some("oa/m"),
            path: "/v1/chat/completions",
            request_digest: Some(sha256(&[SENT])),
            signed: Some((Some("sha-256=:AA==:"), "sig=:AAAA:")),
        }
    }

    fn asked_fields() -> Vec<(String, String)> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            pair("Content-Digest", "sha-256=:AA==:"),
            pair("Signature", "sig=:AAAA:"),
        ]
    }

    fn fields(said: &Said<'_>, signer: &Signer) -> Vec<(String, String)> {
        let signed = said.sign(BODY, UnixMillis(1_000_500), signer);
        let id = ("X-Request-Id".to_owned(), said.request.to_string());
        let own = signed.into_iter().map(|(name, value)| (name.to_owned(), value));
        std::iter::once(id).chain(own).collect()
    }

    fn held(
        fields: &[(String, String)],
        status: u16,
        body: &[u8],
        request: &[(String, String)],
    ) -> Result<Receipt, ReceiptError> {
        let keys = [signer(1).verifier().clone(), signer(2).verifier().clone()];
        let answer = Kept { status, fields, body };
        let asked = Asked {
            paths: PATHS,
            fields: request,
            body: Some(SENT),
        };
        verify(&answer, &asked, &keys)
    }

    #[test]
    fn agp_t2_what_was_signed_verifies() {
        let fields = fields(&said(), &signer(2));
        let receipt = held(&fields, 200, BODY, &asked_fields()).unwrap();
        assert_eq!(
            (receipt.status, receipt.key, receipt.at),
            (200, 1, UnixMillis(1_000_000))
        );
        assert_eq!(receipt.model.as_deref(), Some("gr%C3%B6%C3%9Fer%20100%25"));
        assert_eq!(receipt.path, "/v1/chat/completions");
        assert!(receipt.is_fresh(UnixMillis(1_060_000), 60).is_ok());
        assert_eq!(
            receipt.is_fresh(UnixMillis(1_061_000), 60),
            Err(ReceiptError::Stale(61))
        );
        for (name, value) in &fields {
            assert!(
                value.bytes().all(|b| (b' '..=b'~').contains(&b)),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn agp_t2_nothing_of_an_answer_can_be_changed() {
        let good = fields(&said(), &signer(1));
        let request = asked_fields();
        assert!(held(&good, 200, BODY, &request).is_ok());
        assert_eq!(held(&good, 201, BODY, &request), Err(ReceiptError::Signature));
        assert_eq!(
            held(&good, 200, b"{\"answer\":43}", &request),
            Err(ReceiptError::Body)
        );
        // Each character of each header.
        for (at, (name, value)) in good.iter().enumerate() {
            for place in 0..value.len() {
                let mut bytes = value.clone().into_bytes();
                bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
                let mut changed = good.clone();
                changed[at].1 = String::from_utf8(bytes).unwrap();
                assert!(held(&changed, 200, BODY, &request).is_err(), "{name} at {place}");
            }
            let mut without = good.clone();
            without.remove(at);
            assert!(held(&without, 200, BODY, &request).is_err(), "without {name}");
            let mut twice = good.clone();
            twice.push(good[at].clone());
            assert!(held(&twice, 200, BODY, &request).is_err(), "{name} twice");
        }
    }

    #[test]
    fn agp_t2_an_answer_to_another_request_is_refused() {
        let good = fields(&said(), &signer(1));
        let mut other = asked_fields();
        other[1].1 = "sig=:BBBB:".to_owned();
        assert_eq!(held(&good, 200, BODY, &other), Err(ReceiptError::Signature));
        assert_eq!(
            held(&good, 200, BODY, &[]),
            Err(ReceiptError::NoRequest("content-digest".into()))
        );
        let unsigned = fields(
            &Said {
                signed: None,
                ..said()
            },
            &signer(1),
        );
        assert!(held(&unsigned, 200, BODY, &[]).is_ok());
        let to_another = Said {
            request_digest: Some([1; 32]),
            signed: None,
            ..said()
        };
        let to_another = fields(&to_another, &signer(1));
        assert_eq!(held(&to_another, 200, BODY, &[]), Err(ReceiptError::OtherRequest));
        let elsewhere = Said {
            path: "/v1/embeddings",
            signed: None,
            ..said()
        };
        assert_eq!(
            held(&fields(&elsewhere, &signer(1)), 200, BODY, &[]),
            Err(ReceiptError::Signature)
        );
    }

    #[test]
    fn agp_t2_a_stranger_signs_nothing() {
        let forged = fields(&said(), &signer(3));
        let refused = held(&forged, 200, BODY, &asked_fields());
        assert!(matches!(refused, Err(ReceiptError::UnknownKey(_))), "{refused:?}");
        // Under the name of a key that is known.
        let (known, own) = (signer(1).verifier().id(), signer(3).verifier().id());
        let renamed: Vec<_> = forged
            .into_iter()
            .map(|(name, value)| (name, value.replace(&own, &known)))
            .collect();
        assert_eq!(
            held(&renamed, 200, BODY, &asked_fields()),
            Err(ReceiptError::Signature)
        );
    }

    #[test]
    fn agp_t2_what_stands_beside_the_signature_unsigned_is_refused() {
        let bare = Said {
            model: None,
            target: None,
            ..said()
        };
        let mut fields = fields(&bare, &signer(1));
        assert!(held(&fields, 200, BODY, &asked_fields()).is_ok());
        fields.push((MODEL.to_owned(), "finer".to_owned()));
        assert_eq!(
            held(&fields, 200, BODY, &asked_fields()),
            Err(ReceiptError::Signature)
        );
    }

    #[test]
    fn agp_t2_a_receipt_is_no_note_and_a_note_no_receipt() {
        let all = fields(&said(), &signer(1));
        let keys = [signer(1).verifier().clone()];
        let (_, input) = all.iter().find(|(name, _)| name == SIGNATURE_INPUT).unwrap();
        assert!(!input.ends_with('\n'));
        let (_, signature) = all.iter().find(|(name, _)| name == SIGNATURE).unwrap();
        let text = super::signature(signature).unwrap();
        let note = format!(
            "log\n1\n{}\n\n\u{2014} log {}\n",
            STANDARD.encode([0; 32]),
            STANDARD.encode(text)
        );
        assert!(crate::note::open(&note, &keys).is_err());
    }
}
