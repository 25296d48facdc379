//! Floor 2: storage ports, the memory engine and the conformance suite every engine passes.
//!
//! What all engines must agree on lives here and is written once: the arithmetic of budget windows and
//! leases ([`accounts`]), which columns an entry gets ([`row`]), which migrations are due ([`migration`]).
//! This crate opens no file and no socket.

pub mod accounts;
pub mod conformance;
pub mod memory;
pub mod migration;
mod port;
pub mod row;
mod tenancy;

pub use memory::MemoryStore;
pub use port::{
    Budgets, Directory, DirectoryDump, EntryLog, LeaseAnswer, LeaseWish, Shipment, Store, StoreError,
    StoredCheckpoint, StoredEntry, Team, Tenant, UsageGroup, UsageQuery, UsageRow,
};
pub use tenancy::must_own;
