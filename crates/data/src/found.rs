//! How findings are said to callers: what was found, by which rules and profiles, and what to do about it. The same words for
//! the same finding, and never the text itself.

use domain::Threat;
use guard::{Action, Direction, Explained, Found, INSTANCE, Kind, Plan};

use crate::refusal::{Code, Refusal};

/// What each family finds, what a caller does about it, and which threat that is: in the order in which it weighs.
const FAMILIES: [(Kind, &str, &str, [Threat; 2]); 11] = [
    (
        Kind::Secret,
        "a secret",
        "remove it",
        [Threat::AgpI1, Threat::AgpI3],
    ),
    (
        Kind::Personal,
        "personal data",
        "remove it",
        [Threat::Anp0017, Threat::Anp0010],
    ),
    (
        Kind::Injection,
        "text that reads as an attack on its instructions",
        "say it otherwise, or leave out what you did not write",
        [Threat::AgpT1, Threat::Anp0023],
    ),
    (
        Kind::Leak,
        "the application's own instructions",
        "ask for something else",
        [Threat::AgpT1, Threat::AgpI3],
    ),
    (
        Kind::Moderation,
        "what is not talked of here",
        "ask for something else",
        [Threat::Anp0003, Threat::Anp0023],
    ),
    (
        Kind::Topic,
        "a topic that this application is not for",
        "ask for something else",
        [Threat::Anp0003, Threat::Anp0023],
    ),
    (
        Kind::Link,
        "a link that must not pass",
        "remove it",
        [Threat::AgpT1, Threat::AgpI3],
    ),
    (
        Kind::Custom,
        "what a rule of this gate's operators does not let pass",
        "change or remove it",
        [Threat::Anp0017, Threat::Anp0010],
    ),
    (
        Kind::Bounds,
        "more than is allowed here, or another form of it",
        "ask for less, or in the form that is allowed",
        [Threat::Anp0008, Threat::Anp0008],
    ),
    (
        Kind::Format,
        "another form than was asked for",
        "ask again",
        [Threat::Anp0023, Threat::Anp0023],
    ),
    (
        Kind::Unread,
        "content that no guard can read",
        "send it as text, or leave it out",
        [Threat::Anp0003, Threat::Anp0010],
    ),
];

/// What was found in one request or answer.
#[derive(Debug, Default)]
pub struct Findings {
    /// In texts.
    pub found: Vec<Found>,
    /// Of the whole, with why.
    pub explained: Vec<Explained>,
}

impl Findings {
    /// The most that is done about any of them.
    pub fn strictest(&self) -> Option<Action> {
        self.all().map(|it| it.action).max()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Found> {
        self.found.iter().chain(self.explained.iter().map(|it| &it.found))
    }

    /// The refusal of what blocks: it names what weighs most, all rules, why, and who asks for it.
    pub fn refusal(&self, plan: &Plan, direction: Direction) -> Box<Refusal> {
        let blocks: Vec<&Found> = self.all().filter(|it| it.action == Action::Block).collect();
        let has = |kind: Kind| blocks.iter().any(|it| it.finding.kind == kind);
        let (what, do_next, threats) = FAMILIES.into_iter().find(|(kind, ..)| has(*kind)).map_or(
            ("what must not pass", "remove it", [Threat::Anp0003; 2]),
            |(_, what, next, threats)| (what, next, threats),
        );
        let rules = unique(blocks.iter().map(|it| &*it.finding.rule)).join(", ");
        let why = self.why();
        let by = self.by(plan, direction);
        let [inward, outward] = threats;
        match direction {
            Direction::Input => {
                let detail = format!("the request holds {what} ({rules}){why}{by}: {do_next}");
                Refusal::new(Code::InputBlocked, detail).against(inward)
            }
            Direction::Output => {
                let detail = format!("the answer held {what} ({rules}){why} and was withheld{by}");
                Refusal::new(Code::OutputBlocked, detail).against(outward)
            }
        }
    }

    /// Limits and numbers of what is of the whole.
    fn why(&self) -> String {
        let blocks = self
            .explained
            .iter()
            .filter(|it| it.found.action == Action::Block);
        match unique(blocks.map(|it| &*it.why)).as_slice() {
            [] => String::new(),
            some => format!(", {}", some.join(", ")),
        }
    }

    /// Which profiles ask for it, where it is not the instance for every call.
    fn by(&self, plan: &Plan, direction: Direction) -> String {
        let texts = self.found.iter().filter(|it| it.action == Action::Block);
        let texts = texts.map(|it| plan.asked_by(direction, &it.finding));
        let wholes = self
            .explained
            .iter()
            .filter(|it| it.found.action == Action::Block);
        let names = texts
            .chain(wholes.map(|it| &*it.profile))
            .filter(|name| *name != INSTANCE);
        match unique(names).as_slice() {
            [] => String::new(),
            [one] => format!(" by guard profile `{one}`"),
            some => format!(" by guard profiles `{}`", some.join("`, `")),
        }
    }
}

/// Each once, in order of appearance.
fn unique<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_its_words() {
        for kind in Kind::ALL {
            assert!(FAMILIES.iter().any(|(one, ..)| *one == kind), "{kind:?}");
        }
    }
}
