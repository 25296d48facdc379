//! `bartizan guard test`: what the guards find in one text.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use guard::{Finding, SURE, Secrets};
use serde::Serialize;

use crate::failure::Failure;

use super::super::show::{Show, Shown};
use super::super::table::{Column, Table};

pub const HELP: &str = "\
Examples:
  bartizan guard test prompt.txt
  git diff | bartizan guard test - --guard secrets
  bartizan guard test prompt.txt --redacted

Says where findings stand and by which rule, never what they are. Exits with 1 when something was found.";

/// The largest text that is read.
const TEXT_BYTES_MAX: u64 = 64 << 20;

/// On what.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The text; `-` for standard input
    #[arg(value_name = "FILE")]
    text: PathBuf,
    /// Only these guards; all of them unless given
    #[arg(long, value_enum)]
    guard: Vec<Looks>,
    /// Print the text with what was found replaced, instead of a table
    #[arg(long)]
    redacted: bool,
}

/// A guard, as it is called on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Looks {
    /// Credentials: keys, tokens, passwords, private keys
    Secrets,
}

/// What a guard says of a text.
#[derive(Debug, Default)]
pub struct Scored {
    /// How sure it is that the text is what it looks for, 0 to 100.
    pub score: f64,
    /// What it found.
    pub findings: Vec<Finding>,
}

impl Scored {
    /// Whether it counts at this threshold.
    pub fn is_found(&self, threshold: u8) -> bool {
        self.score > 0.0 && self.score >= f64::from(threshold)
    }

    fn of(findings: Vec<Finding>) -> Self {
        let score = findings.iter().map(|it| f64::from(it.score)).fold(0.0, f64::max);
        Self { score, findings }
    }
}

/// A guard, built.
pub enum Ready {
    /// See [`Looks::Secrets`].
    Secrets(Box<Secrets>),
}

impl Looks {
    /// Builds it.
    pub fn ready(self) -> Ready {
        match self {
            Self::Secrets => Ready::Secrets(Box::default()),
        }
    }

    /// As it is written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
        }
    }

    /// The threshold it is used with unless told otherwise, in percent.
    pub const fn threshold(self) -> u8 {
        match self {
            Self::Secrets => SURE / 2,
        }
    }
}

impl Ready {
    /// Looks at one text.
    pub fn look(&self, text: &str) -> Scored {
        match self {
            Self::Secrets(secrets) => {
                let mut found = Vec::new();
                secrets.scan(text, &mut found);
                Scored::of(found)
            }
        }
    }
}
