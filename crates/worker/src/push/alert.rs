//! An audit record as people read it: title, text, fields, severity, link. Every form says the same because it is said
//! here. Pure; what comes from callers is cut short and loses its control characters, and each form escapes it.

mod words;

use domain::{Money, TenantId};
use ledger::{AuditActor, AuditOutcome, AuditRecord};
use serde_json::Value;

use words::{Words, words};

const TITLE_CHARS_MAX: usize = 120;
const TEXT_CHARS_MAX: usize = 500;
const FIELD_CHARS_MAX: usize = 200;
const FIELDS_MAX: usize = 10;
/// Cells of a bar.
const CELLS: u64 = 20;

/// How bad it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For the record.
    #[default]
    Info,
    /// Somebody should look.
    Warning,
    /// Something does not work.
    Error,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// Its name, as PagerDuty has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// What readers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// One line.
    pub title: String,
    /// A sentence or two.
    pub text: String,
    /// Names and values.
    pub fields: Vec<(&'static str, String)>,
    /// How bad it is.
    pub severity: Severity,
    /// Where to look.
    pub link: Option<String>,
    /// Of a budget, how full it is in percent.
    pub percent: Option<u64>,
}

/// What is known beside the record.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The tenant's name.
    pub tenant: &'a str,
    /// Where people reach the control plane.
    pub public_url: Option<&'a str>,
    /// How often it came again since it was told.
    pub more: u64,
}

impl Alert {
    /// What a record tells.
    pub fn of(record: &AuditRecord, around: Around<'_>) -> Self {
        let Words {
            title,
            mut text,
            severity,
        } = words(record);
        match around.more {
            0 => {}
            1 => text = format!("It came once more since it was told. {text}"),
            more => text = format!("It came {more} more times since it was told. {text}"),
        }
        Self {
            title: clip(&title, TITLE_CHARS_MAX),
            text: clip(&text, TEXT_CHARS_MAX),
            fields: fields(record, around),
            severity,
            link: link(record, around.public_url),
            percent: percent(record),
        }
    }

    /// Twenty cells, as full as the budget.
    pub fn bar(&self) -> Option<String> {
        let percent = self.percent?;
        let full = (percent.min(100) * CELLS / 100) as usize;
        let empty = (CELLS as usize).saturating_sub(full);
        Some(format!("{}{} {percent} %", "█".repeat(full), "░".repeat(empty)))
    }
}

/// What is the same when it comes again: the act, on what, and what tells one such act from another.
pub fn sameness(record: &AuditRecord) -> String {
    let target = record.target.as_deref().unwrap_or_default();
    let told = ["mark", "signal", "window_start", "limit_nanos", "limit_tokens"]
        .map(|name| said(record, name).unwrap_or_default());
    let refused = match &record.outcome {
        AuditOutcome::Done => "",
        AuditOutcome::Refused(code) => code,
    };
    let what = [record.act.as_str(), target, refused].join("\n");
    clip_bytes(&format!("{what}\n{}", told.join("\n")))
}

/// A value of what the record says, as text.
pub(super) fn said(record: &AuditRecord, name: &str) -> Option<String> {
    match record.after.as_ref()?.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        _ => None,
    }
}

/// An amount that the record says, in whichever unit: `limit` is `limit_nanos` or `limit_tokens`.
pub(super) fn amount(record: &AuditRecord, name: &str) -> Option<(u64, String)> {
    let of = |unit: &str| record.after.as_ref()?.get(format!("{name}_{unit}"))?.as_i64();
    if let Some(nanos) = of("nanos") {
        return Some((
            u64::try_from(nanos).unwrap_or(0),
            format!("${}", Money::from_nanos(nanos)),
        ));
    }
    let tokens = of("tokens")?;
    Some((u64::try_from(tokens).unwrap_or(0), format!("{tokens} tokens")))
}

fn percent(record: &AuditRecord) -> Option<u64> {
    let (spent, limit) = (amount(record, "spent")?.0, amount(record, "limit")?.0);
    let of = u128::from(spent) * 100;
    u64::try_from(of.checked_div(u128::from(limit)).unwrap_or(100)).ok()
}

fn fields(record: &AuditRecord, around: Around<'_>) -> Vec<(&'static str, String)> {
    let mut all = vec![("Tenant", around.tenant.to_owned()), ("Act", record.act.clone())];
    let mut add = |name, value: Option<String>| all.extend(value.map(|value| (name, value)));
    add("On", record.target.clone());
    add("By", Some(who(record)));
    add("From", record.address.map(|address| address.to_string()));
    if let AuditOutcome::Refused(code) = &record.outcome {
        add("Refused", Some(code.clone()));
    }
    add("Spent", amount(record, "spent").map(|(_, text)| text));
    add("Limit", amount(record, "limit").map(|(_, text)| text));
    add("Key", said(record, "key"));
    add("Threat", record.threat.map(|threat| threat.id().to_owned()));
    all.truncate(FIELDS_MAX);
    all.into_iter()
        .map(|(name, value)| (name, clip(&value, FIELD_CHARS_MAX)))
        .collect()
}

pub(super) fn who(record: &AuditRecord) -> String {
    match &record.actor {
        AuditActor::User(_, name) | AuditActor::Service(_, name) => name.clone(),
        AuditActor::Operator(account) => format!("machine: {account}"),
        AuditActor::Gate(task) => format!("gate: {task}"),
        AuditActor::Stranger(typed) => format!("stranger: {typed}"),
    }
}

fn link(record: &AuditRecord, public_url: Option<&str>) -> Option<String> {
    let base = public_url?.trim_end_matches('/');
    let (tenant, id) = (record.tenant, &record.id);
    let is_budget = |target: &&String| {
        target.starts_with("bgt_") && target.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let place = match record.target.as_ref().filter(is_budget) {
        Some(budget) if tenant != TenantId::PLATFORM => format!("budgets/{budget}"),
        _ => format!("audit/{id}/proof"),
    };
    Some(format!("{base}/api/v1/tenants/{tenant}/{place}"))
}

/// At most so many characters on one line.
pub(super) fn clip(text: &str, chars_max: usize) -> String {
    let plain = text.chars().map(|c| if is_odd(c) { ' ' } else { c });
    let kept: String = plain.clone().take(chars_max).collect();
    if plain.count() <= chars_max {
        return kept;
    }
    let mut kept: String = kept.chars().take(chars_max.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// What begins a line or turns one around.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn clip_bytes(text: &str) -> String {
    text.chars().take(300).collect()
}

#[cfg(test)]
pub(super) mod tests;
