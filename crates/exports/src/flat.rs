//! Our own table: every dimension by id and by name, sums beside them. As CSV and as lines of JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::decimal::dollars;
use crate::defuse::defused;
use crate::period::rfc3339;
use crate::{Grain, Names, Place, Rows, Used};

/// A row; its fields are the columns.
#[derive(Debug, Serialize)]
struct Row<'a> {
    period_start: String,
    period_end: String,
    team_id: String,
    team: String,
    project_id: Option<String>,
    project: Option<String>,
    key_id: String,
    key: String,
    model: Option<&'a str>,
    provider: Option<&'a str>,
    target: Option<&'a str>,
    operation: &'static str,
    tier: &'static str,
    price_version: &'a str,
    token_class: &'static str,
    calls: u64,
    prompt_tokens: u128,
    output_tokens: u128,
    cost_nanos: i128,
    cost_usd: String,
}

impl<'a> Row<'a> {
    fn new(place: &'a Place, used: &Used, grain: Grain, names: &Names) -> Self {
        let target = place.target.as_deref();
        Self {
            period_start: rfc3339(place.start),
            period_end: rfc3339(grain.end(place.start)),
            team_id: place.team.to_string(),
            team: names.team(place.team),
            project_id: place.project.map(|id| id.to_string()),
            project: place.project.map(|id| names.project(id)),
            key_id: place.key.to_string(),
            key: names.key(place.key),
            model: place.model.as_deref(),
            provider: target.and_then(|target| Some(target.split_once('/')?.0)),
            target,
            operation: place.operation,
            tier: place.tier,
            price_version: &place.price_version,
            token_class: place.class.as_str(),
            calls: used.calls,
            prompt_tokens: used.prompt,
            output_tokens: used.output,
            cost_nanos: used.nanos,
            cost_usd: dollars(used.nanos),
        }
    }

    /// The cells, numbers as they are and text defused.
    fn cells(&self) -> [String; COLUMNS.len()] {
        let text = |text: &str| defused(text).into_owned();
        let maybe = |text: Option<&str>| text.map_or_else(String::new, |text| defused(text).into_owned());
        [
            self.period_start.clone(),
            self.period_end.clone(),
            text(&self.team_id),
            text(&self.team),
            maybe(self.project_id.as_deref()),
            maybe(self.project.as_deref()),
            text(&self.key_id),
            text(&self.key),
            maybe(self.model),
            maybe(self.provider),
            maybe(self.target),
            self.operation.to_owned(),
            self.tier.to_owned(),
            text(self.price_version),
            self.token_class.to_owned(),
            self.calls.to_string(),
            self.prompt_tokens.to_string(),
            self.output_tokens.to_string(),
            self.cost_nanos.to_string(),
            self.cost_usd.clone(),
        ]
    }
}

/// The columns of the CSV, and the members of the JSON.
const COLUMNS: [&str; 20] = [
    "period_start",
    "period_end",
    "team_id",
    "team",
    "project_id",
    "project",
    "key_id",
    "key",
    "model",
    "provider",
    "target",
    "operation",
    "tier",
    "price_version",
    "token_class",
    "calls",
    "prompt_tokens",
    "output_tokens",
    "cost_nanos",
    "cost_usd",
];

/// As CSV. Returns how many rows.
pub(crate) fn csv(rows: &Rows, names: &Names, out: &mut dyn Write) -> Result<u64, csv::Error> {
    let mut table = crate::write::table(out);
    table.write_record(COLUMNS)?;
    for (place, used) in rows.iter() {
        table.write_record(Row::new(place, used, rows.grain(), names).cells())?;
    }
    table.flush()?;
    Ok(rows.len() as u64)
}

/// As lines of JSON. Returns how many rows.
pub(crate) fn json(rows: &Rows, names: &Names, out: &mut dyn Write) -> io::Result<u64> {
    for (place, used) in rows.iter() {
        serde_json::to_writer(&mut *out, &Row::new(place, used, rows.grain(), names))?;
        out.write_all(b"\n")?;
    }
    Ok(rows.len() as u64)
}
