//! Identifiers: a prefix that says what the thing is, and 128 bits.
//!
//! Text form is `<prefix>_<32 hex digits>`; the prefix is part of the type, so a team's id is never
//! accepted where a tenant's is meant. Identifiers are names, not secrets: nothing is authorised by
//! knowing one.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

mod text;

pub use text::IdText;
use text::IdVisitor;

/// A text that is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind} id: expected `{prefix}_` and 32 hex digits")]
pub struct IdError {
    kind: &'static str,
    prefix: &'static str,
    text: String,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id: UUID version 7 (RFC 9562), so ids sort by the time they were made.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id with exactly these 128 bits.
            pub const fn from_u128(bits: u128) -> Self {
                Self(Uuid::from_u128(bits))
            }

            /// The id's 128 bits.
            pub const fn as_u128(self) -> u128 {
                self.0.as_u128()
            }

            /// The id's 16 bytes, most significant first.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The text form, on the stack: for hot paths and for buffers.
            pub fn text(&self) -> IdText {
                const { assert!($prefix.len() <= text::PREFIX_BYTES_MAX) };
                IdText::of(concat!($prefix, "_"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text().as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse($prefix, text)
                    .map(Self::from_u128)
                    .ok_or_else(|| IdError { kind: $kind, prefix: $prefix, text: clip(text) })
            }
        }

        /// Text where people read it, 16 bytes where they do not.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(self.text().as_str())
                } else {
                    serializer.serialize_bytes(self.as_bytes())
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let visitor = IdVisitor { prefix: $prefix, read: Self::from_str, of: Self::from_u128 };
                if deserializer.is_human_readable() {
                    deserializer.deserialize_str(visitor)
                } else {
                    deserializer.deserialize_bytes(visitor)
                }
            }
        }
    )*};
}

ids! {
    /// The isolation boundary: the seeds' tenant, organization.
    TenantId, "tnt", "tenant";
    /// People within a tenant.
    TeamId, "team", "team";
    /// A workload within a team.
    ProjectId, "prj", "project";
    /// A person who signs in to the control plane.
    UserId, "usr", "user";
    /// A workload's own identity, apart from the keys it presents.
    ServiceId, "svc", "service account";
    /// A role given to somebody, somewhere.
    GrantId, "grt", "grant";
    /// Somebody's signed-in time on the control plane.
    SessionId, "ses", "session";
    /// A passkey of a person's.
    PasskeyId, "psk", "passkey";
    /// A group that an identity provider keeps here.
    GroupId, "grp", "group";
    /// What a service account shows on the control plane.
    TokenId, "tok", "token";
    /// A virtual key.
    KeyId, "key", "key";
    /// A budget.
    BudgetId, "bgt", "budget";
    /// A slice of a budget that one node may spend.
    LeaseId, "lse", "lease";
    /// One running (or formerly running) data folder: leases and journals belong to a node.
    NodeId, "node", "node";
    /// A signed tree head.
    CheckpointId, "chk", "checkpoint";
    /// One request; also the id of its ledger entry.
    RequestId, "req", "request";
    /// An act that waits for a second person.
    ApprovalId, "apr", "approval";
    /// A time in which somebody acts without waiting for a second person.
    BreakGlassId, "bgl", "break-glass time";
    /// Somebody whom a tenant has told of its acts.
    SinkId, "snk", "sink";
    /// A report that a tenant has delivered.
    ScheduleId, "sch", "schedule";
    /// What a provider billed, held against a ledger.
    ReconciliationId, "rec", "reconciliation";
    /// One audit record.
    AuditId, "aud", "audit record";
}

impl TenantId {
    /// The tenant of those who run the instance: its users are the platform's staff, its audit log that of
    /// the instance. It has no teams and no keys.
    pub const PLATFORM: Self = Self::from_u128(0);
}

/// `None` unless `text` is `prefix`, `_` and 32 hex digits.
fn parse(prefix: &str, text: &str) -> Option<u128> {
    let hex = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(hex, 16).ok()
}

/// Error texts repeat user input, but not a book of it.
fn clip(text: &str) -> String {
    text.chars().take(48).collect()
}

/// Makes request ids without a system call each: a random prefix a process, then a counter.
///
/// Unique per process run by the counter and across runs by the 80 random-and-time bits above it.
#[derive(Debug)]
pub struct RequestIds {
    prefix: u128,
    next: AtomicU64,
}

impl RequestIds {
    /// A maker whose ids carry the upper 80 bits of a fresh UUID version 7.
    pub fn new() -> Self {
        let fresh = Uuid::now_v7().as_u128() ^ (Uuid::now_v7().as_u128() << 64);
        Self {
            prefix: fresh & !0xffff_ffff_ffff,
            next: AtomicU64::new(1),
        }
    }

    /// The next id. Wraps after 2⁴⁸ requests of one process.
    pub fn next(&self) -> RequestId {
        let count = self.next.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff_ffff;
        RequestId::from_u128(self.prefix | u128::from(count))
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_names_its_kind() {
        let id = TenantId::generate();
        assert_eq!(id.to_string().parse::<TenantId>().unwrap(), id);
        let error = id.to_string().parse::<TeamId>().unwrap_err().to_string();
        assert!(error.contains("is not a team id"), "{error}");
    }

    #[test]
    fn the_text_on_the_stack_is_the_text() {
        for bits in [0, 1, u128::MAX, 0x93429a207cfa0c9792e0000000000002] {
            let (short, long) = (KeyId::from_u128(bits), NodeId::from_u128(bits));
            assert_eq!(short.text().as_str(), format!("key_{bits:032x}"));
            assert_eq!(long.to_string(), format!("node_{bits:032x}"));
            let json = serde_json::to_string(&long).unwrap();
            assert_eq!(json, format!("\"{long}\""));
            assert_eq!(serde_json::from_str::<NodeId>(&json).unwrap(), long);
            assert!(serde_json::from_str::<KeyId>(&json).is_err());
        }
    }

    #[test]
    fn bad_ids_are_refused_and_not_echoed_at_length() {
        for bad in [
            "",
            "tnt_",
            "tnt_zz",
            "tnt_0123",
            &format!("tnt_{}", "g".repeat(32)),
            &"x".repeat(4096),
        ] {
            let error = bad.parse::<TenantId>().unwrap_err().to_string();
            assert!(error.len() < 160, "{error}");
        }
    }

    #[test]
    fn request_ids_of_one_maker_differ_and_makers_differ() {
        let (a, b) = (RequestIds::new(), RequestIds::new());
        let all: std::collections::HashSet<_> = (0..1000).flat_map(|_| [a.next(), b.next()]).collect();
        assert_eq!(all.len(), 2000);
    }
}
