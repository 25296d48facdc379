//! The last known value, for a bounded time, while the engine behind does not answer; then nothing.
//!
//! An answer is final whatever it says: what is gone or forbidden is forgotten at once. Only silence is
//! bridged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use credential::SecretRef;
use domain::Secret;
use tokio::time::{Instant, timeout_at};

use crate::{SecretError, Secrets, Versioned};

type Answer = Result<Versioned<Secret>, SecretError>;

/// An engine with a memory. Holds one value for each reference that is asked for: those of a configuration.
#[derive(Debug)]
pub struct Remembering<S> {
    inner: S,
    refresh: Duration,
    remember: Duration,
    slots: Mutex<HashMap<SecretRef, Arc<tokio::sync::Mutex<Slot>>>>,
}

/// What is known of one reference. Its lock is held while the engine is asked: one flight a reference.
#[derive(Debug, Default)]
struct Slot {
    known: Option<Known>,
    failed: Option<(Instant, SecretError)>,
}

#[derive(Debug)]
struct Known {
    found: Versioned<Secret>,
    /// When the engine was asked for it.
    asked: Instant,
}

impl<S: Secrets> Remembering<S> {
    /// Values are asked for anew when they are `refresh` old, and used until they are `remember` old.
    pub fn new(inner: S, refresh: Duration, remember: Duration) -> Self {
        Self {
            inner,
            refresh,
            remember,
            slots: Mutex::default(),
        }
    }

    /// The engine behind.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Forgets all references but those that are `wanted`.
    pub fn keep_only(&self, wanted: impl Fn(&SecretRef) -> bool) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|reference, _| wanted(reference));
    }

    fn slot(&self, reference: &SecretRef) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(reference.clone()).or_default().clone()
    }

    /// Asks the engine, but no longer than the value that is known lasts.
    async fn ask(&self, reference: &SecretRef, until: Option<Instant>) -> Answer {
        let asking = self.inner.get(reference);
        let Some(until) = until else {
            return asking.await;
        };
        let answered = timeout_at(until, asking).await;
        answered.unwrap_or_else(|_| {
            let why = "was not answered before the last known value expired".into();
            Err(SecretError::Unavailable(reference.clone(), why))
        })
    }
}

#[async_trait]
impl<S: Secrets> Secrets for Remembering<S> {
    // threat: AGP-CRED-1.1.3
    async fn get(&self, reference: &SecretRef) -> Answer {
        let arrived = Instant::now();
        let slot = self.slot(reference);
        let mut slot = slot.lock().await;
        slot.known.take_if(|known| known.asked + self.remember <= arrived);
        if let Some(known) = slot.known.as_ref().filter(|k| k.asked + self.refresh > arrived) {
            return Ok(known.found.duplicate());
        }
        // Who waited while another asked in vain has asked too.
        if let Some((_, error)) = slot.failed.as_ref().filter(|(at, _)| *at >= arrived) {
            return slot.stand_in(error.clone());
        }
        let asked = Instant::now();
        let until = slot.known.as_ref().map(|known| known.asked + self.remember);
        let answer = self.ask(reference, until).await;
        slot.take_in(answer, asked, self.remember)
    }
}

impl Slot {
    fn take_in(&mut self, answer: Answer, asked: Instant, remember: Duration) -> Answer {
        match answer {
            Ok(found) => {
                if self
                    .failed
                    .take()
                    .is_some_and(|(_, error)| error.is_unavailable())
                {
                    tracing::info!("a secret can be read again");
                }
                let copy = found.duplicate();
                self.known = Some(Known { found, asked });
                Ok(copy)
            }
            Err(error) => {
                let first = self.failed.replace((Instant::now(), error.clone())).is_none();
                let expired = |known: &mut Known| known.asked + remember <= Instant::now();
                if !error.is_unavailable() || self.known.as_mut().is_some_and(expired) {
                    self.known = None;
                }
                if first && self.known.is_some() {
                    let for_ms = u64::try_from(remember.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(%error, for_ms, "a secret cannot be read: the last known value is used for a while");
                }
                self.stand_in(error)
            }
        }
    }

    /// The last known value in place of an answer.
    fn stand_in(&self, error: SecretError) -> Answer {
        let known = self.known.as_ref().filter(|_| error.is_unavailable());
        known.map_or(Err(error), |known| Ok(known.found.duplicate()))
    }
}
