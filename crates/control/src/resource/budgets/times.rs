//! What is said of a budget's time: a zone, a window that moves, one stretch, and what is carried over.

use domain::{Money, UnixMillis};
use ledger::{Between, PerSession, Rolling, Rollover, Terms};
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
    /// The most that the calls of one session may take of it together, however many windows the session lasts:
    /// nano-dollars, or tokens of a budget of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_max: Option<i64>,
    /// With `session_max`: calls that name no session are refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub session_required: bool,
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
        if self.session_required && self.session_max.is_none() {
            let detail = "what a session may take is missing: say `session_max`";
            return Err(Problem::new(Code::Invalid, detail));
        }
        terms.per_session = self.session_max.map(|limit| PerSession {
            limit: Money::from_nanos(limit),
            is_required: self.session_required,
        });
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
            session_max: terms.per_session.map(|it| it.limit.nanos()),
            session_required: terms.per_session.is_some_and(|it| it.is_required),
        }
    }
}
