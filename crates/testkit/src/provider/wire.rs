//! One request off the wire, kept exactly as it came. Never normalises names or order.

use std::time::Instant;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request as the provider saw it.
#[derive(Clone, Debug)]
pub struct Received {
    /// `GET`, `POST`, …
    pub method: String,
    /// The request target, query included.
    pub path: String,
    /// Header lines in order, names as written.
    pub headers: Vec<(String, String)>,
    /// The body with transfer coding removed.
    pub body: Bytes,
    /// When the head was complete.
    pub arrived: Instant,
    /// Which accepted connection carried it, counted from 0.
    pub connection: usize,
}

impl Received {
    /// The first value of this header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` when it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The target without its query.
    pub fn path_only(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    pub(crate) fn keeps_alive(&self) -> bool {
        !self
            .header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// The next request, or nothing when the peer closed or wrote nonsense.
pub(crate) async fn read_request(
    socket: &mut TcpStream,
    unread: &mut Vec<u8>,
    connection: usize,
) -> Option<Received> {
    let end = loop {
        if let Some(at) = find(unread, b"\r\n\r\n") {
            break at + 4;
        }
        fill(socket, unread).await?;
    };
    let head: Vec<u8> = unread.drain(..end).collect();
    let arrived = Instant::now();
    let (method, path, headers) = parse_head(&head)?;
    let mut request = Received {
        method,
        path,
        headers,
        body: Bytes::new(),
        arrived,
        connection,
    };
    if request
        .header("expect")
        .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    {
        socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.ok()?;
    }
    let chunked = request
        .header("transfer-encoding")
        .is_some_and(|value| value.contains("chunked"));
    let length = request
        .header("content-length")
        .and_then(|value| value.parse::<usize>().ok())
        .unwrap_or(0);
    request.body = match chunked {
        true => read_chunked(socket, unread).await?,
        false => read_exact(socket, unread, length).await?,
    };
    Some(request)
}

type Head = (String, String, Vec<(String, String)>);

fn parse_head(head: &[u8]) -> Option<Head> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    Some((method, path, headers))
}

async fn read_chunked(socket: &mut TcpStream, unread: &mut Vec<u8>) -> Option<Bytes> {
    let mut body = Vec::new();
    loop {
        let line = read_line(socket, unread).await?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            while !read_line(socket, unread).await?.is_empty() {}
            return Some(body.into());
        }
        body.extend_from_slice(&read_exact(socket, unread, size).await?);
        read_line(socket, unread).await?;
    }
}

async fn read_line(socket: &mut TcpStream, unread: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(at) = find(unread, b"\r\n") {
            let line: Vec<u8> = unread.drain(..at + 2).take(at).collect();
            return Some(String::from_utf8_lossy(&line).into_owned());
        }
        fill(socket, unread).await?;
    }
}

async fn read_exact(socket: &mut TcpStream, unread: &mut Vec<u8>, length: usize) -> Option<Bytes> {
    while unread.len() < length {
        fill(socket, unread).await?;
    }
    Some(unread.drain(..length).collect::<Vec<u8>>().into())
}

async fn fill(socket: &mut TcpStream, unread: &mut Vec<u8>) -> Option<()> {
    match socket.read_buf(unread).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}
