//! What `scripts/guard/train.py` learns from: reads texts as JSON strings, one a line, and writes for each
//! a line of JSON with its scores and the hashed traits of its readings. Prints no text.

use std::error::Error;
use std::io::{BufRead, Write};

use guard::{Injection, Origin};

fn main() -> Result<(), Box<dyn Error>> {
    let guard = Injection::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let (text, data): (String, bool) = serde_json::from_str(&line?)?;
        let origin = if data { Origin::Document } else { Origin::User };
        let verdict = guard.judge(&text, origin);
        let rules: Vec<_> = verdict
            .findings
            .iter()
            .map(|finding| finding.rule.clone())
            .collect();
        let row = (verdict.rules, verdict.score, rules, guard.traits(&text));
        serde_json::to_writer(&mut out, &row)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
