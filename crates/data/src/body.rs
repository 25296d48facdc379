//! The body of every answer: whole, or live. One concrete type, so that nothing is boxed a chunk.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::live::Live;

/// An answer's body.
#[derive(Debug)]
pub enum GateBody {
    /// Known in full.
    Whole(Option<Bytes>),
    /// Flows from the provider, inspected as it goes.
    Live(Box<Live>),
    /// Flows from the provider as it is: with checks off, and never else.
    Raw(Incoming),
}

impl GateBody {
    /// A body of these bytes.
    pub const fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes))
    }
}

impl Body for GateBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b))))
            }
            Self::Live(live) => live
                .poll_next(context)
                .map(|next| next.map(|bytes| Ok(Frame::data(bytes)))),
            Self::Raw(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Live(live) => live.is_over(),
            Self::Raw(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Self::Whole(None) => SizeHint::with_exact(0),
            Self::Live(_) => SizeHint::default(),
            Self::Raw(body) => body.size_hint(),
        }
    }
}
