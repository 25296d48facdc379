//! Changes, documents and audit logs in memory.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use credential::KeyRecord;
use domain::{AuditId, TenantId, TenantScope, UnixMillis};
use ledger::merkle;

use super::{MemoryStore, Rows, State};
use crate::row::AuditColumns;
use crate::{
    AuditEntry, AuditQuery, Change, Hold, LogKind, MerkleLogs, Place, Record, RecordKind, RecordQuery,
    Registry, Sort, SortedQuery, StoreError, StoredAudit, StoredCheckpoint, Team, Tenant, all_removed,
    may_be_swept, must_be_distinct, must_own, must_own_all, unchanged,
};

/// One tenant's audit log.
#[derive(Debug, Default)]
pub(super) struct AuditLog {
    /// Hashes of the first records, whose content is gone.
    removed: Vec<merkle::Hash>,
    rows: Vec<(AuditColumns, StoredAudit)>,
    checkpoints: BTreeMap<u64, StoredCheckpoint>,
}

impl AuditLog {
    fn has(&self, id: AuditId) -> bool {
        self.rows.iter().any(|(columns, _)| columns.id == id)
    }

    fn append(&mut self, audit: &AuditEntry) {
        let index = (self.removed.len() + self.rows.len()) as u64;
        let bytes = audit.bytes.clone();
        self.rows
            .push((AuditColumns::of(audit), StoredAudit { index, bytes }));
    }

    /// How many of these rows are to go; `Conflict` unless they are the first, and all there.
    fn going(&self, from: u64, below: u64) -> Result<usize, StoreError> {
        let kept_from = self.removed.len() as u64;
        let there = below.saturating_sub(from).min(self.rows.len() as u64);
        all_removed(from, below, if kept_from == from { there } else { 0 })?;
        usize::try_from(there).map_err(|_| StoreError::NotFound)
    }

    fn remove(&mut self, count: usize) {
        let gone = self.rows.drain(..count.min(self.rows.len()));
        self.removed.extend(gone.map(|(columns, _)| columns.leaf));
    }

    fn leaves(&self) -> Vec<merkle::Hash> {
        let kept = self.rows.iter().map(|(columns, _)| columns.leaf);
        self.removed.iter().copied().chain(kept).collect()
    }
}

fn taken(what: &str) -> StoreError {
    StoreError::Conflict(format!("a {what} of that id or name exists"))
}

impl Rows {
    fn apply(&mut self, scope: &TenantScope, change: &Change) -> Result<(), StoreError> {
        self.revision += u64::from(change.is_of_directory());
        match change {
            Change::CreateTenant(tenant) => self.create_tenant(tenant),
            Change::ReplaceTenant { before, after } => self.replace_tenant(before, after),
            Change::CreateTeam(team) => self.create_team(team),
            Change::ReplaceTeam { before, after } => self.replace_team(scope, before, after),
            Change::CreateKey(key) => self.create_key(scope, key),
            Change::ReplaceKey { before, after } => self.replace_key(scope, before, after),
            Change::PutBudget(budget) => {
                if !self.tenants.contains_key(&budget.tenant) {
                    return Err(StoreError::NotFound);
                }
                let stored = self.budgets.entry(budget.id).or_insert_with(|| budget.clone());
                if stored.tenant != budget.tenant {
                    return Err(taken("budget"));
                }
                stored.limit = budget.limit;
                stored.name.clone_from(&budget.name);
                Ok(())
            }
            Change::ReplaceBudget { before, after } => {
                unchanged(self.budgets.get(&before.id), before)?;
                self.budgets.insert(after.id, after.as_ref().clone());
                Ok(())
            }
            Change::DeleteBudget(id) => {
                let stored = self.budgets.get(id).map(|budget| budget.tenant);
                must_own(scope, stored.ok_or(StoreError::NotFound)?)?;
                self.budgets.remove(id);
                Ok(())
            }
            Change::NextEpoch { epoch, by } => self.signing.next(*epoch, by),
            Change::Create(record) => self.create(scope, record),
            Change::Replace { before, after } => self.replace(scope, before, after),
            Change::Remove(before) => {
                let place = (scope.tenant(), before.kind, before.id.clone());
                unchanged(self.records.get(&place), before)?;
                self.records.remove(&place);
                Ok(())
            }
            // Done with the logs and with the windows, which are no rows.
            Change::RemoveAudits { .. } | Change::RemoveEntries { .. } | Change::TellMarks { .. } => Ok(()),
        }
    }

    fn create_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        if self.tenants.contains_key(&tenant.id) || self.tenant_name_taken(tenant) {
            return Err(taken("tenant"));
        }
        self.tenants.insert(tenant.id, tenant.clone());
        Ok(())
    }

    fn replace_tenant(&mut self, before: &Tenant, after: &Tenant) -> Result<(), StoreError> {
        unchanged(self.tenants.get(&before.id), before)?;
        if self.tenant_name_taken(after) {
            return Err(taken("tenant"));
        }
        self.tenants.insert(after.id, after.clone());
        Ok(())
    }

    fn tenant_name_taken(&self, tenant: &Tenant) -> bool {
        let same = |other: &&Tenant| other.id != tenant.id && other.name == tenant.name;
        self.tenants.values().any(|other| same(&other))
    }

    fn create_team(&mut self, team: &Team) -> Result<(), StoreError> {
        if !self.tenants.contains_key(&team.tenant) {
            return Err(StoreError::NotFound);
        }
        if self.teams.contains_key(&team.id) || self.team_name_taken(team) {
            return Err(taken("team"));
        }
        self.teams.insert(team.id, team.clone());
        Ok(())
    }

    fn replace_team(&mut self, scope: &TenantScope, before: &Team, after: &Team) -> Result<(), StoreError> {
        let stored = self.teams.get(&before.id);
        unchanged(stored.filter(|team| team.tenant == scope.tenant()), before)?;
        if self.team_name_taken(after) {
            return Err(taken("team"));
        }
        self.teams.insert(after.id, after.clone());
        Ok(())
    }

    fn team_name_taken(&self, team: &Team) -> bool {
        let same =
            |other: &Team| other.id != team.id && other.tenant == team.tenant && other.name == team.name;
        self.teams.values().any(same)
    }

    fn create_key(&mut self, scope: &TenantScope, key: &KeyRecord) -> Result<(), StoreError> {
        self.must_have_team(scope, key)?;
        if self.keys.contains_key(&key.id) || self.digest_taken(key) {
            return Err(taken("key"));
        }
        self.bindings_free(key)?;
        self.keys.insert(key.id, key.clone());
        Ok(())
    }

    fn replace_key(
        &mut self,
        scope: &TenantScope,
        before: &KeyRecord,
        after: &KeyRecord,
    ) -> Result<(), StoreError> {
        self.must_have_team(scope, after)?;
        let stored = self.keys.get(&before.id);
        unchanged(stored.filter(|key| key.tenant == scope.tenant()), before)?;
        if self.digest_taken(after) {
            return Err(taken("key"));
        }
        self.bindings_free(after)?;
        self.keys.insert(after.id, after.clone());
        Ok(())
    }

    fn must_have_team(&self, scope: &TenantScope, key: &KeyRecord) -> Result<(), StoreError> {
        let team = self.teams.get(&key.team);
        let own = team.is_some_and(|team| team.tenant == scope.tenant());
        if own { Ok(()) } else { Err(StoreError::NotFound) }
    }

    fn digest_taken(&self, key: &KeyRecord) -> bool {
        self.keys
            .values()
            .any(|other| other.id != key.id && other.digest == key.digest)
    }

    /// A credential stands for one key.
    fn bindings_free(&self, key: &KeyRecord) -> Result<(), StoreError> {
        let mut others = self.keys.values().filter(|other| other.id != key.id);
        let digests = |key: &KeyRecord| -> BTreeSet<[u8; 32]> {
            let live = key.live_bindings().iter();
            live.map(|binding| binding.digest(key.tenant)).collect()
        };
        let wanted = digests(key);
        let held = |other: &KeyRecord| !digests(other).is_disjoint(&wanted);
        must_be_distinct(key)?;
        if others.any(held) {
            return Err(taken("binding"));
        }
        Ok(())
    }

    fn create(&mut self, scope: &TenantScope, record: &Record) -> Result<(), StoreError> {
        let place = (scope.tenant(), record.kind, record.id.clone());
        if self.records.contains_key(&place) || self.record_name_taken(scope, record) {
            return Err(taken(record.kind.as_str()));
        }
        self.records.insert(place, record.clone());
        Ok(())
    }

    fn replace(&mut self, scope: &TenantScope, before: &Record, after: &Record) -> Result<(), StoreError> {
        let place = (scope.tenant(), before.kind, before.id.clone());
        unchanged(self.records.get(&place), before)?;
        if self.record_name_taken(scope, after) {
            return Err(taken(after.kind.as_str()));
        }
        self.records.insert(place, after.clone());
        Ok(())
    }

    /// A session or token is found by its name before its tenant is known, so no two may share one.
    fn record_name_taken(&self, scope: &TenantScope, record: &Record) -> bool {
        let anywhere = record.kind.is_bearer();
        self.records.iter().any(|((tenant, kind, id), other)| {
            let own = *tenant == scope.tenant();
            let itself = own && *id == record.id;
            *kind == record.kind
                && (own || anywhere)
                && !itself
                && other.name.is_some()
                && other.name == record.name
        })
    }

    fn records_of(&self, tenant: TenantId, kind: RecordKind) -> impl Iterator<Item = &Record> {
        self.records
            .range((tenant, kind, String::new())..)
            .take_while(move |((of, is, _), _)| (*of, *is) == (tenant, kind))
            .map(|(_, record)| record)
    }
}

fn place(record: &Record) -> Place<'_> {
    Place {
        created: record.created,
        name: record.name.as_deref().unwrap_or_default(),
        id: &record.id,
    }
}

fn compare(query: &SortedQuery<'_>, one: Place<'_>, other: Place<'_>) -> Ordering {
    let ordering = match query.sort {
        Sort::Created => (one.created, one.id).cmp(&(other.created, other.id)),
        Sort::Name => one.name.cmp(other.name),
    };
    if query.descending {
        ordering.reverse()
    } else {
        ordering
    }
}

fn is_after(query: &SortedQuery<'_>, record: &Record, after: &Place<'_>) -> bool {
    compare(query, place(record), *after).is_gt()
}

impl State {
    fn checkpoints(&mut self, scope: &TenantScope, log: LogKind) -> &mut BTreeMap<u64, StoredCheckpoint> {
        match log {
            LogKind::Ledger => &mut self.logs.entry(scope.tenant()).or_default().checkpoints,
            LogKind::Audit => &mut self.audits.entry(scope.tenant()).or_default().checkpoints,
        }
    }

    fn leaves(&self, scope: &TenantScope, log: LogKind) -> Vec<merkle::Hash> {
        match log {
            LogKind::Ledger => self.logs.get(&scope.tenant()).map(|log| log.leaves()),
            LogKind::Audit => self.audits.get(&scope.tenant()).map(AuditLog::leaves),
        }
        .unwrap_or_default()
    }
}

#[async_trait]
impl Registry for MemoryStore {
    async fn commit_all(
        &self,
        scope: &TenantScope,
        changes: &[Change],
        audits: &[AuditEntry],
    ) -> Result<(), StoreError> {
        must_own_all(scope, changes, audits)?;
        let mut state = self.state();
        let kept = state.audits.get(&scope.tenant());
        let mut ids: BTreeSet<AuditId> = BTreeSet::new();
        let is_there = |id: AuditId| kept.is_some_and(|log| log.has(id));
        if audits
            .iter()
            .any(|audit| is_there(audit.record.id) || !ids.insert(audit.record.id))
        {
            return Err(taken("audit record"));
        }
        let mut going = 0;
        for change in changes {
            if let Change::RemoveAudits { from, below } = change {
                let log = kept.ok_or(StoreError::NotFound)?;
                going = log.going(*from, *below)?;
            }
            if let Change::RemoveEntries { from, below, .. } = change {
                let log = state.logs.get(&scope.tenant()).ok_or(StoreError::NotFound)?;
                log.can_lose(*from, *below)?;
            }
        }
        let mut rows = state.rows.clone();
        for change in changes {
            rows.apply(scope, change)?;
        }
        let told = state.telling(scope, changes)?;
        state.rows = rows;
        state.audits.entry(scope.tenant()).or_default().remove(going);
        for change in changes {
            if let Change::RemoveEntries { below, until, .. } = change {
                state.logs.entry(scope.tenant()).or_default().lose(*below, *until);
            }
        }
        let State { rows, windows, .. } = &mut *state;
        windows.retain(|(budget, _), _| rows.budgets.contains_key(budget));
        for (place, mark) in told {
            if let Some(row) = windows.get_mut(&place) {
                row.told = mark;
            }
        }
        for audit in audits {
            state.audits.entry(scope.tenant()).or_default().append(audit);
        }
        Ok(())
    }

    async fn record(&self, scope: &TenantScope, kind: RecordKind, id: &str) -> Result<Record, StoreError> {
        let state = self.state();
        let found = state.rows.records.get(&(scope.tenant(), kind, id.to_owned()));
        found.cloned().ok_or(StoreError::NotFound)
    }

    async fn record_named(
        &self,
        scope: &TenantScope,
        kind: RecordKind,
        name: &str,
    ) -> Result<Record, StoreError> {
        let state = self.state();
        let mut all = state.rows.records_of(scope.tenant(), kind);
        let found = all.find(|record| record.name.as_deref() == Some(name));
        found.cloned().ok_or(StoreError::NotFound)
    }

    async fn records(&self, scope: &TenantScope, query: &RecordQuery<'_>) -> Result<Vec<Record>, StoreError> {
        let state = self.state();
        let all = state.rows.records_of(scope.tenant(), query.kind);
        Ok(all
            .filter(|record| {
                query
                    .parent
                    .is_none_or(|parent| record.parent.as_deref() == Some(parent))
            })
            .filter(|record| query.after.is_none_or(|after| record.id.as_str() > after))
            .take(usize::try_from(query.count).unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }

    async fn records_sorted(
        &self,
        scope: &TenantScope,
        query: &SortedQuery<'_>,
    ) -> Result<Vec<Record>, StoreError> {
        let state = self.state();
        let all = state.rows.records_of(scope.tenant(), query.kind);
        let mut found: Vec<&Record> = all
            .filter(|record| {
                query
                    .parent
                    .is_none_or(|parent| record.parent.as_deref() == Some(parent))
            })
            .filter(|record| query.sort == Sort::Created || record.name.is_some())
            .filter(|record| query.after.is_none_or(|after| is_after(query, record, &after)))
            .collect();
        found.sort_by(|one, other| compare(query, place(one), place(other)));
        let count = usize::try_from(query.count).unwrap_or(usize::MAX);
        Ok(found.into_iter().take(count).cloned().collect())
    }

    async fn bearer(&self, kind: RecordKind, digest: &str) -> Result<(TenantId, Record), StoreError> {
        let state = self.state();
        let mut all = state.rows.records.iter();
        let found = all.find(|((_, of, _), record)| {
            *of == kind && kind.is_bearer() && record.name.as_deref() == Some(digest)
        });
        let ((tenant, _, _), record) = found.ok_or(StoreError::NotFound)?;
        Ok((*tenant, record.clone()))
    }

    async fn sweep(&self, kind: RecordKind, until: UnixMillis) -> Result<u64, StoreError> {
        may_be_swept(kind)?;
        let mut state = self.state();
        let records = &mut state.rows.records;
        let before = records.len();
        records.retain(|(_, of, _), record| *of != kind || record.created >= until);
        Ok((before - records.len()) as u64)
    }

    async fn audit(&self, scope: &TenantScope, query: &AuditQuery) -> Result<Vec<StoredAudit>, StoreError> {
        let state = self.state();
        let rows = state
            .audits
            .get(&scope.tenant())
            .into_iter()
            .flat_map(|log| log.rows.iter().rev());
        Ok(rows
            .filter(|(columns, stored)| {
                columns.answer(query) && query.before.is_none_or(|at| stored.index < at)
            })
            .take(usize::try_from(query.count).unwrap_or(usize::MAX))
            .map(|(_, stored)| stored.clone())
            .collect())
    }

    async fn audits_kept_from(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        let state = self.state();
        let log = state.audits.get(&scope.tenant());
        Ok(log.map_or(0, |log| log.removed.len() as u64))
    }

    async fn audit_record(&self, scope: &TenantScope, id: AuditId) -> Result<StoredAudit, StoreError> {
        let state = self.state();
        let rows = state.audits.get(&scope.tenant()).map_or(&[][..], |log| &log.rows);
        let found = rows.iter().find(|(columns, _)| columns.id == id);
        found
            .map(|(_, stored)| stored.clone())
            .ok_or(StoreError::NotFound)
    }
}

#[async_trait]
impl MerkleLogs for MemoryStore {
    async fn log_size(&self, scope: &TenantScope, log: LogKind) -> Result<u64, StoreError> {
        Ok(self.state().leaves(scope, log).len() as u64)
    }

    async fn log_leaves(
        &self,
        scope: &TenantScope,
        log: LogKind,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        let leaves = self.state().leaves(scope, log);
        let (from, size) = (usize::try_from(from), usize::try_from(size));
        let wanted = leaves
            .get(..size.map_err(|_| StoreError::NotFound)?)
            .ok_or(StoreError::NotFound)?;
        Ok(wanted
            .get(from.unwrap_or(usize::MAX)..)
            .unwrap_or_default()
            .to_vec())
    }

    async fn put_log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
        checkpoint: &StoredCheckpoint,
        epoch: u64,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        state.rows.signing.must_sign(epoch, checkpoint.signed)?;
        let kept = state.checkpoints(scope, log);
        let stored = kept.entry(checkpoint.size).or_insert_with(|| checkpoint.clone());
        if stored.note == checkpoint.note {
            return Ok(());
        }
        Err(StoreError::Conflict(format!(
            "another checkpoint of size {} exists",
            checkpoint.size
        )))
    }

    async fn log_epoch(&self) -> Result<u64, StoreError> {
        Ok(self.state().rows.signing.epoch)
    }

    async fn hold_log_keys(&self, hold: &Hold) -> Result<(), StoreError> {
        self.state().rows.signing.hold(hold)
    }

    async fn log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
    ) -> Result<Option<StoredCheckpoint>, StoreError> {
        let mut state = self.state();
        let newest = state.checkpoints(scope, log).last_key_value();
        Ok(newest.map(|(_, checkpoint)| checkpoint.clone()))
    }
}
