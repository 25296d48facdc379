//! How much is used in a window of time, against the most that it usually is.

use serde::{Deserialize, Serialize};

use crate::sign::{Rules, Sign};
use crate::used::Use;

/// The most is kept in parts of one, so that small numbers fade as slowly as large ones.
const FINE: u64 = 1024;
/// With every window the most fades by this part of it: by half in about 177 windows.
const FADES: u64 = 256;
/// After so many windows nothing worth counting is left.
const STEPS_MAX: i64 = 4_096;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counts {
    calls: u64,
    tokens: u64,
}

impl Counts {
    fn each(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            calls: with(self.calls, other.calls),
            tokens: with(self.tokens, other.tokens),
        }
    }
}

/// The current window, and the windows before it in two numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Volume {
    start: i64,
    now: Counts,
    told: bool,
    most: Counts,
}

impl Volume {
    /// Counts a use. One of a window that is over counts in the current one.
    pub(crate) fn add(&mut self, used: &Use, window_ms: u64) {
        let window = i64::try_from(window_ms).unwrap_or(i64::MAX).max(1);
        let start = used.at.0.saturating_sub(used.at.0.rem_euclid(window));
        if start > self.start {
            self.close(start.saturating_sub(self.start) / window);
            self.start = start;
        }
        let added = Counts {
            calls: used.calls,
            tokens: used.tokens,
        };
        self.now = self.now.each(added, u64::saturating_add);
    }

    fn close(&mut self, windows: i64) {
        let ended = self.now.each(self.now, |n, _| n.saturating_mul(FINE));
        self.most = self.most.each(ended, u64::max);
        for _ in 0..windows.clamp(1, STEPS_MAX) {
            self.most = self.most.each(self.most, |n, _| n - n.div_ceil(FADES));
        }
        self.now = Counts::default();
        self.told = false;
    }

    /// What stands out, once in a window.
    pub(crate) fn tell(&mut self, rules: &Rules) -> Option<Sign> {
        let usual = self.most.each(self.most, |n, _| n.div_ceil(FINE));
        let is_over =
            |now: u64, usual: u64, min: u64| now > usual.saturating_mul(rules.volume_times).max(min);
        let is_told = self.told
            || !(is_over(self.now.calls, usual.calls, rules.volume_calls_min)
                || is_over(self.now.tokens, usual.tokens, rules.volume_tokens_min));
        if is_told {
            return None;
        }
        self.told = true;
        Some(Sign::Volume {
            calls: self.now.calls,
            usual_calls: usual.calls,
            tokens: self.now.tokens,
            usual_tokens: usual.tokens,
        })
    }
}
