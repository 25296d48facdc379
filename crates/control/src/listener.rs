//! Connections of the control listener: few, bounded, and dropped when slow.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::Control;
use crate::dispatch::answer;

/// Connections at once: operators, not callers.
const CONNECTIONS_MAX: usize = 64;
/// How long a request's head may take, also the next one's on a connection kept alive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a head may be: hyper's least.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// Headers of a request.
const HEADERS_MAX: usize = 64;
/// How long one connection may live, whatever it does.
const CONNECTION_LIFE: Duration = Duration::from_secs(300);
/// A rest when no connection can be accepted: out of file descriptors is not cured by asking faster.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Serves until the process ends.
// threat: ANP-0005
// threat: ANP-D0006
// threat: ANP-D0008
pub async fn serve(control: Arc<Control>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_REST).await;
            continue;
        };
        let control = control.clone();
        tokio::spawn(async move {
            let _ = tokio::time::timeout(
                CONNECTION_LIFE,
                converse(control, peer.ip().to_canonical(), stream),
            )
            .await;
            drop(place);
        });
    }
}

async fn converse(control: Arc<Control>, address: IpAddr, stream: TcpStream) {
    let service = service_fn(|request: Request<Incoming>| {
        let control = control.clone();
        async move { Ok::<_, Infallible>(answer(&control, address, request).await) }
    });
    // How a caller's connection ended concerns only the caller.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
