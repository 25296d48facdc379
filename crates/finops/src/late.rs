//! What came into a ledger after the statement of its time was final: each entry of it is in exactly one statement, the
//! next that is made. Which one follows from places in the ledger alone, so whoever has the statements and an export
//! finds the same. Never reads a ledger: it is given entries, in any order.

use std::collections::BTreeMap;

use domain::UnixMillis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::allocation::{Cost, CostLine, Quantities, Rules};
use crate::day::Day;

/// What is known of a statement that is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Its number.
    pub number: u64,
    /// The first day of its time.
    pub from: Day,
    /// The day after the last.
    pub until: Day,
    /// How many entries of the ledger it was reckoned from: it has those of its time among them, and no others of it.
    pub size: u64,
    /// Whether it has what came late for the statements before it. Those of before there were late items have not.
    pub takes_late: bool,
}

/// What came late for one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LateCosts")]
pub struct LateItem {
    /// The number of the statement that has the time, and not these.
    pub statement: u64,
    /// The first day of that time.
    #[schemars(with = "String")]
    pub from: Day,
    /// The day after the last.
    #[schemars(with = "String")]
    pub until: Day,
    /// The first place of the ledger that was looked at for it, from 0. The last is before the head's size.
    pub since: u64,
    /// The sum.
    pub total: Quantities,
    /// Who bears what of it.
    pub lines: Vec<CostLine>,
}

/// Times that are closed, and what of them is in no statement yet.
#[derive(Debug, Clone, Default)]
pub struct Late {
    closed: Vec<Waiting>,
}

/// A team, a project and a key.
type Who = (Option<String>, Option<String>, Option<String>);

#[derive(Debug, Clone)]
struct Waiting {
    of: Closed,
    since: u64,
    costs: BTreeMap<Who, Quantities>,
}

impl Late {
    /// Behind these statements, all that there are, oldest first.
    pub fn behind(statements: &[Closed]) -> Self {
        let mut closed: Vec<Waiting> = Vec::with_capacity(statements.len());
        for statement in statements {
            for before in closed.iter_mut().filter(|_| statement.takes_late) {
                before.since = before.since.max(statement.size);
            }
            closed.push(Waiting {
                of: *statement,
                since: statement.size,
                costs: BTreeMap::new(),
            });
        }
        Self { closed }
    }

    /// Leaves out what lies before a place: entries that are not there any more.
    #[must_use]
    pub fn kept_from(mut self, place: u64) -> Self {
        for waiting in &mut self.closed {
            waiting.since = waiting.since.max(place);
        }
        self
    }

    /// From which place on the ledger has to be read. Nothing if there is no statement.
    pub fn since(&self) -> Option<u64> {
        self.closed.iter().map(|waiting| waiting.since).min()
    }

    /// Looks at the entry at a place of the ledger, which ended then; whether it is late.
    pub fn take(&mut self, place: u64, ended: UnixMillis, cost: &Cost) -> bool {
        let of_time = |waiting: &&mut Waiting| {
            let of = &waiting.of;
            of.from.start() <= ended && ended < of.until.start()
        };
        // Times of statements do not overlap: there is one at most.
        let found = self.closed.iter_mut().find(of_time);
        let Some(waiting) = found.filter(|waiting| place >= waiting.since) else {
            return false;
        };
        let who = (cost.team.clone(), cost.project.clone(), cost.key.clone());
        let sum = waiting.costs.entry(who).or_default();
        *sum = sum.plus(cost.of);
        true
    }

    /// What was taken, by the number of the statement that has not got it.
    pub fn sums(&self) -> BTreeMap<u64, Quantities> {
        let sum = |waiting: &Waiting| {
            waiting
                .costs
                .values()
                .copied()
                .fold(Quantities::default(), Quantities::plus)
        };
        self.closed
            .iter()
            .map(|waiting| (waiting.of.number, sum(waiting)))
            .collect()
    }

    /// What was taken, as the next statement has it: each time by itself, by these rules. A time of which nothing came
    /// late is not among them.
    pub fn items(&self, rules: &Rules) -> Vec<LateItem> {
        let late = self.closed.iter().filter(|waiting| !waiting.costs.is_empty());
        late.map(|waiting| waiting.item(rules)).collect()
    }
}

impl Waiting {
    fn item(&self, rules: &Rules) -> LateItem {
        let cost = |((team, project, key), of): (&Who, &Quantities)| Cost {
            team: team.clone(),
            project: project.clone(),
            key: key.clone(),
            of: *of,
        };
        let costs: Vec<Cost> = self.costs.iter().map(cost).collect();
        let borne = rules.allocate(&costs);
        LateItem {
            statement: self.of.number,
            from: self.of.from,
            until: self.of.until,
            since: self.since,
            total: borne.total,
            lines: borne.lines,
        }
    }
}
