//! A TCP proxy on loopback whose faults a test switches while traffic runs.
//! It copies bytes and understands none of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What happens to traffic from now on, on old and new connections alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: bytes pass.
    Pass,
    /// New connections are reset at once; open ones too.
    Refuse,
    /// Connections are accepted and stay open, but no byte moves.
    Stall,
    /// Each piece of bytes waits this long, in either direction.
    Delay(Duration),
    /// Open connections are reset once; new ones pass.
    Cut,
}

/// Stands in front of a port. Stops when dropped.
pub struct FaultyProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    connections: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl FaultyProxy {
    /// Starts in front of `target`, passing everything.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback port");
        let address = listener.local_addr().unwrap();
        let (fault, seen) = watch::channel(Fault::Pass);
        let connections = Arc::new(AtomicUsize::new(0));
        let accepting = tokio::spawn(accept(listener, target, seen, Arc::clone(&connections)));
        Self {
            address,
            fault,
            connections,
            accepting,
        }
    }

    /// Where to connect instead of the target.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Switches the fault.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// How many connections were accepted and handed to the target.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Alternates between passing and `fault` until the returned task is aborted.
    pub fn flap(&self, fault: Fault, every: Duration) -> JoinHandle<()> {
        let sender = self.fault.clone();
        tokio::spawn(async move {
            for turn in 0_u64.. {
                sender.send_replace(if turn % 2 == 0 { fault } else { Fault::Pass });
                tokio::time::sleep(every).await;
            }
        })
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    fault: watch::Receiver<Fault>,
    connections: Arc<AtomicUsize>,
) {
    let mut open = JoinSet::new();
    while let Ok((caller, _)) = listener.accept().await {
        if *fault.borrow() == Fault::Refuse {
            let _ = caller.set_zero_linger();
            continue;
        }
        connections.fetch_add(1, Ordering::Relaxed);
        open.spawn(join(caller, target, fault.clone()));
        while open.try_join_next().is_some() {}
    }
}

async fn join(mut caller: TcpStream, target: SocketAddr, fault: watch::Receiver<Fault>) {
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (caller.set_nodelay(true), server.set_nodelay(true));
    let was_broken = {
        let (caller_in, caller_out) = caller.split();
        let (server_in, server_out) = server.split();
        let there = copy(caller_in, server_out, fault.clone());
        let back = copy(server_in, caller_out, fault.clone());
        tokio::select! {
            _ = async { tokio::join!(there, back) } => false,
            () = broken(fault.clone()) => true,
        }
    };
    if was_broken {
        let _ = (caller.set_zero_linger(), server.set_zero_linger());
    }
}

/// Returns when open connections have to go.
async fn broken(mut fault: watch::Receiver<Fault>) {
    fault.mark_unchanged();
    while fault.changed().await.is_ok() {
        if matches!(*fault.borrow_and_update(), Fault::Refuse | Fault::Cut) {
            return;
        }
    }
}

async fn copy(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut fault: watch::Receiver<Fault>) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let count = match from.read(&mut piece).await {
            Ok(count) if count > 0 => count,
            _ => break,
        };
        let now = *fault.borrow_and_update();
        match now {
            Fault::Delay(pause) => tokio::time::sleep(pause).await,
            Fault::Stall => {
                while *fault.borrow_and_update() == Fault::Stall && fault.changed().await.is_ok() {}
            }
            Fault::Pass | Fault::Refuse | Fault::Cut => {}
        }
        if to.write_all(&piece[..count]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::provider::ScriptedProvider;
    use bytes::Bytes;
    use http::Method;

    #[tokio::test]
    async fn faults_switch_while_running() {
        let provider = ScriptedProvider::start().await;
        let proxy = FaultyProxy::start(provider.address()).await;
        let client = Client::new(proxy.address()).deadline(Duration::from_millis(400));
        assert_eq!(client.get("/v1/models").await.status, 200);

        proxy.set(Fault::Refuse);
        assert!(
            client
                .request(Method::GET, "/v1/models", Bytes::new())
                .await
                .is_err()
        );

        proxy.set(Fault::Stall);
        let stalled = client.request(Method::GET, "/v1/models", Bytes::new()).await;
        assert_eq!(stalled.unwrap_err(), "deadline passed");

        proxy.set(Fault::Delay(Duration::from_millis(60)));
        assert!(client.get("/v1/models").await.took >= Duration::from_millis(120));

        proxy.set(Fault::Pass);
        assert_eq!(client.get("/v1/models").await.status, 200);
    }

    #[tokio::test]
    async fn a_cut_breaks_open_connections_only() {
        let provider = ScriptedProvider::start().await;
        provider.script(
            "/v1/chat/completions",
            crate::Reply::endless_sse("data: {}\n\n", 5),
        );
        let proxy = FaultyProxy::start(provider.address()).await;
        let client = Client::new(proxy.address());
        let mut live = client
            .stream("/v1/chat/completions", &serde_json::json!({"stream": true}))
            .await;
        assert!(live.next().await.unwrap().is_ok());
        proxy.set(Fault::Cut);
        let (_, broken) = live.pieces().await;
        assert!(broken.is_some());
        assert_eq!(client.get("/v1/models").await.status, 200);
    }

    #[tokio::test]
    async fn a_stalled_connection_goes_on_when_passing_again() {
        let provider = ScriptedProvider::start().await;
        let proxy = FaultyProxy::start(provider.address()).await;
        proxy.set(Fault::Stall);
        let client = Client::new(proxy.address());
        let waiting = tokio::spawn(async move { client.get("/v1/models").await.status });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!waiting.is_finished());
        proxy.set(Fault::Pass);
        assert_eq!(waiting.await.unwrap(), 200);
    }
}
