//! The load generator: keep-alive connections, prebuilt requests, every answer checked.
//!
//! Any answer that is not 200, is cut, or has a wrong number of chunks is an error, and an
//! error makes the whole run worthless, so it is reported first.

mod closed;
mod open;

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cli::LoadOptions;
use crate::failure::{Failure, Outcome};
use crate::framing::Message;
use crate::stats::Spread;

/// What the load met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Met {
    /// Answered requests.
    pub requests: u64,
    /// Answers that were wrong in any way.
    pub errors: u64,
    /// What the first wrong answer was.
    pub first_error: Option<String>,
    /// Content chunks of streamed answers.
    pub chunks: u64,
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Answers per second.
    pub rps: f64,
    /// From when a request should have started to its last byte, in microseconds.
    pub latency_us: Spread,
    /// From the same moment to the first byte.
    pub first_byte_us: Spread,
}

/// Everything one connection needs to know.
struct Shot {
    address: SocketAddr,
    request: Vec<u8>,
    chunks: Option<u32>,
    length: Duration,
    requests_max: u64,
}

/// What one connection, or all together, measured.
#[derive(Debug, Default)]
struct Tally {
    latency: Vec<u64>,
    first_byte: Vec<u64>,
    chunks: u64,
    errors: u64,
    first_error: Option<String>,
}

/// Runs and prints JSON; fails when any answer was wrong.
pub fn main(options: &LoadOptions) -> Outcome<()> {
    let met = send(options)?;
    println!("{}", serde_json::to_string(&met)?);
    match met.errors {
        0 => Ok(()),
        errors => Err(Failure::new(format!(
            "{errors} wrong answers, the first: {:?}",
            met.first_error
        ))),
    }
}

fn send(options: &LoadOptions) -> Outcome<Met> {
    let shot = Shot {
        address: SocketAddr::from(([127, 0, 0, 1], options.port)),
        request: request(options),
        chunks: options.stream_chunks,
        length: Duration::from_secs_f64(options.seconds),
        requests_max: options.requests_max.unwrap_or(u64::MAX),
    };
    let start = std::time::Instant::now();
    let tally = match options.rate {
        Some(rate) => open::run(&shot, options.connections, rate)?,
        None => closed::run(shot, options.connections)?,
    };
    Ok(tally.sum_up(start.elapsed().as_secs_f64()))
}

/// A chat completion request with a body of exactly the wished size (or the least possible).
fn request(options: &LoadOptions) -> Vec<u8> {
    let stream = match options.stream_chunks {
        Some(_) => "\"stream\":true,\"stream_options\":{\"include_usage\":true},",
        None => "",
    };
    let start = format!(
        "{{\"model\":\"bench\",{stream}\"max_tokens\":256,\"messages\":[{{\"role\":\"user\",\"content\":\""
    );
    let end = "\"}]}";
    let text = "Which of these sentences were measured, and which were only believed? ";
    let room = options.body_bytes.saturating_sub(start.len() + end.len());
    let filler: String = text.chars().cycle().take(room).collect();
    let key = options
        .key
        .as_ref()
        .map(|key| format!("authorization: Bearer {key}\r\n"))
        .unwrap_or_default();
    let body = format!("{start}{filler}{end}");
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n{key}user-agent: bench\r\n\
         accept: application/json\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        options.port,
        body.len()
    );
    (head + &body).into_bytes()
}

/// Counts the events of a stream whatever pieces it comes in.
#[derive(Debug, Default)]
struct Events {
    count: u32,
    after_newline: bool,
}

impl Events {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let newline = *byte == b'\n';
            self.count += u32::from(newline && self.after_newline);
            self.after_newline = newline && !self.after_newline;
        }
    }
}

impl Shot {
    /// What is wrong with a complete answer, if anything.
    fn fault(&self, message: &Message, events: &Events) -> Option<String> {
        if message.status() != 200 {
            return Some(format!("status {}", message.status()));
        }
        // Beside the content chunks: the stop, the usage, `[DONE]`.
        match self.chunks {
            Some(chunks) if events.count != chunks + 3 => Some(format!("{} events", events.count)),
            _ => None,
        }
    }
}

impl Tally {
    fn answered(&mut self, shot: &Shot, fault: Option<String>, first_byte: u64, latency: u64) {
        match fault {
            Some(fault) => self.failed(fault),
            None => {
                self.latency.push(latency);
                self.first_byte.push(first_byte);
                self.chunks += u64::from(shot.chunks.unwrap_or(0));
            }
        }
    }

    fn failed(&mut self, fault: String) {
        self.errors += 1;
        self.first_error.get_or_insert(fault);
    }

    fn absorb(&mut self, other: Self) {
        self.latency.extend(other.latency);
        self.first_byte.extend(other.first_byte);
        self.chunks += other.chunks;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    fn sum_up(self, seconds: f64) -> Met {
        let requests = self.latency.len() as u64;
        Met {
            requests,
            errors: self.errors,
            first_error: self.first_error,
            chunks: self.chunks,
            seconds,
            rps: requests as f64 / seconds,
            latency_us: Spread::of_nanos(self.latency),
            first_byte_us: Spread::of_nanos(self.first_byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(body_bytes: usize, stream_chunks: Option<u32>) -> LoadOptions {
        let (connections, seconds) = (1, 1.0);
        LoadOptions {
            port: 1,
            key: Some("k".to_owned()),
            connections,
            body_bytes,
            seconds,
            rate: None,
            stream_chunks,
            requests_max: None,
        }
    }

    #[test]
    fn requests_have_the_wished_size_and_are_json() {
        for (bytes, chunks) in [(1024, None), (65536, None), (1024, Some(5))] {
            let request = request(&options(bytes, chunks));
            let (mut message, mut body) = (Message::default(), Vec::new());
            assert_eq!(
                message.feed(&request, &mut |part| body.extend_from_slice(part)),
                Ok(true)
            );
            assert_eq!(body.len(), bytes);
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(value["stream"].as_bool(), chunks.map(|_| true));
        }
    }

    #[test]
    fn events_are_counted_across_pieces() {
        let stream = b"data: a\n\ndata: b\n\n\ndata: c\n\n";
        for size in 1..stream.len() {
            let mut events = Events::default();
            stream.chunks(size).for_each(|piece| events.feed(piece));
            assert_eq!(events.count, 3);
        }
    }

    #[test]
    fn wrong_answers_are_errors() {
        let mut tally = Tally::default();
        tally.failed("status 429".to_owned());
        tally.failed("cut".to_owned());
        let met = tally.sum_up(1.0);
        assert_eq!((met.errors, met.first_error.as_deref()), (2, Some("status 429")));
    }
}
