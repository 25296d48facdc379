//! Answers for people: lists as tables, things as facts.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table, facts};
use crate::failure::Failure;

/// More columns than fit a screen help nobody.
const COLUMNS_MAX: usize = 8;

struct Answer<'a>(&'a Value);

/// Says it.
pub fn answer(body: &Value, show: Show) -> Result<(), Failure> {
    show.say(&Answer(body))
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Shown for Answer<'_> {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let lists = ["items", "rows", "changes"];
        match (self.0, lists.iter().find_map(|name| self.0.get(name))) {
            (Value::Null, _) => writeln!(out, "done"),
            // A text in a form of its own.
            (Value::String(text), _) => write!(out, "{text}"),
            (_, Some(Value::Array(items))) => {
                list(items, out)?;
                let next = self.0.get("next_cursor").and_then(Value::as_str);
                next.map_or(Ok(()), |cursor| writeln!(out, "\n  more: --cursor {cursor}"))
            }
            (Value::Object(members), _) => {
                let lines: Vec<(&str, String)> = members
                    .iter()
                    .map(|(name, value)| (name.as_str(), cell(value)))
                    .collect();
                facts(out, &lines)
            }
            (other, _) => writeln!(out, "{other}"),
        }
    }
}

fn list(items: &[Value], out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<&Map<String, Value>> = items.iter().filter_map(Value::as_object).collect();
    let mut titles: Vec<&str> = Vec::new();
    // What has parts of its own is for `--json` and for looking at one thing.
    let plain = rows
        .iter()
        .flat_map(|row| row.iter())
        .filter(|(_, value)| !value.is_object());
    for (name, _) in plain {
        if !titles.contains(&name.as_str()) && titles.len() < COLUMNS_MAX {
            titles.push(name);
        }
    }
    if titles.is_empty() {
        return writeln!(out, "none");
    }
    // Columns of a table are known when a program is built; these are known when the answer has come.
    let columns: Vec<Column> = titles.iter().map(|_| Column::Text("")).collect();
    let mut table = Table::new(&columns);
    table.titles(&titles);
    for row in rows {
        table.row(
            titles
                .iter()
                .map(|title| row.get(*title).map(cell).unwrap_or_default()),
        );
    }
    table.write(out)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let pairs = members
                .iter()
                .map(|(name, value)| format!("{name}={}", cell(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
