//! Bytes onto a socket, bytes off it: for malformed requests, smuggling and slow senders.
//! Adds nothing and checks nothing.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// A plain TCP connection.
#[derive(Debug)]
pub struct RawConnection {
    socket: TcpStream,
}

/// How a read ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer closed in order.
    Closed,
    /// The peer reset the connection.
    Reset,
    /// The time was over and the connection still open.
    StillOpen,
}

impl RawConnection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.expect("connect");
        socket.set_nodelay(true).unwrap();
        Self { socket }
    }

    /// Writes these bytes at once; `false` when the peer no longer takes them.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.socket.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Writes `piece_bytes` at a time with a pause between; `false` when the peer stopped taking them.
    pub async fn drip(&mut self, bytes: &[u8], piece_bytes: usize, every: Duration) -> bool {
        for piece in bytes.chunks(piece_bytes) {
            if !self.write(piece).await {
                return false;
            }
            tokio::time::sleep(every).await;
        }
        true
    }

    /// Closes the sending half.
    pub async fn finish(&mut self) {
        let _ = self.socket.shutdown().await;
    }

    /// Breaks the connection with a reset.
    pub fn reset(self) {
        let _ = self.socket.set_zero_linger();
    }

    /// Reads until the peer closes or `within` is over.
    pub async fn read(&mut self, within: Duration) -> (Vec<u8>, End) {
        let deadline = Instant::now() + within;
        let mut read = Vec::new();
        loop {
            match timeout_at(deadline, self.socket.read_buf(&mut read)).await {
                Err(_) => return (read, End::StillOpen),
                Ok(Ok(0)) => return (read, End::Closed),
                Ok(Err(_)) => return (read, End::Reset),
                Ok(Ok(_)) => {}
            }
        }
    }

    /// Reads until `needle` has come, the peer closes or `within` is over.
    pub async fn read_until(&mut self, needle: &[u8], within: Duration) -> Vec<u8> {
        let deadline = Instant::now() + within;
        let mut read = Vec::new();
        while !read.windows(needle.len()).any(|window| window == needle) {
            match timeout_at(deadline, self.socket.read_buf(&mut read)).await {
                Ok(Ok(count)) if count > 0 => {}
                _ => break,
            }
        }
        read
    }
}

/// Sends these bytes and returns everything that comes back until the peer closes or `within` is over.
pub async fn send(address: SocketAddr, bytes: impl AsRef<[u8]>, within: Duration) -> (Vec<u8>, End) {
    let mut connection = RawConnection::open(address).await;
    connection.write(bytes).await;
    connection.read(within).await
}

/// The status codes of all HTTP/1.1 answers in these bytes, in order.
pub fn statuses(bytes: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(bytes);
    text.match_indices("HTTP/1.1 ")
        .filter_map(|(at, mark)| text[at + mark.len()..].get(..3)?.parse().ok())
        .collect()
}
