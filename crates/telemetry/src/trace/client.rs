//! The HTTP client of the exporter. The batch processor calls it from a thread of its own, where no async runtime is:
//! the request is handed to ours.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{HttpClient, HttpError};
use std::sync::{Mutex, PoisonError};
use tokio::runtime::Handle;

use super::EXPORT_TIMEOUT;
use crate::TelemetryError;

/// A collector says little; more is not read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A collector that is down is mentioned this often.
const COMPLAINT_EVERY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Client {
    http: HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    headers: HeaderMap,
    runtime: Handle,
    complained: Mutex<Option<Instant>>,
}

impl Client {
    pub(super) fn new(headers: HeaderMap, runtime: Handle) -> Result<Self, TelemetryError> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_platform_verifier(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|error| TelemetryError::Setup("set up TLS for traces", error.to_string()))?
            .https_or_http()
            .enable_http1()
            .build();
        let http = HyperClient::builder(TokioExecutor::new()).build(connector);
        Ok(Self {
            http,
            headers,
            runtime,
            complained: Mutex::new(None),
        })
    }

    fn complain(&self, error: &str) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() >= COMPLAINT_EVERY) {
            *complained = Some(Instant::now());
            tracing::warn!(error, "traces cannot be sent to the collector");
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = request.map(Full::new);
        request.headers_mut().extend(self.headers.clone());
        let exchange = exchange(self.http.clone(), request);
        let task = self.runtime.spawn(async move {
            tokio::time::timeout(EXPORT_TIMEOUT, exchange)
                .await
                .unwrap_or_else(|_| Err("timed out".into()))
        });
        let answer = task.await.map_err(HttpError::from).flatten();
        match &answer {
            Ok(answer) if !answer.status().is_success() => self.complain(answer.status().as_str()),
            Err(error) => self.complain(&error.to_string()),
            Ok(_) => {}
        }
        answer
    }
}

async fn exchange(
    http: HyperClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, HttpError> {
    let (head, body) = http.request(request).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}
