//! What `bartizan history` says.

use std::io::{self, Write};

use control::{Looked, Opened, Reason, Removed, Standing};
use domain::{ByClass, RequestId, TenantId};
use ledger::exchange::Exchange;
use serde::Serialize;
use store::{ExchangeRow, Tenant};

use crate::command::arguments::rfc3339;
use crate::command::find::Names;
use crate::command::show::Shown;
use crate::command::table::{Column, Table, facts};
use crate::failure::{Failure, Hint};

/// What a tenant keeps.
#[derive(Debug, Serialize)]
pub struct Kept {
    /// Which tenant.
    pub tenant_id: TenantId,
    tenant: String,
    kept: &'static str,
    days: u16,
    #[serde(skip_serializing_if = "ByClass::is_none")]
    days_max: ByClass<u16>,
}

impl Kept {
    /// Of this one.
    pub fn of(tenant: &Tenant) -> Self {
        Self {
            tenant_id: tenant.id,
            tenant: tenant.name.clone(),
            kept: tenant.history.kept.as_str(),
            days: tenant.history.days,
            days_max: tenant.history.days_max,
        }
    }
}

impl Shown for Kept {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{}  keeps {} for {} days", self.tenant, self.kept, self.days)?;
        for (class, days) in self.days_max.said() {
            if let Some(days) = days {
                write!(out, ", {class} data for {days}")?;
            }
        }
        writeln!(out)
    }
}

#[derive(Debug, Serialize)]
struct Line {
    request: RequestId,
    at: Option<String>,
    key: String,
    model: Option<String>,
    kept: &'static str,
    status: u16,
    data_class: &'static str,
    request_bytes: u64,
    answer_bytes: u64,
}

/// Kept exchanges.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ExchangeList(Vec<Line>);

impl ExchangeList {
    /// Those of these rows.
    pub fn new(rows: &[ExchangeRow], names: &Names) -> Self {
        let line = |row: &ExchangeRow| Line {
            request: row.id,
            at: rfc3339(row.started),
            key: names.key_name(row.key),
            model: row.model.clone(),
            kept: row.kept.as_str(),
            status: row.status,
            data_class: row.data_class.as_str(),
            request_bytes: row.request_bytes,
            answer_bytes: row.answer_bytes,
        };
        Self(rows.iter().map(line).collect())
    }
}

impl Shown for ExchangeList {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[
            Column::Text("at"),
            Column::Text("key"),
            Column::Text("model"),
            Column::Text("kept"),
            Column::Number("status"),
            Column::Text("class"),
            Column::Number("request"),
            Column::Number("answer"),
            Column::Text("id"),
        ]);
        for line in &self.0 {
            table.row([
                line.at.clone().unwrap_or_default(),
                line.key.clone(),
                line.model.clone().unwrap_or_else(|| "–".to_owned()),
                line.kept.to_owned(),
                line.status.to_string(),
                line.data_class.to_owned(),
                line.request_bytes.to_string(),
                line.answer_bytes.to_string(),
                line.request.to_string(),
            ]);
        }
        table.write(out)
    }
}

/// One exchange, opened.
#[derive(Debug, Serialize)]
pub struct One {
    request: RequestId,
    standing: Standing,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<Removed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<Exchange>,
}

/// Why, by whom and when, in a line.
fn told(removed: &Removed) -> String {
    let reason = match removed.reason {
        Reason::Purged => "purged",
        Reason::Expired => "its days were over",
    };
    let what = removed.data_class.unwrap_or("all");
    format!(
        "{reason}: {}, {}, {what} before {} ({})",
        removed.at, removed.by, removed.before, removed.record
    )
}

impl One {
    /// As it stands; nothing of what was changed is told.
    pub fn new(request: RequestId, opened: Opened) -> Self {
        let is_told = matches!(opened.standing, Standing::Original | Standing::Unrecorded);
        Self {
            request,
            standing: opened.standing,
            recorded: opened.recorded.map(|digest| digest.to_string()),
            removed: opened.removed,
            exchange: opened.exchange.filter(|_| is_told),
        }
    }

    /// An error where it is not the original.
    pub fn must_be_told(&self) -> Result<(), Failure> {
        match self.standing {
            Standing::Original | Standing::Unrecorded => Ok(()),
            Standing::Removed => Err(Failure::not_found(format!(
                "what was kept of `{}` was removed",
                self.request
            ))
            .hint("`bartizan history check` counts what was removed, by whom and when")),
            Standing::Changed => Err(Failure::tampered(format!(
                "what is stored of `{}` is not what the ledger says",
                self.request
            ))),
            Standing::Missing => Err(Failure::tampered(format!(
                "the ledger says that `{}` was kept, and it is not there",
                self.request
            ))
            .hint("the gate was killed before it was stored, its store was away for too long, or somebody took it out")),
        }
    }
}

impl Shown for One {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let standing = match self.standing {
            Standing::Original => "the original, by the ledger",
            Standing::Unrecorded => "not in the ledger yet",
            Standing::Changed => "changed",
            Standing::Removed => "removed",
            Standing::Missing => "missing",
        };
        let mut shown = vec![
            ("request", self.request.to_string()),
            ("standing", standing.to_owned()),
        ];
        shown.extend(self.removed.as_ref().map(|removed| ("removed", told(removed))));
        facts(out, &shown)?;
        let Some(exchange) = &self.exchange else {
            return Ok(());
        };
        serde_json::to_writer_pretty(&mut *out, exchange)?;
        writeln!(out)
    }
}

/// What a check found.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Checked(pub Looked);

impl Checked {
    /// An error where something is changed or missing.
    pub fn must_be_whole(&self) -> Result<(), Failure> {
        match (self.0.changed, self.0.missing) {
            (0, 0) => Ok(()),
            (changed, missing) => Err(Failure::tampered(format!(
                "{changed} exchanges are not what the ledger says, and {missing} are missing"
            ))),
        }
    }
}

impl Shown for Checked {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let named = |ids: &[RequestId]| ids.iter().map(|id| format!("\n  {id}")).collect::<String>();
        let looked = &self.0;
        let removals = looked.removals.iter();
        let removals: String = removals
            .map(|by| format!("\n  {} by {}", by.exchanges, told(&by.removed)))
            .collect();
        facts(
            out,
            &[
                ("original", looked.original.to_string()),
                ("not recorded yet", looked.unrecorded.to_string()),
                (
                    "changed",
                    format!("{}{}", looked.changed, named(&looked.changed_requests)),
                ),
                ("removed", format!("{}{removals}", looked.removed)),
                (
                    "missing",
                    format!("{}{}", looked.missing, named(&looked.missing_requests)),
                ),
            ],
        )
    }
}

/// What was written.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// Where to.
    pub file: String,
    /// How many.
    pub exchanges: u64,
}

impl Shown for Exported {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}  {} exchanges", self.file, self.exchanges)
    }
}

/// What went.
#[derive(Debug, Serialize)]
pub struct Purged {
    /// How many.
    pub removed: u64,
}

impl Shown for Purged {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} exchanges were removed", self.removed)
    }
}
