//! Traces: one span a call over OTLP/HTTP. Off unless configured; never holds content.

mod client;
mod parent;
mod span;

pub use parent::TraceParent;
pub use span::{CallSpan, SpanStage};

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Secret;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;

use crate::TelemetryError;
use client::Client;

/// Time for one export, connection included.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where spans go. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<On>>);

#[derive(Debug)]
struct On {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Tracer {
    /// Nowhere, at no cost.
    pub const fn off() -> Self {
        Self(None)
    }

    /// To a collector at `endpoint` (`http://collector:4318`; `/v1/traces` is added unless there is a path). `ratio`
    /// of traces are sent, decided by the trace's id. Exports run on `runtime`.
    // threat: AGP-CRED-3.2
    pub fn otlp(
        endpoint: &str,
        headers: &[(String, Secret)],
        ratio: f64,
        version: &str,
        runtime: Handle,
    ) -> Result<Self, TelemetryError> {
        let endpoint = traces_endpoint(endpoint)?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(checked(headers)?, runtime)?)
            .with_endpoint(endpoint)
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_timeout(EXPORT_TIMEOUT)
            .with_headers(HashMap::new())
            .build()
            .map_err(|error| TelemetryError::Setup("set up traces", error.to_string()))?;
        // An empty resource: the environment is not asked for attributes, so nothing of it can leak.
        let resource = Resource::builder_empty()
            .with_service_name("bartizan")
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                version.to_owned(),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::TraceIdRatioBased(ratio.clamp(0.0, 1.0)))
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("bartizan");
        Ok(Self(Some(Arc::new(On { provider, tracer }))))
    }

    /// Whether a span would go anywhere: ask before gathering what it needs.
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Queues the span of a finished call; dropped if the queue is full. Never waits.
    pub fn record(&self, call: &CallSpan<'_>) {
        if let Some(on) = &self.0 {
            span::record(&on.tracer, call);
        }
    }

    /// Sends what is queued and stops. Blocks: call it off the async threads.
    pub fn shutdown(&self, timeout: Duration) {
        if let Some(on) = &self.0 {
            let _ = on.provider.shutdown_with_timeout(timeout);
        }
    }
}

fn traces_endpoint(endpoint: &str) -> Result<String, TelemetryError> {
    let refused = || TelemetryError::Endpoint(endpoint.chars().take(128).collect());
    let uri: http::Uri = endpoint.parse().map_err(|_| refused())?;
    // A password in the address would show in errors; headers are the place for it.
    let plain = uri
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@'));
    if !plain || !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(if plain {
            refused()
        } else {
            TelemetryError::Endpoint("[address with credentials]".to_owned())
        });
    }
    Ok(match uri.path() {
        "" | "/" => format!("{}/v1/traces", endpoint.trim_end_matches('/')),
        _ => endpoint.to_owned(),
    })
}

fn checked(headers: &[(String, Secret)]) -> Result<http::HeaderMap, TelemetryError> {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        let refused = || TelemetryError::Header(name.chars().take(64).collect());
        let header = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let mut value = http::HeaderValue::from_str(value.expose()).map_err(|_| refused())?;
        value.set_sensitive(true);
        map.insert(header, value);
    }
    Ok(map)
}
