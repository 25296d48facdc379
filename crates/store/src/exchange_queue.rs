//! What waits to be kept, bounded by its bytes: whoever hands in never waits, and what finds no room is told so. The same
//! room bounds what is captured of answers under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ledger::Exchange;
use tokio::sync::mpsc;

/// Exchanges that wait at once, however small.
const WAITING_MAX: usize = 65_536;

/// A number of bytes that many may take of, and give back by being dropped.
#[derive(Debug, Clone)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    free: AtomicUsize,
}

impl Room {
    /// One of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Inner {
            free: AtomicUsize::new(bytes),
        }))
    }

    /// So many of them; nothing where there are not.
    // threat: AGP-D2
    pub fn take(&self, bytes: usize) -> Option<Taken> {
        let mut taken = Taken {
            room: self.clone(),
            bytes: 0,
        };
        taken.grow(bytes).then_some(taken)
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.0.free.load(Ordering::Relaxed)
    }
}

/// A part of a [`Room`].
#[derive(Debug)]
pub struct Taken {
    room: Room,
    bytes: usize,
}

impl Taken {
    /// Takes more; whether it was there.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let free = &self.room.0.free;
        let less = |free: usize| free.checked_sub(bytes);
        let took = free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok();
        if took {
            self.bytes += bytes;
        }
        took
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.room.0.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// An exchange on its way, and the room that it takes until it is kept.
#[derive(Debug)]
pub struct Waiting {
    /// The exchange.
    pub exchange: Exchange,
    /// Its canonical bytes: what its ledger entry has the digest of.
    pub bytes: Vec<u8>,
    _taken: Taken,
}

/// Where exchanges are handed in.
#[derive(Debug, Clone)]
pub struct ExchangeQueue {
    room: Room,
    sender: mpsc::Sender<Waiting>,
}

/// A queue of so many bytes, and its other end.
pub fn exchange_queue(bytes: usize) -> (ExchangeQueue, mpsc::Receiver<Waiting>) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let room = Room::new(bytes);
    (ExchangeQueue { room, sender }, receiver)
}

impl ExchangeQueue {
    /// What bounds it.
    pub const fn room(&self) -> &Room {
        &self.room
    }

    /// Hands in; `false` where there is no room, or nobody who takes it.
    // threat: AGP-D2
    pub fn put(&self, exchange: Exchange, bytes: Vec<u8>) -> bool {
        // What is written down of it takes about as much again while it waits.
        let Some(taken) = self.room.take(bytes.len().saturating_mul(2)) else {
            return false;
        };
        let waiting = Waiting {
            exchange,
            bytes,
            _taken: taken,
        };
        self.sender.try_send(waiting).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_d2_room_is_taken_once_and_given_back() {
        let room = Room::new(10);
        let mut first = room.take(4).unwrap();
        assert!(first.grow(4) && !first.grow(4));
        assert!(room.take(3).is_none());
        let second = room.take(2).unwrap();
        assert_eq!(room.free(), 0);
        drop(first);
        assert_eq!(room.free(), 8);
        drop(second);
        assert_eq!(room.free(), 10);
    }
}
