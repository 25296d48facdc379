//! What is said of each act; and records that tests of the forms share.

use domain::{AuditId, BudgetId, TenantId, UnixMillis};
use serde_json::json;

use super::super::message::Message;
use super::*;

/// A budget that is four fifths spent.
pub fn mark() -> AuditRecord {
    let ids = (AuditId::from_u128(1), TenantId::from_u128(2));
    let gate = AuditActor::Gate("budgets".to_owned());
    AuditRecord {
        target: Some(BudgetId::from_u128(9).to_string()),
        after: Some(json!({
            "mark": 80, "name": "month", "window_start": 1_793_491_200_000_i64,
            "spent_nanos": 8_250_000_000_i64, "limit_nanos": 10_000_000_000_i64,
        })),
        ..AuditRecord::done(ids, UnixMillis(1_795_305_600_123), gate, "budgets.mark")
    }
}

/// One whose every word comes from somebody who means ill.
pub fn evil() -> AuditRecord {
    let text =
        "<!channel> @channel @HERE <https://evil|x> *bold* `code` </b>\r\nBcc: all@evil.example\u{202e}";
    AuditRecord {
        actor: AuditActor::Stranger(text.to_owned()),
        act: format!("sign_in {text}"),
        target: Some(text.to_owned()),
        after: Some(json!({"name": text, "key": text})),
        ..mark()
    }
}

pub fn around() -> Around<'static> {
    Around {
        tenant: "acme",
        public_url: Some("https://gate.example.com/"),
        more: 0,
    }
}

pub fn message(record: AuditRecord) -> Message {
    Message::of_record(7, record, String::new(), around())
}

#[test]
fn every_act_with_words_of_its_own() {
    let gate = |act: &str, after| AuditRecord {
        act: act.to_owned(),
        after: Some(after),
        ..mark()
    };
    let exhausted = json!({
        "name": "month", "window_start": 0, "limit_tokens": 1000, "wanted_tokens": 64, "spent_tokens": 960,
        "held_tokens": 10, "key": "key_1",
    });
    let records = [
        mark(),
        gate("budgets.exhausted", exhausted),
        AuditRecord {
            target: Some("m-1".to_owned()),
            outcome: AuditOutcome::Refused("model_unpriced".to_owned()),
            ..gate("models.unpriced", json!({"key": "key_1"}))
        },
        AuditRecord {
            target: Some("oa/m".to_owned()),
            ..gate("provider.breaker_opened", json!({}))
        },
        AuditRecord {
            target: Some("elsewhere".to_owned()),
            ..gate(
                "witness.disagrees",
                json!({"log": "gate/tnt_1", "seen": 9, "size": 5, "why": "it was rolled back"}),
            )
        },
        AuditRecord {
            target: Some("slack".to_owned()),
            ..gate(
                "alerts.dead",
                json!({"count": 3, "why": "answered with 404 Not Found"}),
            )
        },
        AuditRecord {
            actor: AuditActor::User("usr_1".to_owned(), "ann@acme.example".to_owned()),
            after: None,
            target: Some("key_1".to_owned()),
            ..gate("keys.revoke", json!(null))
        },
    ];
    let told: Vec<_> = records.iter().map(|record| Alert::of(record, around())).collect();
    insta::assert_debug_snapshot!(told);
}

#[test]
fn agp_r3_what_callers_write_is_cut_short_and_begins_no_line() {
    let long = AuditRecord {
        target: Some("x".repeat(10_000)),
        ..evil()
    };
    let alert = Alert::of(&long, around());
    let all = [&alert.title, &alert.text]
        .into_iter()
        .chain(alert.fields.iter().map(|(_, value)| value));
    for text in all {
        assert!(!text.chars().any(is_odd), "{text:?}");
        assert!(text.chars().count() <= TEXT_CHARS_MAX);
    }
    assert!(alert.title.chars().count() <= TITLE_CHARS_MAX);
    let link = Alert::of(&evil(), around()).link.unwrap();
    assert!(
        link.starts_with("https://gate.example.com/api/v1/tenants/tnt_"),
        "{link}"
    );
    assert!(!link.contains(' ') && !link.contains('<'), "{link}");
}

#[test]
fn what_came_again_is_counted_and_a_full_budget_is_a_full_bar() {
    let more = |more| Alert::of(&mark(), Around { more, ..around() });
    assert!(more(3).text.starts_with("It came 3 more times"));
    assert_eq!(more(0).bar().unwrap(), "████████████████░░░░ 82 %");
    let mut over = mark();
    over.after.as_mut().unwrap()["spent_nanos"] = 20_000_000_000_i64.into();
    assert_eq!(
        Alert::of(&over, around()).bar().unwrap(),
        format!("{} 200 %", "█".repeat(20))
    );
    let other = AuditRecord {
        at: UnixMillis(5),
        ..mark()
    };
    assert_eq!(
        sameness(&mark()),
        sameness(&other),
        "another time is the same thing"
    );
    let mut next = mark();
    next.after.as_mut().unwrap()["mark"] = 90.into();
    assert_ne!(sameness(&mark()), sameness(&next));
}
