//! Who may bring a version how far.

use apps::{NotSo, Standing, State, Step};
use domain::{ActorId, UnixMillis, UserId};
use proptest::prelude::*;

fn person(number: u128) -> ActorId {
    ActorId::User(UserId::from_u128(number))
}

fn step(state: State, by: u128) -> Step {
    Step {
        state,
        by: person(by),
        name: format!("p{by}"),
        at: UnixMillis(1),
        note: String::new(),
    }
}

const STATES: [State; 5] = [
    State::Draft,
    State::InReview,
    State::Published,
    State::Rejected,
    State::Retired,
];

#[test]
fn anp_b0009_who_wrote_a_version_or_handed_it_in_does_not_decide_about_it() {
    let mut standing = Standing::draft(person(1), "ann".into(), UnixMillis(0));
    assert!(matches!(
        standing.take(step(State::Published, 2)),
        Err(NotSo::From(State::Draft, _, _))
    ));
    standing.take(step(State::InReview, 2)).unwrap();
    for (who, may) in [(1, false), (2, false), (3, true)] {
        for decision in [State::Published, State::Rejected] {
            let taken = standing.clone().take(step(decision, who));
            assert_eq!(taken.is_ok(), may, "{who} {decision:?}");
            assert!(may || taken == Err(NotSo::Own));
        }
    }
    standing.take(step(State::Rejected, 3)).unwrap();
    standing.take(step(State::InReview, 3)).unwrap();
    assert_eq!(standing.take(step(State::Published, 3)), Err(NotSo::Own));
    standing.take(step(State::Published, 4)).unwrap();
    standing.take(step(State::Retired, 1)).unwrap();
    for state in STATES {
        assert!(standing.take(step(state, 9)).is_err(), "{state:?}");
    }
}

proptest! {
    /// Whatever is tried in whatever order: what is published was handed in, and by nobody who published it.
    #[test]
    fn anp_b0009_nothing_is_published_by_one_alone(tries in prop::collection::vec((0_usize..5, 1_u128..4), 0..60)) {
        let mut standing = Standing::draft(person(1), "ann".into(), UnixMillis(0));
        for (state, by) in tries {
            let before = standing.clone();
            if standing.take(step(STATES[state], by)).is_err() {
                prop_assert_eq!(&before, &standing);
                continue;
            }
            if standing.state() == State::Published {
                prop_assert_eq!(before.state(), State::InReview);
                let mut handed = before.steps().filter(|one| matches!(one.state, State::Draft | State::InReview));
                prop_assert!(handed.all(|one| one.by != person(by)));
            }
        }
    }
}
