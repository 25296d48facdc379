//! The reservations that this node gave and that have not ended, and for a while those that have.
//!
//! Nothing is waited for under its lock. What is forgotten here is in the ledger.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::{KeyId, Principal, RequestId, TenantId};
use tokio::sync::Semaphore;

use super::settle::Ended;
use crate::settings::Model;
use crate::ticket::Ticket;

/// Reservations of all keys that may be open. The intent of each stays in the journal for as long: all of them are to be
/// less than a segment, or it would be busy with carrying them forward.
const OPEN_MAX: usize = 16_384;
/// Ended ones that are remembered, and for how long: until they are in the ledger, and that is asked.
const ENDED_MAX: usize = 65_536;
const ENDED_FOR: Duration = Duration::from_secs(600);
/// Looks into the ledger at the same time.
const LOOKS_MAX: usize = 8;

/// What is held.
#[derive(Debug)]
pub struct Open {
    pub(super) ticket: Box<Ticket>,
    /// With the targets that may serve it.
    pub(super) model: Arc<Model>,
    pub(super) place: Place,
}

#[derive(Debug)]
enum State {
    Open(Box<Open>),
    Closing,
    Ended(Box<Ended>),
    /// Its end could not be written: the next start of this node ends it at its bound.
    Lost,
}

/// A name that a caller gave, what it asked for under it, and the answer.
#[derive(Debug, Clone)]
pub struct Named {
    pub(super) name: Option<String>,
    pub(super) asked: blake3::Hash,
    pub(super) answer: Bytes,
}

#[derive(Debug)]
struct Slot {
    key: KeyId,
    named: Named,
    is_by_webhook: bool,
    expires: Instant,
    state: State,
}

/// What is known of a reservation.
#[derive(Debug)]
pub enum Found {
    /// It is open, and the finder's to end.
    Open(Box<Open>),
    /// Somebody ends it at this moment.
    Closing,
    /// It has ended so.
    Ended(Box<Ended>),
    /// It has ended, and that could not be written down.
    Lost,
    /// Nothing: it never was, is another key's or node's, or has long ended.
    Nothing,
}

/// What a key's name for a reservation stands for.
#[derive(Debug)]
pub enum Known {
    /// Nothing yet.
    New,
    /// The same, answered so before.
    Same(Bytes),
    /// Something else.
    Other,
}

#[derive(Debug, Default)]
struct Slots {
    all: HashMap<RequestId, Slot>,
    names: HashMap<(KeyId, String), RequestId>,
    deadlines: BTreeSet<(Instant, RequestId)>,
    by_webhook: BTreeSet<(KeyId, RequestId)>,
    ended: VecDeque<(Instant, RequestId)>,
}

/// All reservations of this node.
#[derive(Debug)]
pub struct Table {
    slots: Mutex<Slots>,
    counts: Arc<Counts>,
    pub(super) looks: Semaphore,
}

/// How many are open.
#[derive(Debug, Default)]
struct Counts(Mutex<Numbers>);

/// Of all, of each tenant and of each key.
#[derive(Debug, Default)]
struct Numbers {
    all: usize,
    tenants: HashMap<TenantId, usize>,
    keys: HashMap<KeyId, usize>,
}

/// One less of what is counted so.
fn less<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, of: &K) {
    if let Some(open) = counts.get_mut(of) {
        *open = open.saturating_sub(1);
        if *open == 0 {
            counts.remove(of);
        }
    }
}

/// How many may be open, of a key and of a tenant.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Of one key.
    pub per_key: usize,
    /// Of all keys of a tenant together.
    pub per_tenant: usize,
}

/// Who has as many open as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// The key.
    Key,
    /// The tenant.
    Tenant,
    /// The node.
    Node,
}

/// One that is open, or may yet be. Free again when dropped.
#[derive(Debug)]
pub struct Place {
    counts: Arc<Counts>,
    key: KeyId,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        less(&mut counts.keys, &self.key);
        less(&mut counts.tenants, &self.tenant);
    }
}

impl Default for Table {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
            counts: Arc::default(),
            looks: Semaphore::new(LOOKS_MAX),
        }
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more, if the key, its tenant and the node have one.
    // threat: AGP-D2
    // threat: ANP-0008
    pub(super) fn place(&self, of: &Principal, most: Most) -> Result<Place, Full> {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.keys.get(&of.key).copied().unwrap_or_default();
        let tenants = counts.tenants.get(&of.tenant).copied().unwrap_or_default();
        if own >= most.per_key {
            return Err(Full::Key);
        }
        if tenants >= most.per_tenant {
            return Err(Full::Tenant);
        }
        if counts.all >= OPEN_MAX {
            return Err(Full::Node);
        }
        counts.all += 1;
        counts.keys.insert(of.key, own + 1);
        counts.tenants.insert(of.tenant, tenants + 1);
        Ok(Place {
            counts: self.counts.clone(),
            key: of.key,
            tenant: of.tenant,
        })
    }

    /// How many are open.
    pub(super) fn open(&self) -> i64 {
        let counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        i64::try_from(counts.all).unwrap_or(i64::MAX)
    }

    /// What this name stands for.
    pub(super) fn known(&self, key: KeyId, name: &str, asked: blake3::Hash) -> Known {
        let slots = self.lock();
        let slot = slots
            .names
            .get(&(key, name.to_owned()))
            .and_then(|id| slots.all.get(id));
        match slot {
            None => Known::New,
            Some(slot) if slot.named.asked == asked => Known::Same(slot.named.answer.clone()),
            Some(_) => Known::Other,
        }
    }

    /// Keeps it, unless its name was given away meanwhile.
    pub(super) fn keep(
        &self,
        open: Box<Open>,
        named: Named,
        (expires, is_by_webhook): (Instant, bool),
    ) -> Result<(), Box<Open>> {
        let (id, key) = (open.ticket.id, open.ticket.key.principal.key);
        let mut slots = self.lock();
        if let Some(name) = &named.name {
            let name = (key, name.clone());
            if slots.names.contains_key(&name) {
                return Err(open);
            }
            slots.names.insert(name, id);
        }
        slots.deadlines.insert((expires, id));
        if is_by_webhook {
            slots.by_webhook.insert((key, id));
        }
        let slot = Slot {
            key,
            named,
            is_by_webhook,
            expires,
            state: State::Open(open),
        };
        slots.all.insert(id, slot);
        Ok(())
    }

    /// Takes it, if it is this key's.
    // threat: AGP-E1
    pub(super) fn take(&self, id: RequestId, key: KeyId) -> Found {
        let mut slots = self.lock();
        let Some(slot) = slots.all.get_mut(&id).filter(|slot| slot.key == key) else {
            return Found::Nothing;
        };
        match std::mem::replace(&mut slot.state, State::Closing) {
            State::Open(open) => Found::Open(open),
            State::Closing => Found::Closing,
            State::Ended(ended) => {
                let found = Found::Ended(ended.clone());
                slot.state = State::Ended(ended);
                found
            }
            State::Lost => {
                slot.state = State::Lost;
                Found::Lost
            }
        }
    }

    /// The oldest open one that this key was given over the webhook for this model.
    pub(super) fn oldest(&self, key: KeyId, model: &str) -> Option<RequestId> {
        let slots = self.lock();
        let own = (key, RequestId::from_u128(0))..=(key, RequestId::from_u128(u128::MAX));
        let mut ids = slots.by_webhook.range(own).map(|(_, id)| *id);
        ids.find(|id| match slots.all.get(id).map(|slot| &slot.state) {
            Some(State::Open(open)) => *open.model.name == *model,
            _ => false,
        })
    }

    /// What was taken is open still.
    pub(super) fn put_back(&self, open: Box<Open>) {
        let id = open.ticket.id;
        if let Some(slot) = self.lock().all.get_mut(&id) {
            slot.state = State::Open(open);
        }
    }

    /// What was taken has ended so.
    pub(super) fn ended(&self, id: RequestId, ended: Ended) {
        self.close(id, State::Ended(Box::new(ended)));
    }

    /// What was taken has ended, and nobody can say how before the next start.
    pub(super) fn lost(&self, id: RequestId) {
        self.close(id, State::Lost);
    }

    fn close(&self, id: RequestId, state: State) {
        let now = Instant::now();
        let mut slots = self.lock();
        slots.unlist(id);
        if let Some(slot) = slots.all.get_mut(&id) {
            slot.state = state;
            slots.ended.push_back((now, id));
        }
        while let Some((at, oldest)) = slots.ended.front().copied() {
            if slots.ended.len() <= ENDED_MAX && now.saturating_duration_since(at) < ENDED_FOR {
                break;
            }
            slots.ended.pop_front();
            slots.drop_slot(oldest);
        }
    }

    /// What was taken has ended, and the ledger knows how.
    pub(super) fn forget(&self, id: RequestId) {
        let mut slots = self.lock();
        slots.unlist(id);
        slots.drop_slot(id);
    }

    /// One whose time was over at `now`, or any that is open.
    pub(super) fn overdue(&self, now: Option<Instant>) -> Option<(RequestId, Box<Open>)> {
        let mut slots = self.lock();
        let due = slots.deadlines.iter().map(|(at, id)| (*at, *id));
        let due: Vec<_> = due
            .take_while(|(at, _)| now.is_none_or(|now| *at <= now))
            .map(|(_, id)| id)
            .collect();
        for id in due {
            let Some(slot) = slots.all.get_mut(&id) else {
                continue;
            };
            match std::mem::replace(&mut slot.state, State::Closing) {
                State::Open(open) => return Some((id, open)),
                other => slot.state = other,
            }
        }
        None
    }
}

impl Slots {
    /// It is not open any more.
    fn unlist(&mut self, id: RequestId) {
        if let Some((expires, key, is_by_webhook)) = self
            .all
            .get(&id)
            .map(|slot| (slot.expires, slot.key, slot.is_by_webhook))
        {
            self.deadlines.remove(&(expires, id));
            if is_by_webhook {
                self.by_webhook.remove(&(key, id));
            }
        }
    }

    fn drop_slot(&mut self, id: RequestId) {
        if let Some(slot) = self.all.remove(&id)
            && let Some(name) = slot.named.name
        {
            self.names.remove(&(slot.key, name));
        }
    }
}
