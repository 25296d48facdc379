//! What a live answer is made of, and what its caller reads. Never polls.

use std::sync::Arc;

use bytes::Bytes;
use dialect::StreamTranslator;
use hyper::body::Incoming;

use crate::history::Capture;
use crate::settings::Target;
use crate::ticket::Ticket;

/// What a live answer is made of.
#[derive(Debug)]
pub struct Parts {
    /// The call's ticket.
    pub ticket: Box<Ticket>,
    /// The provider's health report, open.
    pub health: limit::Ticket,
    /// Who answers.
    pub target: Arc<Target>,
    /// Its body.
    pub upstream: Incoming,
    /// Between the dialects, where they differ.
    pub translator: Option<StreamTranslator>,
    /// Whether the caller asked for the usage event itself.
    pub usage_wanted: bool,
}

/// What the caller reads.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The bytes.
    pub(super) bytes: Bytes,
    /// The same before values came back into it, where some may have.
    pub(super) masked: Option<Bytes>,
}

impl Said {
    /// As much of it as its tenant keeps.
    pub(super) fn kept(&self, capture: &Capture) -> &Bytes {
        let masked = self.masked.as_ref().filter(|_| capture.is_masked());
        masked.unwrap_or(&self.bytes)
    }
}

impl From<Vec<u8>> for Said {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into(),
            masked: None,
        }
    }
}
