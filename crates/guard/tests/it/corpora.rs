//! Precision and recall on labelled texts, where the development corpora are at hand; silent elsewhere.
//! `cargo test -p guard --test it corpora -- --nocapture` prints the figures.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use guard::{Personal, Secrets};
use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora/dev");

/// The rows of a corpus; `None` when it, or the tool to unpack it, is not here.
pub(crate) fn rows(name: &str) -> Option<Vec<Value>> {
    let file = Path::new(FOLDER).join(name);
    let unpacked = file
        .exists()
        .then(|| Command::new("gzip").arg("-dc").arg(&file).output())?
        .ok()?;
    let text = String::from_utf8(unpacked.stdout).ok()?;
    text.lines().map(|line| serde_json::from_str(line).ok()).collect()
}

fn flagged(secrets: &Secrets, row: &Value) -> Vec<String> {
    let mut found = Vec::new();
    secrets.scan(row["text"].as_str().unwrap(), &mut found);
    found
        .into_iter()
        .map(|finding| finding.rule.into_owned())
        .collect()
}

#[test]
fn agp_i3_corpora_precision_is_at_least_nine_in_ten() {
    let Some(rows) = rows("secrets.jsonl.gz") else {
        return;
    };
    let secrets = Secrets::new();
    let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
    let mut wrong_by_rule: BTreeMap<String, u32> = BTreeMap::new();
    for row in &rows {
        let rules = flagged(&secrets, row);
        match (row["label"] == 1, rules.first().cloned()) {
            (true, Some(_)) => right += 1,
            (true, None) => missed += 1,
            (false, Some(rule)) => {
                wrong += 1;
                *wrong_by_rule.entry(rule).or_default() += 1;
            }
            (false, None) => {}
        }
        assert!(
            row["kind"] != "checksum_line" || rules.is_empty(),
            "a checksum is no secret: {row}"
        );
    }
    let precision = f64::from(right) / f64::from(right + wrong);
    let recall = f64::from(right) / f64::from(right + missed);
    println!(
        "secrets: precision {precision:.3} recall {recall:.3} (right {right}, wrong {wrong}, missed {missed})"
    );
    println!("wrong by rule: {wrong_by_rule:?}");
    assert!(precision >= 0.9, "precision {precision}");
}

#[test]
fn corpora_benign_texts_are_left_alone() {
    let Some(rows) = rows("benign.jsonl.gz") else {
        return;
    };
    let secrets = Secrets::new();
    let wrong: Vec<_> = rows
        .iter()
        .map(|row| (&row["id"], flagged(&secrets, row)))
        .filter(|(_, rules)| !rules.is_empty())
        .collect();
    println!("benign: {} of {} flagged {wrong:?}", wrong.len(), rows.len());
    assert!(wrong.len() * 200 <= rows.len(), "{wrong:?}");
}

/// What the corpora call what our rules find. Types that no rule promises, such as organisations, are not counted.
fn wanted(label: &str) -> Option<&'static str> {
    Some(match label {
        "EMAIL" => "e-mail",
        "PHONE" => "telephone",
        "CREDIT_CARD" => "card",
        "IBAN" => "account",
        "IP" => "machine",
        "NATIONAL_ID" => "national id",
        "DRIVER_LICENCE" => "driving licence",
        "ADDRESS" => "address",
        "PERSON" => "name",
        _ => return None,
    })
}

/// Kinds without a form of their own, of which figures are printed and nothing is promised.
const UNPROMISED: [&str; 1] = ["name"];

#[test]
fn anp_0010_corpora_personal_data_is_found_and_little_else() {
    let Some(rows) = rows("pii.jsonl.gz") else {
        return;
    };
    let personal = Personal::new();
    // By source and kind: found, and all there are. By source: findings that are of something, and all of them.
    let mut recall: BTreeMap<(String, &str), (u32, u32)> = BTreeMap::new();
    let mut precision: BTreeMap<(String, bool), (u32, u32)> = BTreeMap::new();
    let (mut benign, mut flagged) = (0_u32, 0_u32);
    for row in &rows {
        let text = row["text"].as_str().unwrap();
        let source = row["source"].as_str().unwrap().to_owned();
        let byte = |at: &Value| {
            let characters = at.as_u64().unwrap() as usize;
            text.char_indices()
                .nth(characters)
                .map_or(text.len(), |(at, _)| at)
        };
        let spans: Vec<_> = row["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|span| {
                (
                    byte(&span["start"])..byte(&span["end"]),
                    span["type"].as_str().unwrap(),
                )
            })
            .collect();
        let mut found = Vec::new();
        personal.scan(text, &mut found);
        for (span, label) in &spans {
            let Some(kind) = wanted(label) else { continue };
            let (right, all) = recall.entry((source.clone(), kind)).or_default();
            *right += u32::from(
                found
                    .iter()
                    .any(|finding| finding.span.start < span.end && span.start < finding.span.end),
            );
            *all += 1;
        }
        for finding in &found {
            let (right, all) = precision
                .entry((source.clone(), finding.rule == "person"))
                .or_default();
            *right += u32::from(
                spans
                    .iter()
                    .any(|(span, _)| finding.span.start < span.end && span.start < finding.span.end),
            );
            *all += 1;
        }
        if spans.is_empty() {
            benign += 1;
            flagged += u32::from(found.iter().any(|finding| finding.rule != "person"));
        }
    }
    let share = |(right, all): (u32, u32)| f64::from(right) / f64::from(all.max(1));
    for ((source, kind), counts) in &recall {
        println!("{source}: {kind}: recall {:.3} of {}", share(*counts), counts.1);
        assert!(
            UNPROMISED.contains(kind) || share(*counts) >= 0.8,
            "{source}: {kind}"
        );
    }
    for ((source, names), counts) in &precision {
        let what = if *names { "names" } else { "all but names" };
        println!(
            "{source}: {what}: precision {:.3} of {}",
            share(*counts),
            counts.1
        );
        assert!(*names || share(*counts) >= 0.97, "{source}");
    }
    let of = |kept: &dyn Fn(&str) -> bool| {
        let counts = recall
            .iter()
            .filter(|((_, kind), _)| kept(kind))
            .map(|(_, counts)| *counts);
        share(counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)))
    };
    let structured = of(&|kind| !UNPROMISED.contains(&kind));
    println!(
        "structured: recall {structured:.3}; names: recall {:.3}; benign: {flagged} of {benign} flagged",
        of(&|kind| kind == "name")
    );
    assert!(structured >= 0.92 && flagged * 100 <= benign);
}

#[test]
fn corpora_benign_texts_are_of_nobody() {
    let Some(rows) = rows("benign.jsonl.gz") else {
        return;
    };
    let personal = Personal::new();
    let flagged = rows.iter().filter(|row| {
        let mut found = Vec::new();
        personal.scan(row["text"].as_str().unwrap(), &mut found);
        !found.is_empty()
    });
    let flagged = flagged.count();
    println!("benign: {flagged} of {} flagged", rows.len());
    assert!(flagged * 100 <= rows.len());
}
