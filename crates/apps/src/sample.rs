//! One version of a text that a tenant's applications put into prompts. Says what is wrong with it; changes nothing but its
//! normal form, and never runs what stands in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::names::{is_name, names_an_id};
use crate::text;

/// The longest text of a sample, in bytes.
pub const SAMPLE_BYTES_MAX: usize = 65_536;
/// So many samples a tenant may have.
pub const SAMPLES_MAX: usize = 200;
/// So many bytes all samples of a tenant may have together: every gate has them in memory.
pub const SAMPLES_BYTES_MAX: usize = 2_097_152;
/// So many labels one sample may have.
pub const LABELS_MAX: usize = 16;
/// Nesting of a JSON sample.
const JSON_DEPTH_MAX: usize = 64;

/// What a text is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SampleMedia")]
pub enum Media {
    /// Nothing but text.
    #[default]
    #[serde(rename = "text/plain")]
    Plain,
    /// Markdown.
    #[serde(rename = "text/markdown")]
    Markdown,
    /// One JSON value.
    #[serde(rename = "application/json")]
    Json,
}

/// One version of a text that applications put into prompts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The text: up to 64 KiB, kept in Unicode's composed form, without control characters but line ends and tabs. Empty in a
    /// version that says that the sample is gone.
    pub text: String,
    /// What it is; of JSON it is checked that it is.
    #[serde(default)]
    pub media: Media,
    /// Of JSON, the JSON Schema that it meets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub schema: Option<serde_json::Value>,
    /// Words to find it by: lower-case letters, digits, `-`, `_` and `.`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl Sample {
    /// Whether this version says that there is no such sample any more.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        self.text.is_empty()
    }

    /// The sample as it is kept.
    pub fn normal(mut self) -> Result<Self, (String, String)> {
        self.text = text::normal(&self.text).map_err(|why| ("text".to_owned(), why))?;
        Ok(self)
    }

    /// What of it cannot be kept, with where it stands; empty where all can.
    // threat: ANP-0011 ANP-0021
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut say = |place: &str, what: String| problems.push((place.to_owned(), what));
        if self.text.trim().is_empty() {
            say("text", "is empty: to take a sample away, DELETE it".to_owned());
        }
        if self.text.len() > SAMPLE_BYTES_MAX {
            let bytes = self.text.len();
            say(
                "text",
                format!("has {bytes} bytes: a sample may have {SAMPLE_BYTES_MAX}"),
            );
        }
        if names_an_id(&self.text) {
            say(
                "text",
                "has something of the form of an id of the gate's: leave it out".to_owned(),
            );
        }
        match (self.media, &self.schema) {
            (Media::Json, schema) => {
                if let Err(why) = json(&self.text, schema.as_ref()) {
                    say("text", why);
                }
            }
            (_, Some(_)) => say("schema", "is for `application/json` alone".to_owned()),
            (_, None) => {}
        }
        if self.labels.len() > LABELS_MAX {
            say("labels", format!("are more than {LABELS_MAX}"));
        }
        for (number, label) in self.labels.iter().enumerate().filter(|(_, one)| !is_name(one)) {
            let shown: String = label.chars().take(32).collect();
            let what = format!("`{shown}` is no label: use lower-case letters, digits, `-`, `_` and `.`");
            say(&format!("labels[{number}]"), what);
        }
        problems
    }
}

/// That a text is one JSON value, not too deep, and meets its schema.
fn json(text: &str, schema: Option<&serde_json::Value>) -> Result<(), String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("is no JSON: look at line {line}, column {column}")
    })?;
    if depth(&value) > JSON_DEPTH_MAX {
        return Err(format!("is nested deeper than {JSON_DEPTH_MAX}"));
    }
    schema.map_or(Ok(()), |schema| guard::meets_schema(schema, &value))
}

/// The parser itself stops at 128.
fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(all) => 1 + all.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(all) => 1 + all.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The SHA-256 of a text, in hex.
#[must_use]
pub fn sha256(text: &[u8]) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
