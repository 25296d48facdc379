//! A provider that costs next to nothing: prebuilt bytes, bodies skipped, not parsed.
//!
//! It speaks to sockets itself so that, sharing a core with the load generator, it can
//! still outrun the proxy under test.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::cli::UpstreamOptions;
use crate::failure::Outcome;
use crate::framing::{Message, find};

/// How much of a body is searched for the wish to stream.
const SEARCH_BYTES: usize = 2048;

/// Every byte it will ever send.
struct Answers {
    json: Vec<u8>,
    models: Vec<u8>,
    stream_start: Vec<u8>,
    stream_chunk: Vec<u8>,
    stream_end: Vec<u8>,
    chunks: u32,
    every: Duration,
}

/// Serves until killed.
pub fn serve(options: &UpstreamOptions) -> Outcome<()> {
    let answers = Arc::new(Answers::new(options));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        loop {
            let (socket, _) = listener.accept().await?;
            tokio::spawn(connection(socket, Arc::clone(&answers)));
        }
    })
}

async fn connection(mut socket: TcpStream, answers: Arc<Answers>) {
    let _ = socket.set_nodelay(true);
    let mut buffer = vec![0; 64 * 1024];
    let mut message = Message::default();
    while let Some(asked) = read(&mut socket, &mut message, &mut buffer).await {
        let written = match asked {
            Asked::Get => socket.write_all(&answers.models).await,
            Asked::Json => socket.write_all(&answers.json).await,
            Asked::Stream => stream(&mut socket, &answers).await,
        };
        if written.is_err() {
            return;
        }
    }
}

enum Asked {
    Get,
    Json,
    Stream,
}

async fn read(socket: &mut TcpStream, message: &mut Message, buffer: &mut [u8]) -> Option<Asked> {
    message.reset();
    let mut start = Vec::new();
    loop {
        let count = socket.read(buffer).await.ok().filter(|count| *count > 0)?;
        let keep = &mut |bytes: &[u8]| {
            let room = SEARCH_BYTES.saturating_sub(start.len()).min(bytes.len());
            start.extend_from_slice(bytes.get(..room).unwrap_or_default());
        };
        if message.feed(buffer.get(..count)?, keep).ok()? {
            break;
        }
    }
    let wants_stream = || {
        find(&start, b"\"stream\":true")
            .or_else(|| find(&start, b"\"stream\": true"))
            .is_some()
    };
    Some(match message.is_get() {
        true => Asked::Get,
        false if wants_stream() => Asked::Stream,
        false => Asked::Json,
    })
}

async fn stream(socket: &mut TcpStream, answers: &Answers) -> std::io::Result<()> {
    let start = tokio::time::Instant::now();
    socket.write_all(&answers.stream_start).await?;
    for turn in 1..answers.chunks {
        tokio::time::sleep_until(start + answers.every * turn).await;
        socket.write_all(&answers.stream_chunk).await?;
    }
    tokio::time::sleep_until(start + answers.every * answers.chunks).await;
    socket.write_all(&answers.stream_end).await
}

impl Answers {
    fn new(options: &UpstreamOptions) -> Self {
        let delta = |delta: &str, finish: &str| {
            format!(
                "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\
                 \"model\":\"bench\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
            )
        };
        let usage = "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\
             \"model\":\"bench\",\"choices\":[],\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":50,\
             \"total_tokens\":250}}\n\n";
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
             transfer-encoding: chunked\r\n\r\n";
        let words = delta("{\"content\":\" several words\"}", "null");
        let start = format!("{head}{}", chunk(&words));
        let end = [
            chunk(&delta("{}", "\"stop\"")),
            chunk(usage),
            chunk("data: [DONE]\n\n"),
        ]
        .concat()
            + "0\r\n\r\n";
        Self {
            json: with_head(&completion()),
            models: with_head("{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\"}]}"),
            stream_start: start.into_bytes(),
            stream_chunk: chunk(&words).into_bytes(),
            stream_end: end.into_bytes(),
            chunks: options.chunks.max(1),
            every: Duration::from_millis(options.every_ms),
        }
    }
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn with_head(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A chat completion of about one kilobyte.
fn completion() -> String {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(15);
    format!(
        "{{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"bench\",\
         \"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\
         \"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":200,\"completion_tokens\":150,\
         \"total_tokens\":350}}}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_whole_messages() {
        let answers = Answers::new(&UpstreamOptions {
            port: 0,
            chunks: 3,
            every_ms: 1,
        });
        let stream = [&answers.stream_start, &answers.stream_chunk, &answers.stream_end]
            .map(|part| part.as_slice())
            .concat();
        for (bytes, minimum) in [(&answers.json, 900), (&answers.models, 20), (&stream, 500)] {
            let (mut message, mut body) = (Message::default(), Vec::new());
            assert_eq!(
                message.feed(bytes, &mut |part| body.extend_from_slice(part)),
                Ok(true)
            );
            assert!(message.status() == 200 && body.len() >= minimum && body.len() < 1200);
        }
        let body = completion();
        assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
    }
}
