//! One request to the server and its answer, both bounded. What is sent and received is wiped after use.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use credential::SecretRef;
use domain::Secret;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use secrets::SecretError;
use serde::de::DeserializeOwned;
use upstream::{Base, Client, ClientOptions};
use zeroize::Zeroizing;

use crate::{VaultError, VaultOptions};

/// A KV secret is at most a megabyte; what is longer is not read on.
const ANSWER_BYTES_MAX: usize = 2 << 20;
const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// What went wrong, not yet at a reference. Holds nothing that was sent or received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No answer.
    Silent(Cow<'static, str>),
    /// An answer that says "not now".
    Away(Cow<'static, str>),
    /// A "no".
    Refused(Cow<'static, str>),
    /// Nothing there.
    Absent(Cow<'static, str>),
    /// The server does not understand: a login that is wrong, an engine that is still loading, or none of
    /// version 2.
    Unclear(Cow<'static, str>),
    /// An answer that makes no sense.
    Malformed(Cow<'static, str>),
}

impl Fault {
    pub(crate) fn at(self, reference: &SecretRef) -> SecretError {
        let reference = reference.clone();
        match self {
            Self::Silent(why) | Self::Away(why) | Self::Unclear(why) => {
                SecretError::Unavailable(reference, why)
            }
            Self::Refused(why) => SecretError::Forbidden(reference, why),
            Self::Absent(why) => SecretError::NotFound(reference, why),
            Self::Malformed(why) => SecretError::Malformed(reference, why),
        }
    }

    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Silent(why) | Self::Away(why) | Self::Unclear(why) => why,
            Self::Refused(why) | Self::Absent(why) | Self::Malformed(why) => why,
        }
    }
}

/// The server.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    base: Base,
    namespace: Option<HeaderValue>,
    timeout: Duration,
}

/// An answer of status 200.
pub(crate) struct Answer(Zeroizing<Vec<u8>>);

impl Answer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.0)
            .map_err(|_| Fault::Malformed("was answered with what no vault says".into()))
    }
}

impl Api {
    // threat: AGP-CRED-1.1.2
    // threat: AGP-S2
    pub(crate) fn new(options: &VaultOptions) -> Result<Self, VaultError> {
        let namespace = options.namespace.as_deref().map(HeaderValue::from_str);
        Ok(Self {
            base: Base::parse(&options.address, false)?,
            namespace: namespace.transpose().map_err(|_| VaultError::Namespace)?,
            client: Client::new(&ClientOptions {
                connect_timeout: options.timeout,
                idle_per_host_max: 2,
                extra_roots: options.authorities.clone(),
                system_roots: options.authorities.is_empty(),
                ..ClientOptions::default()
            }),
            timeout: options.timeout,
        })
    }

    /// Asks. `body` is JSON and is wiped when it has been sent.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        body: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Answer, Fault> {
        let request = self.request(method, path, token, body)?;
        let answering = async {
            let response = self.client.send(request, self.timeout).await;
            let response =
                response.map_err(|error| Fault::Silent(format!("cannot be asked for: {error}").into()))?;
            judge(response.status())?;
            collect(response.into_body()).await.map(Answer)
        };
        let answered = tokio::time::timeout(self.timeout, answering).await;
        answered.unwrap_or_else(|_| Err(Fault::Silent("was not answered in time by the vault".into())))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        token: Option<&Secret>,
        body: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<Request<Full<Bytes>>, Fault> {
        let senseless = || Fault::Malformed("cannot be asked for: no such path can be".into());
        let mut request = Request::new(Full::new(body.map_or_else(Bytes::new, Bytes::from_owner)));
        *request.method_mut() = method;
        *request.uri_mut() = self.base.uri(path).ok_or_else(senseless)?;
        let headers = request.headers_mut();
        if !self.base.is_tls() {
            headers.insert(HOST, self.base.host().ok_or_else(senseless)?);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(REQUEST, HeaderValue::from_static("true"));
        if let Some(namespace) = &self.namespace {
            headers.insert(NAMESPACE, namespace.clone());
        }
        if let Some(token) = token {
            let value = HeaderValue::from_str(token.expose());
            let mut value =
                value.map_err(|_| Fault::Refused("cannot be asked for: the token is no token".into()))?;
            value.set_sensitive(true);
            headers.insert(TOKEN, value);
        }
        Ok(request)
    }
}

/// 200, or what another status means.
fn judge(status: StatusCode) -> Result<(), Fault> {
    let code = status.as_u16();
    match code {
        200 | 204 => Ok(()),
        403 => Err(Fault::Refused("is refused by the vault (403)".into())),
        404 => Err(Fault::Absent("is not in the vault".into())),
        400 | 405 => Err(Fault::Unclear(
            format!("is not understood by the vault ({code})").into(),
        )),
        300..=399 => Err(Fault::Away(
            "was answered with a redirect, and none is followed: name the node that answers".into(),
        )),
        // 412, 472 and 473 are standbys.
        _ => Err(Fault::Away(
            format!("is not answered by the vault now ({code})").into(),
        )),
    }
}

async fn collect<B>(mut body: B) -> Result<Zeroizing<Vec<u8>>, Fault>
where
    B: BodyExt<Data = Bytes> + Unpin,
{
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    while let Some(frame) = BodyExt::frame(&mut body).await {
        let broken = |_| Fault::Silent("was not answered to the end by the vault".into());
        if let Ok(data) = frame.map_err(broken)?.into_data() {
            if bytes.len() + data.len() > ANSWER_BYTES_MAX {
                return Err(Fault::Malformed("is too large to be a secret".into()));
            }
            append(&mut bytes, &data);
        }
    }
    Ok(bytes)
}

/// Grows by moving into a larger buffer and wiping the old one, which a `Vec` by itself would not.
fn append(bytes: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    let needed = bytes.len() + data.len();
    if needed > bytes.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two()));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_an_answer_or_silence() {
        let is = |code: u16| judge(StatusCode::from_u16(code).unwrap());
        assert!(is(200).is_ok());
        for code in [301, 307, 412, 429, 472, 473, 500, 502, 503] {
            assert!(matches!(is(code), Err(Fault::Away(_))), "{code}");
        }
        assert!(matches!(is(403), Err(Fault::Refused(_))));
        assert!(matches!(is(404), Err(Fault::Absent(_))));
        assert!(matches!(is(400), Err(Fault::Unclear(_))));
    }

    #[test]
    fn a_buffer_grows_and_keeps_what_it_holds() {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2));
        for part in [&b"a"[..], b"bcd", b"", b"efghijklmnop"] {
            append(&mut bytes, part);
        }
        assert_eq!(bytes.as_slice(), b"abcdefghijklmnop");
    }
}
