//! The control listener from outside: a real socket, and nothing of the crate's own to speak to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod answers;
mod bounds;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use control::Control;
use store::MemoryStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// No answer takes this long.
const DEADLINE: Duration = Duration::from_secs(20);

/// A listener on a free port of loopback.
async fn listening() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store = Arc::new(MemoryStore::new());
    tokio::spawn(control::serve(
        Control::new(store, "log+00000000+AQ".to_owned()),
        listener,
    ));
    address
}

/// Everything that is sent back for these bytes, until the connection is closed.
async fn exchange(address: SocketAddr, sent: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer))
        .await
        .expect("an end")
        .unwrap();
    String::from_utf8(answer).unwrap()
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

async fn request(address: SocketAddr, method: &str, path: &str) -> Answer {
    let sent = format!(
        "{method} {path} HTTP/1.1\r\nhost: control\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    let text = exchange(address, &sent).await;
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}
