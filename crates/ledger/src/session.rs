//! Sessions: the run of an agent that a call is a part of, as its caller names it; and the window of a budget in which
//! one session's calls are counted. Never decides whose session a name is: names are a tenant's, and anybody of it may
//! use them.

use aws_lc_rs::digest::{SHA256, digest};
use domain::{Money, UnixMillis};
use serde::{Deserialize, Serialize};

/// The longest name of a session, bytes.
pub const SESSION_BYTES_MAX: usize = 128;

/// No calendar reaches below this: what begins before it is no time but a session.
const LAST: i64 = i64::MIN + (1 << 62) - 1;

/// Whether a session can be called that: 1 to 128 visible ASCII characters.
pub fn is_session(text: &str) -> bool {
    (1..=SESSION_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The window in which a session's calls are counted, in every budget that has a ceiling for sessions. Two names that
/// shared one of these 2⁶² would be counted together: less than either may take, never more.
// threat: AGP-D1
pub fn session_window(session: &str) -> UnixMillis {
    let digest = digest(&SHA256, session.as_bytes());
    let head = digest.as_ref().first_chunk().copied().unwrap_or_default();
    UnixMillis(i64::MIN | (u64::from_be_bytes(head) >> 2).cast_signed())
}

/// Whether it is a session's window.
pub const fn is_session_window(start: UnixMillis) -> bool {
    start.0 <= LAST
}

/// What one session may take of a budget. Never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerSession {
    /// How much, in the budget's unit, as long as the session lasts.
    pub limit: Money,
    /// Calls that name no session are refused; else they are counted against the budget alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_required: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, BudgetScope, Terms, Window};

    #[test]
    fn anp_0008_a_session_is_short_and_visible() {
        for good in ["a", "7f3e-11", "run/2026:11~!", &"x".repeat(SESSION_BYTES_MAX)] {
            assert!(is_session(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "a\n",
            "ä",
            "a\u{7f}",
            &"x".repeat(SESSION_BYTES_MAX + 1),
        ] {
            assert!(!is_session(bad), "{bad}");
        }
    }

    /// It is in stores and entries: a change here would give every session its ceiling anew.
    #[test]
    fn a_sessions_window_is_pinned_and_no_time() {
        assert_eq!(session_window("agent-7"), session_window("agent-7"));
        assert_ne!(session_window("agent-7"), session_window("agent-8"));
        let window = session_window("agent-7").0;
        assert_eq!(window, -5_482_199_306_869_443_293);
        assert!(is_session_window(session_window("agent-7")));
        for number in 0..10_000 {
            assert!(is_session_window(session_window(&number.to_string())));
        }
        let ages = [0, -377_705_116_800_000, 253_402_300_799_999, i64::MAX, LAST + 1];
        assert!(ages.iter().all(|at| !is_session_window(UnixMillis(*at))));
    }

    #[test]
    fn agp_d1_a_budget_in_a_sessions_window_is_its_ceiling_whatever_the_clock_says() {
        let mut budget = Budget {
            id: domain::BudgetId::from_u128(1),
            tenant: domain::TenantId::from_u128(2),
            scope: BudgetScope::Tenant,
            name: "agents".to_owned(),
            limit: Money::from_dollars(100),
            window: Window::Day,
            terms: Terms {
                marks: vec![50],
                per_session: Some(PerSession {
                    limit: Money::from_dollars(1),
                    is_required: true,
                }),
                ..Terms::default()
            },
        };
        let window = session_window("agent-7");
        let now = UnixMillis(1_796_083_170_000);
        assert_eq!(budget.clone().of_window(budget.start(now)), budget);
        let of_session = budget.clone().of_window(window);
        for at in [UnixMillis(0), now, UnixMillis(253_402_300_799_999)] {
            assert_eq!(of_session.start(at), window);
            assert_eq!(
                (of_session.shut(at), of_session.limit_at(at)),
                (None, Money::from_dollars(1))
            );
        }
        assert!(of_session.terms.marks.is_empty() && of_session.carries_from(window).is_none());
        // What has no ceiling for sessions lends nothing to one.
        budget.terms.per_session = None;
        assert_eq!(budget.of_window(window).limit, Money::ZERO);
    }
}
