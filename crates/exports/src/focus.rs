//! FOCUS, the FinOps Open Cost and Usage Specification, version 1.4 (June 2026): its dataset of cost and usage, written
//! and checked.

mod allowed;
mod check;
mod columns;
mod ours;
mod packed;
mod read;
mod rules;

use std::io::Write;

use crate::write::{WriteError, table};
use crate::{Cell, Names, Rows, defused, dollars, rfc3339};

pub use check::{Check, FINDINGS_MAX, Finding};
pub use read::{ReadError, check_csv, check_parquet};
pub(crate) use rules::clipped;

/// The version.
pub const VERSION: &str = "1.4";

/// As CSV. Returns how many rows.
pub(crate) fn csv<W: Write>(rows: &Rows, names: &Names, out: W) -> Result<u64, WriteError> {
    let mut table = table(out);
    table.write_record(ours::COLUMNS.iter().map(|column| column.name))?;
    let mut count = 0;
    for charge in ours::charges(rows, names) {
        table.write_record(charge?.iter().map(text))?;
        count += 1;
    }
    table.flush()?;
    Ok(count)
}

/// As Parquet. Returns how many rows.
pub(crate) fn parquet<W: Write + Send>(rows: &Rows, names: &Names, out: W) -> Result<u64, WriteError> {
    packed::write(rows, names, out)
}

/// No value is an empty field: no text here is ever empty.
fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Text(text) => defused(text).into_owned(),
        Cell::Number(billionths) => dollars(*billionths),
        Cell::Time(at) => rfc3339(*at),
    }
}
