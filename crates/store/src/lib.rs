//! Floor 2: storage ports, the memory engine and the conformance suite every engine passes.
//!
//! What all engines must agree on lives here and is written once: the arithmetic of budget windows and
//! leases ([`accounts`]), which columns an entry gets ([`row`]), what reports say ([`usage`]), which migrations are due ([`migration`]).
//! This crate opens no file and no socket.

pub mod accounts;
mod change;
pub mod conformance;
pub mod cosigned;
mod costs;
pub mod delivery;
mod exchange_queue;
mod exchanges;
pub mod exported;
pub mod memory;
pub mod migration;
pub mod minded;
mod paged;
mod paths;
mod port;
mod registry;
pub mod row;
mod signing;
mod tenancy;
pub mod usage;

pub use change::{all_removed, entries_differ, may_be_swept, must_be_distinct, must_own_all, unchanged};
pub use costs::{CostsError, cost_names, gather_costs};
pub use exchange_queue::{ExchangeQueue, Room, Taken, Waiting, exchange_queue};
pub use exchanges::{
    ExchangeQuery, ExchangeRow, Exchanges, Over, SealedExchange, exchange_place, forget_all_exchanges,
    from_class,
};
pub use memory::MemoryStore;
pub use paged::{each_finished, must_be_whole};
pub use paths::Paths;
pub use port::{
    Budgets, Directory, DirectoryDump, EntriesKept, EntryLog, EntrySpan, Hold, LeaseAnswer, LeaseWish,
    MARKS_DUE_MAX, MarkDue, MerkleLogs, Nonces, Shipment, Store, StoreError, StoredCheckpoint, StoredEntry,
    Team, Tenant, TenantState,
};
pub use registry::{
    AuditEntry, AuditQuery, Change, LogKind, Place, Record, RecordKind, RecordQuery, Registry, Sort,
    SortedQuery, StoredAudit,
};
pub use signing::{Rotation, Signing, SigningError, SigningNow};
pub use tenancy::must_own;
