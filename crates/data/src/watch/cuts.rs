//! What of a channel is replaced: stretches in order, worked out once for what was found, and not again for every event.

use std::borrow::Cow;
use std::ops::Range;

use guard::{Action, Found};

/// Where something is replaced, from where to where, and by which rule. None overlaps another.
#[derive(Debug, Default)]
pub struct Cuts {
    all: Vec<(u64, u64, Cow<'static, str>)>,
    /// So many findings were looked at.
    known: usize,
}

impl Cuts {
    /// Takes in what has been found since. Findings before `passed` lie in what has left. Those that overlap or touch are one,
    /// with the first's rule.
    pub fn update(&mut self, found: &[Found], passed: usize) {
        if self.known == found.len() {
            return;
        }
        self.known = found.len();
        self.all.clear();
        let open = found.get(passed..).unwrap_or_default().iter();
        let replaced = open.filter(|it| matches!(it.action, Action::Mask | Action::Redact));
        self.all.extend(replaced.map(|it| {
            let span = &it.finding.span;
            (span.start as u64, span.end as u64, it.finding.rule.clone())
        }));
        self.all.sort_by_key(|(start, ..)| *start);
        self.all.dedup_by(|next, one| {
            let is_one = next.0 <= one.1;
            if is_one {
                one.1 = one.1.max(next.1);
            }
            is_one
        });
    }

    /// Those that lie in this stretch, or partly do.
    pub fn within(&self, stretch: Range<u64>) -> impl Iterator<Item = &(u64, u64, Cow<'static, str>)> {
        let first = self.all.partition_point(|(_, end, _)| *end <= stretch.start);
        let from = self.all.get(first..).unwrap_or_default().iter();
        from.take_while(move |(start, ..)| *start < stretch.end)
    }
}
