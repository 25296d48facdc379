//! Tables for people: no borders, a light line under the header, numbers to the right.

use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, ContentArrangement};

/// Nothing but a line under the header.
const LINE_UNDER_HEADER: &str = "     ──            ";
/// Narrower terminals than this get wider tables than they can show.
const WIDTH_MIN: u16 = 40;

/// A column: its title, and how it is aligned.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    /// Text, to the left.
    Text(&'static str),
    /// A number, to the right.
    Number(&'static str),
}

/// A table under way.
#[derive(Debug)]
pub struct Table(comfy_table::Table);

impl Table {
    /// An empty table, as wide as the terminal at most; unbounded where there is none.
    pub fn new(columns: &[Column]) -> Self {
        Self::of_width(columns, terminal_width())
    }

    fn of_width(columns: &[Column], width: Option<u16>) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(LINE_UNDER_HEADER);
        if let Some(width) = width {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width.max(WIDTH_MIN));
        }
        table.set_header(columns.iter().map(|column| match column {
            Column::Text(title) | Column::Number(title) => *title,
        }));
        for (made, column) in table.column_iter_mut().zip(columns) {
            made.set_padding((0, 2));
            if matches!(column, Column::Number(_)) {
                made.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    /// Other titles, one for each column: where they are known only from what is shown.
    pub fn titles(&mut self, titles: &[&str]) {
        self.0.set_header(titles);
    }

    /// Adds a row; one cell for each column.
    pub fn row<I>(&mut self, cells: I)
    where
        I: IntoIterator,
        I::Item: Into<comfy_table::Cell>,
    {
        self.0.add_row(cells);
    }

    /// Writes it, without white space at the ends of lines.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0
            .lines()
            .try_for_each(|line| writeln!(out, "{}", line.trim_end()))
    }
}

fn terminal_width() -> Option<u16> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

/// Lines of a name and a value, aligned: one thing described.
pub fn facts(out: &mut dyn Write, facts: &[(&str, String)]) -> io::Result<()> {
    let width = facts
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    facts
        .iter()
        .try_for_each(|(name, value)| writeln!(out, "  {name:<width$}  {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(width: Option<u16>) -> String {
        let mut table = Table::of_width(&[Column::Text("name"), Column::Number("cost")], width);
        table.row(["a", "1.00"]);
        table.row(["a very long name that needs a lot of room indeed", "123.45"]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tables_have_a_line_under_the_header_and_numbers_to_the_right() {
        insta::assert_snapshot!(drawn(None));
    }

    #[test]
    fn tables_wrap_to_the_terminal() {
        assert!(
            drawn(Some(40)).lines().all(|line| line.chars().count() <= 40),
            "{}",
            drawn(Some(40))
        );
        assert!(drawn(None).lines().any(|line| line.chars().count() > 40));
    }
}
