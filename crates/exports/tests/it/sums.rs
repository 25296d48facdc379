//! Sums are the ledger's, to the nano-dollar, in every form.

use exports::{Format, Grain, Ground, Manifest, Rows, RowsError, Sums, Unpriced, read_nanos};
use ledger::Entry;
use proptest::prelude::*;

use crate::scene::{column, entries, entry, names, rows, text, written};

fn nanos(entries: &[Entry]) -> i128 {
    entries.iter().map(|entry| i128::from(entry.cost.nanos())).sum()
}

fn summed(text: &str, name: &str) -> i128 {
    column(text, name)
        .iter()
        .map(|cell| read_nanos(cell).unwrap())
        .sum()
}

#[test]
fn agp_r2_every_form_sums_to_the_ledger() {
    let all = entries();
    for grain in [Grain::Hour, Grain::Day] {
        let rows = rows(&all, grain);
        assert_eq!(rows.total().used.nanos, nanos(&all));
        for (format, name) in [
            (Format::Focus, "BilledCost"),
            (Format::Focus, "EffectiveCost"),
            (Format::Csv, "cost_usd"),
            (Format::Originals, "total_cost"),
        ] {
            assert_eq!(
                summed(&text(format, &rows), name),
                nanos(&all),
                "{format:?} {name}"
            );
        }
        let lines = text(Format::Json, &rows);
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let sum: i128 = lines
            .map(|line| line["cost_nanos"].to_string().parse::<i128>().unwrap())
            .sum();
        assert_eq!(sum, nanos(&all));
    }
}

#[test]
fn calls_and_tokens_are_counted_once_each() {
    let all = entries();
    let rows = rows(&all, Grain::Day);
    let calls: u64 = rows.iter().map(|(_, used)| used.calls).sum();
    assert_eq!(calls, all.len() as u64);
    let tokens: u128 = all
        .iter()
        .map(|entry| u128::from(entry.usage.prompt()) + u128::from(entry.usage.output))
        .sum();
    assert_eq!(rows.total().used.tokens(), tokens);
}

#[test]
fn what_a_call_cost_is_told_apart_by_class_only_where_its_price_is_known() {
    let classes = |entry: Entry| {
        let rows = rows(&[entry], Grain::Day);
        column(&text(Format::Csv, &rows), "token_class")
    };
    assert_eq!(
        classes(entry(1, |_| {})),
        ["input", "cache_read", "output", "request"]
    );
    assert_eq!(
        classes(entry(1, |entry| entry.price_version = "forgotten".into())),
        ["all"]
    );
    // A price that does not make the cost is not the price it was reckoned by.
    assert_eq!(
        classes(entry(1, |entry| entry.cost = domain::Money::from_nanos(5))),
        ["all"]
    );
}

#[test]
fn the_table_of_earlier_reporters_is_as_they_wrote_it() {
    let text = text(Format::Originals, &rows(&[entry(1, |_| {})], Grain::Hour));
    let team = domain::TeamId::from_u128(2);
    let row = format!("2026-11-22,usr_7,{team},gpt-4o,1,1078,333,0.005928757");
    assert_eq!(
        text,
        format!(
            "date,user_id,team_id,model,request_count,input_tokens,output_tokens,total_cost\r\n{row}\r\n"
        )
    );
}

#[test]
fn agp_r3_no_cell_is_a_formula() {
    let all = entries();
    let rows = rows(&all, Grain::Day);
    for format in [Format::Focus, Format::Csv, Format::Originals] {
        for row in crate::scene::table(&text(format, &rows)).1 {
            for cell in row {
                let is_number = read_nanos(&cell).is_some();
                assert!(
                    is_number || !cell.starts_with(['=', '+', '-', '@', '|']),
                    "{format:?}: {cell}"
                );
            }
        }
    }
    // Forms that no spreadsheet runs keep what was typed.
    assert!(text(Format::Json, &rows).contains("\"key\":\"=cmd|' /C calc'!A0\""));
}

#[test]
fn the_same_rows_are_the_same_bytes() {
    for format in Format::ALL {
        assert_eq!(
            written(format, &rows(&entries(), Grain::Day)),
            written(format, &rows(&entries(), Grain::Day))
        );
    }
}

#[test]
fn rows_are_bounded_and_foreign_bytes_refused() {
    let mut rows = Rows::new(Grain::Day, 2);
    rows.add(0, &entry(1, |_| {}).to_bytes(), &Unpriced).unwrap();
    rows.add(1, &entry(2, |_| {}).to_bytes(), &Unpriced).unwrap();
    rows.add(2, &entry(3, |entry| entry.model = None).to_bytes(), &Unpriced)
        .unwrap();
    let third = entry(4, |entry| entry.model = Some("other".into())).to_bytes();
    assert_eq!(rows.add(3, &third, &Unpriced), Err(RowsError::Many(2)));
    let mut few = Rows::new(Grain::Day, 9).of_calls(1);
    few.add(0, &entry(1, |_| {}).to_bytes(), &Unpriced).unwrap();
    assert_eq!(few.add(1, &third, &Unpriced), Err(RowsError::Calls(1)));
    assert!(matches!(
        rows.add(9, b"{}", &Unpriced),
        Err(RowsError::Entry { index: 9, .. })
    ));
}

fn manifest(rows: &Rows) -> Manifest {
    Manifest {
        format: exports::FORMAT.to_owned(),
        kind: Format::Focus,
        focus_version: Some(exports::focus::VERSION.to_owned()),
        tenant: names().tenant.to_string(),
        from: String::new(),
        until: String::new(),
        grain: Grain::Day,
        rows: rows.len() as u64,
        bytes: 0,
        sha256: String::new(),
        sums: Sums::of(rows.total()),
        ledger: Ground::of(rows.total(), ("bartizan.example/ledger", 6), None),
    }
}

#[test]
fn agp_r2_a_manifest_finds_every_change_of_the_ledger() {
    let all = entries();
    let manifest = manifest(&rows(&all, Grain::Day));
    let read: Manifest = serde_json::from_str(&serde_json::to_string(&manifest).unwrap()).unwrap();
    assert_eq!(read.against(rows(&all, Grain::Hour).total()).differences, [""; 0]);
    let changed = |change: fn(&mut Vec<Entry>)| {
        let mut all = entries();
        change(&mut all);
        !manifest
            .against(rows(&all, Grain::Day).total())
            .differences
            .is_empty()
    };
    assert!(changed(|all| all[0].cost = domain::Money::from_nanos(1)));
    assert!(changed(|all| drop(all.pop())));
    assert!(changed(|all| all.swap(0, 1)));
    assert!(changed(|all| all[2].status = 201), "also where no sum changes");
    assert!(changed(|all| all.push(entry(7, |_| {}))));
}

proptest! {
    #[test]
    fn agp_r2_no_mix_of_calls_loses_a_nano_dollar(
        calls in proptest::collection::vec((0u64..5_000_000, 0u64..5_000_000, 0u64..5_000_000, -3i64..3, any::<bool>()), 0..40),
        hourly in any::<bool>(),
    ) {
        let all: Vec<Entry> = (0u128..).zip(calls).map(|(number, (input, output, cache_read, off, known))| entry(number, |entry| {
            entry.usage = domain::Usage { input, output, cache_read, ..domain::Usage::default() };
            entry.cost = crate::scene::price().cost(&entry.usage).plus(domain::Money::from_nanos(if known { 0 } else { off }));
            entry.finished = domain::UnixMillis(entry.finished.0 + off * crate::scene::HOUR);
        })).collect();
        let rows = rows(&all, if hourly { Grain::Hour } else { Grain::Day });
        prop_assert_eq!(summed(&text(Format::Focus, &rows), "BilledCost"), nanos(&all));
        prop_assert_eq!(summed(&text(Format::Csv, &rows), "cost_usd"), nanos(&all));
        let check = exports::focus::check_csv(text(Format::Focus, &rows).as_bytes()).unwrap();
        prop_assert!(check.is_good(), "{:?}", check.findings);
    }
}
