//! What is said of a budget's time: a zone, a window that moves, one stretch, and what is carried over.

use domain::UnixMillis;
use ledger::{Between, Rolling, Rollover, Terms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Code, Problem};
use crate::resource::words::{read_time, time};
use crate::shapes;

/// More of a budget's time than its window says. None of it ever changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuringView {
    /// The zone of its window, by its IANA name such as `Europe/Berlin`; UTC when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// With the window `total`: its limit holds for any so many minutes in a row. Counted in 60 buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_minutes: Option<u32>,
    /// With the window `total`: nothing is spent before, RFC 3339. With `until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Nothing is spent from then on. With `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What was not spent of a window may be spent in the next, up to so many per cent of the limit, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollover_percent: Option<u8>,
}

shapes! { given: DuringView ; shown: }

impl DuringView {
    /// Whether it says nothing.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Writes it into terms. What is carried over is counted from `since` on.
    pub fn put(&self, terms: &mut Terms, since: UnixMillis) -> Result<(), Problem> {
        terms.zone.clone_from(&self.zone);
        terms.rolling = self.rolling_minutes.map(|minutes| Rolling { minutes });
        terms.between = match (&self.from, &self.until) {
            (None, None) => None,
            (Some(from), Some(until)) => Some(Between {
                from: read_time(from, "`from`")?,
                until: read_time(until, "`until`")?,
            }),
            _ => {
                let detail = "a stretch of time has both ends: say `from` and `until`";
                return Err(Problem::new(Code::Invalid, detail));
            }
        };
        let rollover = |percent_max| Rollover { percent_max, since };
        terms.rollover = self.rollover_percent.map(rollover);
        Ok(())
    }
}

impl From<&Terms> for DuringView {
    fn from(terms: &Terms) -> Self {
        Self {
            zone: terms.zone.clone(),
            rolling_minutes: terms.rolling.map(|it| it.minutes),
            from: terms.between.map(|it| time(it.from)),
            until: terms.between.map(|it| time(it.until)),
            rollover_percent: terms.rollover.map(|it| it.percent_max),
        }
    }
}
