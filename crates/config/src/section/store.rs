//! The store and the journal.

use credential::SecretRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where tenants, keys, budgets and the ledger are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Which database.
    pub engine: StoreEngine,
    /// The database's address with its password, as a secret reference. Only for `postgres`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<SecretRef>,
    /// Most connections to the database.
    pub connections_max: u32,
    /// How long to wait for a free connection.
    pub acquire_timeout_ms: u64,
    /// How long one statement may take.
    pub statement_timeout_ms: u64,
    /// How often to look for changed keys, budgets and limits: a revocation takes effect within this and
    /// one statement.
    pub refresh_every_ms: u64,
}

/// Which database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreEngine {
    /// One file in the data directory; for one node.
    #[default]
    Sqlite,
    /// A PostgreSQL server; for any number of nodes.
    Postgres,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            engine: StoreEngine::default(),
            url: None,
            connections_max: 8,
            acquire_timeout_ms: 5_000,
            statement_timeout_ms: 10_000,
            refresh_every_ms: 250,
        }
    }
}

/// The local journal every answer is written to before its end leaves.
// threat: AGP-R1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// What an entry survives.
    pub sync: JournalSync,
    /// Size at which a new segment file is begun.
    pub segment_bytes_max: u64,
    /// Size of all segments not yet shipped at which new requests are refused.
    pub bytes_max: u64,
}

/// What a journal entry survives once the answer has left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalSync {
    /// The end of the process, `kill -9` included.
    #[default]
    Process,
    /// The loss of power too: waits for the disk.
    Disk,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            sync: JournalSync::default(),
            segment_bytes_max: 8 << 20,
            bytes_max: 4 << 30,
        }
    }
}
