//! Events of the Open Cybersecurity Schema Framework: Account Change, Authentication, Entity Management, and API
//! Activity for whatever is none of these. Only activities that all versions 1.x know are used.

use ledger::{AuditOutcome, AuditRecord};
use serde_json::{Map, Value, json};

use super::{actor, outcome};

/// The version of the schema.
const VERSION: &str = "1.1.0";
/// An activity that the class has no number for.
const OTHER: u64 = 99;

/// A class of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    AccountChange,
    Authentication,
    EntityManagement,
    ApiActivity,
}

impl Class {
    const fn uid(self) -> u64 {
        match self {
            Self::AccountChange => 3001,
            Self::Authentication => 3002,
            Self::EntityManagement => 3004,
            Self::ApiActivity => 6003,
        }
    }
}

/// The class and the activity of an act.
fn class_of(record: &AuditRecord) -> (Class, u64) {
    let state = |value: &Option<Value>| {
        let state = value.as_ref().and_then(|value| value.get("state")?.as_str());
        state.map(str::to_owned)
    };
    match record.act.as_str() {
        "sign_in" => (Class::Authentication, 1),
        "sign_out" => (Class::Authentication, 2),
        "confirm" => (Class::Authentication, OTHER),
        "set_up" | "users.create" => (Class::AccountChange, 1),
        "change_password" => (Class::AccountChange, 3),
        "set_password" | "users.reset" => (Class::AccountChange, 4),
        "confirm_totp" => (Class::AccountChange, 10),
        "begin_totp" => (Class::AccountChange, OTHER),
        "users.update" => match (state(&record.before), state(&record.after)) {
            (before, after) if before == after => (Class::AccountChange, OTHER),
            (_, after) if after.as_deref() == Some("disabled") => (Class::AccountChange, 5),
            _ => (Class::AccountChange, 2),
        },
        act => match act.rsplit_once('.') {
            Some((_, "create")) => (Class::EntityManagement, 1),
            Some((_, "update" | "rotate" | "suspend")) => (Class::EntityManagement, 3),
            Some((_, "delete" | "revoke" | "offboard")) => (Class::EntityManagement, 4),
            Some((_, "read" | "export")) => (Class::ApiActivity, 2),
            _ => (Class::ApiActivity, OTHER),
        },
    }
}

/// The event.
// threat: AGP-R3
pub fn event(index: u64, record: &AuditRecord) -> Value {
    let (class, activity) = class_of(record);
    let (severity, status, status_name) = match (&record.outcome, record.threat) {
        (AuditOutcome::Done, _) => (1, 1, "Success"),
        (AuditOutcome::Refused(_), None) => (2, 2, "Failure"),
        (AuditOutcome::Refused(_), Some(_)) => (3, 2, "Failure"),
    };
    let mut event = json!({
        "activity_id": activity,
        "category_uid": class.uid() / 1000,
        "class_uid": class.uid(),
        "type_uid": class.uid() * 100 + activity,
        "severity_id": severity,
        "status_id": status,
        "status": status_name,
        "status_code": outcome(record),
        "time": record.at.0,
        "metadata": {
            "version": VERSION,
            "uid": record.id.to_string(),
            "sequence": index,
            "tenant_uid": record.tenant.to_string(),
            "log_name": "audit",
            "product": {
                "name": "Bartizan",
                "vendor_name": "Bartizan",
                "version": env!("CARGO_PKG_VERSION"),
            },
        },
        "actor": {"user": user_of(record)},
        "unmapped": {
            "act": record.act,
            "target": record.target,
            "threat": record.threat.map(|threat| threat.to_string()),
            "policies": record.policies,
            "before": record.before,
            "after": record.after,
        },
    });
    if let Some(members) = event.as_object_mut() {
        if activity == OTHER {
            members.insert("activity_name".to_owned(), record.act.clone().into());
        }
        add_of_class(class, record, members);
    }
    event
}

/// What a class requires beside what all have.
fn add_of_class(class: Class, record: &AuditRecord, members: &mut Map<String, Value>) {
    let source = match record.address {
        Some(address) => json!({"ip": address.to_string()}),
        // Not from the network: a command on the machine, or the gate itself.
        None => json!({"name": "localhost"}),
    };
    members.insert("src_endpoint".to_owned(), source);
    match class {
        Class::AccountChange => {
            let target = record
                .target
                .as_deref()
                .filter(|target| target.starts_with("usr_"));
            let user = target.map_or_else(|| user_of(record), |uid| json!({"uid": uid, "type_id": 1}));
            members.insert("user".to_owned(), user);
        }
        Class::Authentication => {
            members.insert("user".to_owned(), user_of(record));
            members.insert("service".to_owned(), json!({"name": "bartizan control plane"}));
            members.insert("is_remote".to_owned(), record.address.is_some().into());
        }
        Class::EntityManagement => {
            let kind = record.act.split('.').next().unwrap_or_default();
            let uid = record.target.as_deref().unwrap_or("unknown");
            members.insert("entity".to_owned(), json!({"uid": uid, "type": kind}));
        }
        Class::ApiActivity => {
            let api = json!({"operation": record.act, "service": {"name": "bartizan control plane"}});
            members.insert("api".to_owned(), api);
        }
    }
}

/// Who acted. 1 is a person, 3 the system.
fn user_of(record: &AuditRecord) -> Value {
    let (kind, id, name) = actor(record);
    let type_id = match kind {
        "user" => 1,
        "operator" => 2,
        "service" | "gate" => 3,
        _ => 0,
    };
    let mut user = json!({"name": name, "type_id": type_id});
    if let (Some(members), false) = (user.as_object_mut(), id.is_empty()) {
        members.insert("uid".to_owned(), id.into());
    }
    user
}
