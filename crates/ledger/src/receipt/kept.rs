//! Whether an answer that somebody kept is the one that was signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{RequestId, UnixMillis};

use super::{
    CONTENT_DIGEST, LABEL, Line, METHOD, MODEL, PATH, REQUEST_DIGEST, REQUEST_ID, ReceiptError, SIGNATURE,
    SIGNATURE_INPUT, STATUS, TAG, TARGET, base, digest_field, escaped,
};
use crate::merkle::sha256;
use crate::note::Verifier;
use crate::{Digest, Entry};

/// Longer than any that is signed here.
const FIELD_BYTES_MAX: usize = 8 * 1024;

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

pub(super) fn signature(text: &str) -> Result<Vec<u8>, ReceiptError> {
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
