//! Floor 0: the words every other crate uses.
//!
//! Ids, money, time, secrets, who acts and for whom. This crate never does I/O, reads no clock on its
//! own account (callers hand times in) and knows no wire format.

mod id;
mod money;
mod principal;
mod secret;
mod threat;
mod time;
mod usage;

pub use id::{
    BudgetId, CheckpointId, IdError, IdText, KeyId, LeaseId, NodeId, ProjectId, RequestId, RequestIds,
    TeamId, TenantId,
};
pub use money::{Money, MoneyError};
pub use principal::{Operation, Principal, PrincipalKind, TenantScope};
pub use secret::Secret;
pub use threat::{Threat, ThreatError};
pub use time::UnixMillis;
pub use usage::Usage;
