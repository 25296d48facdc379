//! What the provider will say, as a value: a head and a list of steps. Never touches a socket.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::usual::{self, UsualWords};
use super::wire::Received;
use crate::gzip;

/// How an answer is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The socket is closed in order.
    Fin,
    /// The connection is reset.
    Rst,
}

/// How the body's end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
    /// No head at all: the steps' bytes are everything that is written.
    Bare,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(Bytes),
    Wait(Duration),
    Stall,
    End(Cut),
    Endless { bytes: Bytes, every: Duration },
}

/// A reply ready to be played.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) framing: Framing,
    pub(crate) before: Vec<Step>,
    pub(crate) steps: Vec<Step>,
}

type FromRequest = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

#[derive(Clone)]
enum Kind {
    Made(Made),
    From(FromRequest),
    Usual(UsualWords),
}

/// One scripted answer. Build it with a constructor, then bend it with the other methods.
#[derive(Clone)]
pub struct Reply {
    kind: Kind,
    bends: Vec<Bend>,
}

#[derive(Clone)]
enum Bend {
    Status(u16),
    Header(String, String),
    Before(Step),
    Cut(usize, Cut),
    StallAfter(usize),
    Chunks(usize, Duration),
    Length(usize),
    UntilClose,
}

impl Reply {
    /// What the provider would say anyway: a correct answer in the endpoint's dialect.
    pub fn usual() -> Self {
        Self::of(Kind::Usual(UsualWords::default()))
    }

    /// The usual answer with these words, counts or tool calls in it.
    pub fn words(words: UsualWords) -> Self {
        Self::of(Kind::Usual(words))
    }

    /// The usual answer, but saying `text`.
    pub fn text(text: &str) -> Self {
        Self::words(UsualWords {
            text: text.to_owned(),
            ..UsualWords::default()
        })
    }

    /// The usual answer without any word about usage.
    pub fn without_usage() -> Self {
        Self::words(UsualWords {
            usage: None,
            ..UsualWords::default()
        })
    }

    /// The usual answer reporting these token counts.
    pub fn with_usage(input: u64, output: u64) -> Self {
        Self::words(UsualWords {
            usage: Some((input, output)),
            ..UsualWords::default()
        })
    }

    /// The usual answer as calls of tools (name, JSON arguments), streamed in partial JSON when streaming.
    pub fn tool_calls(calls: &[(&str, &str)]) -> Self {
        let tools = calls
            .iter()
            .map(|(name, arguments)| ((*name).to_owned(), (*arguments).to_owned()))
            .collect();
        Self::words(UsualWords {
            tools,
            ..UsualWords::default()
        })
    }

    /// An answer made from the request.
    pub fn from_request(make: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::of(Kind::From(Arc::new(make)))
    }

    /// Answers with what it received: `{method, path, headers: [[name, value]], body}`.
    pub fn echo() -> Self {
        Self::from_request(|request| {
            Self::json(
                200,
                &json!({
                    "method": request.method,
                    "path": request.path,
                    "headers": request.headers,
                    "body": String::from_utf8_lossy(&request.body),
                }),
            )
        })
    }

    /// A body of known length.
    pub fn body(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::made(
            status,
            content_type,
            Framing::Length(body.len()),
            vec![Step::Write(body)],
        )
    }

    /// A JSON body.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::body(status, "application/json", value.to_string())
    }

    /// An error in the shape of the endpoint's dialect.
    pub fn error(status: u16, message: &str) -> Self {
        let message = message.to_owned();
        Self::from_request(move |request| usual::error(request, status, &message))
    }

    /// 429 with `Retry-After`.
    pub fn too_many(retry_after_seconds: u64) -> Self {
        Self::error(429, "slow down").header("retry-after", &retry_after_seconds.to_string())
    }

    /// A redirect to somewhere else.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::body(status, "text/plain", "").header("location", location)
    }

    /// An event stream: after each delay, these bytes as one HTTP chunk and one write.
    pub fn sse<B: Into<Bytes>>(chunks: impl IntoIterator<Item = (u64, B)>) -> Self {
        Self::made(200, "text/event-stream", Framing::Chunked, timed(chunks))
    }

    /// An event stream of these `data:` payloads, closed by `[DONE]`.
    pub fn sse_data<S: AsRef<str>>(payloads: impl IntoIterator<Item = S>) -> Self {
        let events = payloads
            .into_iter()
            .map(|payload| (0, format!("data: {}\n\n", payload.as_ref())));
        Self::sse(
            events
                .chain([(0, "data: [DONE]\n\n".to_owned())])
                .collect::<Vec<_>>(),
        )
    }

    /// The same event for ever.
    pub fn endless_sse(event: &str, every_ms: u64) -> Self {
        let bytes = Bytes::from(event.to_owned());
        let steps = vec![Step::Endless {
            bytes,
            every: Duration::from_millis(every_ms),
        }];
        Self::made(200, "text/event-stream", Framing::Chunked, steps)
    }

    /// Bytes that are no HTTP at all, then the end of the connection.
    pub fn garbage() -> Self {
        Self::raw([(
            0,
            Bytes::from_static(b"\x16\x03\x01\x00 this is not http\r\n\r\n\0\xff\xfe"),
        )])
    }

    /// Exactly these bytes on the socket, head included, then the end of the connection.
    pub fn raw<B: Into<Bytes>>(chunks: impl IntoIterator<Item = (u64, B)>) -> Self {
        Self::made(200, "", Framing::Bare, timed(chunks))
    }

    /// The connection ends before any answer.
    pub fn hang_up(cut: Cut) -> Self {
        Self::made(200, "", Framing::Bare, vec![Step::End(cut)])
    }

    /// Reads the request and never says anything.
    pub fn stall_before_head() -> Self {
        Self::made(200, "", Framing::Bare, vec![Step::Stall])
    }

    /// JSON white space, gzipped: small on the wire, `unpacked_bytes` when opened.
    pub fn gzip_bomb(unpacked_bytes: usize) -> Self {
        Self::body(200, "application/json", gzip::of_repeated(b' ', unpacked_bytes))
            .header("content-encoding", "gzip")
    }

    /// One HTTP chunk of this size, of letters, with the given content type.
    pub fn huge_chunk(content_type: &str, bytes: usize) -> Self {
        Self::made(
            200,
            content_type,
            Framing::Chunked,
            vec![Step::Write(vec![b'x'; bytes].into())],
        )
    }

    /// Sets the status.
    pub fn status(self, status: u16) -> Self {
        self.bend(Bend::Status(status))
    }

    /// Adds a header, or replaces the one of that name.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.bend(Bend::Header(name.to_owned(), value.to_owned()))
    }

    /// Says this instead of the right content type.
    pub fn content_type(self, value: &str) -> Self {
        self.header("content-type", value)
    }

    /// Waits before the head is written.
    pub fn delay(self, ms: u64) -> Self {
        self.bend(Bend::Before(Step::Wait(Duration::from_millis(ms))))
    }

    /// Breaks the answer off once this many body bytes are out. 0 cuts right after the head.
    pub fn cut_after(self, body_bytes: usize, cut: Cut) -> Self {
        self.bend(Bend::Cut(body_bytes, cut))
    }

    /// Falls silent for ever once this many body bytes are out, the connection open.
    pub fn stall_after(self, body_bytes: usize) -> Self {
        self.bend(Bend::StallAfter(body_bytes))
    }

    /// Re-cuts the body into pieces of this many bytes.
    pub fn in_pieces(self, bytes: usize) -> Self {
        self.bend(Bend::Chunks(bytes, Duration::ZERO))
    }

    /// Lets the body drip: this many bytes, then a pause, over and over.
    pub fn drip(self, bytes: usize, every_ms: u64) -> Self {
        self.bend(Bend::Chunks(bytes, Duration::from_millis(every_ms)))
    }

    /// Claims this content length, whatever the body is.
    pub fn claim_length(self, bytes: usize) -> Self {
        self.bend(Bend::Length(bytes))
    }

    /// Tells the body's end by closing the connection, as old servers do.
    pub fn until_close(self) -> Self {
        self.bend(Bend::UntilClose)
    }

    /// The concrete answer to this request.
    pub(crate) fn settle(self, request: &Received, strict_usage: bool) -> Made {
        let made = match self.kind {
            Kind::Made(made) => made,
            Kind::From(make) => make(request).settle(request, strict_usage),
            Kind::Usual(words) => usual::answer(request, &words, strict_usage).settle(request, strict_usage),
        };
        self.bends.into_iter().fold(made, |made, bend| bend.apply(made))
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            bends: Vec::new(),
        }
    }

    fn made(status: u16, content_type: &str, framing: Framing, steps: Vec<Step>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self::of(Kind::Made(Made {
            status,
            headers,
            framing,
            before: Vec::new(),
            steps,
        }))
    }

    fn bend(mut self, bend: Bend) -> Self {
        self.bends.push(bend);
        self
    }
}

impl Bend {
    fn apply(self, mut made: Made) -> Made {
        match self {
            Self::Status(status) => made.status = status,
            Self::Header(name, value) => {
                made.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(&name));
                made.headers.push((name, value));
            }
            Self::Before(step) => made.before.push(step),
            Self::Cut(bytes, cut) => made.steps = end_after(made.steps, bytes, Step::End(cut)),
            Self::StallAfter(bytes) => made.steps = end_after(made.steps, bytes, Step::Stall),
            Self::Chunks(bytes, pause) => made.steps = in_pieces(made.steps, bytes, pause),
            Self::Length(bytes) => made.framing = Framing::Length(bytes),
            Self::UntilClose => made.framing = Framing::UntilClose,
        }
        made
    }
}

fn timed<B: Into<Bytes>>(chunks: impl IntoIterator<Item = (u64, B)>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (delay_ms, bytes) in chunks {
        if delay_ms > 0 {
            steps.push(Step::Wait(Duration::from_millis(delay_ms)));
        }
        steps.push(Step::Write(bytes.into()));
    }
    steps
}

fn end_after(steps: Vec<Step>, body_bytes: usize, end: Step) -> Vec<Step> {
    let mut kept = Vec::new();
    let mut left = body_bytes;
    for step in steps {
        match step {
            Step::Write(_) | Step::Endless { .. } if left == 0 => break,
            Step::Write(bytes) => {
                let part = bytes.slice(..bytes.len().min(left));
                left -= part.len();
                kept.push(Step::Write(part));
            }
            Step::Endless { bytes, every } => {
                while left > 0 {
                    let part = bytes.slice(..bytes.len().min(left));
                    left -= part.len();
                    kept.extend([Step::Write(part), Step::Wait(every)]);
                }
            }
            other => kept.push(other),
        }
    }
    kept.push(end);
    kept
}

fn in_pieces(steps: Vec<Step>, size: usize, pause: Duration) -> Vec<Step> {
    let mut cut = Vec::new();
    for step in steps {
        let Step::Write(bytes) = step else {
            cut.push(step);
            continue;
        };
        for start in (0..bytes.len()).step_by(size.max(1)) {
            cut.push(Step::Write(
                bytes.slice(start..bytes.len().min(start + size.max(1))),
            ));
            if !pause.is_zero() {
                cut.push(Step::Wait(pause));
            }
        }
    }
    cut
}
