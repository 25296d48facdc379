//! Saying what a command found: text for people, JSON for programs.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::failure::Failure;

/// What a command has to say. Its serialised fields are stable: programs read them.
pub trait Shown: Serialize {
    /// The same for people.
    fn text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// How to say it.
#[derive(Debug, Clone, Copy)]
pub struct Show {
    json: bool,
}

impl Show {
    /// As JSON, or as text.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Says it on standard output.
    pub fn say(self, what: &impl Shown) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        finish(self.write(what, &mut out).and_then(|()| out.flush()))
    }

    /// Says it there.
    pub fn write(self, what: &impl Shown, out: &mut dyn Write) -> io::Result<()> {
        if !self.json {
            return what.text(out);
        }
        serde_json::to_writer_pretty(&mut *out, what)?;
        writeln!(out)
    }
}

/// Whether output went well. A reader that has seen enough, such as `head`, is no failure.
pub fn finish(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|e| Failure::new(format!("the output cannot be written: {e}"))),
    }
}

/// A remark beside the output, on standard error: programs that read the output do not stumble over it.
pub fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "note: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Two {
        name: &'static str,
        size: u64,
    }

    impl Shown for Two {
        fn text(&self, out: &mut dyn Write) -> io::Result<()> {
            writeln!(out, "{} of {}", self.name, self.size)
        }
    }

    #[test]
    fn people_get_text_and_programs_json() {
        let said = |json| {
            let mut out = Vec::new();
            Show::new(json)
                .write(&Two { name: "log", size: 3 }, &mut out)
                .unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(said(false), "log of 3\n");
        assert_eq!(said(true), "{\n  \"name\": \"log\",\n  \"size\": 3\n}\n");
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is() {
        assert!(finish(Err(ErrorKind::BrokenPipe.into())).is_ok());
        assert!(finish(Err(ErrorKind::StorageFull.into())).is_err());
    }
}
