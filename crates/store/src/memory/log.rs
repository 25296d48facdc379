//! Entry logs in memory.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use domain::{NodeId, RequestId, TenantScope, UnixMillis};

use super::{MemoryStore, State};
use crate::row::EntryColumns;
use crate::usage::{Counts, Fact, SeriesId, Tally, UsageQuery, UsageReport, rolled};
use crate::{
    EntriesKept, EntryLog, EntrySpan, Shipment, StoreError, StoredCheckpoint, StoredEntry, entries_differ,
    must_own,
};

/// One tenant's log.
#[derive(Debug, Default)]
pub(super) struct Log {
    rows: Vec<(EntryColumns, StoredEntry)>,
    by_request: HashMap<RequestId, usize>,
    facts: Vec<(UnixMillis, Fact)>,
    hours: BTreeMap<(i64, SeriesId), (String, Counts)>,
    pub(super) checkpoints: BTreeMap<u64, StoredCheckpoint>,
    /// Entries before this were removed, and all of them ended before that.
    removed: (usize, UnixMillis),
}

impl Log {
    pub(super) fn leaves(&self) -> Vec<[u8; 32]> {
        self.rows.iter().map(|(columns, _)| columns.leaf).collect()
    }

    /// Whether these entries are the next that can go.
    pub(super) fn can_lose(&self, from: u64, below: u64) -> Result<(), StoreError> {
        let is_next = length(from) == self.removed.0 && from < below && length(below) <= self.rows.len();
        is_next.then_some(()).ok_or_else(|| entries_differ(from, below))
    }

    /// Forgets what they said.
    pub(super) fn lose(&mut self, below: u64, until: UnixMillis) {
        self.removed = (length(below), self.removed.1.max(until));
        for (_, stored) in self.rows.iter_mut().take(length(below)) {
            stored.bytes.clear();
        }
    }

    /// Appends the shipment unless its request is there already.
    fn append(&mut self, shipment: &Shipment) -> bool {
        if self.by_request.contains_key(&shipment.posting.request) {
            return false;
        }
        let index = self.rows.len() as u64;
        self.by_request.insert(shipment.posting.request, self.rows.len());
        self.facts
            .push((shipment.posting.finished, Fact::of(&shipment.posting)));
        self.rows.push((
            EntryColumns::of(shipment),
            StoredEntry {
                index,
                bytes: shipment.bytes.to_vec(),
            },
        ));
        true
    }

    fn finished(
        &self,
        span: &EntrySpan,
        after: Option<(UnixMillis, u64)>,
    ) -> Vec<&(EntryColumns, StoredEntry)> {
        let mut found: Vec<_> = self
            .rows
            .iter()
            .skip(self.removed.0)
            .filter(|(columns, stored)| {
                let at = (columns.finished, stored.index);
                let is_in = span.from <= at.0 && at.0 < span.until && at.1 < span.size;
                is_in && after.is_none_or(|after| after < at)
            })
            .collect();
        found.sort_by_key(|(columns, stored)| (columns.finished, stored.index));
        found
    }

    /// Adds what new entries count: from the one of this index on.
    fn roll_up(&mut self, from: usize) {
        let new = self.facts.iter().skip(from).map(|(_, fact)| fact.clone());
        for one in rolled(new) {
            let (_, counts) = self
                .hours
                .entry((one.hour, one.series))
                .or_insert_with(|| (one.said, Counts::default()));
            *counts = counts.plus(&one.counts);
        }
    }

    fn usage(&self, query: &UsageQuery) -> Result<UsageReport, StoreError> {
        let (mut tally, cut) = (Tally::new(query), query.cut());
        for ((hour, series), (said, counts)) in &self.hours {
            if (cut.hours.0..cut.hours.1).contains(hour) {
                tally.add_stored(*series, said, *hour, counts)?;
            }
        }
        for (from, until) in cut.edges {
            let inside = |(at, _): &&(UnixMillis, Fact)| from <= *at && *at < until;
            for (_, fact) in self.facts.iter().skip(self.removed.0).filter(inside) {
                tally.add_fact(fact.clone());
            }
        }
        Ok(tally.report())
    }
}

fn length(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl State {
    fn ship(&mut self, scope: &TenantScope, node: NodeId, shipment: &Shipment) -> bool {
        let new = self.logs.entry(scope.tenant()).or_default().append(shipment);
        if new {
            for charge in &shipment.posting.charges {
                self.charge(scope, node, charge);
            }
        }
        new
    }
}

#[async_trait]
impl EntryLog for MemoryStore {
    async fn append(
        &self,
        scope: &TenantScope,
        node: NodeId,
        shipments: &[Shipment],
    ) -> Result<u64, StoreError> {
        for shipment in shipments {
            must_own(scope, shipment.posting.tenant)?;
        }
        let mut state = self.state();
        let before = state.logs.get(&scope.tenant()).map_or(0, |log| log.rows.len());
        let new = shipments
            .iter()
            .map(|shipment| u64::from(state.ship(scope, node, shipment)))
            .sum();
        state.logs.entry(scope.tenant()).or_default().roll_up(before);
        Ok(new)
    }

    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        let state = self.state();
        let log = state.logs.get(&scope.tenant()).ok_or(StoreError::NotFound)?;
        let index = log.by_request.get(&id).ok_or(StoreError::NotFound)?;
        log.rows
            .get(*index)
            .filter(|_| *index >= log.removed.0)
            .map(|(_, stored)| stored.clone())
            .ok_or(StoreError::NotFound)
    }

    async fn entries(
        &self,
        scope: &TenantScope,
        from: u64,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let state = self.state();
        let log = state.logs.get(&scope.tenant());
        let first = log.map_or(0, |log| log.removed.0).max(length(from));
        let end = length(from.saturating_add(count));
        let rows = log.into_iter().flat_map(|log| &log.rows);
        Ok(rows
            .take(end)
            .skip(first)
            .map(|(_, stored)| stored.clone())
            .collect())
    }

    async fn entries_finished(
        &self,
        scope: &TenantScope,
        span: &EntrySpan,
        after: Option<(UnixMillis, u64)>,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let state = self.state();
        let rows = state
            .logs
            .get(&scope.tenant())
            .map(|log| log.finished(span, after));
        let rows = rows.into_iter().flatten().take(length(count));
        Ok(rows.map(|(_, stored)| stored.clone()).collect())
    }

    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<UsageReport, StoreError> {
        let state = self.state();
        match state.logs.get(&scope.tenant()) {
            Some(log) => log.usage(query),
            None => Ok(UsageReport::default()),
        }
    }

    async fn roll_up(&self, _scope: &TenantScope) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn entries_kept(&self, scope: &TenantScope) -> Result<EntriesKept, StoreError> {
        let state = self.state();
        let (from, since) = state
            .logs
            .get(&scope.tenant())
            .map_or_else(Default::default, |log| log.removed);
        Ok(EntriesKept {
            from: from as u64,
            since,
        })
    }

    /// There is always room, and what was removed took none since.
    async fn tend_entries(&self, _now: UnixMillis) -> Result<bool, StoreError> {
        Ok(false)
    }
}
