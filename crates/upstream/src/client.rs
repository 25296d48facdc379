//! The pooled client.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::{CertificateDer, ServerName};

use crate::egress::{Reach, Resolver};
use crate::error::UpstreamError;
use crate::tls::{self, Shown};

/// How the client connects.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// How long TCP may take, per address.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept. Below the usual upstream's own, or calls race its closing.
    pub idle_timeout: Duration,
    /// Idle connections kept a host.
    pub idle_per_host_max: usize,
    /// Certificates (DER) to trust beside the system's: private authorities.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Whether the system's authorities are trusted. Without them `extra_roots` alone are.
    pub system_roots: bool,
    /// What is shown to a server that asks for a certificate.
    pub shown: Option<Arc<Shown>>,
    /// Who the server must be: then `extra_roots` alone are trusted, and the host's name does not count.
    pub spiffe_ids: Vec<String>,
    /// The name that is asked for, in place of the address's own.
    pub server_name: Option<String>,
    /// Which addresses are called.
    pub reach: Reach,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(30),
            idle_per_host_max: 256,
            extra_roots: Vec::new(),
            system_roots: true,
            shown: None,
            spiffe_ids: Vec::new(),
            server_name: None,
            reach: Reach::default(),
        }
    }
}

type Plain = HttpConnector<Resolver>;

/// One pool for all providers. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Client {
    plain: legacy::Client<Plain, Full<Bytes>>,
    tls: Arc<OnDemand>,
    reach: Reach,
}

/// The client of providers behind TLS, made when the first one is called or [`Client::prepare`] asks for it:
/// reading the system's roots takes long, and a gate in front of local engines needs none.
#[derive(Debug)]
struct OnDemand {
    options: ClientOptions,
    names: Resolver,
    client: OnceLock<Result<TlsClient, String>>,
}

type TlsClient = legacy::Client<HttpsConnector<Plain>, Full<Bytes>>;

impl OnDemand {
    fn client(&self) -> Result<&TlsClient, UpstreamError> {
        let made = self
            .client
            .get_or_init(|| tls_client(&self.options, &self.names).map_err(|e| e.to_string()));
        made.as_ref().map_err(|why| UpstreamError::Connect(why.clone()))
    }
}

impl Client {
    /// A client that verifies certificates against the system's roots and `extra_roots`, TLS 1.2 with
    /// forward secrecy or 1.3. There is no switch that turns verification off.
    // threat: ANP-0018
    // threat: AGP-CRED-4.2
    pub fn new(options: &ClientOptions) -> Self {
        Self::over(options, Resolver::new(options.reach.clone()))
    }

    /// The same, where names lead as this says.
    pub(crate) fn over(options: &ClientOptions, names: Resolver) -> Self {
        let mut http = connector(options, &names);
        http.enforce_http(true);
        Self {
            plain: pool(options).build(http),
            reach: options.reach.clone(),
            tls: Arc::new(OnDemand {
                options: options.clone(),
                names,
                client: OnceLock::new(),
            }),
        }
    }

    /// Makes ready for TLS now, so that the first call need not wait for it. Reads the system's roots from
    /// disk: call it off the async threads.
    pub fn prepare(&self) -> Result<(), UpstreamError> {
        self.tls.client().map(|_| ())
    }

    /// Sends one request and waits for the answer's head, at most `first_byte`. Redirects come back as
    /// they are.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        first_byte: Duration,
    ) -> Result<Response<Incoming>, UpstreamError> {
        // A host that is an address is no name, and no resolver is asked for it.
        let checked = self.reach.check(request.uri());
        checked.map_err(|why| UpstreamError::Connect(why.to_owned()))?;
        let answer = if request.uri().scheme() == Some(&Scheme::HTTP) {
            self.plain.request(request)
        } else {
            self.tls.client()?.request(request)
        };
        match tokio::time::timeout(first_byte, answer).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(UpstreamError::Connect(chain(&error))),
            Ok(Err(error)) => Err(UpstreamError::Broken(chain(&error))),
            Err(_) => Err(UpstreamError::FirstByte(
                u64::try_from(first_byte.as_millis()).unwrap_or(u64::MAX),
            )),
        }
    }
}

fn connector(options: &ClientOptions, names: &Resolver) -> Plain {
    let mut http = HttpConnector::new_with_resolver(names.clone());
    http.set_nodelay(true);
    http.set_connect_timeout(Some(options.connect_timeout));
    http.set_keepalive(Some(Duration::from_secs(60)));
    http
}

fn pool(options: &ClientOptions) -> legacy::Builder {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(options.idle_timeout)
        .pool_max_idle_per_host(options.idle_per_host_max);
    builder
}

fn tls_client(options: &ClientOptions, names: &Resolver) -> Result<TlsClient, UpstreamError> {
    let mut http = connector(options, names);
    http.enforce_http(false);
    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls::config(options)?)
        .https_only();
    if let Some(name) = &options.server_name {
        let name = ServerName::try_from(name.clone()).map_err(|e| UpstreamError::Connect(e.to_string()))?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let connector = builder.enable_all_versions().wrap_connector(http);
    Ok(pool(options).build(connector))
}

/// The error and its causes; hyper's own text alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
