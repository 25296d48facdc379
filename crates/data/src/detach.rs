//! A call goes on when its caller leaves.
//!
//! A provider that has been asked will bill; so the call is read to its end and settled for what it
//! really cost, instead of being guessed at. Only where the answer is a live stream does leaving stop it.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that, dropped unfinished, is finished by a task of its own.
#[derive(Debug)]
pub struct Detach<F: Future + Send + 'static>
where
    F::Output: Send,
{
    inner: Option<Pin<Box<F>>>,
}

impl<F: Future + Send + 'static> Detach<F>
where
    F::Output: Send,
{
    /// Wraps `future`.
    pub fn new(future: F) -> Self {
        Self {
            inner: Some(Box::pin(future)),
        }
    }
}

impl<F: Future + Send + 'static> Future for Detach<F>
where
    F::Output: Send,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Pending;
        };
        let output = inner.as_mut().poll(context);
        if output.is_ready() {
            self.inner = None;
        }
        output
    }
}

impl<F: Future + Send + 'static> Drop for Detach<F>
where
    F::Output: Send,
{
    fn drop(&mut self) {
        if let (Some(rest), Ok(runtime)) = (self.inner.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(rest);
        }
    }
}
