//! Storage that speaks S3: an object put, fetched, and the names there are. Requests are signed by a crate made for it
//! and sent by our own client: to the configured endpoint and nowhere else, whatever it answers.
//!
//! Signatures stand in addresses, so an address never gets into an error; nor does what a server wrote, but for the name
//! it has for the error.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::Secret;
use http::header::{CONTENT_TYPE, IF_NONE_MATCH, USER_AGENT};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

use crate::{Base, Client};

/// For how long a signature is good.
const SIGNED_FOR: Duration = Duration::from_secs(300);
/// How long a request may take at least; and one more second for each so many bytes.
const PATIENCE: Duration = Duration::from_secs(30);
const BYTES_PER_SECOND: u64 = 256 << 10;
/// What is read of an answer that says no.
const REFUSAL_BYTES_MAX: usize = 16 << 10;
/// What is read of a list; a page has at most a thousand names of at most a thousand bytes.
const LIST_BYTES_MAX: usize = 8 << 20;
const NAME_BYTES_MAX: usize = 900;
/// What an object's digest is sent in, and held against by who keeps it.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// Where a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    /// `https://host[:port]`, or plain http as permitted.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket's name is part of the host's, rather than of the path.
    pub virtual_host: bool,
    /// Whether plain http may leave this machine.
    pub allow_plaintext: bool,
}

/// What requests are signed with.
#[derive(Debug)]
pub struct S3Keys {
    /// Which key.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

/// Why something was not put or fetched. None names an address, a key or what a server wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum S3Error {
    /// It cannot be reached.
    #[error("{0}")]
    Away(String),
    /// It was reached and said no.
    #[error("answered with {status}{}", code.as_ref().map_or_else(String::new, |code| format!(" ({code})")))]
    Refused {
        /// How.
        status: StatusCode,
        /// What S3 calls it.
        code: Option<String>,
    },
    /// No object can have this name here.
    #[error("an object cannot be called that: names have letters, digits, `.`, `-`, `_`, `=` and `/`")]
    Name,
    /// It is larger than was asked for.
    #[error("the object is larger than {0} bytes")]
    Large(usize),
    /// What came is no answer of S3's.
    #[error("answered with what is not S3's")]
    Senseless,
}

/// Names in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// In their order.
    pub names: Vec<String>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// A bucket.
#[derive(Debug, Clone)]
pub struct S3 {
    bucket: Bucket,
    client: Client,
}

impl S3 {
    /// This one. The error says what is wrong with the place.
    // threat: ANP-D0005
    // threat: ANP-0018
    pub fn new(place: &S3Place, client: Client) -> Result<Self, String> {
        Base::parse(&place.endpoint, place.allow_plaintext).map_err(|error| error.to_string())?;
        let is_odd = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c));
        if !(3..=63).contains(&place.bucket.len()) || place.bucket.contains(is_odd) {
            return Err("a bucket has 3 to 63 lower-case letters, digits, dots and hyphens".to_owned());
        }
        let style = match place.virtual_host {
            true => UrlStyle::VirtualHost,
            false => UrlStyle::Path,
        };
        let endpoint = place.endpoint.parse().map_err(|_| "no address")?;
        let made = Bucket::new(endpoint, style, place.bucket.clone(), place.region.clone());
        let bucket = made.map_err(|error| error.to_string())?;
        Ok(Self { bucket, client })
    }

    /// Puts an object there, in place of one that has the name. The server holds it against its digest.
    pub async fn put(&self, keys: &S3Keys, name: &str, object: (Bytes, &str)) -> Result<(), S3Error> {
        self.put_if(keys, name, object, false).await
    }

    /// Puts an object there if none has the name: the server decides, whoever else puts one meanwhile. Returns whether it
    /// did. Storage that has no conditional writes must refuse; that which takes no notice of the condition replaces.
    // threat: ANP-0012
    pub async fn put_new(&self, keys: &S3Keys, name: &str, object: (Bytes, &str)) -> Result<bool, S3Error> {
        match self.put_if(keys, name, object, true).await {
            Ok(()) => Ok(true),
            // The second: somebody else is putting it just now.
            Err(S3Error::Refused {
                status: StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT,
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn put_if(
        &self,
        keys: &S3Keys,
        name: &str,
        (bytes, media_type): (Bytes, &str),
        is_new: bool,
    ) -> Result<(), S3Error> {
        let (credentials, checksum) = (keys.credentials(), checksum(&bytes));
        let mut action = self.bucket.put_object(Some(&credentials), is_name(name)?);
        let headers = action.headers_mut();
        headers.insert(CHECKSUM, checksum.clone());
        if is_new {
            headers.insert(IF_NONE_MATCH.as_str(), "*");
        }
        let patience = PATIENCE + Duration::from_secs(bytes.len() as u64 / BYTES_PER_SECOND);
        let mut request = Request::builder()
            .method(Method::PUT)
            .uri(action.sign(SIGNED_FOR).as_str())
            .header(CONTENT_TYPE, media_type)
            .header(CHECKSUM, checksum);
        if is_new {
            request = request.header(IF_NONE_MATCH, "*");
        }
        self.ask(request, bytes, (patience, REFUSAL_BYTES_MAX))
            .await
            .map(|_| ())
    }

    /// Fetches an object, if it is there.
    pub async fn get(&self, keys: &S3Keys, name: &str, bytes_max: usize) -> Result<Option<Bytes>, S3Error> {
        let credentials = keys.credentials();
        let action = self.bucket.get_object(Some(&credentials), is_name(name)?);
        let request = Request::builder().uri(action.sign(SIGNED_FOR).as_str());
        let patience = PATIENCE + Duration::from_secs(bytes_max as u64 / BYTES_PER_SECOND);
        match self.ask(request, Bytes::new(), (patience, bytes_max)).await {
            Ok(bytes) => Ok(Some(bytes)),
            // A bucket that is not there is no empty one.
            Err(S3Error::Refused {
                status: StatusCode::NOT_FOUND,
                code,
            }) if code.as_deref() != Some("NoSuchBucket") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Names that begin so, after one of them if there is one: up to a thousand.
    pub async fn list(&self, keys: &S3Keys, prefix: &str, after: Option<&str>) -> Result<Names, S3Error> {
        self.some(keys, prefix, (after, None)).await
    }

    /// The first of the names that begin so, in the order of their bytes.
    pub async fn first(&self, keys: &S3Keys, prefix: &str) -> Result<Option<String>, S3Error> {
        let found = self.some(keys, prefix, (None, Some(1))).await?;
        Ok(found.names.into_iter().next())
    }

    async fn some(
        &self,
        keys: &S3Keys,
        prefix: &str,
        (after, names_max): (Option<&str>, Option<usize>),
    ) -> Result<Names, S3Error> {
        let credentials = keys.credentials();
        let mut action = self.bucket.list_objects_v2(Some(&credentials));
        action.with_prefix(prefix);
        if let Some(after) = after {
            action.with_start_after(after);
        }
        if let Some(names_max) = names_max {
            action.with_max_keys(names_max);
        }
        let request = Request::builder().uri(action.sign(SIGNED_FOR).as_str());
        let bytes = self
            .ask(request, Bytes::new(), (PATIENCE, LIST_BYTES_MAX))
            .await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| S3Error::Senseless)?;
        let list = ListObjectsV2::parse_response(text).map_err(|_| S3Error::Senseless)?;
        Ok(Names {
            names: list.contents.into_iter().map(|object| object.key).collect(),
            more: list.next_continuation_token.is_some(),
        })
    }

    async fn ask(
        &self,
        request: http::request::Builder,
        body: Bytes,
        (patience, bytes_max): (Duration, usize),
    ) -> Result<Bytes, S3Error> {
        let request = request
            .header(USER_AGENT, "bartizan")
            .body(Full::new(body))
            .map_err(|_| S3Error::Name)?;
        let asking = async {
            let sent = self.client.send(request, patience).await;
            read(sent.map_err(|error| S3Error::Away(error.to_string()))?, bytes_max).await
        };
        let asked = tokio::time::timeout(patience, asking).await;
        asked.unwrap_or_else(|_| Err(S3Error::Away("no answer in time".to_owned())))
    }
}

async fn read(answer: Response<Incoming>, bytes_max: usize) -> Result<Bytes, S3Error> {
    let status = answer.status();
    let is_good = status.is_success();
    let most = if is_good { bytes_max } else { REFUSAL_BYTES_MAX };
    let body = Limited::new(answer.into_body(), most).collect().await;
    if !is_good {
        let code = body.ok().and_then(|body| code(&body.to_bytes()));
        return Err(S3Error::Refused { status, code });
    }
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(S3Error::Large(bytes_max)),
        Err(_) => Err(S3Error::Away("the connection broke".to_owned())),
    }
}

impl S3Keys {
    fn credentials(&self) -> Credentials {
        Credentials::new(self.id.clone(), self.secret.expose().trim())
    }
}

/// What names mean is the same to every server: no step up, nothing empty, nothing that is written in two ways.
// threat: AGP-I1
fn is_name(name: &str) -> Result<&str, S3Error> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._=-".contains(c);
    let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_plain);
    let is_good = name.len() <= NAME_BYTES_MAX && name.split('/').all(is_part);
    is_good.then_some(name).ok_or(S3Error::Name)
}

fn checksum(bytes: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, bytes))
}

/// What S3 calls the error: one word of the answer, if it is one.
fn code(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (code, _) = text.split_once("<Code>")?.1.split_once("</Code>")?;
    let is_word = !code.is_empty() && code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric());
    is_word.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_i1_names_stay_in_their_bucket() {
        for name in ["a", "a/b-c_d=1.csv", "2026-10/x.csv.manifest.json"] {
            assert_eq!(is_name(name), Ok(name));
        }
        for name in [
            "", "/", "a/", "/a", "a//b", "..", "a/../b", "./a", "a b", "a?b", "a%2fb", "ä", "a\\b", "a#b",
        ] {
            assert_eq!(is_name(name), Err(S3Error::Name), "{name}");
        }
        assert!(is_name(&"a".repeat(901)).is_err());
    }

    #[test]
    fn agp_i1_of_an_answer_one_word_is_told() {
        let of = |text: &str| code(text.as_bytes());
        assert_eq!(
            of("<Error><Code>AccessDenied</Code></Error>").as_deref(),
            Some("AccessDenied")
        );
        assert_eq!(of("<Code>a secret: hunter2</Code>"), None);
        assert_eq!(of("<Code></Code>"), None);
        assert_eq!(of("<Code>never closed"), None);
    }
}
