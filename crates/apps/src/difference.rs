//! What one version of a template says otherwise than another, line by line. Never judges it.

use schemars::JsonSchema;
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::template::{Message, Template};

/// How a line differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromptLineChange")]
pub enum Line {
    /// In both.
    Same,
    /// In the newer alone.
    Added,
    /// In the older alone.
    Removed,
}

/// One line of both versions, written out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "PromptLine")]
pub struct Difference {
    /// Whose it is.
    pub change: Line,
    /// The line, without its end.
    pub text: String,
}

/// All lines of both: messages under their roles, then variables, defaults and cases as JSON.
#[must_use]
pub fn differences(older: &Template, newer: &Template) -> Vec<Difference> {
    let (older, newer) = (written(older), written(newer));
    let all = TextDiff::from_lines(&older, &newer);
    let line = |tag| match tag {
        ChangeTag::Equal => Line::Same,
        ChangeTag::Insert => Line::Added,
        ChangeTag::Delete => Line::Removed,
    };
    all.iter_all_changes()
        .map(|change| Difference {
            change: line(change.tag()),
            text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
        })
        .collect()
}

/// A template as people read it.
fn written(template: &Template) -> String {
    let said = |message: &Message| format!("--- {}\n{}\n", message.role.as_str(), message.text);
    let mut text: String = template.messages.iter().map(said).collect();
    let rest = Template {
        messages: Vec::new(),
        ..template.clone()
    };
    text.push_str("--- the rest\n");
    text.push_str(&serde_json::to_string_pretty(&rest).unwrap_or_default());
    text.push('\n');
    text
}
