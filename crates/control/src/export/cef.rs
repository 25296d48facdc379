//! ArcSight's Common Event Format, version 0: a header of seven fields parted by pipes, then `key=value` pairs.

use ledger::{AuditOutcome, AuditRecord};

use super::{actor, outcome};

/// One record. What it means is in `act`; who acted is `suser`, on what is `cs1`.
// threat: AGP-R3
pub fn line(record: &AuditRecord) -> String {
    let (kind, id, name) = actor(record);
    let severity = match (&record.outcome, record.threat) {
        (AuditOutcome::Done, _) => "2",
        (AuditOutcome::Refused(_), None) => "4",
        (AuditOutcome::Refused(_), Some(_)) => "6",
    };
    let header = [
        "CEF:0",
        "Bartizan",
        "bartizan",
        env!("CARGO_PKG_VERSION"),
        &record.act,
        &record.act,
        severity,
    ];
    let mut line = header.map(in_header).join("|") + "|";
    let policies = record.policies.join(" ");
    let target = record.target.as_deref().unwrap_or_default();
    let (at, address) = (
        record.at.0.to_string(),
        record
            .address
            .map(|address| address.to_string())
            .unwrap_or_default(),
    );
    let (event, tenant) = (record.id.to_string(), record.tenant.to_string());
    let threat = record.threat.map(|threat| threat.to_string()).unwrap_or_default();
    let source = if record.address.is_some_and(|address| address.is_ipv6()) {
        "c6a2"
    } else {
        "src"
    };
    let pairs = [
        ("rt", at.as_str()),
        ("externalId", &event),
        (source, &address),
        ("suid", id),
        ("suser", name),
        ("spriv", kind),
        ("outcome", outcome(record)),
        ("act", &record.act),
        ("cs1Label", "target"),
        ("cs1", target),
        ("cs2Label", "tenant"),
        ("cs2", &tenant),
        ("cs3Label", "threat"),
        ("cs3", &threat),
        ("cs4Label", "policies"),
        ("cs4", &policies),
    ];
    let filled = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = filled
        .map(|(key, value)| format!("{key}={}", in_pair(value)))
        .collect();
    line.push_str(&pairs.join(" "));
    line.push('\n');
    line
}

/// A header's field: pipes and backslashes escaped, on one line.
fn in_header(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\r', '\n'], " ")
}

/// A value: equals signs and backslashes escaped, line ends written as such.
fn in_pair(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('=', "\\=")
        .replace('\r', "\\r")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use domain::{AuditId, TenantId, UnixMillis};
    use ledger::AuditActor;

    use super::*;

    fn typed(name: &str, act: &str) -> String {
        let whose = (AuditId::from_u128(1), TenantId::from_u128(2));
        let actor = AuditActor::Stranger(name.to_owned());
        line(&AuditRecord {
            address: Some("10.0.0.1".parse().unwrap()),
            ..AuditRecord::done(whose, UnixMillis(3), actor, act)
        })
    }

    #[test]
    fn a_line_has_seven_fields_and_pairs() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            typed("ann", "sign_in"),
            format!(
                "CEF:0|Bartizan|bartizan|{version}|sign_in|sign_in|2|rt=3 \
                 externalId=aud_00000000000000000000000000000001 src=10.0.0.1 suser=ann spriv=stranger outcome=done \
                 act=sign_in cs1Label=target cs2Label=tenant cs2=tnt_00000000000000000000000000000002 \
                 cs3Label=threat cs4Label=policies\n"
            )
        );
    }

    #[test]
    fn agp_r3_what_is_typed_makes_neither_a_field_nor_a_pair_nor_a_line() {
        let name = "a|b\\ outcome=done\nCEF:0|x\r\nsuser=root";
        let line = typed(name, "a|b\\c\nd");
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(line.contains(r"|a\|b\\c d|a\|b\\c d|2|"), "{line}");
        assert!(
            line.contains(r"suser=a|b\\ outcome\=done\nCEF:0|x\r\nsuser\=root spriv="),
            "{line}"
        );
    }
}
