//! The data listener: connections, TLS, deadlines of the head, and the drain at the end.
//!
//! It decides nothing about requests; every one goes through [`crate::pipeline`].

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use limit::{ConnectionCaps, ConnectionPermit};
use rustls::pki_types::CertificateDer;
use telemetry::metrics::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::detach::Detach;
use crate::gate::Gate;
use crate::introduced::{self, Source};
use crate::pace::{Paced, Turns};
use crate::peer::{ClientCertificate, Peer};
use crate::pipeline;
use crate::standing::{Standing, Tls};
use crate::unread::Unread;
use crate::unstalled::Unstalled;

/// Sizes and times of connections.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// Headers of a request.
    pub headers_max: usize,
    /// How long a head may take to arrive, from the connection's start or the head's first byte.
    pub head_timeout: Duration,
    /// How long a connection may rest between two requests.
    pub idle_timeout: Duration,
    /// How long a caller may take none of what is written to it.
    pub write_timeout: Duration,
    /// How long the TLS handshake may take.
    pub handshake_timeout: Duration,
    /// Whether HTTP/2 is offered (over TLS, by ALPN).
    pub http2: bool,
    /// Whether every connection comes from a trusted proxy and begins with the PROXY protocol's header.
    pub introduced: bool,
}

/// Serves until `drain` turns true, then finishes what is under way; meanwhile new connections are still
/// taken, so that their requests are refused in words and not by a closed door.
///
/// Returns when every connection from before has ended; the caller bounds the wait.
// threat: AGP-D2
// threat: CTX-T5
pub async fn serve(
    gate: Arc<Gate>,
    listener: TcpListener,
    tls: watch::Receiver<Option<Tls>>,
    caps: Arc<ConnectionCaps>,
    (options, mut drain): (ServerOptions, watch::Receiver<bool>),
) {
    let tasks = Tasks::default();
    let door = Door {
        gate,
        listener,
        tls,
        caps,
        options: Arc::new(options),
        drain: drain.clone(),
    };
    tokio::select! {
        () = door.admit(|| Some(tasks.one())) => {}
        _ = drain.wait_for(|drain| *drain) => {}
    }
    tokio::select! {
        () = door.admit(|| None) => {}
        () = tasks.all_done() => {}
    }
}

/// Where connections come in.
struct Door {
    gate: Arc<Gate>,
    listener: TcpListener,
    tls: watch::Receiver<Option<Tls>>,
    caps: Arc<ConnectionCaps>,
    options: Arc<ServerOptions>,
    drain: watch::Receiver<bool>,
}

impl Door {
    /// Takes connections for ever. Each holds on to what `task` gives it.
    async fn admit(&self, task: impl Fn() -> Option<watch::Receiver<()>>) {
        loop {
            let Ok((stream, peer)) = self.listener.accept().await else {
                // Out of descriptors, usually: waiting lets connections end.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            if self.options.introduced && !is_trusted(&self.gate, peer) {
                tracing::debug!(%peer, "a connection from no trusted proxy is refused");
                continue;
            }
            let Ok(permit) = self.caps.admit(peer.ip()) else {
                drop(stream); // Above the cap not even a refusal is affordable.
                continue;
            };
            let _ = stream.set_nodelay(true);
            let (options, drain) = (self.options.clone(), self.drain.clone());
            let mut connection = Connection {
                gate: self.gate.clone(),
                source: Source::socket(peer.ip().to_canonical()),
                options,
                drain,
            };
            let (tls, task) = (self.tls.clone(), task());
            tokio::spawn(async move {
                let mut stream = stream;
                if let Some(permit) = connection.introduced(&mut stream, permit).await {
                    connection.run(stream, tls).await;
                    drop(permit);
                }
                drop(task);
            });
        }
    }
}

/// The list of now: the one that `X-Forwarded-For` is believed by, too.
fn is_trusted(gate: &Gate, peer: SocketAddr) -> bool {
    introduced::is_trusted(&gate.view.load().settings.trusted_proxies, peer.ip())
}

/// Counts running connections without keeping a handle of each.
#[derive(Debug)]
struct Tasks(watch::Sender<()>);

impl Default for Tasks {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Tasks {
    fn one(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }

    async fn all_done(&self) {
        self.0.closed().await;
    }
}

struct Connection {
    gate: Arc<Gate>,
    source: Source,
    options: Arc<ServerOptions>,
    drain: watch::Receiver<bool>,
}

impl Connection {
    /// Hears from the proxy who calls, where proxies say so; from then on the connection counts as that caller's.
    // threat: AGP-S1
    // threat: AGP-D2
    async fn introduced(
        &mut self,
        stream: &mut TcpStream,
        permit: ConnectionPermit,
    ) -> Option<ConnectionPermit> {
        if !self.options.introduced {
            return Some(permit);
        }
        let proxy = self.source.address;
        let header = introduced::read(stream, proxy);
        match tokio::time::timeout(self.options.handshake_timeout, header).await {
            Ok(Ok(source)) => self.source = source,
            // A proxy that looks whether the port is open says nothing at all.
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Ok(Err(error)) => {
                tracing::warn!(%proxy, "a connection is refused: {error}");
                return None;
            }
            Err(_) => {
                tracing::warn!(%proxy, "a connection is refused: the PROXY protocol's header did not come in time");
                return None;
            }
        }
        permit.moved_to(self.source.address).ok()
    }

    async fn run(self, stream: TcpStream, mut tls: watch::Receiver<Option<Tls>>) {
        let _open = self.gate.metrics.gauges().connections(Listener::Data).enter();
        let now = tls.borrow_and_update().clone();
        let Some(now) = now else {
            let peer = self.peer(&[], tls);
            return self.http1(stream, peer).await;
        };
        let handshake = now.acceptor.accept(stream);
        let handshake = tokio::time::timeout(self.options.handshake_timeout, handshake).await;
        let Ok(Ok(stream)) = handshake else { return };
        let session = stream.get_ref().1;
        let h2 = session.alpn_protocol() == Some(b"h2");
        let peer = self.peer(session.peer_certificates().unwrap_or_default(), tls);
        if h2 {
            self.http2(stream, peer).await
        } else {
            self.http1(stream, peer).await
        }
    }

    fn peer(&self, shown: &[CertificateDer<'_>], tls: watch::Receiver<Option<Tls>>) -> Peer {
        let own = shown.first();
        Peer {
            address: self.source.address,
            may_forward: self.source.may_forward,
            certificate: own.map(|own| Arc::new(ClientCertificate::of(own))),
            standing: own.map(|_| Arc::new(Standing::new(shown, tls))),
        }
    }

    async fn http1(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let gate = self.gate.clone();
        let draining = *self.drain.borrow();
        let stream = Unstalled::new(stream, self.options.write_timeout);
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.options.idle_timeout.max(self.options.head_timeout))
            .max_buf_size(self.options.head_bytes_max.max(8192))
            .keep_alive(!draining)
            .half_close(false);
        if self.options.headers_max != 100 {
            builder.max_headers(self.options.headers_max);
        }
        let turns = Turns::default();
        let stream = Paced::new(stream, turns.clone(), self.options.head_timeout);
        let service = service_fn(move |request| {
            let turn = turns.begin();
            let answer = answer(gate.clone(), peer.clone(), request, turn.is_ambiguous());
            async move { answer.await.map(|answer| answer.map(|body| turn.answered(body))) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            // One that came after the drain began is there to be refused, so it is not shut at once.
            _ = self.drain.wait_for(|drain| *drain && !draining) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }

    /// Bounds against floods: few streams at once, small header lists, resets counted by the library. A
    /// caller that answers pings but asks nothing is sent away like any idle one.
    // threat: AGP-D2
    // threat: CTX-T5
    async fn http2(mut self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let gate = self.gate.clone();
        let header_list = u32::try_from(self.options.head_bytes_max).unwrap_or(u32::MAX);
        let stream = Unstalled::new(stream, self.options.write_timeout);
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .max_header_list_size(header_list)
            .max_local_error_reset_streams(64)
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(20));
        let (turns, patience) = (Turns::default(), self.options.write_timeout);
        let rested = turns.clone().rested(self.options.idle_timeout);
        let service = service_fn(move |request| {
            let (turn, answer) = (turns.begin(), answer(gate.clone(), peer.clone(), request, false));
            async move {
                let watched = |body| Unread::new(turn.answered(body), patience);
                answer.await.map(|answer| answer.map(watched))
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = self.drain.wait_for(|drain| *drain) => {}
            () = rested => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// One request, and whether its head came in two framings. A caller that leaves does not stop the call: see [`Detach`].
async fn answer(
    gate: Arc<Gate>,
    peer: Peer,
    request: Request<Incoming>,
    is_ambiguous: bool,
) -> Result<http::Response<crate::body::GateBody>, Infallible> {
    Ok(Detach::new(async move { pipeline::run(&gate, peer, request, is_ambiguous).await }).await)
}
