//! How strict the instance is: the configuration's posture, as both planes' policies know it.

use serde::{Deserialize, Serialize};

/// How strict the instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posture {
    /// On one's own machine.
    Development,
    /// As production, to try it out.
    Staging,
    /// In earnest.
    Production,
}

impl Posture {
    /// Its id in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}
