//! A connection whose peer must read: one that takes nothing for too long is broken off.
//!
//! Without it a caller that asks for a stream and never reads holds its place, its reservation and a provider's
//! connection for ever: nobody pulls the stream, so no deadline of the stream's own is looked at.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// A stream that fails when nothing of what is written to it is taken for too long.
#[derive(Debug)]
pub struct Unstalled<S> {
    inner: S,
    timeout: Duration,
    /// Made when a write first has to wait, and kept.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl<S> Unstalled<S> {
    /// Wraps `inner`.
    pub const fn new(inner: S, timeout: Duration) -> Self {
        Self {
            inner,
            timeout,
            timer: None,
            waiting: false,
        }
    }

    /// What a write that came to nothing becomes when that has lasted too long.
    // threat: AGP-D2
    // threat: ANP-0008
    fn judge<T>(&mut self, written: Poll<Result<T>>, context: &mut Context<'_>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        let deadline = Instant::now() + self.timeout;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if !self.waiting {
            self.waiting = true;
            timer.as_mut().reset(deadline);
        }
        match timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the caller does not read"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstalled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstalled<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.judge(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let shut = Pin::new(&mut self.inner).poll_shutdown(context);
        self.judge(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn anp_0008_a_peer_that_does_not_read_is_given_up_and_a_slow_one_is_not() {
        let (gate, mut caller) = tokio::io::duplex(16);
        let mut gate = Unstalled::new(gate, Duration::from_millis(80));
        let slow = tokio::spawn(async move {
            let mut piece = [0; 16];
            for _ in 0..6 {
                tokio::time::sleep(Duration::from_millis(40)).await;
                caller.read_exact(&mut piece).await.unwrap();
            }
            caller
        });
        gate.write_all(&[7; 96]).await.unwrap();
        let _caller = slow.await.unwrap();
        let stalled = gate.write_all(&[7; 200]).await;
        assert_eq!(stalled.unwrap_err().kind(), ErrorKind::TimedOut);
    }
}
