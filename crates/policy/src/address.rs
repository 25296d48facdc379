//! Whether a policy may answer by the caller's address.
//!
//! Answers are cached by whoever asks, and the address is in the cache's key only when it matters.
//! A wrong "no" here would serve one address's answer to another, so anything unclear is a "yes".

use cedar_policy::PolicySet;
use serde_json::Value;

/// What an address is called in a policy's context.
const ATTRIBUTE: &str = "source_ip";

/// Whether any policy of the set mentions `context.source_ip`, or `context` as a whole.
pub fn is_read_by(set: &PolicySet) -> bool {
    set.policies()
        .any(|policy| policy.to_json().map_or(true, |json| mentions(&json)))
}

fn mentions(json: &Value) -> bool {
    match json {
        Value::Object(fields) => match fields.get(".").or_else(|| fields.get("has")) {
            Some(access) if is_context(access.get("left")) => reads(access),
            _ => is_context(Some(json)) || fields.values().any(mentions),
        },
        Value::Array(items) => items.iter().any(mentions),
        _ => false,
    }
}

/// An access to the context is harmless only when it names one other attribute.
fn reads(access: &Value) -> bool {
    access
        .get("attr")
        .and_then(Value::as_str)
        .is_none_or(|name| name == ATTRIBUTE)
}

fn is_context(json: Option<&Value>) -> bool {
    json.and_then(|json| json.get("Var")).and_then(Value::as_str) == Some("context")
}
