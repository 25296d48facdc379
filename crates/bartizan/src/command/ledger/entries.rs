//! The newest entries of a ledger.

use std::io::{self, Write};

use domain::TenantScope;
use ledger::{Entry, Outcome, UsageSource};
use serde::Serialize;
use store::StoredEntry;

use crate::command::arguments::when;
use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table};
use crate::failure::Failure;

/// Entries read at once.
const ENTRIES_A_READ: u64 = 512;

#[derive(Debug, Serialize)]
struct Line {
    index: u64,
    entry: Entry,
    #[serde(skip)]
    key: String,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Lines(Vec<Line>);

impl Line {
    fn new(stored: &StoredEntry, names: &Names) -> Result<Self, Failure> {
        let entry = Entry::from_bytes(&stored.bytes).map_err(|e| {
            Failure::tampered(format!(
                "entry {} of the ledger cannot be read: {e}",
                stored.index
            ))
        })?;
        Ok(Self {
            index: stored.index,
            key: names.key_name(entry.key),
            entry,
        })
    }

    fn outcome(&self) -> String {
        match &self.entry.outcome {
            Outcome::Completed if self.entry.cached => "cached".to_owned(),
            Outcome::Completed => "completed".to_owned(),
            Outcome::Refused(code) => format!("refused: {code}"),
            Outcome::ClientGone => "caller left".to_owned(),
            Outcome::UpstreamFailed(code) => format!("failed: {code}"),
            Outcome::Interrupted => "interrupted".to_owned(),
            Outcome::Reported(how) => format!("reported: {how}"),
            Outcome::Adjusted => "adjusted".to_owned(),
        }
    }

    /// Tokens, marked where they were counted here (`~`) or are the reserved bound (`≤`).
    fn tokens(&self, count: u64) -> String {
        match self.entry.usage_source {
            UsageSource::Provider | UsageSource::Reported | UsageSource::None => count.to_string(),
            UsageSource::Estimated => format!("~{count}"),
            UsageSource::Bound => format!("≤{count}"),
        }
    }
}

impl Shown for Lines {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.0.is_empty() {
            return writeln!(out, "the ledger has no entries yet");
        }
        let mut table = Table::new(&[
            Column::Number("#"),
            Column::Text("finished"),
            Column::Text("key"),
            Column::Text("model"),
            Column::Text("outcome"),
            Column::Number("status"),
            Column::Number("prompt"),
            Column::Number("output"),
            Column::Number("cost $"),
            Column::Text("request"),
        ]);
        for line in &self.0 {
            let entry = &line.entry;
            table.row([
                line.index.to_string(),
                when(entry.finished),
                line.key.clone(),
                entry.model.as_deref().unwrap_or("-").to_owned(),
                line.outcome(),
                entry.status.to_string(),
                line.tokens(entry.usage.prompt()),
                line.tokens(entry.usage.output),
                entry.cost.to_string(),
                entry.id.to_string(),
            ]);
        }
        table.write(out)
    }
}

/// Shows them.
pub async fn run(tenant: Option<&str>, last: u64, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let scope = TenantScope::operator(names.tenant(tenant)?.id);
    let size = instance.store.size(&scope).await?;
    let kept = instance.store.entries_kept(&scope).await?;
    let mut next = size.saturating_sub(last).max(kept.from);
    let mut lines = Vec::new();
    while next < size {
        let read = instance
            .store
            .entries(&scope, next, ENTRIES_A_READ.min(size - next))
            .await?;
        let Some(newest) = read.last() else { break };
        next = newest.index.saturating_add(1);
        for stored in &read {
            lines.push(Line::new(stored, &names)?);
        }
    }
    show.say(&Lines(lines))
}
