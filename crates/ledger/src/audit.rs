//! The audit record: who did what on the control plane, from where, to what, and which policy allowed it.
//!
//! A record never holds a password, a key's text or anything else secret: whoever writes one hands in what
//! may be shown.

use std::net::IpAddr;

use domain::{AuditId, TenantId, Threat, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{EntryError, entry::ENTRY_BYTES_MAX};

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditActor {
    /// A signed-in person, by id and e-mail address.
    User(String, String),
    /// A service account, by id and name.
    Service(String, String),
    /// Whoever has the machine: the `bartizan` command on the data folder, by the account's name there.
    Operator(String),
    /// The gate itself: the name of the task.
    Gate(String),
    /// Somebody who showed nothing that is known here; what they called themselves, cut short.
    Stranger(String),
}

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// Done.
    Done,
    /// Refused; the problem's stable code.
    Refused(String),
}

/// One line of a tenant's audit log. Its canonical bytes are [`AuditRecord::to_bytes`]; the Merkle leaf is
/// hashed over exactly those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditId,
    /// Whose log.
    pub tenant: TenantId,
    /// When.
    pub at: UnixMillis,
    /// Who.
    pub actor: AuditActor,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<IpAddr>,
    /// What: the name of a permission, or `sign_in`, `sign_out`, ….
    pub act: String,
    /// The id of what it was done to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The threat a refusal answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub threat: Option<Threat>,
    /// Ids of the Cedar policies that decided.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub policies: Vec<String>,
    /// What it looked like before, secrets left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Value>,
    /// What it looks like now, secrets left out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Value>,
    /// The approval by which a second person let it happen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub approval: Option<String>,
    /// The time of broken glass in which it was done without a second person.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub break_glass: Option<String>,
}

impl AuditRecord {
    /// A record of something that was done. Whoever writes it adds what else is known.
    pub fn done(
        (id, tenant): (AuditId, TenantId),
        at: UnixMillis,
        actor: AuditActor,
        act: impl Into<String>,
    ) -> Self {
        Self {
            id,
            tenant,
            at,
            actor,
            address: None,
            act: act.into(),
            target: None,
            outcome: AuditOutcome::Done,
            threat: None,
            policies: Vec::new(),
            before: None,
            after: None,
            approval: None,
            break_glass: None,
        }
    }

    /// The canonical bytes: compact JSON in field order.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Text, numbers and JSON values: there is nothing in it that cannot be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads canonical bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLong(bytes.len()));
        }
        let record: Self =
            serde_json::from_slice(bytes).map_err(|error| EntryError::Malformed(error.to_string()))?;
        let again = record.to_bytes();
        if again == bytes {
            return Ok(record);
        }
        let same = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        Err(EntryError::NotCanonical(same))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> AuditRecord {
        AuditRecord {
            id: AuditId::from_u128(1),
            tenant: TenantId::from_u128(2),
            at: UnixMillis(3),
            actor: AuditActor::User("usr_1".to_owned(), "ann@acme.example".to_owned()),
            address: Some("10.0.0.1".parse().unwrap()),
            act: "keys.revoke".to_owned(),
            target: Some("key_1".to_owned()),
            outcome: AuditOutcome::Done,
            threat: None,
            policies: vec!["team-admins".to_owned()],
            before: Some(serde_json::json!({"state": "active", "b": 1, "a": 2})),
            after: Some(serde_json::json!({"state": "revoked"})),
            approval: None,
            break_glass: None,
        }
    }

    #[test]
    fn the_bytes_are_json_in_field_order_and_never_change() {
        let expected = concat!(
            r#"{"id":"aud_00000000000000000000000000000001","tenant":"tnt_00000000000000000000000000000002","at":3,"#,
            r#""actor":{"user":["usr_1","ann@acme.example"]},"address":"10.0.0.1","act":"keys.revoke","#,
            r#""target":"key_1","outcome":"done","policies":["team-admins"],"#,
            r#""before":{"state":"active","b":1,"a":2},"after":{"state":"revoked"}}"#
        );
        assert_eq!(String::from_utf8(record().to_bytes()).unwrap(), expected);
        assert_eq!(AuditRecord::from_bytes(expected.as_bytes()).unwrap(), record());
    }

    #[test]
    fn agp_r3_another_spelling_of_a_record_is_refused() {
        let bytes = String::from_utf8(record().to_bytes()).unwrap();
        for other in [
            bytes.replace(":3,", ": 3,"),
            bytes.replace("\"outcome\"", "\"note\":1,\"outcome\""),
            bytes.replace(r#""b":1,"a":2"#, r#""b":1,"a":2.0e0"#),
            format!("{bytes} "),
        ] {
            assert!(AuditRecord::from_bytes(other.as_bytes()).is_err(), "{other}");
        }
    }
}
