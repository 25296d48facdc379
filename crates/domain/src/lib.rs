//! Floor 0: the words every other crate uses.
//!
//! Ids, money, time, secrets, who acts and for whom. This crate never does I/O, reads no clock on its
//! own account (callers hand times in) and knows no wire format.

mod actor;
mod data_class;
mod id;
mod money;
mod permission;
mod principal;
mod role;
mod secret;
mod threat;
mod time;
mod units;
mod usage;

pub use actor::ActorId;
pub use data_class::{ByClass, DataClass, UnknownDataClass};
pub use id::{
    ApprovalId, AuditId, BreakGlassId, BudgetId, CheckpointId, GrantId, GroupId, IdError, IdText, KeyId,
    LeaseId, NodeId, PasskeyId, ProjectId, ReconciliationId, RequestId, RequestIds, ScheduleId, ServiceId,
    SessionId, SinkId, TeamId, TenantId, TokenId, UserId,
};
pub use money::{Money, MoneyError};
pub use permission::Permission;
pub use principal::{Operation, Principal, PrincipalKind, TenantScope};
pub use role::{Reach, Role, RoleGrant, UnknownRole};
pub use secret::Secret;
pub use threat::{Threat, ThreatError};
pub use time::UnixMillis;
pub use units::{PerUnit, Units};
pub use usage::{Tier, Usage};
