//! An answer over HTTP/2 that its caller does not read.
//!
//! Where many streams share a connection the socket does not block on one of them: the library just stops
//! pulling the body whose window is used up, so no deadline of the body's own is looked at, and the call's
//! reservation and provider connection would be held for as long as the caller likes. This looks from
//! outside. It never gives up a body that itself waits for the provider: that has deadlines of its own.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body that is given up when nobody pulls it for too long.
#[derive(Debug)]
pub struct Unread<B>(Arc<Shared<B>>);

#[derive(Debug)]
struct Shared<B> {
    /// `None` once given up.
    body: Mutex<Option<B>>,
    pulls: AtomicU64,
    /// The last pull waits for the body.
    waits: AtomicBool,
}

impl<B> Shared<B> {
    fn body(&self) -> MutexGuard<'_, Option<B>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Send + 'static> Unread<B> {
    /// Wraps `body` and watches it until it is gone; it is given up after one to two times `patience`.
    pub fn new(body: B, patience: Duration) -> Self {
        let shared = Arc::new(Shared {
            body: Mutex::new(Some(body)),
            pulls: AtomicU64::new(0),
            waits: AtomicBool::new(false),
        });
        tokio::spawn(watch(Arc::downgrade(&shared), patience));
        Self(shared)
    }
}

// threat: AGP-D2
// threat: ANP-0008
async fn watch<B>(shared: Weak<Shared<B>>, patience: Duration) {
    let mut seen = u64::MAX;
    loop {
        tokio::time::sleep(patience).await;
        let Some(shared) = shared.upgrade() else { return };
        let pulls = shared.pulls.load(Ordering::Relaxed);
        if pulls == seen && !shared.waits.load(Ordering::Relaxed) {
            drop(shared.body().take());
            return;
        }
        seen = pulls;
    }
}

impl<B: Body + Unpin> Body for Unread<B>
where
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let shared = &self.0;
        shared.pulls.fetch_add(1, Ordering::Relaxed);
        let polled = match shared.body().as_mut() {
            Some(body) => Pin::new(body).poll_frame(context),
            None => return Poll::Ready(Some(Err("the caller did not read the answer".into()))),
        };
        shared.waits.store(polled.is_pending(), Ordering::Relaxed);
        polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.body().as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .body()
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::{BodyExt, Channel};

    const PATIENCE: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn agp_d2_a_body_that_nobody_pulls_is_given_up_and_one_that_waits_is_not() {
        let (mut sender, body) = Channel::<Bytes>::new(8);
        let mut unread = Unread::new(body, PATIENCE);
        sender.send_data(Bytes::from_static(b"first")).await.unwrap();
        assert!(unread.frame().await.unwrap().is_ok());

        // The provider is slow, the caller waits: that is no reason to give up.
        let slow = tokio::spawn(async move {
            tokio::time::sleep(PATIENCE * 4).await;
            sender.send_data(Bytes::from_static(b"second")).await.unwrap();
            sender
        });
        assert!(unread.frame().await.unwrap().is_ok());
        let mut sender = slow.await.unwrap();

        tokio::time::sleep(PATIENCE * 4).await;
        assert!(unread.frame().await.unwrap().is_err());
        assert!(sender.send_data(Bytes::new()).await.is_err(), "the body is gone");
    }
}
