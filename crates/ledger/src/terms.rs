//! What a budget says beside whose, how much and how long: which calls it counts, in which unit, when it is
//! told how far it is spent, and whether it is paused.

use domain::{Money, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::session::{PerSession, is_session, is_session_window};
use crate::stretch::{Between, INCREASES_MAX, Increase, ROLLING_MINUTES_MAX, Rolling, Rollover};
use crate::{Window, zone};

/// The longest name of a model, provider or tag that a budget counts by, bytes.
pub const ONLY_BYTES_MAX: usize = 256;
/// How many marks a budget may have.
pub const MARKS_MAX: usize = 8;
/// The longest reason for a pause, bytes.
pub const REASON_BYTES_MAX: usize = 500;

/// A budget's terms. An empty set is what budgets were before there were any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Which calls of those in its scope it counts.
    #[serde(default, skip_serializing_if = "Only::is_everything")]
    pub only: Only,
    /// What it counts.
    #[serde(default, skip_serializing_if = "Unit::is_money")]
    pub unit: Unit,
    /// Percentages of the limit at which it is told that so much is spent: rising, each from 1 to 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<u8>,
    /// Nothing is spent from it until somebody resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// The zone of its calendar windows, by its IANA name; without one they are UTC. Never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Its one window moves with the clock. Never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<Rolling>,
    /// Its one window is this stretch. Never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
    /// What was not spent is carried into the next window. Never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollover: Option<Rollover>,
    /// By how much more it holds for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub increases: Vec<Increase>,
    /// What one session may take of it, whatever its window. Never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_session: Option<PerSession>,
}

/// Which calls a budget counts: those for which everything that is said here holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Calls for this model, by the name that callers use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Calls that this provider serves, by its name in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Calls of keys with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Calls of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl Only {
    /// Whether it counts every call.
    pub const fn is_everything(&self) -> bool {
        self.model.is_none() && self.provider.is_none() && self.tag.is_none() && self.session.is_none()
    }

    /// Each condition's name and value.
    pub fn conditions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("model", &self.model),
            ("provider", &self.provider),
            ("tag", &self.tag),
            ("session", &self.session),
        ];
        all.into_iter()
            .filter_map(|(what, value)| value.as_deref().map(|value| (what, value)))
    }
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nano-dollars.
    #[default]
    Money,
    /// LLM tokens, prompt and output.
    Tokens,
}

impl Unit {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Tokens => "tokens",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    const fn is_money(&self) -> bool {
        matches!(self, Self::Money)
    }
}

/// That a budget is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Since when.
    pub since: UnixMillis,
    /// Why, in the words of who paused it. Not told to callers.
    pub why: String,
}

/// What a call takes, in everything that a budget may count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spend {
    /// What it costs.
    pub cost: Money,
    /// Its LLM tokens.
    pub tokens: u64,
}

impl Spend {
    /// As much of it as a budget of this unit counts. Leases, holdings and charges count in the integers of
    /// [`Money`]; of a budget of tokens one of them is one token.
    pub fn counted_in(self, unit: Unit) -> Money {
        match unit {
            Unit::Money => self.cost,
            Unit::Tokens => Money::from_nanos(i64::try_from(self.tokens).unwrap_or(i64::MAX)),
        }
    }
}

/// Terms that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTerms {
    /// A condition without a name, or with an endless one.
    #[error("a model, provider or tag is 1 to {ONLY_BYTES_MAX} bytes without control characters")]
    Only,
    /// Marks that are no percentages.
    #[error("marks are up to {MARKS_MAX} percentages from 1 to 100")]
    Marks,
    /// No reason, or an endless one.
    #[error("a reason is 1 to {REASON_BYTES_MAX} bytes without control characters")]
    Reason,
    /// A zone that nobody knows, or nothing for it to count.
    #[error("a zone is an IANA name such as `Europe/Berlin`, for a window from a minute to a year")]
    Zone,
    /// A rolling window that is none.
    #[error(
        "a rolling window is 1 to {ROLLING_MINUTES_MAX} minutes; it is the only window, and has no marks"
    )]
    Rolling,
    /// A stretch without length, or beside another window.
    #[error("a stretch of time begins before it ends, and is the only window")]
    Between,
    /// Nothing to carry, or nowhere to carry it.
    #[error(
        "1 to 100 per cent of the limit are carried over, from a window from a minute to a year into the next"
    )]
    Rollover,
    /// A session that no call can name, or one that may take nothing.
    #[error("a session is 1 to 128 visible ASCII characters, and may take more than nothing")]
    Session,
    /// An increase of nothing, or too many.
    #[error("up to {INCREASES_MAX} increases at once, each of more than nothing and with an end")]
    Increases,
}

impl Terms {
    /// The same in the one order that marks have, if all of it can be taken for such a window.
    pub fn tidied(mut self, window: Window) -> Result<Self, NotTerms> {
        self.check_time(window)?;
        if !self
            .only
            .conditions()
            .all(|(_, name)| is_line(name, ONLY_BYTES_MAX))
        {
            return Err(NotTerms::Only);
        }
        let names_one = self.only.session.as_deref().is_none_or(is_session);
        if !names_one || self.per_session.is_some_and(|it| it.limit <= Money::ZERO) {
            return Err(NotTerms::Session);
        }
        self.marks.sort_unstable();
        self.marks.dedup();
        if self.marks.len() > MARKS_MAX || !self.marks.iter().all(|mark| (1..=100).contains(mark)) {
            return Err(NotTerms::Marks);
        }
        let reason = self.paused.as_ref().map(|pause| &pause.why);
        if !reason.is_none_or(|why| is_line(why, REASON_BYTES_MAX)) {
            return Err(NotTerms::Reason);
        }
        Ok(self)
    }

    /// What is said of time and of changing limits; a zone gets the one spelling it has.
    fn check_time(&mut self, window: Window) -> Result<(), NotTerms> {
        let is_calendar = window != Window::Total;
        if let Some(name) = &mut self.zone {
            let (_, written) = zone::named(name).filter(|_| is_calendar).ok_or(NotTerms::Zone)?;
            *name = written;
        }
        let is_only = !is_calendar && self.rolling.is_none();
        let is_stretch = |it: Between| it.from < it.until && !is_session_window(it.from);
        if self.between.is_some_and(|it| !is_stretch(it) || !is_only) {
            return Err(NotTerms::Between);
        }
        let is_rolling = |it: Rolling| (1..=ROLLING_MINUTES_MAX).contains(&it.minutes);
        if self
            .rolling
            .is_some_and(|it| !is_rolling(it) || is_calendar || !self.marks.is_empty())
        {
            return Err(NotTerms::Rolling);
        }
        let carries = |it: Rollover| is_calendar && (1..=100).contains(&it.percent_max);
        if !self.rollover.is_none_or(carries) {
            return Err(NotTerms::Rollover);
        }
        if !self.increases.iter().all(|it| is_line(&it.why, REASON_BYTES_MAX)) {
            return Err(NotTerms::Reason);
        }
        let raises = |it: &Increase| it.amount > Money::ZERO && it.since < it.until;
        if self.increases.len() > INCREASES_MAX || !self.increases.iter().all(raises) {
            return Err(NotTerms::Increases);
        }
        Ok(())
    }

    /// What never changes of them.
    pub fn fixed(&self) -> impl PartialEq + '_ {
        let time = (
            &self.zone,
            self.rolling,
            self.between,
            self.rollover,
            self.per_session,
        );
        (&self.only, self.unit, time)
    }

    /// The highest mark that `spent` of `limit` has reached; 0 is none.
    pub fn reached(&self, spent: Money, limit: Money) -> u8 {
        let (spent, limit) = (i128::from(spent.nanos()), i128::from(limit.nanos()));
        let is_reached = |mark: &&u8| spent > 0 && spent * 100 >= limit * i128::from(**mark);
        self.marks.iter().filter(is_reached).max().copied().unwrap_or(0)
    }

    /// The marks above `told`, up to `reached`.
    pub fn marks_between(&self, told: u8, reached: u8) -> impl Iterator<Item = u8> {
        let between = move |mark: &u8| *mark > told && *mark <= reached;
        self.marks.iter().copied().filter(between)
    }
}

fn is_line(text: &str, bytes_max: usize) -> bool {
    (1..=bytes_max).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(marks: &[u8]) -> Terms {
        Terms {
            marks: marks.to_vec(),
            ..Terms::default()
        }
    }

    /// What is stored of a budget without terms, by this version and the ones before.
    #[test]
    fn no_terms_are_written_as_nothing() {
        assert_eq!(serde_json::to_string(&Terms::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Terms>("{}").unwrap(), Terms::default());
        assert!(serde_json::from_str::<Terms>(r#"{"only":{"mood":"good"}}"#).is_err());
        assert!(serde_json::from_str::<Terms>(r#"{"later":1}"#).is_err());
    }

    #[test]
    fn terms_are_bounded() {
        let of_model = |model: &str| Terms {
            only: Only {
                model: Some(model.to_owned()),
                ..Only::default()
            },
            ..Terms::default()
        };
        assert!(of_model(&"m".repeat(ONLY_BYTES_MAX)).tidied(Window::Day).is_ok());
        for bad in [String::new(), "m".repeat(ONLY_BYTES_MAX + 1), "a\nb".to_owned()] {
            assert_eq!(of_model(&bad).tidied(Window::Day), Err(NotTerms::Only), "{bad:?}");
        }
        assert_eq!(marked(&[90, 50, 90]).tidied(Window::Day).unwrap().marks, [50, 90]);
        for bad in [vec![0], vec![101], (1..=9).collect()] {
            assert_eq!(marked(&bad).tidied(Window::Day), Err(NotTerms::Marks), "{bad:?}");
        }
        let paused = |why: String| Terms {
            paused: Some(Pause {
                since: UnixMillis(1),
                why,
            }),
            ..Terms::default()
        };
        assert!(paused("r".repeat(REASON_BYTES_MAX)).tidied(Window::Day).is_ok());
        for bad in [String::new(), "r".repeat(REASON_BYTES_MAX + 1)] {
            assert_eq!(paused(bad).tidied(Window::Day), Err(NotTerms::Reason));
        }
    }

    #[test]
    fn what_is_said_of_sessions_can_be_kept() {
        let with = |change: &dyn Fn(&mut Terms)| {
            let mut terms = Terms::default();
            change(&mut terms);
            terms.tidied(Window::Day)
        };
        let named = |name: &str| with(&|terms| terms.only.session = Some(name.to_owned()));
        assert!(named("agent-7").is_ok());
        for bad in ["", "a b", "ä"] {
            assert!(named(bad).is_err(), "{bad}");
        }
        let each = |nanos| {
            let limit = Money::from_nanos(nanos);
            with(&|terms| {
                terms.per_session = Some(PerSession {
                    limit,
                    is_required: false,
                })
            })
        };
        assert!(each(1).is_ok());
        assert_eq!(each(0), Err(NotTerms::Session));
    }

    #[test]
    fn terms_of_time_are_for_windows_that_have_them() {
        let with = |change: &dyn Fn(&mut Terms), window| {
            let mut terms = Terms::default();
            change(&mut terms);
            terms.tidied(window)
        };
        let zone = |name: &str, window| with(&|terms| terms.zone = Some(name.to_owned()), window);
        assert_eq!(
            zone("europe/berlin", Window::Day).unwrap().zone.unwrap(),
            "Europe/Berlin"
        );
        assert_eq!(zone("Europe/Nowhere", Window::Day), Err(NotTerms::Zone));
        assert_eq!(zone("Europe/Berlin", Window::Total), Err(NotTerms::Zone));
        let rolling = |minutes, window| with(&|terms| terms.rolling = Some(Rolling { minutes }), window);
        assert!(rolling(1, Window::Total).is_ok());
        for (minutes, window) in [
            (0, Window::Total),
            (ROLLING_MINUTES_MAX + 1, Window::Total),
            (5, Window::Day),
        ] {
            assert_eq!(rolling(minutes, window), Err(NotTerms::Rolling));
        }
        let between = |from, until, window| {
            let between = Between {
                from: UnixMillis(from),
                until: UnixMillis(until),
            };
            with(&|terms| terms.between = Some(between), window)
        };
        assert!(between(1, 2, Window::Total).is_ok());
        assert_eq!(between(2, 2, Window::Total), Err(NotTerms::Between));
        assert_eq!(between(1, 2, Window::Year), Err(NotTerms::Between));
        let rollover = |percent_max, window| {
            let since = UnixMillis(0);
            with(
                &|terms| terms.rollover = Some(Rollover { percent_max, since }),
                window,
            )
        };
        assert!(rollover(100, Window::Month).is_ok());
        for (percent, window) in [(0, Window::Month), (101, Window::Month), (50, Window::Total)] {
            assert_eq!(rollover(percent, window), Err(NotTerms::Rollover));
        }
    }

    #[test]
    fn an_increase_has_an_amount_an_end_and_a_reason() {
        let increase = |amount, until, why: &str| Increase {
            number: 1,
            amount: Money::from_nanos(amount),
            since: UnixMillis(5),
            until: UnixMillis(until),
            why: why.to_owned(),
        };
        let with = |increases| {
            Terms {
                increases,
                ..Terms::default()
            }
            .tidied(Window::Day)
        };
        assert!(with(vec![increase(1, 6, "a launch"); INCREASES_MAX]).is_ok());
        assert_eq!(
            with(vec![increase(1, 6, "a launch"); INCREASES_MAX + 1]),
            Err(NotTerms::Increases)
        );
        for bad in [increase(0, 6, "w"), increase(-1, 6, "w"), increase(1, 5, "w")] {
            assert_eq!(with(vec![bad]), Err(NotTerms::Increases));
        }
        assert_eq!(with(vec![increase(1, 6, "")]), Err(NotTerms::Reason));
    }

    #[test]
    fn a_mark_is_reached_at_its_percentage_and_not_one_before() {
        let (terms, nanos) = (marked(&[50, 80, 100]), Money::from_nanos);
        for (spent, limit, reached) in [
            (0, 1000, 0),
            (499, 1000, 0),
            (500, 1000, 50),
            (799, 1000, 50),
            (999, 1000, 80),
            (1000, 1000, 100),
            (2000, 1000, 100),
            (0, 0, 0),
            (1, 0, 100),
            (i64::MAX, i64::MAX, 100),
            (i64::MAX - 1, i64::MAX, 80),
        ] {
            assert_eq!(
                terms.reached(nanos(spent), nanos(limit)),
                reached,
                "{spent} of {limit}"
            );
        }
        assert_eq!(Terms::default().reached(nanos(5), nanos(5)), 0);
    }

    proptest! {
        /// However spending grows, and however often it is looked at: every mark that was passed is told, once.
        #[test]
        fn every_mark_is_told_once(
            marks in proptest::collection::vec(1u8..=100, 0..8),
            steps in proptest::collection::vec(0i64..400, 0..12),
            limit in 1i64..1000,
        ) {
            let terms = marked(&marks).tidied(Window::Day).unwrap();
            let (mut spent, mut told, mut all) = (0, 0, Vec::new());
            for step in steps {
                spent += step;
                let reached = terms.reached(Money::from_nanos(spent), Money::from_nanos(limit)).max(told);
                all.extend(terms.marks_between(told, reached));
                told = reached;
            }
            let passed: Vec<u8> = terms.marks.iter().copied()
                .filter(|mark| spent > 0 && spent * 100 >= limit * i64::from(*mark)).collect();
            prop_assert_eq!(all, passed);
        }
    }
}
