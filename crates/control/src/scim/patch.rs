//! Patches (RFC 7644 section 3.5.2), and the shapes in which providers really send them: operations in any
//! case, values without a path, paths without a value.

use serde_json::Value;

use super::wire::{No, member};

const OPERATIONS_MAX: usize = 200;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Adds.
    Add,
    /// Puts in the place of.
    Replace,
    /// Takes away.
    Remove,
}

/// One change of one attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it does.
    pub does: Does,
    /// To what, in lower case; without a schema before it.
    pub path: String,
    /// `value` of `members[value eq "…"]`.
    pub chosen: Option<String>,
    /// With what.
    pub value: Option<Value>,
}

/// The steps of a patch, in order.
pub fn steps(body: &Value) -> Result<Vec<Step>, No> {
    let operations = member(body, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| No::syntax("a patch has `Operations`"))?;
    if operations.len() > OPERATIONS_MAX {
        return Err(No::value(format!("at most {OPERATIONS_MAX} operations")));
    }
    let mut steps = Vec::new();
    for operation in operations {
        let does = member(operation, "op")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let does = match does.to_ascii_lowercase().as_str() {
            "add" => Does::Add,
            "replace" => Does::Replace,
            "remove" => Does::Remove,
            _ => return Err(No::syntax("`op` is add, replace or remove")),
        };
        let value = member(operation, "value").cloned();
        match (member(operation, "path").and_then(Value::as_str), value) {
            (Some(path), value) => steps.push(step(does, path, value)?),
            (None, Some(Value::Object(members))) if does != Does::Remove => {
                for (path, value) in members {
                    steps.push(step(does, &path, Some(value))?);
                }
            }
            _ => return Err(No::path()),
        }
    }
    Ok(steps)
}

fn step(does: Does, path: &str, value: Option<Value>) -> Result<Step, No> {
    // `urn:…:User:userName` is `userName`; what an extension has is not ours and keeps its whole name.
    let core = path
        .strip_prefix("urn:ietf:params:scim:schemas:core:2.0:User:")
        .or_else(|| path.strip_prefix("urn:ietf:params:scim:schemas:core:2.0:Group:"))
        .unwrap_or(path);
    let (path, chosen) = match core.split_once('[') {
        Some((path, rest)) => {
            let inner = rest.split_once(']').ok_or_else(No::path)?.0;
            let chosen = super::filter::read(inner).ok();
            (
                path,
                chosen
                    .filter(|filter| filter.attribute == "value")
                    .map(|filter| filter.value),
            )
        }
        None => (core, None),
    };
    let is_chosen = core.contains('[');
    if is_chosen && chosen.is_none() && path.eq_ignore_ascii_case("members") {
        return Err(No::path());
    }
    let path = if is_chosen && chosen.is_none() {
        // A part of a list that we do not keep, such as `emails[type eq "work"].value`.
        format!("{path}[]")
    } else {
        path.to_owned()
    };
    Ok(Step {
        does,
        path: path.to_ascii_lowercase(),
        chosen,
        value,
    })
}
