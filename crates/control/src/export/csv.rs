//! CSV (RFC 4180). A spreadsheet that opens it must not take what somebody typed for a formula.

use ledger::AuditRecord;

use super::{actor, outcome};
use crate::resource::words::time;

/// The first line.
pub const HEADER: &str = "index,id,time,tenant,actor_kind,actor_id,actor_name,address,act,target,outcome,threat,policies,before,after\r\n";

/// One record.
// threat: AGP-R3
pub fn line(index: u64, record: &AuditRecord) -> String {
    let (kind, id, name) = actor(record);
    let value =
        |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let fields = [
        index.to_string(),
        record.id.to_string(),
        time(record.at),
        record.tenant.to_string(),
        kind.to_owned(),
        id.to_owned(),
        name.to_owned(),
        record
            .address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        record.act.clone(),
        record.target.clone().unwrap_or_default(),
        outcome(record).to_owned(),
        record.threat.map(|threat| threat.to_string()).unwrap_or_default(),
        record.policies.join(" "),
        value(&record.before),
        value(&record.after),
    ];
    fields.map(|field| cell(&field)).join(",") + "\r\n"
}

/// A field in quotes. What a spreadsheet would compute gets an apostrophe before it, which makes it text.
pub fn cell(text: &str) -> String {
    let begins = text.trim_start_matches([' ', '\u{a0}']).chars().next();
    let is_formula = begins.is_some_and(|first| {
        matches!(
            first,
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '|' | '＝' | '＋' | '－' | '＠'
        )
    });
    let apostrophe = if is_formula { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_r3_what_a_spreadsheet_would_compute_is_text() {
        for (typed, expected) in [
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("  =1", "\"'  =1\""),
            ("＝1", "\"'＝1\""),
            ("ann@acme.example", "\"ann@acme.example\""),
            ("a,b\r\n\"c\"", "\"a,b\r\n\"\"c\"\"\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(typed), expected);
        }
    }
}
