//! Syslog (RFC 5424) over TLS (RFC 5425) and TCP (RFC 6587), both with counted octets, and over UDP (RFC 5426). What is
//! sent over UDP may be lost on its way, and nobody says so.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use upstream::TlsSockets;

use super::message::Message;
use super::{Delivered, Trouble};

/// How long a connection, and everything sent over it, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the server has to close a connection, which says that it has read everything.
const GOODBYE: Duration = Duration::from_secs(1);
/// `log audit` (13) times eight.
const FACILITY: u8 = 13 * 8;
/// What fits into a datagram with room for the head.
const DATAGRAM_BYTES_MAX: usize = 60_000;

/// What carries messages.
#[derive(Debug)]
pub enum Over {
    /// Datagrams, of which nobody knows whether they arrived.
    Udp,
    /// A connection that everybody between may read.
    Tcp,
    /// One that nobody may.
    Tls(TlsSockets),
}

#[derive(Debug)]
pub(crate) struct Syslog {
    place: String,
    over: Over,
    host: String,
}

impl Syslog {
    /// `host` is what this instance calls itself.
    pub(crate) fn new(place: String, over: Over, host: &str) -> Self {
        Self {
            place,
            over,
            host: word(host, 255),
        }
    }

    /// All or none.
    pub(crate) async fn deliver(&self, messages: &[Message]) -> Delivered {
        let sending = async {
            match &self.over {
                Over::Udp => self.datagrams(messages).await,
                Over::Tcp => {
                    let addresses = upstream::addresses(&self.place).await?;
                    let socket = TcpStream::connect(addresses.as_slice()).await?;
                    self.stream(socket, messages).await
                }
                Over::Tls(sockets) => self.stream(sockets.connect(&self.place).await?, messages).await,
            }
        };
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(Ok(())) => Delivered {
                done: messages.len(),
                trouble: None,
            },
            Ok(Err(error)) => Delivered::nothing(Trouble::Away(error.to_string())),
            Err(_) => Delivered::nothing(Trouble::Away("not taken in time".to_owned())),
        }
    }

    async fn stream(
        &self,
        mut socket: impl AsyncRead + AsyncWrite + Unpin,
        messages: &[Message],
    ) -> std::io::Result<()> {
        let mut frames = Vec::new();
        for message in messages {
            let line = line(message, &self.host, message.data());
            frames.extend_from_slice(format!("{} {line}", line.len()).as_bytes());
        }
        socket.write_all(&frames).await?;
        socket.shutdown().await?;
        // A server that dropped what it got resets the connection; one that never closes is believed.
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(GOODBYE, (&mut socket).take(1024).read_to_end(&mut rest)).await;
        match closed {
            // Many close without saying goodbye in TLS' words.
            Ok(Err(error)) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(()),
        }
    }

    async fn datagrams(&self, messages: &[Message]) -> std::io::Result<()> {
        let addresses = upstream::addresses(&self.place).await?;
        let to = addresses.first().copied();
        let to = to.ok_or_else(|| std::io::Error::other("no address"))?;
        let any = match to.is_ipv4() {
            true => "0.0.0.0:0",
            false => "[::]:0",
        };
        let socket = UdpSocket::bind(any).await?;
        for message in messages {
            let data = match message.data() {
                data if data.len() <= DATAGRAM_BYTES_MAX => data,
                _ => format!(
                    r#"{{"index":{},"id":"{}","left_out":"too long for a datagram"}}"#,
                    message.index, message.id
                ),
            };
            socket
                .send_to(line(message, &self.host, data).as_bytes(), to)
                .await?;
        }
        Ok(())
    }
}

/// One message. JSON escapes every control character, so none of them can end it or begin another.
// threat: AGP-R3
fn line(message: &Message, host: &str, data: String) -> String {
    let severity = if message.is_grave() { 4 } else { 5 };
    let (priority, time) = (FACILITY + severity, message.time());
    let act = word(&message.act, 32);
    format!("<{priority}>1 {time} {host} bartizan - {act} - {data}")
}

/// Printable ASCII without spaces, as heads must be; `-` if nothing is left.
fn word(text: &str, max: usize) -> String {
    let kept: String = text.chars().filter(char::is_ascii_graphic).take(max).collect();
    match kept.is_empty() {
        true => "-".to_owned(),
        false => kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AuditId, TenantId, UnixMillis};
    use ledger::{AuditActor, AuditRecord};
    use store::StoredAudit;

    #[test]
    fn agp_r3_what_a_caller_wrote_can_neither_end_a_message_nor_begin_one() {
        let ids = (AuditId::from_u128(1), TenantId::from_u128(2));
        let evil = "x\n<104>1 2026-01-01T00:00:00Z evil bartizan - keys.create - {}\r\0\u{2028}";
        let actor = AuditActor::Stranger(evil.to_owned());
        let record = AuditRecord::done(
            ids,
            UnixMillis(1_795_305_600_123),
            actor,
            format!("sign_in {evil}"),
        );
        let bytes = record.to_bytes();
        let message = Message::of(StoredAudit { index: 7, bytes }).unwrap();
        let line = line(&message, &word("gate one\n", 255), message.data());
        assert!(
            line.starts_with("<109>1 2026-11-22T00:00:00.123Z gateone bartizan - sign_inx<104>1"),
            "{line}"
        );
        assert!(!line.chars().any(char::is_control), "{line:?}");
        let (head, data) = line.split_once(" - {").unwrap();
        assert_eq!(head.split(' ').count(), 6, "{head}");
        let data: serde_json::Value = serde_json::from_str(&format!("{{{data}")).unwrap();
        assert_eq!(data["record"]["actor"]["stranger"], evil);
        assert_eq!(word("", 9), "-");
    }
}
