//! A small HTTP/1.1 client that hides nothing: no redirects, no retries, no decoding.
//!
//! Every request opens its own connection, so dropping a [`Live`] answer is a real hang-up.

pub mod raw;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Why a request brought no complete answer, in words.
pub type Failure = String;

/// Sends requests to one address with a fixed set of headers.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    headers: Vec<(String, String)>,
    deadline: Duration,
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers as received.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// From sending to the last byte.
    pub took: Duration,
}

/// An answer whose body is still arriving. Dropping it closes the connection.
#[derive(Debug)]
pub struct Live {
    /// Status code.
    pub status: u16,
    /// Headers as received.
    pub headers: HeaderMap,
    started: Instant,
    body: Incoming,
    connection: JoinHandle<()>,
}

/// A piece of a body and when it came.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Since the request was sent.
    pub after: Duration,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Client {
    /// A client for this address, with a deadline of 30 seconds for each request.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            headers: Vec::new(),
            deadline: Duration::from_secs(30),
        }
    }

    /// The same client, also sending this header.
    pub fn header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client, presenting a key as bearer token.
    pub fn bearer(&self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// The same client with another deadline.
    pub fn deadline(&self, deadline: Duration) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// Where it sends.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `GET`; panics when no complete answer comes.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, Bytes::new())
            .await
            .unwrap_or_else(|why| panic!("GET {path}: {why}"))
    }

    /// `POST` of JSON; panics when no complete answer comes.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = Bytes::from(body.to_string());
        let client = self.header("content-type", "application/json");
        client
            .request(Method::POST, path, body)
            .await
            .unwrap_or_else(|why| panic!("POST {path}: {why}"))
    }

    /// Any request, with the whole answer or what went wrong.
    pub async fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, Failure> {
        let exchange = async {
            let live = self.open(method, path, body).await?;
            let (status, headers, started) = (live.status, live.headers.clone(), live.started);
            let body = live.body().await?;
            Ok(Answer {
                status,
                headers,
                body,
                took: started.elapsed(),
            })
        };
        tokio::time::timeout(self.deadline, exchange)
            .await
            .map_err(|_| "deadline passed".to_owned())?
    }

    /// `POST` of JSON, returning as soon as the head is there; panics when none comes.
    pub async fn stream(&self, path: &str, body: &Value) -> Live {
        let client = self.header("content-type", "application/json");
        let opening = client.open(Method::POST, path, Bytes::from(body.to_string()));
        let live = tokio::time::timeout(self.deadline, opening)
            .await
            .expect("head before the deadline");
        live.unwrap_or_else(|why| panic!("POST {path}: {why}"))
    }

    /// Any request, returning as soon as the head is there.
    pub async fn open(&self, method: Method, path: &str, body: Bytes) -> Result<Live, Failure> {
        let socket = TcpStream::connect(self.address).await.map_err(words)?;
        socket.set_nodelay(true).map_err(words)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
            .await
            .map_err(words)?;
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let mut request = Request::builder().method(method).uri(path);
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let started = Instant::now();
        let request = request.body(Full::new(body)).map_err(words)?;
        let response: Response<Incoming> = sender.send_request(request).await.map_err(words)?;
        let (head, body) = response.into_parts();
        Ok(Live {
            status: head.status.as_u16(),
            headers: head.headers,
            started,
            body,
            connection,
        })
    }
}

impl Answer {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics with the body when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| panic!("not JSON ({why}): {}", self.text()))
    }
}

impl Live {
    /// The next piece of the body; `None` at its proper end, an error when it was cut.
    pub async fn next(&mut self) -> Option<Result<Piece, Failure>> {
        loop {
            let frame = match self.body.frame().await? {
                Ok(frame) => frame,
                Err(why) => return Some(Err(words(why))),
            };
            if let Ok(bytes) = frame.into_data() {
                return Some(Ok(Piece {
                    after: self.started.elapsed(),
                    bytes,
                }));
            }
        }
    }

    /// All pieces, and what broke the stream off, if anything did.
    pub async fn pieces(mut self) -> (Vec<Piece>, Option<Failure>) {
        let mut pieces = Vec::new();
        while let Some(piece) = self.next().await {
            match piece {
                Ok(piece) => pieces.push(piece),
                Err(why) => return (pieces, Some(why)),
            }
        }
        (pieces, None)
    }

    /// The whole body.
    pub async fn body(self) -> Result<Bytes, Failure> {
        let (pieces, broken) = self.pieces().await;
        match broken {
            None => Ok(pieces
                .iter()
                .flat_map(|piece| piece.bytes.to_vec())
                .collect::<Vec<u8>>()
                .into()),
            Some(why) => Err(why),
        }
    }

    /// The `data:` payloads of the whole event stream, and what broke it off, if anything did.
    pub async fn events(self) -> (Vec<String>, Option<Failure>) {
        let (pieces, broken) = self.pieces().await;
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
        (data_lines(&String::from_utf8_lossy(&bytes)), broken)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// The `data:` payloads in a piece of an event stream.
pub fn data_lines(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|line| line.trim().to_owned())
        .collect()
}

fn words(why: impl std::error::Error) -> Failure {
    let mut text = why.to_string();
    let mut source = why.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text
}
