//! What is wrong with a configuration, said so that it can be put right.

use std::fmt;

/// The file cannot be read as a configuration: the first thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name as given.
    pub file: String,
    /// From 1; 0 if the place is unknown.
    pub line: u64,
    /// From 1; 0 if the place is unknown.
    pub column: u64,
    /// What is wrong.
    pub message: String,
    /// What may help.
    pub hint: Option<String>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    /// `bartizan.yaml:12:5: unknown key `lisen``; the hint is not part of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Something that is readable but cannot be served: found by [`crate::Config::validate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key: `providers[0].base_url`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What may help.
    pub hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// User input for a message: in backticks, on one line, and not a book of it.
pub(crate) fn quoted(text: &str) -> String {
    let clipped: String = text
        .chars()
        .take(48)
        .map(|c| if c.is_control() { '�' } else { c })
        .collect();
    let more = if text.chars().nth(48).is_some() { "…" } else { "" };
    format!("`{clipped}{more}`")
}
