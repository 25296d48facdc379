//! What a table consists of, whatever it is written as.

use domain::UnixMillis;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// There is none.
    Null,
    /// Text; JSON too.
    Text(String),
    /// A number, in billionths.
    Number(i128),
    /// A moment.
    Time(UnixMillis),
}

impl Cell {
    /// Text, or nothing.
    pub fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.into()))
    }

    /// A whole number.
    pub fn whole(count: u128) -> Self {
        let count = i128::try_from(count).unwrap_or(i128::MAX);
        Self::Number(count.saturating_mul(1_000_000_000))
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A JSON object, as text.
    Json,
    /// A number.
    Number,
    /// A moment.
    Time,
}

/// A column of a table that is written.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether there may be no value.
    pub is_nullable: bool,
}
