//! What is said of each act. One that has no words of its own is said as it stands in the log.

use domain::UnixMillis;
use ledger::{AuditOutcome, AuditRecord};

use super::{Severity, amount, said, who};

/// Title, sentence, and how bad it is.
pub struct Words {
    pub title: String,
    pub text: String,
    pub severity: Severity,
}

fn of(title: impl Into<String>, text: impl Into<String>, severity: Severity) -> Words {
    Words {
        title: title.into(),
        text: text.into(),
        severity,
    }
}

/// What is said of a record.
pub fn words(record: &AuditRecord) -> Words {
    let target = record.target.clone().unwrap_or_default();
    let name = said(record, "name").unwrap_or_else(|| target.clone());
    let say = |name: &str| said(record, name).unwrap_or_default();
    match record.act.as_str() {
        "budgets.mark" => mark(record, &name),
        "budgets.exhausted" => exhausted(record, &name),
        "models.unpriced" => unpriced(record, &target),
        "provider.breaker_opened" => of(
            format!("{target} is resting after failures"),
            "It failed too often in a row, so calls go elsewhere or are refused until it answers again.",
            Severity::Error,
        ),
        "provider.breaker_closed" => of(
            format!("{target} is called again"),
            "It answers again.",
            Severity::Info,
        ),
        "keys.honey" => of(
            "A honey key was used",
            format!("Somebody has found the bait {target} and tried it: look at where it was left."),
            Severity::Critical,
        ),
        "keys.anomaly" => of(
            format!("A key is not used as usual: {}", say("signal")),
            format!("{target} stands out against how it was used before."),
            Severity::Warning,
        ),
        "keys.suspend" => of(
            "A key was suspended",
            format!("{target} is refused until somebody resumes it."),
            Severity::Error,
        ),
        "spend.anomaly" => of(
            format!("Unusual spend: {name}"),
            "More is spent than before would have it.",
            Severity::Warning,
        ),
        "budgets.exhaustion_projected" => of(
            format!("Budget {name} will not last its window"),
            "At the present rate it is used up before it is renewed.",
            Severity::Warning,
        ),
        "exports.failed" => of(format!("Export {name} failed"), say("why"), Severity::Error),
        "reconciliation.gap" => of(
            format!("The provider's bill and the ledger differ: {name}"),
            "What the provider billed is not what was recorded.",
            Severity::Warning,
        ),
        "witness.disagrees" => of(
            format!("{} is not what witness {target} saw", say("log")),
            format!(
                "It saw {} entries and there are {}: {}. The store was set back, or the log forked. Stop, and find out who did.",
                say("seen"),
                say("size"),
                say("why")
            ),
            Severity::Critical,
        ),
        "witness.silent" => of(
            format!("Witness {target} takes nothing"),
            format!("Nobody outside remembers what was signed since: {}.", say("why")),
            Severity::Error,
        ),
        "witness.heard" => of(
            format!("Witness {target} takes heads again"),
            "It has what was signed meanwhile.",
            Severity::Info,
        ),
        "alerts.dead" => of(
            format!("Sink {target} did not take {} alert(s)", say("count")),
            format!(
                "They were given up: {}. See `bartizan alerts dead`, then `bartizan alerts resend {target}`.",
                say("why")
            ),
            Severity::Error,
        ),
        "alerts.test" => of(
            "This is a test",
            format!("{} tries whether alerts arrive.", who(record)),
            Severity::Info,
        ),
        "break_glass.open" => of(
            "Glass was broken",
            format!("{} acts without a second person.", who(record)),
            Severity::Error,
        ),
        act => plain(record, act, &target),
    }
}

fn mark(record: &AuditRecord, name: &str) -> Words {
    let mark = said(record, "mark").unwrap_or_default();
    let severity = match mark.parse::<u64>().unwrap_or(0) {
        100.. => Severity::Error,
        80.. => Severity::Warning,
        _ => Severity::Info,
    };
    of(
        format!("Budget {name} has reached {mark} %"),
        format!("Spent: {}.", so_far(record)),
        severity,
    )
}

fn exhausted(record: &AuditRecord, name: &str) -> Words {
    let wanted = amount(record, "wanted").map(|(_, text)| text).unwrap_or_default();
    let held = amount(record, "held").filter(|(held, _)| *held > 0);
    let held = held
        .map(|(_, text)| format!("; held for calls under way: {text}"))
        .unwrap_or_default();
    of(
        format!("Budget {name} refuses calls"),
        format!(
            "A call that may need {wanted} was refused. Spent: {}{held}.",
            so_far(record)
        ),
        Severity::Error,
    )
}

/// `$8.00 of $10.00 since 2026-11-01T00:00:00Z`.
fn so_far(record: &AuditRecord) -> String {
    let spent = amount(record, "spent").map_or_else(|| "all".to_owned(), |(_, text)| text);
    let limit = amount(record, "limit").map(|(_, text)| format!(" of {text}"));
    let since = said(record, "window_start").and_then(|start| start.parse().ok());
    let since = since.filter(|start| *start > 0);
    let since = since.map(|start| format!(" since {}", time(UnixMillis(start))));
    format!(
        "{spent}{}{}",
        limit.unwrap_or_default(),
        since.unwrap_or_default()
    )
}

fn unpriced(record: &AuditRecord, model: &str) -> Words {
    let is_free = record.outcome == AuditOutcome::Done;
    let text = match is_free {
        true => {
            "Calls for it are let through and count as free: no budget of money holds them. Add a price under `prices.overrides`."
        }
        false => "Calls for it are refused until it has one: add it under `prices.overrides`.",
    };
    of(format!("Model {model} has no price"), text, Severity::Warning)
}

fn plain(record: &AuditRecord, act: &str, target: &str) -> Words {
    let on = if target.is_empty() {
        String::new()
    } else {
        format!(" on {target}")
    };
    match &record.outcome {
        AuditOutcome::Done => {
            let severity = match record.threat {
                Some(_) => Severity::Warning,
                None => Severity::Info,
            };
            of(act, format!("{} did {act}{on}.", who(record)), severity)
        }
        AuditOutcome::Refused(code) => of(
            format!("{act} was refused"),
            format!("{} was refused {act}{on}: {code}.", who(record)),
            Severity::Warning,
        ),
    }
}

/// RFC 3339, in seconds.
pub fn time(at: UnixMillis) -> String {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    format!("{at:.0}")
}
