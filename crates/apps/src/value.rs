//! The value of a variable: a text or a whole number, and nothing that has parts. Never reads what a text says.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest value that any template may take, in characters.
pub const VALUE_CHARS_MAX: u32 = 65_536;

/// What a caller gives for a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "PromptValue")]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A text; of a sample its name.
    Text(String),
}

impl Value {
    /// As it stands in a message.
    pub(crate) fn said(&self) -> Cow<'_, str> {
        match self {
            Self::Integer(number) => number.to_string().into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}
