//! A credential tried before it is put in force: the list of models, asked of each provider that will be called with
//! it. Nothing is generated and nothing is billed; and nothing of the answer but its status is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dialect::Dialect;
use domain::Secret;
use futures_util::future::join_all;
use http::header::{ACCEPT, HOST, HeaderName, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;

use crate::Gate;
use crate::settings::{Provider, Settings};

/// Both dialects list their models here.
const MODELS: &str = "/v1/models";
/// The longest a provider may take to say whether it takes a credential.
const DEADLINE: Duration = Duration::from_secs(5);

/// Why a provider did not take a credential. Never repeats it, nor what the provider said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It refuses it.
    #[error("it refuses the credential ({0})")]
    Refused(u16),
    /// It answers something else than its models.
    #[error("it answers {0} where its models were asked for")]
    Odd(u16),
    /// It cannot be reached, or takes too long.
    #[error("it cannot be reached in time")]
    Silent,
    /// The credential fits into no header, or the address is damaged.
    #[error("the credential cannot be sent in a header")]
    Unsendable,
}

/// How each provider took it, by name.
pub type Probes = BTreeMap<String, Result<(), NotTaken>>;

/// Tries `value` at every provider whose credential is `at` that reference.
// threat: AGP-I1
// threat: AGP-S2
pub async fn probe(settings: &Settings, client: &upstream::Client, at: &str, value: &Secret) -> Probes {
    let targets = settings.models.values().flat_map(|model| &model.targets);
    let providers: BTreeMap<&str, &Arc<Provider>> = targets
        .map(|target| &target.provider)
        .filter(|provider| provider.credential_at.as_deref() == Some(at))
        .map(|provider| (&*provider.name, provider))
        .collect();
    let asking = providers.into_iter().map(async |(name, provider)| {
        let provider = provider.called_with(Some(value));
        (name.to_owned(), one(&provider, client).await)
    });
    join_all(asking).await.into_iter().collect()
}

impl Gate {
    /// [`probe`], with the settings in force.
    pub async fn probe(&self, at: &str, value: &Secret) -> Probes {
        let settings = self.view().settings.clone();
        probe(&settings, &self.client, at, value).await
    }
}

async fn one(provider: &Provider, client: &upstream::Client) -> Result<(), NotTaken> {
    let request = request(provider).ok_or(NotTaken::Unsendable)?;
    let answer = provider
        .way(client)
        .send(request, DEADLINE.min(provider.deadlines.first_byte))
        .await;
    let status = answer.map_err(|_| NotTaken::Silent)?.status();
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(NotTaken::Refused(status.as_u16())),
        _ => Err(NotTaken::Odd(status.as_u16())),
    }
}

fn request(provider: &Provider) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.method_mut() = Method::GET;
    *request.uri_mut() = provider.base.uri(MODELS)?;
    let headers = request.headers_mut();
    if let Some(host) = &provider.host {
        headers.insert(HOST, host.clone());
    }
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let agent = HeaderValue::from_static(concat!("bartizan/", env!("CARGO_PKG_VERSION")));
    headers.insert(USER_AGENT, agent);
    if provider.dialect == Dialect::Anthropic {
        let version = HeaderValue::from_static("2023-06-01");
        headers.insert(HeaderName::from_static("anthropic-version"), version);
    }
    for (name, value) in &provider.headers {
        headers.insert(name.clone(), value.clone());
    }
    let (name, value) = provider.credential()??;
    headers.insert(name, value);
    Some(request)
}
