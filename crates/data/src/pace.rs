//! How long a request's head may take, apart from how long a connection may rest between two requests.
//!
//! The clock runs from a connection's start, or from the first byte after an answer, until the head is
//! whole: the service says when a request begins and ends. The bytes pass unchanged; what they say of
//! messages' ends is [`Framing`]'s to read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::body::GateBody;
use crate::framing::Framing;

/// Requests of one connection, counted.
#[derive(Debug, Clone, Default)]
pub struct Turns(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
    /// The request, counted from 0, that came in two framings.
    ambiguous: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            ambiguous: AtomicU64::new(u64::MAX),
        }
    }
}

impl Turns {
    /// A head is whole: its request is under way until the answer to it is dropped.
    pub fn begin(&self) -> Turn {
        let number = self.0.begun.fetch_add(1, Ordering::Relaxed);
        Turn {
            is_ambiguous: number >= self.0.ambiguous.load(Ordering::Relaxed),
            counts: self.0.clone(),
        }
    }

    /// Returns when no request has been under way for one to two times `idle`.
    pub async fn rested(self, idle: Duration) {
        let mut before = u64::MAX;
        loop {
            tokio::time::sleep(idle).await;
            let begun = self.begun();
            if begun == before && self.is_idle() {
                return;
            }
            before = if self.is_idle() { begun } else { u64::MAX };
        }
    }

    fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.begun() == self.0.ended.load(Ordering::Relaxed)
    }
}

/// One request under way.
#[derive(Debug)]
pub struct Turn {
    counts: Arc<Counts>,
    is_ambiguous: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.counts.ended.fetch_add(1, Ordering::Relaxed);
    }
}

impl Turn {
    /// Whether its head, as it came over the wire, has two framings.
    pub const fn is_ambiguous(&self) -> bool {
        self.is_ambiguous
    }

    /// The answer that ends it.
    pub const fn answered(self, body: GateBody) -> Answered {
        Answered { body, _turn: self }
    }
}

/// An answer's body that ends its request when it is gone.
#[derive(Debug)]
pub struct Answered {
    body: GateBody,
    _turn: Turn,
}

impl Body for Answered {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose heads must come in time.
#[derive(Debug)]
pub struct Paced<S> {
    stream: S,
    turns: Turns,
    framing: Framing,
    head_timeout: Duration,
    /// Since when a head is awaited, and after how many requests.
    since: Option<(u64, Instant)>,
    /// Set only when a head does not come in one piece.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// The first head is awaited from now on.
    pub fn new(stream: S, turns: Turns, head_timeout: Duration) -> Self {
        let since = Some((0, Instant::now()));
        Self {
            stream,
            turns,
            framing: Framing::default(),
            head_timeout,
            since,
            alarm: None,
        }
    }

    /// Ready when a head has been under way for too long.
    // threat: CTX-T5
    // threat: AGP-D2
    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.forget_old_head();
        let Some((_, since)) = self.since else {
            return Poll::Pending;
        };
        let until = since + self.head_timeout;
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(io::Error::new(
            io::ErrorKind::TimedOut,
            "the head did not arrive in time",
        ))
    }

    /// A head that has become a request is awaited no longer.
    fn forget_old_head(&mut self) {
        let begun = self.turns.begun();
        if self.since.is_some_and(|(before, _)| before != begun) {
            self.since = None;
            self.alarm = None;
        }
    }

    // threat: ANP-0024
    fn note_bytes(&mut self, bytes: &[u8]) {
        if let Some(number) = self.framing.read(bytes) {
            self.turns.0.ambiguous.store(number, Ordering::Relaxed);
        }
        self.forget_old_head();
        if self.since.is_none() && self.turns.is_idle() {
            self.since = Some((self.turns.begun(), Instant::now()));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let paced = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut paced.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if let Some(new @ [_, ..]) = buffer.filled().get(before..) {
                    paced.note_bytes(new);
                }
                Poll::Ready(read)
            }
            Poll::Pending => paced.poll_alarm(context).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const HEAD: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn ctx_t5_a_head_that_never_comes_or_drips_is_cut() {
        for drips in [false, true] {
            let (mut caller, stream) = duplex(64);
            let mut paced = Paced::new(stream, Turns::default(), HEAD);
            let dripping = tokio::spawn(async move {
                while drips && caller.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(HEAD / 10).await;
                }
                std::future::pending::<()>().await;
            });
            let mut read = Vec::new();
            let cut = tokio::time::timeout(HEAD * 5, paced.read_to_end(&mut read))
                .await
                .expect("cut");
            assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(drips, !read.is_empty());
            dripping.abort();
        }
    }

    #[tokio::test]
    async fn requests_under_way_and_rests_between_them_are_not_timed() {
        let (mut caller, stream) = duplex(64);
        let turns = Turns::default();
        let mut paced = Paced::new(stream, turns.clone(), HEAD);
        let mut piece = [0; 8];
        caller.write_all(b"head").await.unwrap();
        assert_eq!(paced.read(&mut piece).await.unwrap(), 4);
        let turn = turns.begin();
        assert!(
            tokio::time::timeout(HEAD * 2, paced.read(&mut piece))
                .await
                .is_err(),
            "under way"
        );
        drop(turn);
        assert!(
            tokio::time::timeout(HEAD * 2, paced.read(&mut piece))
                .await
                .is_err(),
            "at rest"
        );
        caller.write_all(b"he").await.unwrap();
        assert_eq!(paced.read(&mut piece).await.unwrap(), 2);
        assert!(
            tokio::time::timeout(HEAD * 2, paced.read(&mut piece))
                .await
                .unwrap()
                .is_err(),
            "half a head"
        );
    }
}
