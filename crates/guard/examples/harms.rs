//! What `scripts/guard/train_moderation.py` learns from: reads texts as JSON strings, one a line, and writes for each a line of
//! JSON with the scores of its harms, and for each window the traits and what rules say. Prints no text.

use std::error::Error;
use std::io::{BufRead, Write};

use guard::Moderation;

fn main() -> Result<(), Box<dyn Error>> {
    let guard = Moderation::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let row = (guard.judge(&text).scores, Moderation::traits(&text));
        serde_json::to_writer(&mut out, &row)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
