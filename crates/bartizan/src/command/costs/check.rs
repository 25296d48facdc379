//! Whether a file is FOCUS.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

use exports::focus::{Check, VERSION, check_csv, check_parquet};
use serde::Serialize;

use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table};
use crate::failure::{Failure, Hint};

/// What Parquet files begin with.
const MAGIC: &[u8; 4] = b"PAR1";

#[derive(Debug, Serialize)]
struct Checked {
    focus_version: &'static str,
    #[serde(flatten)]
    check: Check,
}

impl Shown for Checked {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Check {
            rows,
            found,
            findings,
            ..
        } = &self.check;
        if self.check.is_good() {
            return writeln!(out, "FOCUS {VERSION}: {rows} rows, nothing found");
        }
        let mut table = Table::new(&[
            Column::Number("row"),
            Column::Text("column"),
            Column::Text("what"),
        ]);
        for finding in findings {
            let row = if finding.row == 0 {
                "header".to_owned()
            } else {
                finding.row.to_string()
            };
            table.row([row, finding.column.clone(), finding.what.clone()]);
        }
        table.write(out)?;
        writeln!(
            out,
            "not FOCUS {VERSION}: {found} found in {rows} rows, {} shown",
            findings.len()
        )
    }
}

/// Checks it.
pub(super) fn run(path: &Path, show: Show) -> Result<(), Failure> {
    let unread = |error: &dyn std::fmt::Display| {
        Failure::usage(format!("`{}` cannot be checked: {error}", path.display()))
            .hint("name a file of CSV or Parquet")
    };
    let mut file = File::open(path).map_err(|error| unread(&error))?;
    let mut magic = [0; MAGIC.len()];
    let is_parquet = file.read_exact(&mut magic).is_ok() && magic == *MAGIC;
    file.rewind().map_err(|error| unread(&error))?;
    let check = if is_parquet {
        check_parquet(file)
    } else {
        check_csv(BufReader::new(file))
    };
    let checked = Checked {
        focus_version: VERSION,
        check: check.map_err(|error| unread(&error))?,
    };
    show.say(&checked)?;
    if checked.check.is_good() {
        Ok(())
    } else {
        Err(Failure::said())
    }
}
