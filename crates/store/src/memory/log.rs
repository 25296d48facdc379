//! Entry logs in memory.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use domain::{NodeId, RequestId, TenantScope, UnixMillis};

use super::{MemoryStore, State};
use crate::row::{self, EntryColumns};
use crate::{
    EntryLog, EntrySpan, Shipment, StoreError, StoredCheckpoint, StoredEntry, UsageGroup, UsageQuery,
    UsageRow, must_own,
};

/// One tenant's log.
#[derive(Debug, Default)]
pub(super) struct Log {
    rows: Vec<(EntryColumns, StoredEntry)>,
    by_request: HashMap<RequestId, usize>,
    pub(super) checkpoints: BTreeMap<u64, StoredCheckpoint>,
}

impl Log {
    pub(super) fn leaves(&self) -> Vec<[u8; 32]> {
        self.rows.iter().map(|(columns, _)| columns.leaf).collect()
    }

    /// Appends the shipment unless its request is there already.
    fn append(&mut self, shipment: &Shipment) -> bool {
        if self.by_request.contains_key(&shipment.posting.request) {
            return false;
        }
        let index = self.rows.len() as u64;
        self.by_request.insert(shipment.posting.request, self.rows.len());
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
            .filter(|(columns, stored)| {
                let at = (columns.finished, stored.index);
                let is_in = span.from <= at.0 && at.0 < span.until && at.1 < span.size;
                is_in && after.is_none_or(|after| after < at)
            })
            .collect();
        found.sort_by_key(|(columns, stored)| (columns.finished, stored.index));
        found
    }

    fn usage(&self, query: &UsageQuery) -> Vec<UsageRow> {
        let mut groups: BTreeMap<String, UsageRow> = BTreeMap::new();
        for (columns, _) in &self.rows {
            if query.from <= columns.finished && columns.finished < query.until {
                let group = group_of(columns, query.by);
                add(
                    groups.entry(group.clone()).or_insert_with(|| empty(group)),
                    columns,
                );
            }
        }
        let mut rows: Vec<UsageRow> = groups.into_values().collect();
        row::sort_usage(&mut rows);
        rows
    }
}

fn group_of(columns: &EntryColumns, by: UsageGroup) -> String {
    match by {
        UsageGroup::Model => columns.model.clone().unwrap_or_else(|| "-".to_owned()),
        UsageGroup::Key => columns.key.to_string(),
        UsageGroup::Team => columns.team.to_string(),
        UsageGroup::Day => row::day_name(columns.finished.0.div_euclid(row::DAY_MS)),
    }
}

fn empty(group: String) -> UsageRow {
    UsageRow {
        group,
        requests: 0,
        refused: 0,
        prompt_tokens: 0,
        output_tokens: 0,
        cost: domain::Money::ZERO,
    }
}

fn add(row: &mut UsageRow, columns: &EntryColumns) {
    row.requests += 1;
    row.refused += u64::from(columns.outcome == row::REFUSED);
    row.prompt_tokens = row.prompt_tokens.saturating_add(columns.prompt_tokens);
    row.output_tokens = row.output_tokens.saturating_add(columns.output_tokens);
    row.cost = row.cost.plus(columns.cost);
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
        Ok(shipments
            .iter()
            .map(|shipment| u64::from(state.ship(scope, node, shipment)))
            .sum())
    }

    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError> {
        let state = self.state();
        let log = state.logs.get(&scope.tenant()).ok_or(StoreError::NotFound)?;
        let index = log.by_request.get(&id).ok_or(StoreError::NotFound)?;
        log.rows
            .get(*index)
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
        let rows = state
            .logs
            .get(&scope.tenant())
            .into_iter()
            .flat_map(|log| &log.rows);
        Ok(rows
            .skip(length(from))
            .take(length(count))
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

    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        Ok(self
            .state()
            .logs
            .get(&scope.tenant())
            .map(|log| log.usage(query))
            .unwrap_or_default())
    }
}
