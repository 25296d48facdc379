//! The forms in which rows leave, behind one function.

use std::io::{self, Write};
use std::str::FromStr;

use crate::{Names, Rows, flat, focus, originals};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// FOCUS 1.4, as CSV.
    Focus,
    /// FOCUS 1.4, as Parquet.
    Parquet,
    /// Our own table, as CSV.
    Csv,
    /// Our own table, as lines of JSON.
    Json,
    /// The table of earlier cost reporters, as CSV.
    Originals,
}

/// Not a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a format is `focus`, `parquet`, `csv`, `json` or `originals`")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or(UnknownFormat)
    }
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Focus, Self::Parquet, Self::Csv, Self::Json, Self::Originals];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Focus => "focus",
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Originals => "originals",
        }
    }

    /// What its files' names end with.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Focus => "focus.csv",
            Self::Parquet => "focus.parquet",
            Self::Csv => "csv",
            Self::Json => "jsonl",
            Self::Originals => "originals.csv",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Focus | Self::Csv | Self::Originals => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Json => "application/jsonl; charset=utf-8",
        }
    }
}

/// Why nothing whole was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The destination.
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
    /// The table's writer.
    #[error("cannot write the table: {0}")]
    Csv(#[from] csv::Error),
    /// Parquet's writer.
    #[error("cannot write Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A time that no calendar has.
    #[error("an entry ended at a time that no calendar has")]
    Calendar,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Rows, without a header.
    pub rows: u64,
}

/// Writes all rows; the same rows and names are always the same bytes.
pub fn write<W: Write + Send>(
    format: Format,
    rows: &Rows,
    names: &Names,
    mut out: W,
) -> Result<Written, WriteError> {
    let rows = match format {
        Format::Focus => focus::csv(rows, names, &mut out)?,
        Format::Parquet => focus::parquet(rows, names, &mut out)?,
        Format::Csv => flat::csv(rows, names, &mut out)?,
        Format::Json => flat::json(rows, names, &mut out)?,
        Format::Originals => originals::csv(rows, names, &mut out)?,
    };
    out.flush()?;
    Ok(Written { rows })
}

/// A table as spreadsheets read it (RFC 4180).
pub(crate) fn table<W: Write>(out: W) -> csv::Writer<W> {
    let mut builder = csv::WriterBuilder::new();
    builder.terminator(csv::Terminator::CRLF).from_writer(out)
}
