//! One key's habit: as the store has it, and what this node has seen since. What two replicas learn at once is
//! learnt by both: whoever comes second reads again and adds its own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use domain::{KeyId, TenantId, TenantScope, UnixMillis};
use habit::{Habit, Rules, Sign, Use};
use store::{Change, Record, RecordKind, Store, StoreError};

/// Uses that are not in the store yet, of those that differ from each other.
const PENDING_MAX: usize = 64;
/// How often a replica may be second.
const TRIES_MAX: usize = 5;

/// What stood out, and in which use.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) used: Use,
    pub(super) sign: Sign,
}

#[derive(Debug)]
pub(super) struct Known {
    tenant: TenantId,
    key: KeyId,
    /// As the store had it last.
    base: Option<Record>,
    habit: Habit,
    pending: Vec<Use>,
    lately: Instant,
}

impl Known {
    /// As the store knows it; anew where it does not.
    pub(super) async fn load(store: &dyn Store, used: &Use) -> Result<Self, StoreError> {
        let mut known = Self {
            tenant: used.tenant,
            key: used.key,
            base: None,
            habit: Habit::begin(used.at),
            pending: Vec::new(),
            lately: Instant::now(),
        };
        known.read(store).await?;
        Ok(known)
    }

    pub(super) const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// How long ago it was used.
    pub(super) fn lately(&self) -> Duration {
        self.lately.elapsed()
    }

    /// Whether there is something that the store does not know.
    pub(super) const fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether it should be kept before more is learnt.
    pub(super) const fn is_full(&self) -> bool {
        self.pending.len() >= PENDING_MAX
    }

    /// Learns a use, as far as this node knows. While the store is away for long, what does not fit is learnt here
    /// and nowhere else.
    pub(super) fn observe(&mut self, used: Use, rules: &Rules) -> Vec<Told> {
        self.lately = Instant::now();
        let signs = self.habit.observe(&used, rules);
        let told = signs.into_iter().map(|sign| Told {
            used: used.clone(),
            sign,
        });
        let told = told.collect();
        let is_counted = self.pending.iter_mut().any(|other| other.absorb(&used));
        if !is_counted && !self.is_full() {
            self.pending.push(used);
        }
        told
    }

    /// Puts it into the store. Where another replica was there first, what it learnt is learnt here as well, and what
    /// stands out then is what stands out.
    pub(super) async fn keep(
        &mut self,
        store: &dyn Store,
        rules: &Rules,
    ) -> Result<Option<Vec<Told>>, StoreError> {
        let mut again = None;
        for _ in 0..TRIES_MAX {
            let (change, after) = self.change()?;
            match store.commit(&scope(self.tenant), &[change], None).await {
                Ok(()) => {
                    self.kept(after);
                    return Ok(again);
                }
                Err(StoreError::Conflict(_) | StoreError::NotFound) => {
                    again = Some(self.learn_again(store, rules).await?);
                }
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict(format!(
            "the habit of {} changes all the time",
            self.key
        )))
    }

    async fn learn_again(&mut self, store: &dyn Store, rules: &Rules) -> Result<Vec<Told>, StoreError> {
        let first = self.pending.first().map_or(UnixMillis(0), |used| used.at);
        self.habit = Habit::begin(first);
        self.read(store).await?;
        // Uses of the time in which it was learnt do not stand out because they are counted later.
        let is_known = self.habit.is_known(first, rules);
        let mut told = Vec::new();
        for used in &self.pending {
            let signs = self.habit.observe(used, rules);
            told.extend(signs.into_iter().map(|sign| Told {
                used: used.clone(),
                sign,
            }));
        }
        told.retain(|_| is_known);
        Ok(told)
    }

    /// What cannot be read is learnt anew: nothing stands out until it is.
    async fn read(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        let found = store
            .record(&scope(self.tenant), RecordKind::Habit, &self.key.to_string())
            .await;
        self.base = match found {
            Ok(record) => Some(record),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error),
        };
        if let Some(record) = &self.base {
            match Habit::read(&record.document) {
                Ok(habit) => self.habit = habit,
                Err(error) => {
                    tracing::error!(key = %self.key, %error, "a habit cannot be read and is learnt anew")
                }
            }
        }
        Ok(())
    }

    fn change(&self) -> Result<(Change, Record), StoreError> {
        let document = self.habit.write();
        let after = Record {
            kind: RecordKind::Habit,
            id: self.key.to_string(),
            parent: None,
            name: None,
            created: self.base.as_ref().map_or_else(UnixMillis::now, |it| it.created),
            document: document.map_err(|error| StoreError::Damaged(error.to_string()))?,
        };
        let change = match &self.base {
            None => Change::Create(after.clone()),
            Some(before) => Change::Replace {
                before: before.clone(),
                after: after.clone(),
            },
        };
        Ok((change, after))
    }

    fn kept(&mut self, after: Record) {
        self.base = Some(after);
        self.pending.clear();
    }
}

/// Keeps several of one tenant's at once. Whether that was possible: not where another replica was there first.
pub(super) async fn keep_together(
    store: &dyn Store,
    tenant: TenantId,
    keys: &mut HashMap<KeyId, Known>,
    ids: &[KeyId],
) -> Result<bool, StoreError> {
    let (mut changes, mut kept) = (Vec::new(), Vec::new());
    for id in ids {
        let Some(known) = keys.get(id) else { continue };
        let (change, after) = known.change()?;
        changes.push(change);
        kept.push((id, after));
    }
    match store.commit(&scope(tenant), &changes, None).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_) | StoreError::NotFound) => return Ok(false),
        Err(error) => return Err(error),
    }
    for (id, after) in kept {
        if let Some(known) = keys.get_mut(id) {
            known.kept(after);
        }
    }
    Ok(true)
}

fn scope(tenant: TenantId) -> TenantScope {
    TenantScope::operator(tenant)
}
