//! Audit records in the forms that others read: lines of JSON as they were hashed, CSV for spreadsheets, OCSF events
//! and CEF lines for whoever watches. What a stranger typed is in them, and can break out of none.

mod cef;
pub mod csv;
mod ocsf;

use std::str::FromStr;

use ledger::{AuditActor, AuditOutcome, AuditRecord};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One record a line, its canonical bytes: what the log's hashes are over.
    Jsonl,
    /// RFC 4180, with a header.
    Csv,
    /// One OCSF event a line.
    Ocsf,
    /// One CEF event a line.
    Cef,
}

/// Not a form that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`format` is `jsonl`, `csv`, `ocsf` or `cef`")]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        match text {
            "jsonl" => Ok(Self::Jsonl),
            "csv" => Ok(Self::Csv),
            "ocsf" => Ok(Self::Ocsf),
            "cef" => Ok(Self::Cef),
            _ => Err(UnknownFormat),
        }
    }
}

impl Format {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
        }
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jsonl | Self::Ocsf => "application/jsonl; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Cef => "text/plain; charset=utf-8",
        }
    }

    /// What stands before the first record.
    pub const fn beginning(self) -> &'static str {
        match self {
            Self::Csv => csv::HEADER,
            Self::Jsonl | Self::Ocsf | Self::Cef => "",
        }
    }

    /// One record, with the end of its line.
    pub fn line(self, index: u64, record: &AuditRecord) -> String {
        match self {
            Self::Jsonl => String::from_utf8_lossy(&record.to_bytes()).into_owned() + "\n",
            Self::Csv => csv::line(index, record),
            Self::Ocsf => ocsf::event(index, record).to_string() + "\n",
            Self::Cef => cef::line(record),
        }
    }
}

/// What kind of actor, its id where it has one, and its name.
fn actor(record: &AuditRecord) -> (&'static str, &str, &str) {
    match &record.actor {
        AuditActor::User(id, name) => ("user", id, name),
        AuditActor::Service(id, name) => ("service", id, name),
        AuditActor::Operator(account) => ("operator", "", account),
        AuditActor::Gate(task) => ("gate", "", task),
        AuditActor::Stranger(typed) => ("stranger", "", typed),
    }
}

/// `done`, or the refusal's code.
fn outcome(record: &AuditRecord) -> &str {
    match &record.outcome {
        AuditOutcome::Done => "done",
        AuditOutcome::Refused(code) => code,
    }
}
