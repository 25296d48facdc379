//! Texts without what their rules find: secrets, and personal data that has a form. What a tenant keeps as `redacted` is
//! what comes out here, whatever the guards of its calls do.

use guard::{Finding, HOLD_BACK_BYTES_MAX, Secrets, redact, scan_personal};
use serde_json::{Map, Value};

/// What stands where bytes stood that are no text: pictures, sounds, files.
const LEFT_OUT: &str = "[left out: not text]";
/// A text of so many characters without any that base64 lacks is no text.
const PAYLOAD_BYTES_MIN: usize = 512;
/// JSON in a text in JSON, as arguments of tools are: so deep it is looked into.
const NESTED_MAX: u8 = 4;

/// Cleans texts.
#[derive(Debug)]
pub struct Clean<'s> {
    secrets: &'s Secrets,
}

impl<'s> Clean<'s> {
    /// By these rules.
    pub const fn new(secrets: &'s Secrets) -> Self {
        Self { secrets }
    }

    /// A JSON value as compact JSON, cleaned: texts, numbers and names of members.
    pub fn json(&self, value: Value) -> String {
        self.value(value, NESTED_MAX).to_string()
    }

    /// A text that ends where it ends.
    pub fn text(&self, text: &str) -> String {
        self.string(text, NESTED_MAX)
    }

    /// A text that was cut off: its end goes, which may be the beginning of what a rule would have found.
    pub fn cut_off(&self, text: &str) -> String {
        let end = text.floor_char_boundary(text.len().saturating_sub(HOLD_BACK_BYTES_MAX));
        let found: Vec<Finding> = self
            .found(text)
            .into_iter()
            .filter(|finding| finding.span.start < end)
            .collect();
        redact(text.get(..end).unwrap_or_default(), &found)
    }

    fn found(&self, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        self.secrets.scan(text, &mut found);
        scan_personal(text, &mut found);
        found
    }

    fn value(&self, value: Value, nested: u8) -> Value {
        match value {
            Value::String(text) => Value::String(self.string(&text, nested)),
            Value::Number(number) => {
                let text = number.to_string();
                let found = self.found(&text);
                match found.is_empty() {
                    true => Value::Number(number),
                    false => Value::String(redact(&text, &found)),
                }
            }
            Value::Array(all) => all.into_iter().map(|one| self.value(one, nested)).collect(),
            Value::Object(members) => {
                let clean = |(name, value): (String, Value)| (self.plain(&name), self.value(value, nested));
                Value::Object(members.into_iter().map(clean).collect::<Map<_, _>>())
            }
            Value::Null | Value::Bool(_) => value,
        }
    }

    fn string(&self, text: &str, nested: u8) -> String {
        if is_payload(text) {
            return LEFT_OUT.to_owned();
        }
        // Escapes in JSON within the text would hide from rules what they spell.
        let may_be_json = nested > 0 && text.trim_start().starts_with(['{', '[']);
        let inner = may_be_json
            .then(|| serde_json::from_str::<Value>(text).ok())
            .flatten();
        if let Some(inner) = inner {
            let cleaned = self.value(inner.clone(), nested - 1);
            if cleaned != inner {
                return cleaned.to_string();
            }
        }
        self.plain(text)
    }

    fn plain(&self, text: &str) -> String {
        let found = self.found(text);
        match found.is_empty() {
            true => text.to_owned(),
            false => redact(text, &found),
        }
    }
}

/// Whether a text stands for bytes: no rule could read what they show or say.
fn is_payload(text: &str) -> bool {
    let head = text.get(..5).unwrap_or_default();
    head.eq_ignore_ascii_case("data:")
        || (text.len() >= PAYLOAD_BYTES_MIN
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_\r\n".contains(&byte)))
}
