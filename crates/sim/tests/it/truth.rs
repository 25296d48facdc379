//! What really happened, kept outside of the code under test: what calls were admitted for, what the provider billed,
//! what was answered. Every change is held against the limits at once.

use std::collections::BTreeMap;

use domain::{BudgetId, Money, RequestId, UnixMillis};
use ledger::{Budget, Charge, Entry, Outcome};

/// A budget in a window.
pub type Place = (BudgetId, UnixMillis);

/// One call, from its reservation on.
#[derive(Debug, Clone)]
pub struct Call {
    node: usize,
    places: Vec<Place>,
    bound: i64,
    /// What the provider bills for it, once it was sent.
    billed: Option<i64>,
    /// Its intent is in the journal.
    intended: bool,
    /// Its entry is in the journal, with this cost.
    recorded: Option<i64>,
    /// Its caller has the answer.
    answered: bool,
    /// Its node went down with it under way, and perhaps with the end of its journal.
    died: Option<Death>,
    /// What it weighs against its budgets at present.
    weight: i64,
}

/// How a node went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The journal is as it was.
    Process,
    /// What was not synced may be gone.
    Machine,
}

#[derive(Debug, Default)]
pub struct Truth {
    pub calls: BTreeMap<RequestId, Call>,
    /// Every budget, with the largest limit that it ever had.
    limits: BTreeMap<BudgetId, (i64, Budget)>,
    admitted: BTreeMap<Place, i64>,
    /// By how much calls cost more than their bound; nothing in most runs.
    pub overruns: i64,
    pub answered: u64,
    pub interrupted: u64,
}

impl Truth {
    pub fn limit_is(&mut self, budget: &Budget) {
        let (most, _) = self.limits.entry(budget.id).or_insert((0, budget.clone()));
        *most = budget.limit_at(UnixMillis(0)).nanos().max(*most);
    }

    pub fn admitted(&mut self, id: RequestId, node: usize, charges: &[Charge], bound: i64) {
        let call = Call {
            node,
            places: charges.iter().map(|at| (at.budget, at.window_start)).collect(),
            bound,
            billed: None,
            intended: false,
            recorded: None,
            answered: false,
            died: None,
            weight: 0,
        };
        assert!(self.calls.insert(id, call).is_none());
        self.weigh(id, bound);
    }

    /// The sum of what all nodes admit is within the limit, after every call.
    fn weigh(&mut self, id: RequestId, weight: i64) {
        let call = self.calls.get_mut(&id).unwrap();
        let more = weight - std::mem::replace(&mut call.weight, weight);
        for place in call.places.clone() {
            *self.admitted.entry(place).or_default() += more;
            if more > 0 {
                self.hold_against_limit(place);
            }
        }
    }

    /// A window holds its limit; of two that something is carried between, both together hold both limits and
    /// what was carried into the first; and of a rolling one no stretch of its length that this bucket lies in.
    // threat: AGP-D1
    fn hold_against_limit(&self, place: Place) {
        let (most, budget) = &self.limits[&place.0];
        let limit = most + self.overruns;
        let sum = |from, until| -> i64 {
            let all = self.admitted.range((place.0, from)..=(place.0, until));
            all.map(|(_, admitted)| admitted).sum()
        };
        let held = |sum: i64, limit: i64| {
            assert!(sum <= limit, "{sum} admitted of a limit of {limit} in {place:?}");
        };
        if let Some(rolling) = budget.terms.rolling {
            let ends = self.admitted.range(place..=(place.0, rolling.beside(place.1).1));
            for ((_, end), _) in ends {
                held(sum(rolling.beside(*end).0, *end), limit);
            }
        } else if let (Some(before), Some(rollover)) = (budget.carries_from(place.1), budget.terms.rollover) {
            // Into the first of them something may have been carried as well.
            let carried = rollover.most(Money::from_nanos(*most)).nanos();
            held(sum(place.1, place.1), limit + carried);
            held(sum(before, place.1), limit + most + carried);
        } else {
            held(sum(place.1, place.1), limit);
        }
    }

    pub fn intended(&mut self, id: RequestId) {
        self.calls.get_mut(&id).unwrap().intended = true;
    }

    pub fn sent(&mut self, id: RequestId, cost: i64) {
        let call = self.calls.get_mut(&id).unwrap();
        call.billed = Some(cost);
        self.overruns += (cost - call.bound).max(0);
    }

    pub fn recorded(&mut self, id: RequestId, cost: i64) {
        let call = self.calls.get_mut(&id).unwrap();
        call.recorded = Some(cost);
        self.weigh(id, cost);
    }

    pub fn answered(&mut self, id: RequestId) {
        self.calls.get_mut(&id).unwrap().answered = true;
        self.answered += 1;
    }

    pub fn died(&mut self, node: usize, how: Death) {
        let under_way = |call: &&mut Call| call.node == node && !call.answered && call.died.is_none();
        let mut lost = Vec::new();
        for (id, call) in &mut self.calls {
            if let Some(call) = Some(call).filter(under_way) {
                call.died = Some(how);
                lost.push((*id, call.billed.unwrap_or(0)));
            }
        }
        for (id, billed) in lost {
            self.weigh(id, billed);
        }
    }

    /// Holds the ledger against what happened: every call that was sent is in it once, at its cost or, where its node
    /// died with it, at its bound.
    pub fn check_ledger(&mut self, entries: &[Entry]) {
        let by_id: BTreeMap<RequestId, &Entry> = entries.iter().map(|entry| (entry.id, entry)).collect();
        assert_eq!(by_id.len(), entries.len(), "an entry stands twice");
        for entry in entries {
            assert!(
                self.calls.contains_key(&entry.id),
                "an entry of no call: {entry:?}"
            );
            self.interrupted += u64::from(entry.outcome == Outcome::Interrupted);
        }
        for (id, call) in &self.calls {
            let Some(entry) = by_id.get(id) else {
                assert!(call.may_be_absent(), "{id} is not in the ledger: {call:?}");
                continue;
            };
            let cost = entry.cost.nanos();
            let is_right = match (call.recorded, call.died) {
                (Some(recorded), Some(Death::Machine)) if !call.answered => {
                    cost == recorded || cost == call.bound
                }
                (Some(recorded), _) => cost == recorded,
                (None, _) => cost == call.bound && entry.outcome == Outcome::Interrupted,
            };
            assert!(is_right, "{id} is billed {cost}: {call:?}");
            assert!(
                cost >= call.billed.unwrap_or(0).min(call.bound),
                "{id} is billed too little: {call:?}"
            );
        }
    }

    /// What was spent in each place, by the ledger.
    pub fn spent_by(entries: &[Entry]) -> BTreeMap<Place, i64> {
        let mut spent = BTreeMap::new();
        for charge in entries.iter().flat_map(|entry| &entry.charges) {
            *spent.entry((charge.budget, charge.window_start)).or_default() += charge.amount.nanos();
        }
        spent
    }
}

impl Call {
    /// Nothing was ever written of it, or what was written was lost with the machine before anything was sent.
    fn may_be_absent(&self) -> bool {
        !self.intended || (self.billed.is_none() && self.died == Some(Death::Machine))
    }
}
