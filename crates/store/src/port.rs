//! The storage ports: narrow traits, all futures bounded by the caller's deadline.
//!
//! Every method about a tenant takes a [`TenantScope`]; there is no way to ask without one. The few that
//! do not are for the node itself (its leases) and for loading the directory into memory.

use async_trait::async_trait;
use bytes::Bytes;
use credential::{KeyRecord, Limits};
use domain::{BudgetId, Money, NodeId, RequestId, TeamId, TenantId, TenantScope, UnixMillis};
use ledger::{Budget, Entry, Keeping, Lease, Posting, Standing};
use serde::{Deserialize, Serialize};

use crate::usage::{UsageQuery, UsageReport};
use crate::{Exchanges, LogKind, Record, RecordKind, Registry, row};

/// Why a store did not do as asked. Drivers' texts stay in `Unavailable`'s log line, never in an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing in this tenant.
    #[error("not found")]
    NotFound,
    /// Something of that id or name is there already, or changed meanwhile.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The store cannot be reached or refused; for the log.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The key that signed was replaced, or is being replaced: look which signs now, and sign with that.
    #[error("the key that signs the logs is being replaced, or was")]
    Superseded,
    /// Of the time that was asked for, entries that ended before this were removed because their time is over.
    #[error("entries that ended before {} were removed by retention, and what is left is not all of it", row::day_of(*.0))]
    Removed(UnixMillis),
    /// What is stored cannot be read; for the log.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

/// A tenant as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Which.
    pub id: TenantId,
    /// What people call it; unique.
    pub name: String,
    /// Limits over all its keys together.
    #[serde(default)]
    pub limits: Limits,
    /// Whether it may work.
    #[serde(default)]
    pub state: TenantState,
    /// What is kept of its calls' exchanges.
    #[serde(default)]
    pub history: Keeping,
}

/// How far a tenant is from its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// It works.
    #[default]
    Active,
    /// Nobody of it gets in, until it is active again.
    Suspended,
    /// It is being ended.
    Offboarding,
    /// It is ended: evidence remains, nothing else.
    Offboarded,
}

impl TenantState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Suspended, Self::Offboarding, Self::Offboarded];

    /// Its name in a column and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Offboarding => "offboarding",
            Self::Offboarded => "offboarded",
        }
    }
}

/// A team as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Which.
    pub id: TeamId,
    /// Whose.
    pub tenant: TenantId,
    /// What people call it; unique within the tenant.
    pub name: String,
    /// Limits over all its keys together.
    #[serde(default)]
    pub limits: Limits,
}

/// All that a data plane answers from memory, read at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryDump {
    /// Rises with every change of anything below.
    pub revision: u64,
    /// All tenants.
    pub tenants: Vec<Tenant>,
    /// All teams.
    pub teams: Vec<Team>,
    /// All keys, revoked ones included.
    pub keys: Vec<KeyRecord>,
    /// All budgets.
    pub budgets: Vec<Budget>,
}

/// Tenants, teams and keys, as a data plane reads them; [`crate::Registry`] changes them.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The current revision; cheap, polled several times a second.
    async fn revision(&self) -> Result<u64, StoreError>;
    /// Everything, at one revision.
    async fn load(&self) -> Result<DirectoryDump, StoreError>;
    /// All tenants' documents of a kind that data planes answer by ([`RecordKind::is_answered_by`]), in the order of their
    /// tenants' ids; of other kinds none.
    async fn documents(&self, kind: RecordKind) -> Result<Vec<(TenantId, Record)>, StoreError>;
    /// Keeps `mark`, by which a master key is known, if none is kept yet; returns the one that is. It never
    /// changes, and says nothing about the key itself.
    async fn claim_master_key(&self, mark: &str) -> Result<String, StoreError>;
    /// The tenant's keys, oldest first.
    async fn keys(&self, scope: &TenantScope) -> Result<Vec<KeyRecord>, StoreError>;
}

/// A node's wish for more of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseWish {
    /// The budget.
    pub budget: BudgetId,
    /// The window that is now current.
    pub window_start: UnixMillis,
    /// Who asks.
    pub node: NodeId,
    /// Less than this is of no use.
    pub at_least: Money,
    /// This would be welcome.
    pub wanted: Money,
    /// When it asks, by its clock.
    pub at: UnixMillis,
    /// Until when the node will have renewed.
    pub expires: UnixMillis,
}

/// What a wish brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// The lease grew by `granted` (`at_least` ≤ granted ≤ `wanted`); `lease` is how it stands now.
    Granted {
        /// By how much.
        granted: Money,
        /// The lease after growing.
        lease: Lease,
    },
    /// Less than `at_least` is left; nothing was changed.
    Exhausted {
        /// What is left to lease.
        remaining: Money,
        /// Held by other nodes' leases or unexplained: may come back.
        elsewhere: Money,
    },
}

/// Budgets and leases of them. The store keeps `spent + leased + unexplained <= limit` (except where an
/// upstream used more than its bound, which is recorded as spent all the same).
#[async_trait]
pub trait Budgets: Send + Sync {
    /// The tenant's budgets.
    async fn budgets(&self, scope: &TenantScope) -> Result<Vec<Budget>, StoreError>;
    /// Grows the node's lease in one conditional update. `NotFound` if the tenant has no such budget.
    async fn grow_lease(&self, scope: &TenantScope, wish: &LeaseWish) -> Result<LeaseAnswer, StoreError>;
    /// Gives back up to `amount` of the node's lease; never what is `used`. Returns what was given back.
    /// `NotFound` if there is no such lease (the budget may be gone).
    async fn shrink_lease(
        &self,
        scope: &TenantScope,
        lease: &Lease,
        amount: Money,
    ) -> Result<Money, StoreError>;
    /// Sets the expiry of all the node's leases that have something left, and turns `unexplained` back to `leased` where one of
    /// them had expired.
    async fn renew_leases(&self, node: NodeId, expires: UnixMillis) -> Result<(), StoreError>;
    /// Counts the remainder of every lease that expired before `now` as unexplained. Returns how many.
    async fn expire_leases(&self, now: UnixMillis) -> Result<u64, StoreError>;
    /// The node has replayed its journal and holds nothing: its leases are deleted, their remainders free
    /// again. Returns the leases as they stood.
    async fn close_leases(&self, node: NodeId) -> Result<Vec<Lease>, StoreError>;
    /// How the budget stands in a window; of a rolling one, in all that lies in it with this bucket. `NotFound` if
    /// the tenant has no such budget.
    async fn standing(
        &self,
        scope: &TenantScope,
        budget: BudgetId,
        window_start: UnixMillis,
    ) -> Result<Standing, StoreError>;
    /// Forgets the windows of sessions that no node has asked for since `before`, and of which nothing is held: their
    /// ceilings begin anew. Returns how many.
    async fn forget_sessions(&self, before: UnixMillis) -> Result<u64, StoreError>;
    /// Marks that were reached and not told yet, in any tenant; at most [`MARKS_DUE_MAX`] windows. Telling one is
    /// [`crate::Change::TellMarks`].
    async fn marks_due(&self) -> Result<Vec<MarkDue>, StoreError>;
}

/// How many windows [`Budgets::marks_due`] returns at once.
pub const MARKS_DUE_MAX: u32 = 256;

/// A budget's window in which marks were reached that nobody has been told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkDue {
    /// The budget.
    pub budget: Budget,
    /// The window.
    pub window_start: UnixMillis,
    /// What is spent in it.
    pub spent: Money,
    /// The highest mark that was told; 0 is none.
    pub told: u8,
    /// The highest mark that was reached.
    pub reached: u8,
}

/// An entry on its way into the log.
#[derive(Debug, Clone)]
pub struct Shipment {
    /// What is kept of it beside its bytes.
    pub posting: Posting,
    /// Its canonical bytes, as they stood in the journal.
    pub bytes: Bytes,
}

impl From<&Entry> for Shipment {
    fn from(entry: &Entry) -> Self {
        Self {
            posting: Posting::of(entry),
            bytes: entry.to_bytes().into(),
        }
    }
}

/// An entry in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place in the tenant's log, from 0.
    pub index: u64,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
}

/// Which entries to read in the order of their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntrySpan {
    /// Finished at or after.
    pub from: UnixMillis,
    /// Finished before.
    pub until: UnixMillis,
    /// Of the first so many of the log: what came later is not seen, whenever it ended.
    pub size: u64,
}

/// What is left of a log's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntriesKept {
    /// The first whose content is there.
    pub from: u64,
    /// Every entry that was removed ended before; 0 if none was.
    pub since: UnixMillis,
}

/// A signed tree head as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCheckpoint {
    /// How many entries it covers.
    pub size: u64,
    /// When it was signed.
    pub signed: UnixMillis,
    /// The C2SP signed note.
    pub note: String,
}

/// Per-tenant logs of entries.
#[async_trait]
pub trait EntryLog: Send + Sync {
    /// Appends what is not there yet (by request id), in order, in one transaction with the charges on
    /// leases and budgets, and with the roll-ups. Shipping the same entries again changes nothing. Returns how many were new.
    /// Charges on budgets that are gone are ignored. `NotFound`, and nothing appended, if an entry is
    /// another tenant's.
    async fn append(
        &self,
        scope: &TenantScope,
        node: NodeId,
        shipments: &[Shipment],
    ) -> Result<u64, StoreError>;
    /// The entry of a request.
    async fn entry(&self, scope: &TenantScope, id: RequestId) -> Result<StoredEntry, StoreError>;
    /// Those of the `count` entries from `from` on that are there.
    async fn entries(
        &self,
        scope: &TenantScope,
        from: u64,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError>;
    /// Entries of the span in the order of their ends, those that ended at one time in that of their places: the first
    /// `count` behind the one that ended `after.0` at the place `after.1`.
    async fn entries_finished(
        &self,
        scope: &TenantScope,
        span: &EntrySpan,
        after: Option<(UnixMillis, u64)>,
        count: u64,
    ) -> Result<Vec<StoredEntry>, StoreError>;
    /// Summed usage: the exact sum over the entries asked for, all of it seen at one moment.
    async fn usage(&self, scope: &TenantScope, query: &UsageQuery) -> Result<UsageReport, StoreError>;
    /// Adds to the roll-ups some entries that are not in them: those that another version of the program appended.
    /// Returns how many still are not. Until then [`EntryLog::usage`] reads those one by one, and takes longer.
    async fn roll_up(&self, scope: &TenantScope) -> Result<u64, StoreError>;
    /// Which entries are there: those before are as if they had never been, but for their hashes, and that shipping them
    /// again changes nothing. [`crate::Change::RemoveEntries`] removes.
    async fn entries_kept(&self, scope: &TenantScope) -> Result<EntriesKept, StoreError>;
    /// Makes room for the entries of this month and the next, and gives back some of what entries that were removed took, of
    /// all tenants. Whether there may be more to give back.
    async fn tend_entries(&self, now: UnixMillis) -> Result<bool, StoreError>;
}

/// Whoever replaces the key that signs the logs, while they read how those stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Which key is being replaced.
    pub epoch: u64,
    /// Who: nobody else has this.
    pub by: String,
    /// Now.
    pub now: UnixMillis,
    /// Until when the others wait: it ends by itself, should whoever holds it have died.
    pub until: UnixMillis,
}

/// What a tenant's two Merkle logs have in common.
#[async_trait]
pub trait MerkleLogs: Send + Sync {
    /// How many leaves the log has.
    async fn log_size(&self, scope: &TenantScope, log: LogKind) -> Result<u64, StoreError>;
    /// Leaf hashes from `from` up to `size`, in order, as they were reckoned when their bytes came.
    /// `NotFound` if the log is shorter than `size`.
    async fn log_leaves(
        &self,
        scope: &TenantScope,
        log: LogKind,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError>;
    /// Keeps a signed tree head. `Conflict` if one of that size is there with another note; `Superseded` unless the key
    /// of this `epoch` signs, and nobody is replacing it.
    async fn put_log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
        checkpoint: &StoredCheckpoint,
        epoch: u64,
    ) -> Result<(), StoreError>;
    /// How often the key that signs was replaced; [`crate::Change::NextEpoch`] replaces it.
    async fn log_epoch(&self) -> Result<u64, StoreError>;
    /// From now on nobody keeps a signed head, until the key was replaced or the hold has run out. `Superseded` if the key
    /// is not of that epoch any more, or somebody else holds it.
    async fn hold_log_keys(&self, hold: &Hold) -> Result<(), StoreError>;
    /// The newest checkpoint, if any.
    async fn log_checkpoint(
        &self,
        scope: &TenantScope,
        log: LogKind,
    ) -> Result<Option<StoredCheckpoint>, StoreError>;

    /// The ledger's [`MerkleLogs::log_size`].
    async fn size(&self, scope: &TenantScope) -> Result<u64, StoreError> {
        self.log_size(scope, LogKind::Ledger).await
    }
    /// The ledger's [`MerkleLogs::log_leaves`].
    async fn leaf_hashes(
        &self,
        scope: &TenantScope,
        from: u64,
        size: u64,
    ) -> Result<Vec<[u8; 32]>, StoreError> {
        self.log_leaves(scope, LogKind::Ledger, from, size).await
    }
    /// The ledger's [`MerkleLogs::put_log_checkpoint`], under the first key.
    async fn put_checkpoint(
        &self,
        scope: &TenantScope,
        checkpoint: &StoredCheckpoint,
    ) -> Result<(), StoreError> {
        self.put_log_checkpoint(scope, LogKind::Ledger, checkpoint, 0)
            .await
    }
    /// The ledger's [`MerkleLogs::log_checkpoint`].
    async fn checkpoint(&self, scope: &TenantScope) -> Result<Option<StoredCheckpoint>, StoreError> {
        self.log_checkpoint(scope, LogKind::Ledger).await
    }
}

/// What may be used once: nonces of signed requests and names of proofs, for all replicas together.
#[async_trait]
pub trait Nonces: Send + Sync {
    /// Spends the nonce that `digest` is made of: whether nobody of this tenant had. Kept until `until` at least.
    async fn spend_nonce(
        &self,
        scope: &TenantScope,
        digest: &[u8; 32],
        until: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Forgets what need not be kept beyond `now`, whatever its tenant. Returns how many.
    async fn forget_nonces(&self, now: UnixMillis) -> Result<u64, StoreError>;
}

/// A whole storage engine.
pub trait Store:
    Directory + Registry + Budgets + EntryLog + MerkleLogs + Nonces + Exchanges + std::fmt::Debug
{
    /// The engine's name, for people.
    fn engine(&self) -> &'static str;
}
