//! What guards say of texts that calls take up later. Decides by the plan alone.

use std::collections::BTreeSet;

use domain::UnixMillis;
use guard::{Action, Direction, Found, Kind, Origin, Plan};

/// What is found in these texts, taken together, by the name of the rule. An attack may be split over them.
#[must_use]
pub fn judged(plan: &Plan, parts: &[(&str, Origin)], now: UnixMillis) -> Vec<Found> {
    let mut found = Vec::new();
    if plan.looks(Direction::Input, Kind::Injection) == guard::Mode::Off {
        for part in parts {
            plan.scan(Direction::Input, *part, now, &mut found);
        }
        return found;
    }
    let mut numbered = Vec::new();
    plan.scan_conversation(Direction::Input, parts, now, &mut numbered);
    found.extend(numbered.into_iter().map(|(_, it)| it));
    found
}

/// The rules that would change or stop what was judged, each once. What is only observed is none.
#[must_use]
pub fn refusing(found: &[Found]) -> Vec<String> {
    let stops = found.iter().filter(|it| it.action > Action::Observe);
    let rules: BTreeSet<String> = stops.map(|it| it.finding.rule.to_string()).collect();
    rules.into_iter().collect()
}
