//! What a provider says that it billed beside what the ledger has, by day and model: exact sums, and what is missing on
//! either side.

mod amount;
mod anthropic;
mod compare;
mod openai;
mod report;
mod table;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use amount::Amount;
pub use compare::{Compared, Here, Line, Sum, Tolerance, Verdict, compare, model_name};
pub use report::{Report, ReportError, There, Whole};

/// Whose report it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// OpenAI's costs and usage of completions.
    Openai,
    /// Anthropic's cost report and usage report of messages.
    Anthropic,
}

/// Not a provider whose reports are read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("reports of `openai` and `anthropic` are read")]
pub struct UnknownProvider;

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        match text {
            "openai" => Ok(Self::Openai),
            "anthropic" => Ok(Self::Anthropic),
            _ => Err(UnknownProvider),
        }
    }
}

impl Provider {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

impl Report {
    /// Adds a file: a page of JSON, or a table in CSV.
    pub fn read(&mut self, provider: Provider, bytes: &[u8]) -> Result<(), ReportError> {
        if bytes.len() > report::FILE_BYTES_MAX {
            return Err(ReportError::Long);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReportError::Shape("it is no UTF-8".to_owned()))?;
        let text = text.trim_start_matches('\u{feff}');
        match (text.trim_start().starts_with('{'), provider) {
            (true, Provider::Openai) => openai::read(self, text),
            (true, Provider::Anthropic) => anthropic::read(self, text),
            (false, _) => table::read(self, text),
        }
    }
}
