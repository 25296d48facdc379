//! What `bartizan usage` says.

use super::*;
use domain::KeyId;
use store::MemoryStore;
use store::usage::Period;

fn row(group: &[&str], requests: u64, cost: i64) -> UsageRow {
    let mut sums = Sums {
        requests,
        refused: 1,
        cost: Money::from_nanos(cost),
        ..Sums::default()
    };
    (sums.tokens.input, sums.tokens.output) = (100, 20);
    UsageRow {
        period: None,
        group: group.iter().map(|value| (*value).to_owned()).collect(),
        is_rest: group.is_empty(),
        sums,
    }
}

async fn view(by: &[Dimension], rows: Vec<UsageRow>) -> UsageView {
    let names = Names::read(&MemoryStore::new()).await.unwrap();
    let query = UsageQuery::over(UnixMillis(0), UnixMillis(1_000)).by(by.iter().cloned());
    let total = rows.iter().fold(Sums::default(), |all, row| all.plus(&row.sums));
    let report = UsageReport {
        groups: rows.len(),
        rows,
        total,
    };
    UsageView::new(&query, report, TenantId::from_u128(1), &names)
}

#[tokio::test]
async fn usage_is_shown_as_reviewed() {
    let rows = vec![row(&["gpt-4o"], 3, 42_000), row(&["-"], 1, 0), row(&[], 5, 7)];
    let mut view = view(&[Dimension::Model], rows).await;
    let mut out = Vec::new();
    Show::new(false).write(&view, &mut out).unwrap();
    Show::new(true).write(&view, &mut out).unwrap();
    csv::write(&view, &mut out).unwrap();
    view.is_chart = true;
    Show::new(false).write(&view, &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[tokio::test]
async fn rows_over_time_begin_with_their_period() {
    let mut first = row(&["a", "b"], 1, 1_000_000_000);
    first.period = Some(Period {
        from: UnixMillis(0),
        until: UnixMillis(1),
        name: "1970-01-01".to_owned(),
    });
    let mut view = view(&[Dimension::Model, Dimension::Tag], vec![first]).await;
    (view.grain, view.by) = (Some("day"), "model,tag,day".to_owned());
    let mut out = Vec::new();
    view.text(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.trim_start().starts_with("day"), "{text}");
    assert!(text.contains("1970-01-01") && text.contains('a'), "{text}");
}

#[tokio::test]
async fn a_deleted_key_is_shown_by_its_id() {
    let id = KeyId::from_u128(9).to_string();
    let view = view(&[Dimension::Key], vec![row(&[&id], 1, 1)]).await;
    assert_eq!(view.rows.first().map(|row| row.name.as_str()), Some(id.as_str()));
}
