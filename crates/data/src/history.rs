//! What a tenant keeps of its calls: captured while a call goes on, composed into one record when it is settled, and handed
//! on to be sealed and stored. For a tenant that keeps nothing there is no capture, and nothing of this runs.
//!
//! Never waits, and never refuses a call: what finds no room is counted, and its digest in the ledger shows that it is
//! missing.

mod clean;
mod facts;
mod told;

use bytes::Bytes;
use domain::{ByClass, DataClass, UnixMillis};
use ledger::exchange::{Cut, Exchange, Side};
use ledger::{Keeping, Kept};
use store::{Room, Taken};

use crate::ticket::Ticket;

use self::clean::Clean;

/// How much of the text of one direction is kept.
const TEXT_BYTES_MAX: usize = 256 << 10;
/// A body that is longer is not read through: it is kept as a size where anything of it must be looked at.
const READ_BYTES_MAX: usize = 4 << 20;
/// By how much a capture of a stream grows at once.
const GROWN_BYTES: usize = 16 << 10;

/// What is captured of one call.
pub struct Capture {
    kept: Kept,
    class: DataClass,
    asked: Option<Bytes>,
    /// How long the request was when it was received.
    asked_bytes: usize,
    answer: Answer,
}

enum Answer {
    None,
    /// And how long it was when it was sent.
    Whole(Bytes, usize),
    Live(Said),
}

/// What a caller has read of a stream.
#[derive(Default)]
struct Said {
    bytes: Vec<u8>,
    all: u64,
    taken: Option<Taken>,
    cut: Option<Cut>,
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

impl Capture {
    /// One of a call that carries this, of a tenant that keeps something of such calls, where the instance lets it for at
    /// most so many days.
    // threat: ANP-0020
    pub fn of(keeping: &Keeping, class: DataClass, days_max: &ByClass<u16>) -> Option<Box<Self>> {
        let is_kept = keeping.kept != Kept::None && keeping.days_of(class, days_max) > 0;
        is_kept.then(|| {
            Box::new(Self {
                kept: keeping.kept,
                class,
                asked: None,
                asked_bytes: 0,
                answer: Answer::None,
            })
        })
    }

    /// The request as it was received. Nothing is copied: the call holds these bytes too.
    pub fn asked(&mut self, body: &Bytes) {
        self.asked = Some(body.clone());
        self.asked_bytes = body.len();
    }

    /// The request as guards left it: what they replaced stays replaced where no more than that is kept.
    // threat: ANP-0010 ANP-0017
    pub fn guarded(&mut self, body: &Bytes) {
        if self.kept == Kept::Redacted {
            self.asked = Some(body.clone());
        }
    }

    /// A whole answer as it is sent, and as it was before values came back into it.
    pub fn answered(&mut self, sent: &Bytes, masked: &Bytes) {
        let kept = if self.kept == Kept::Redacted { masked } else { sent };
        self.answer = Answer::Whole(kept.clone(), sent.len());
    }

    /// Whether what is kept of a stream is what it was before values came back into it.
    pub fn is_masked(&self) -> bool {
        self.kept == Kept::Redacted
    }

    /// The next piece of a stream when it is read by the caller, who reads so many bytes.
    // threat: AGP-D2
    pub fn said(&mut self, piece: &[u8], sent: usize, room: &Room) {
        if !matches!(self.answer, Answer::Live(_)) {
            self.answer = Answer::Live(Said::default());
        }
        if let Answer::Live(said) = &mut self.answer {
            said.push(piece, sent, room);
        }
    }
}

impl Said {
    fn push(&mut self, piece: &[u8], sent: usize, room: &Room) {
        self.all = self.all.saturating_add(sent as u64);
        if self.cut.is_some() {
            return;
        }
        let left = TEXT_BYTES_MAX.saturating_sub(self.bytes.len());
        let taken = piece.get(..left.min(piece.len())).unwrap_or_default();
        let needed = self.bytes.len() + taken.len();
        if needed > self.bytes.capacity() && !self.grow(needed, room) {
            self.cut = Some(Cut::Room);
            return;
        }
        self.bytes.extend_from_slice(taken);
        if taken.len() < piece.len() {
            self.cut = Some(Cut::Bound);
        }
    }

    fn grow(&mut self, needed: usize, room: &Room) -> bool {
        let more = needed.next_multiple_of(GROWN_BYTES) - self.bytes.len();
        let has_room = match &mut self.taken {
            Some(taken) => taken.grow(more),
            None => {
                self.taken = room.take(more);
                self.taken.is_some()
            }
        };
        if has_room {
            self.bytes.reserve_exact(more);
        }
        has_room
    }
}

/// The record of a call that ends now, if its tenant keeps any.
// threat: ANP-0012
// threat: ANP-0010
pub fn compose(ticket: &mut Ticket, status: u16, finished: UnixMillis) -> Option<Exchange> {
    let capture = ticket.capture.take()?;
    let clean = Clean::new(&ticket.settings.guards.stock().secrets);
    let answer = match &capture.answer {
        Answer::None => Side::default(),
        Answer::Whole(body, sent) => whole((body, *sent), capture.kept, &clean),
        Answer::Live(said) => told::side(said, capture.kept, ticket.dialect(), &clean),
    };
    let asked = capture.asked.as_ref();
    let since = |at: std::time::Instant| at.saturating_duration_since(ticket.clock).as_millis();
    Some(Exchange {
        id: ticket.id,
        tenant: ticket.key.principal.tenant,
        key: ticket.key.principal.key,
        started: ticket.started,
        finished,
        first_byte_ms: ticket
            .first_byte
            .map(|at| u64::try_from(since(at)).unwrap_or(u64::MAX)),
        kept: capture.kept,
        path: ticket.endpoint.path().to_owned(),
        model: ticket.model.clone(),
        status,
        streamed: matches!(capture.answer, Answer::Live(_)),
        data_class: Some(capture.class),
        request: asked
            .map(|body| whole((body, capture.asked_bytes), capture.kept, &clean))
            .unwrap_or_default(),
        answer,
    })
}

/// A JSON body in full, and how long it was on its way.
fn whole((body, bytes): (&[u8], usize), kept: Kept, clean: &Clean<'_>) -> Side {
    let value = (body.len() <= READ_BYTES_MAX).then(|| serde_json::from_slice(body).ok());
    let is_too_long = value.is_none();
    let value = value.flatten();
    let side = Side {
        bytes: bytes as u64,
        media_type: Some("application/json".to_owned()),
        messages: value.as_ref().map(facts::messages).unwrap_or_default(),
        finish: value.as_ref().and_then(facts::finish),
        ..Side::default()
    };
    match (kept, value) {
        (Kept::None | Kept::Metadata, _) => side,
        (Kept::Full, _) => bounded(raw(body), side),
        (Kept::Redacted, Some(value)) => bounded((clean.json(value), None), side),
        (Kept::Redacted, None) => Side {
            cut: Some(if is_too_long { Cut::Bound } else { Cut::Unreadable }),
            ..side
        },
    }
}

/// As much of a body as is text, within the bound.
fn raw(body: &[u8]) -> (String, Option<Cut>) {
    let within = body.get(..TEXT_BYTES_MAX.min(body.len())).unwrap_or_default();
    let text = within.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    // A character may lie across the bound.
    let is_cut_there = body.len() > TEXT_BYTES_MAX && within.len() - text.len() < 4;
    let cut = match text.len() == body.len() {
        true => None,
        false if is_cut_there => Some(Cut::Bound),
        false => Some(Cut::Unreadable),
    };
    (text.to_owned(), cut)
}

/// The side with its text, cut where that is too long.
fn bounded((mut text, mut cut): (String, Option<Cut>), side: Side) -> Side {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        cut = cut.or(Some(Cut::Bound));
    }
    Side {
        text: Some(text),
        cut,
        ..side
    }
}

#[cfg(test)]
mod tests;
