//! What a set's answers may depend on beside who asks for what.
//!
//! Answers are cached by whoever asks, and the address and the time are in the cache's key only when they
//! matter. A wrong "no" here would serve one address's or one minute's answer to another, so anything unclear
//! is a "yes".

use cedar_policy::PolicySet;
use serde_json::Value;

/// What the address is called in a policy's context.
const ADDRESS: [&str; 1] = ["source_ip"];
/// And the time.
const TIME: [&str; 2] = ["utc_weekday", "utc_minute"];

/// What the policies of a set may read of a call's context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reads {
    /// Where the call comes from.
    pub address: bool,
    /// When it comes.
    pub time: bool,
}

impl Reads {
    /// What any policy of the set mentions, or may, because it mentions `context` as a whole.
    pub fn of(set: &PolicySet) -> Self {
        Self {
            address: is_read(set, &ADDRESS),
            time: is_read(set, &TIME),
        }
    }
}

fn is_read(set: &PolicySet, attributes: &[&str]) -> bool {
    set.policies()
        .any(|policy| policy.to_json().map_or(true, |json| mentions(&json, attributes)))
}

fn mentions(json: &Value, attributes: &[&str]) -> bool {
    match json {
        Value::Object(fields) => match fields.get(".").or_else(|| fields.get("has")) {
            Some(access) if is_context(access.get("left")) => reads(access, attributes),
            _ => is_context(Some(json)) || fields.values().any(|value| mentions(value, attributes)),
        },
        Value::Array(items) => items.iter().any(|item| mentions(item, attributes)),
        _ => false,
    }
}

/// An access to the context is harmless only when it names one other attribute.
fn reads(access: &Value, attributes: &[&str]) -> bool {
    access
        .get("attr")
        .and_then(Value::as_str)
        .is_none_or(|name| attributes.contains(&name))
}

fn is_context(json: Option<&Value>) -> bool {
    json.and_then(|json| json.get("Var")).and_then(Value::as_str) == Some("context")
}
