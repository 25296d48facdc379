//! Labelled texts: one JSON object a line. Never keeps more than one line in memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::{Failure, Hint};

/// The longest line that is read.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// One labelled text. Fields that are not known here are passed over: data sets have many.
#[derive(Debug, Deserialize)]
pub struct Row {
    /// The text.
    pub text: String,
    /// 1 where it is what the guard looks for, 0 where it is not.
    pub label: u8,
    /// Where it comes from.
    #[serde(default)]
    pub source: Option<String>,
    /// What kind of text it is.
    #[serde(default)]
    pub kind: Option<String>,
    /// What is to be found in it, where that is known.
    #[serde(default)]
    pub spans: Option<Vec<Span>>,
}

/// One thing that is to be found.
#[derive(Debug, Deserialize)]
pub struct Span {
    /// From this character on,
    pub start: usize,
    /// up to this one.
    pub end: usize,
    /// What it is, in the data set's own words.
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
}

/// Hands out every row of the files, in order. `-` is standard input.
pub fn read(files: &[PathBuf], mut each: impl FnMut(Row)) -> Result<(), Failure> {
    for file in files {
        let mut lines = opened(file).map_err(|e| unreadable(file, &e))?;
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read = (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            if read.map_err(|e| unreadable(file, &e))? == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            each(serde_json::from_slice(&line).map_err(|e| unlabelled(file, number, &e))?);
        }
    }
    Ok(())
}

fn opened(file: &Path) -> io::Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    Ok(Box::new(BufReader::new(File::open(file)?)))
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("`{}` cannot be read: {error}", file.display()))
}

/// What is wrong with a line, without a word of it: data sets hold secrets.
fn unlabelled(file: &Path, number: u64, error: &serde_json::Error) -> Failure {
    let (what, column) = match error.classify() {
        serde_json::error::Category::Data => ("has not the fields of a labelled text", error.column()),
        _ => ("is no JSON", error.column()),
    };
    Failure::usage(format!(
        "line {number} of `{}` {what} (column {column})",
        file.display()
    ))
    .hint("one JSON object a line: {\"text\": …, \"label\": 0 or 1, \"source\": …, \"kind\": …, \"spans\": [{\"start\", \"end\", \"type\"}]}")
}
