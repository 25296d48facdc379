//! Floor 2: storage ports, the memory engine and the conformance suite every engine passes.

mod port;

pub use port::{
    Budgets, Directory, DirectoryDump, EntryLog, LeaseAnswer, LeaseWish, Shipment, Store, StoreError,
    StoredCheckpoint, StoredEntry, Team, Tenant, UsageGroup, UsageQuery, UsageRow,
};
