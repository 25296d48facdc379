//! The table that earlier cost reporters wrote: `date,user_id,team_id,model,request_count,input_tokens,output_tokens,total_cost`.

use std::collections::BTreeMap;
use std::io::Write;

use crate::decimal::dollars;
use crate::defuse::defused;
use crate::period::day;
use crate::{Names, Place, Rows, Used};

const COLUMNS: [&str; 8] = [
    "date",
    "user_id",
    "team_id",
    "model",
    "request_count",
    "input_tokens",
    "output_tokens",
    "total_cost",
];

/// As CSV. Returns how many rows.
pub(crate) fn csv(rows: &Rows, names: &Names, out: &mut dyn Write) -> Result<u64, csv::Error> {
    let mut sums: BTreeMap<[String; 4], Used> = BTreeMap::new();
    for (place, used) in rows.iter() {
        let sum = sums.entry(group(place, names)).or_default();
        sum.calls = sum.calls.saturating_add(used.calls);
        sum.prompt = sum.prompt.saturating_add(used.prompt);
        sum.output = sum.output.saturating_add(used.output);
        sum.nanos = sum.nanos.saturating_add(used.nanos);
    }
    let mut table = crate::write::table(out);
    table.write_record(COLUMNS)?;
    for (group, used) in &sums {
        let counts = [
            used.calls.to_string(),
            used.prompt.to_string(),
            used.output.to_string(),
            dollars(used.nanos),
        ];
        let group = group.iter().map(|text| defused(text).into_owned());
        table.write_record(group.chain(counts))?;
    }
    table.flush()?;
    Ok(sums.len() as u64)
}

/// The day, whoever the key was made for (else the key), the team, and the model.
fn group(place: &Place, names: &Names) -> [String; 4] {
    let owner = names.keys.get(&place.key).and_then(|key| key.owner.clone());
    [
        day(place.start),
        owner.unwrap_or_else(|| place.key.to_string()),
        place.team.to_string(),
        place.model.as_deref().unwrap_or_default().to_owned(),
    ]
}
