//! A real HTTP/1.1 server on loopback that plays an LLM provider.
//!
//! It speaks to sockets itself, not through an HTTP library, because tests need what
//! libraries prevent: exact chunk boundaries, resets, half answers, lies about length.
//! It never leaves 127.0.0.1 and never checks that a request makes sense as a call.

mod play;
mod reply;
mod usual;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

pub use reply::{Cut, Reply};
pub use usual::UsualWords;
pub use wire::Received;

/// What connections and the test share.
#[derive(Default)]
pub(crate) struct Stage {
    scripts: Mutex<HashMap<String, VecDeque<Reply>>>,
    pub(crate) requests: Mutex<Vec<Received>>,
    pub(crate) connections: AtomicUsize,
    pub(crate) abandoned: AtomicUsize,
    pub(crate) usage_only_when_asked: AtomicBool,
    key: Mutex<Option<String>>,
}

impl Stage {
    /// The next reply for this path: scripts play in order and the last one stays.
    fn next_reply(&self, path: &str) -> Reply {
        let mut scripts = self.scripts.lock().unwrap();
        let queue = match scripts.contains_key(path) {
            true => scripts.get_mut(path),
            false => scripts.get_mut("*"),
        };
        match queue {
            Some(queue) if queue.len() > 1 => queue.pop_front().unwrap(),
            Some(queue) => queue.front().cloned().unwrap_or_else(Reply::usual),
            None => Reply::usual(),
        }
    }

    fn refuses_key_of(&self, request: &Received) -> bool {
        let key = self.key.lock().unwrap();
        let Some(expected) = key.as_deref() else {
            return false;
        };
        let bearer = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        bearer != Some(expected) && request.header("x-api-key") != Some(expected)
    }
}

/// An LLM provider whose every answer a test can script. Stops when dropped.
pub struct ScriptedProvider {
    address: SocketAddr,
    stage: Arc<Stage>,
    accepting: JoinHandle<()>,
}

impl ScriptedProvider {
    /// Starts on a free loopback port with the usual answers.
    pub async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts on this loopback port.
    pub async fn start_on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("loopback port");
        let address = listener.local_addr().unwrap();
        let stage = Arc::new(Stage::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&stage)));
        Self {
            address,
            stage,
            accepting,
        }
    }

    /// `http://127.0.0.1:port`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on `path` (without query; `*` for every unscripted path) answers `reply`.
    pub fn script(&self, path: &str, reply: Reply) {
        self.script_sequence(path, [reply]);
    }

    /// `path` answers these one after the other; the last one then stays.
    pub fn script_sequence(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let queue = replies.into_iter().collect();
        self.stage.scripts.lock().unwrap().insert(path.to_owned(), queue);
    }

    /// Forgets every script: the usual answers again.
    pub fn unscript(&self) {
        self.stage.scripts.lock().unwrap().clear();
    }

    /// Answers 401 unless the caller presents this key as bearer token or `x-api-key`.
    pub fn require_key(&self, key: &str) {
        *self.stage.key.lock().unwrap() = Some(key.to_owned());
    }

    /// Usual OpenAI-style streams carry usage only when `stream_options.include_usage` asks,
    /// as the real API does. Otherwise they always do.
    pub fn usage_only_when_asked(&self) {
        self.stage.usage_only_when_asked.store(true, Ordering::Relaxed);
    }

    /// Everything received so far, oldest first.
    pub fn requests(&self) -> Vec<Received> {
        self.stage.requests.lock().unwrap().clone()
    }

    /// Forgets what was received.
    pub fn forget_requests(&self) {
        self.stage.requests.lock().unwrap().clear();
    }

    /// Waits until `count` requests have arrived; panics at the deadline.
    pub async fn wait_for_requests(&self, count: usize, deadline: Duration) -> Vec<Received> {
        let until = Instant::now() + deadline;
        loop {
            let requests = self.requests();
            if requests.len() >= count {
                return requests;
            }
            assert!(
                Instant::now() < until,
                "{} of {count} requests within {deadline:?}",
                requests.len()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many connections were ever accepted.
    pub fn connections(&self) -> usize {
        self.stage.connections.load(Ordering::Relaxed)
    }

    /// How many answers the caller walked away from before their end.
    pub fn abandoned(&self) -> usize {
        self.stage.abandoned.load(Ordering::Relaxed)
    }
}

impl Drop for ScriptedProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, stage: Arc<Stage>) {
    let mut serving = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        let connection = stage.connections.fetch_add(1, Ordering::Relaxed);
        serving.spawn(serve(socket, Arc::clone(&stage), connection));
        while serving.try_join_next().is_some() {}
    }
}

async fn serve(mut socket: TcpStream, stage: Arc<Stage>, connection: usize) {
    let _ = socket.set_nodelay(true);
    let mut unread = Vec::new();
    while let Some(request) = wire::read_request(&mut socket, &mut unread, connection).await {
        stage.requests.lock().unwrap().push(request.clone());
        let reply = match stage.refuses_key_of(&request) {
            true => usual::wrong_key(&request),
            false => stage.next_reply(request.path_only()),
        };
        let strict_usage = stage.usage_only_when_asked.load(Ordering::Relaxed);
        match play::play(reply.settle(&request, strict_usage), &mut socket).await {
            play::After::KeepAlive if request.keeps_alive() => {}
            play::After::KeepAlive | play::After::Closed => return,
            play::After::Abandoned => {
                stage.abandoned.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
