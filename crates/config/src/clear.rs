//! No secret in clear anywhere in the file: what the guard would redact in a prompt is refused here.

use guard::Secrets;
use serde_json::Value;

use crate::{Config, Problem};

impl Config {
    // threat: ANP-B0002
    // threat: AGP-I1
    pub(crate) fn holds_no_secret(&self, problems: &mut Vec<Problem>) {
        let all = serde_json::to_value(self).unwrap_or_default();
        search(&Secrets::new(), "", &all, problems);
    }
}

/// Every text in `value`, with its path.
fn search(guard: &Secrets, path: &str, value: &Value, problems: &mut Vec<Problem>) {
    match value {
        Value::String(text) => {
            let mut found = Vec::new();
            guard.scan(text, &mut found);
            if let Some(first) = found.first() {
                let problem = Problem::new(path, format!("holds a secret in clear (`{}`)", first.rule));
                problems.push(problem.hint(
                    "put it into a file or an environment variable, and name that where a reference goes",
                ));
            }
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(i, item)| search(guard, &format!("{path}[{i}]"), item, problems));
        }
        Value::Object(keys) => {
            let dot = if path.is_empty() { "" } else { "." };
            keys.iter()
                .for_each(|(key, inner)| search(guard, &format!("{path}{dot}{key}"), inner, problems));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
