//! The health listener: `/livez`, `/readyz`, `/metrics`. It never serves anything of a tenant's.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use data::Gate;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use policy::{Differences, Plane};
use telemetry::Metrics;
use telemetry::metrics::Listener;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Node;

/// Connections at once: probes and one or two scrapers.
const CONNECTIONS_MAX: usize = 64;

/// What the probes ask about.
#[derive(Debug)]
pub struct Health {
    /// Set when everything has been started.
    pub started: AtomicBool,
    /// The gate.
    pub gate: Arc<Gate>,
    /// What policies that are tried out answer otherwise.
    pub differences: Arc<Differences>,
    /// What is scraped.
    pub metrics: Arc<Metrics>,
}

/// Answers probes from now on; that everything has been started is still to be told.
pub fn start(node: Node<'_>, listener: TcpListener) -> Arc<Health> {
    let health = Arc::new(Health {
        started: AtomicBool::new(false),
        gate: node.plane.gate.clone(),
        differences: node.plane.differences.clone(),
        metrics: node.base.metrics.clone(),
    });
    tokio::spawn(serve(health.clone(), listener));
    health
}

/// Serves until the process ends.
// threat: ANP-D0008
async fn serve(health: Arc<Health>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let health = health.clone();
        tokio::spawn(async move {
            let open = health.metrics.gauges().connections(Listener::Health).enter();
            let service = service_fn(|request: Request<Incoming>| {
                let answer = answer(&health, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop((open, place));
        });
    }
}

fn answer(health: &Health, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "this listener takes GET\n");
    }
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "alive\n"),
        "/readyz" if health.gate.is_draining() => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        "/readyz" if !health.started.load(Ordering::Relaxed) => {
            text(StatusCode::SERVICE_UNAVAILABLE, "starting\n")
        }
        "/readyz" => ready(health),
        "/metrics" => {
            for plane in Plane::ALL {
                let new = health.differences.take_uncounted(plane);
                health
                    .metrics
                    .gauges()
                    .policy_differences(plane.as_str())
                    .inc_by(new);
            }
            let mut response = text(StatusCode::OK, "");
            *response.body_mut() = Full::new(health.metrics.render().into());
            let kind = header::HeaderValue::from_static(telemetry::metrics::CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        _ => text(StatusCode::NOT_FOUND, "/livez, /readyz or /metrics\n"),
    }
}

/// Whoever works here works: one tenant's damage takes no node from the others. Not whose it is: that is in the log.
fn ready(health: &Health) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::OK, "ready\n");
    let unread = health.gate.view().directory.unread().len();
    if unread > 0 {
        let detail = format!(
            "ready\ncalls of {unread} tenants are refused: what they set up does not read in the store, see the log\n"
        );
        *response.body_mut() = Full::new(detail.into());
    }
    response
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
