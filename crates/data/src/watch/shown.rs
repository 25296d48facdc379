//! What guards outside see of a channel, and where in what was said their findings lie.

use std::ops::Range;

use guard::Found;

use super::cuts::Cuts;

/// All that one channel said, for guards outside. Never shown in a log.
#[derive(Default)]
pub struct Kept(String);

/// What guards outside see of one channel, and where it comes from.
pub struct Shown {
    /// With what the gate's own guards replace replaced.
    pub text: String,
    /// Stretches in order: where each begins and ends in `text`, and in what was said.
    pieces: Vec<(Range<usize>, Range<usize>)>,
}

impl Kept {
    /// Takes the next piece.
    pub fn push(&mut self, text: &str) {
        self.0.push_str(text);
    }

    /// Keeps nothing any more; how many bytes there were.
    pub fn forget(&mut self) -> usize {
        std::mem::take(&mut self.0).len()
    }

    /// All of it as guards outside see it, with what was `found` replaced.
    pub fn shown(&self, found: &[Found]) -> Shown {
        let mut shown = Shown {
            text: String::with_capacity(self.0.len()),
            pieces: Vec::new(),
        };
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.0.len());
        let mut said = 0;
        let mut cuts = Cuts::default();
        cuts.update(found, 0);
        for (start, end, rule) in cuts.within(0..u64::MAX) {
            let (start, end) = (place(*start).max(said), place(*end).max(said));
            shown.push(self.0.get(said..start).unwrap_or_default(), said..start);
            shown.push(&format!("[redacted:{rule}]"), start..end);
            said = end;
        }
        shown.push(self.0.get(said..).unwrap_or_default(), said..self.0.len());
        shown
    }
}

impl Shown {
    fn push(&mut self, text: &str, said: Range<usize>) {
        let start = self.text.len();
        self.text.push_str(text);
        self.pieces.push((start..self.text.len(), said));
    }

    /// Where in what was said this is; a part of a marker is all that it stands for.
    pub fn place(&self, span: &Range<usize>) -> Range<usize> {
        let touched =
            |(shown, _): &&(Range<usize>, Range<usize>)| shown.start < span.end && span.start < shown.end;
        let within = |(shown, said): &(Range<usize>, Range<usize>)| {
            if shown.len() != said.len() {
                return said.clone();
            }
            let from = span.start.max(shown.start) - shown.start;
            let to = span.end.min(shown.end) - shown.start;
            said.start + from..said.start + to
        };
        let places = self.pieces.iter().filter(touched).map(within);
        places
            .reduce(|first, next| first.start..next.end)
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("bytes", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_guards_outside_find_is_found_where_it_was_said() {
        let said = "key AKIA0123 and añ name Ada, end";
        let mut shown = Shown {
            text: String::new(),
            pieces: Vec::new(),
        };
        shown.push(&said[..4], 0..4);
        shown.push("[redacted:k]", 4..12);
        shown.push(&said[12..], 12..said.len());
        let find = |text: &str| {
            let at = shown.text.find(text).unwrap();
            &said[shown.place(&(at..at + text.len()))]
        };
        assert_eq!(find("Ada"), "Ada");
        assert_eq!(find("key "), "key ");
        assert_eq!(find("dacted"), "AKIA0123");
        assert_eq!(find("y [redacted:k] an"), "y AKIA0123 an");
        assert_eq!(shown.place(&(900..901)), 0..0);
    }
}
