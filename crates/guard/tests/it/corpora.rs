//! Precision and recall on labelled texts, where the development corpora are at hand; silent elsewhere.
//! `cargo test -p guard --test it corpora -- --nocapture` prints the figures.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use guard::Secrets;
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

fn flagged(secrets: &Secrets, row: &Value) -> Vec<&'static str> {
    let mut found = Vec::new();
    secrets.scan(row["text"].as_str().unwrap(), &mut found);
    found.into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn agp_i3_corpora_precision_is_at_least_nine_in_ten() {
    let Some(rows) = rows("secrets.jsonl.gz") else {
        return;
    };
    let secrets = Secrets::new();
    let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
    let mut wrong_by_rule: BTreeMap<&str, u32> = BTreeMap::new();
    for row in &rows {
        let rules = flagged(&secrets, row);
        match (row["label"] == 1, rules.first()) {
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
