//! `bartizan threats`: what this program was built against, and what stands against each.

use std::io::{self, Write};

use clap::Args;
use domain::Threat;
use serde::Serialize;

use crate::failure::{Failure, Hint};

use super::arguments::quoted;
use super::show::{Show, Shown};
use super::table::{Column, Table, facts};

/// The matrix as it was generated for this release: the register joined with code and tests.
const MATRIX: &str = include_str!("../../../../docs/threats.md");

/// Which to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan threats
  bartizan threats AGP-D1                     what stands against one of them
  bartizan threats --open                     what nothing stands against yet
  bartizan threats --json | jq 'group_by(.state) | map({(.[0].state): length}) | add'

covered    code names it, and a test named after it attacks it
code only  code names it, no test does
open       nothing names it yet, whatever is planned")]
pub struct ThreatsArgs {
    /// One threat's id
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Only those that nothing stands against yet
    #[arg(long, conflicts_with = "id")]
    open: bool,
}

/// A row of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Row {
    id: Threat,
    title: &'static str,
    disposition: String,
    state: String,
    #[serde(rename = "where")]
    place: String,
    code: Vec<String>,
    tests: Vec<String>,
}

impl Row {
    /// One line of the matrix; `None` for any other line.
    fn read(line: &str) -> Option<Self> {
        let mut cells = line
            .strip_prefix('|')?
            .strip_suffix('|')?
            .split('|')
            .map(str::trim);
        let id: Threat = cells.next()?.parse().ok()?;
        let (_, disposition, state, place) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
        Some(Self {
            id,
            title: id.title(),
            disposition: disposition.to_owned(),
            state: state.trim_matches('*').replace(' ', "_"),
            place: place.to_owned(),
            code: listed(cells.next()?),
            tests: listed(cells.next()?),
        })
    }

    fn is_open(&self) -> bool {
        self.state == "open"
    }
}

fn listed(cell: &str) -> Vec<String> {
    cell.split("<br>")
        .map(|one| one.trim_matches('`').to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}

fn matrix() -> Vec<Row> {
    MATRIX.lines().filter_map(Row::read).collect()
}

impl Shown for Row {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let several = |all: &[String]| {
            if all.is_empty() {
                "none".to_owned()
            } else {
                all.join("\n               ")
            }
        };
        writeln!(out, "{}  {}", self.id, self.title)?;
        facts(
            out,
            &[
                ("disposition", self.disposition.clone()),
                ("state", self.state.replace('_', " ")),
                ("where", self.place.clone()),
                ("code", several(&self.code)),
                ("tests", several(&self.tests)),
            ],
        )
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Matrix(Vec<Row>);

impl Shown for Matrix {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[
            Column::Text("id"),
            Column::Text("threat"),
            Column::Text("disposition"),
            Column::Text("state"),
            Column::Text("where"),
            Column::Number("code"),
            Column::Number("tests"),
        ]);
        for row in &self.0 {
            table.row([
                row.id.to_string(),
                row.title.to_owned(),
                row.disposition.clone(),
                row.state.replace('_', " "),
                row.place.clone(),
                row.code.len().to_string(),
                row.tests.len().to_string(),
            ]);
        }
        table.write(out)?;
        let open = self.0.iter().filter(|row| row.is_open()).count();
        writeln!(out, "\n{} threats, {open} open", self.0.len())
    }
}

/// Shows them.
pub fn run(args: ThreatsArgs, show: Show) -> Result<(), Failure> {
    let rows = matrix();
    let Some(id) = args.id else {
        return show.say(&Matrix(
            rows.into_iter()
                .filter(|row| !args.open || row.is_open())
                .collect(),
        ));
    };
    let row = rows
        .iter()
        .find(|row| row.id.to_string().eq_ignore_ascii_case(&id));
    let row = row.ok_or_else(|| {
        Failure::not_found(format!("there is no threat {}", quoted(&id))).hint("`bartizan threats` shows all")
    })?;
    show.say(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threat_has_a_row_and_every_row_is_whole() {
        let rows = matrix();
        for threat in Threat::ALL {
            assert_eq!(rows.iter().filter(|row| row.id == *threat).count(), 1, "{threat}");
        }
        for row in &rows {
            assert!(
                ["prevent", "detect", "deploy", "accept"].contains(&row.disposition.as_str()),
                "{row:?}"
            );
            assert_eq!(
                row.is_open(),
                row.code.is_empty() && row.tests.is_empty(),
                "{row:?}"
            );
            assert_eq!(
                row.state == "covered",
                !row.code.is_empty() && !row.tests.is_empty(),
                "{row:?}"
            );
            assert!(!row.place.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn a_row_is_read_as_it_is_written() {
        let row =
            Row::read("| AGP-D1 | t | prevent | code only | stage admit, limit | `a.rs`<br>`b.rs` |  |")
                .unwrap();
        assert_eq!(
            (row.state.as_str(), row.place.as_str()),
            ("code_only", "stage admit, limit")
        );
        assert_eq!(
            (row.code, row.tests),
            (vec!["a.rs".to_owned(), "b.rs".to_owned()], vec![])
        );
        assert_eq!(
            Row::read("| id | threat | disposition | state | where | code | tests |"),
            None
        );
        assert_eq!(Row::read("98 threats: 44 covered"), None);
    }
}
