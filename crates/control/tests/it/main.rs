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
mod approvals;
mod authenticator;
mod bounds;
mod budgets;
mod changes;
mod chargeback;
mod configuration;
mod consents;
mod content_documents;
mod counting;
mod credentials;
mod declarative;
mod exporting;
mod findings;
mod guards;
mod letters;
mod likeness;
mod matrix;
mod offboarding;
mod openid;
mod outlook;
mod own_delivery;
mod passkeys;
mod policies;
mod price_sheets;
mod reconciling;
mod refusing;
mod scene;
mod scim;
mod signing_in;
mod sorting;
mod spending;
mod sso;
mod tenancy;
mod tokens;
mod usage;
mod windows;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer takes this long.
const DEADLINE: Duration = Duration::from_secs(60);

/// A listener on a free port of loopback.
async fn listening() -> SocketAddr {
    scene::Instance::start(policy::Posture::Development).await.address
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

#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }
}

/// One request with these header lines (each ends in CRLF) and this body.
async fn send(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let sent = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    let text = exchange(address, &sent).await;
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

async fn request(address: SocketAddr, method: &str, path: &str) -> Answer {
    send(address, method, path, "", "").await
}
