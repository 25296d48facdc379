//! Comma-separated values (RFC 4180). What callers and people chose is never a formula to whoever opens the file.

use std::io::{self, Write};

use super::UsageView;

/// Writes the header and a line for each row.
pub fn write(view: &UsageView, out: &mut dyn Write) -> io::Result<()> {
    let numbers = [
        "requests",
        "refused",
        "failed",
        "cached",
        "prompt_tokens",
        "output_tokens",
        "cost_nanos",
        "wasted_nanos",
    ];
    let titles = view.titles();
    line(out, titles.iter().copied().chain(numbers).map(str::to_owned))?;
    for row in &view.rows {
        let sums = &row.sums;
        let counts = [
            sums.requests,
            sums.refused,
            sums.failed,
            sums.cached,
            sums.prompt_tokens,
            sums.output_tokens,
        ];
        let costs = [sums.cost.nanos(), sums.wasted.nanos()];
        let names = row.period.iter().chain(&row.values).map(|name| plain(name));
        let counts = counts.iter().map(ToString::to_string);
        line(out, names.chain(counts).chain(costs.map(|cost| cost.to_string())))?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let cells: Vec<String> = cells.map(|cell| escaped(&cell)).collect();
    write!(out, "{}\r\n", cells.join(","))
}

/// A text that no spreadsheet takes for a formula.
fn plain(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text != "-";
    if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn escaped(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_its_line() {
        assert_eq!(plain("=cmd()"), "'=cmd()");
        assert_eq!(
            (plain("-"), plain("gpt-4o")),
            ("-".to_owned(), "gpt-4o".to_owned())
        );
        assert_eq!(escaped("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(escaped("a\nb"), "\"a\nb\"");
    }
}
