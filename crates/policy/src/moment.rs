//! A time as policies know it: the day of the week and the minute of the day, in UTC. No finer, so that an
//! answer that depends on it is good for a minute; never read from a clock here.

use domain::UnixMillis;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 24 * 60;

/// A minute of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    /// 1 for Monday to 7 for Sunday.
    pub weekday: i64,
    /// Minutes since midnight, 0 to 1439.
    pub minute: i64,
}

impl Moment {
    /// Noon of a Monday: what answers are asked with when no policy reads the time.
    pub const ANY: Self = Self {
        weekday: 1,
        minute: 720,
    };

    /// The minute that holds this time.
    pub const fn of(time: UnixMillis) -> Self {
        let minutes = time.0.div_euclid(MINUTE_MS);
        // The first of January 1970 was a Thursday.
        let weekday = (minutes.div_euclid(DAY_MINUTES) + 3).rem_euclid(7) + 1;
        Self {
            weekday,
            minute: minutes.rem_euclid(DAY_MINUTES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_minutes_are_those_of_the_calendar() {
        let at = |seconds: i64| Moment::of(UnixMillis(seconds * 1000));
        let moment = |weekday, minute| Moment { weekday, minute };
        assert_eq!(at(0), moment(4, 0));
        assert_eq!(at(-1), moment(3, 1439));
        // 2026-11-22T12:20:34Z, a Sunday.
        assert_eq!(at(1_795_350_034), moment(7, 740));
        assert_eq!(at(1_795_392_000), moment(1, 0));
    }
}
