//! `bartizan guard extension`: tries a module of one's own on a text, with the bounds it will have. Asks no instance.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use guard::custom::ExtensionUse;
use guard::{Direction, Origin};
use guard_wasm::WasmExtension;
use serde::Serialize;

use crate::failure::Failure;

use super::super::show::{Show, Shown};
use super::super::table::{Column, Table};
use super::looks;
use super::places::Places;

pub const HELP: &str = "\
Examples:
  bartizan guard extension codes.wasm prompt.txt
  echo 'ticket ABC-1234' | bartizan guard extension codes.wasm - --direction output
  bartizan guard extension codes.wasm prompt.txt --json | jq .fuel

Loads the module as the gate does, runs it once, and says what it found, what it computed and how much memory it had; prints its \
SHA-256, which `guards.custom.extensions` wants. docs/guards-custom.md says what a module must export.";

/// Which module, on what.
#[derive(Debug, Args)]
pub struct ExtensionArgs {
    /// The module, as WebAssembly
    #[arg(value_name = "MODULE")]
    module: PathBuf,
    /// The text; `-` for standard input
    #[arg(value_name = "FILE")]
    text: PathBuf,
    /// Which way the text goes
    #[arg(long, value_enum, default_value_t = Way::Input)]
    direction: Way,
    /// What it may compute for each KiB of text
    #[arg(long, value_name = "FUEL")]
    fuel_per_kib: Option<u64>,
    /// What it may have of memory
    #[arg(long, value_name = "BYTES")]
    memory_bytes_max: Option<u64>,
}

/// Which way a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    /// Towards the model
    Input,
    /// From the model
    Output,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Tried {
    sha256: String,
    fuel: u64,
    fuel_max: u64,
    memory_bytes: u64,
    found: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    line: usize,
    /// In characters, from 1.
    column: usize,
    characters: usize,
    rule: String,
    score: u8,
}

impl Shown for Tried {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "sha256  {}", self.sha256)?;
        writeln!(out, "fuel    {} of {}", self.fuel, self.fuel_max)?;
        writeln!(out, "memory  {} bytes\n", self.memory_bytes)?;
        if self.found.is_empty() {
            return writeln!(out, "nothing found");
        }
        let mut table = Table::new(&[
            Column::Text("at"),
            Column::Text("rule"),
            Column::Number("sure"),
            Column::Number("characters"),
        ]);
        for found in &self.found {
            table.row([
                format!("{}:{}", found.line, found.column),
                found.rule.clone(),
                format!("{} %", found.score),
                found.characters.to_string(),
            ]);
        }
        table.write(out)
    }
}

/// Tries it.
pub fn run(args: &ExtensionArgs, show: Show) -> Result<(), Failure> {
    let unreadable = |error| Failure::usage(format!("`{}` cannot be read: {error}", args.module.display()));
    let bytes = std::fs::read(&args.module).map_err(unreadable)?;
    let text = looks::read(&args.text)?;
    let bounds = ExtensionUse::default();
    let bounds = ExtensionUse {
        fuel_per_kib: args.fuel_per_kib.unwrap_or(bounds.fuel_per_kib),
        memory_bytes_max: args.memory_bytes_max.unwrap_or(bounds.memory_bytes_max),
        ..bounds
    };
    let module = WasmExtension::load(&bytes, &bounds).map_err(|error| Failure::usage(error.to_string()))?;
    let direction = match args.direction {
        Way::Input => Direction::Input,
        Way::Output => Direction::Output,
    };
    let tried = module.try_on(&text, direction, Origin::User);
    let hits = tried
        .hits
        .map_err(|why| Failure::new(format!("the module failed ({why}): {}", tried.detail)))?;
    let mut places = Places::of(&text);
    let found = hits.into_iter().map(|hit| {
        let place = places.next(&hit.span);
        Found {
            line: place.line,
            column: place.column,
            characters: place.found.chars().count(),
            rule: hit.rule,
            score: hit.score,
        }
    });
    show.say(&Tried {
        sha256: module.sha256().to_owned(),
        fuel: tried.fuel,
        fuel_max: tried.fuel_max,
        memory_bytes: tried.memory_bytes,
        found: found.collect(),
    })
}
