//! Putting an answer together: engines hand in roll-ups and entries, in any order, and get a report.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::period::period_of;
use super::{Counts, Fact, Order, Period, Series, SeriesId, Sums, UsageQuery};
use crate::StoreError;
use crate::row::decode;

/// How many groups are kept apart while summing up; what comes beyond goes to the rest at once.
pub const GROUPS_MAX: usize = 100_000;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRow {
    /// Which period, where the question has a grain.
    pub period: Option<Period>,
    /// The value of each dimension that was asked for, `-` where calls have none; empty for the rest.
    pub group: Vec<String>,
    /// Whether this is all groups that are not told apart.
    pub is_rest: bool,
    /// The sums.
    pub sums: Sums,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// By period, then as ordered, the rest last.
    pub rows: Vec<UsageRow>,
    /// Of all calls that were asked for, each counted once.
    pub total: Sums,
    /// How many groups there are.
    pub groups: usize,
}

type Cells = BTreeMap<Option<Period>, Sums>;

/// What is summed up so far.
#[derive(Debug)]
pub struct Tally<'q> {
    query: &'q UsageQuery,
    groups: BTreeMap<Vec<String>, Cells>,
    beyond: Cells,
    total: Sums,
    /// Groups of a series; nothing if it is not asked for.
    known: HashMap<SeriesId, Option<Arc<Known>>>,
    periods: HashMap<i64, Option<Period>>,
}

#[derive(Debug)]
struct Known {
    series: Series,
    groups: Vec<Vec<String>>,
}

impl<'q> Tally<'q> {
    /// Nothing yet.
    pub fn new(query: &'q UsageQuery) -> Self {
        Self {
            query,
            groups: BTreeMap::new(),
            beyond: Cells::new(),
            total: Sums::default(),
            known: HashMap::new(),
            periods: HashMap::new(),
        }
    }

    /// A roll-up, or several of the hours that [`UsageQuery::hours_together`] permits.
    pub fn add_stored(
        &mut self,
        id: SeriesId,
        said: &str,
        hour: i64,
        counts: &Counts,
    ) -> Result<(), StoreError> {
        let known = match self.known.get(&id) {
            Some(known) => known.clone(),
            None => {
                let known = self.groups_of(decode(said)?).map(Arc::new);
                self.known.insert(id, known.clone());
                known
            }
        };
        if let Some(known) = known {
            self.add(&known, hour, counts);
        }
        Ok(())
    }

    /// One entry.
    pub fn add_fact(&mut self, fact: Fact) {
        if let Some(known) = self.groups_of(fact.series) {
            self.add(&known, fact.hour, &fact.counts);
        }
    }

    fn add(&mut self, known: &Known, hour: i64, counts: &Counts) {
        let period = self.period(hour);
        let sums = known.series.sums(counts);
        self.total = self.total.plus(&sums);
        for group in &known.groups {
            let is_full = self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(group);
            let cells = if is_full {
                &mut self.beyond
            } else {
                self.groups.entry(group.clone()).or_default()
            };
            add_to(cells, period.clone(), &sums);
        }
    }

    fn period(&mut self, hour: i64) -> Option<Period> {
        let grain = self.query.grain?;
        let zone = &self.query.zone;
        let known = self.periods.entry(hour);
        known.or_insert_with(|| period_of(hour, grain, zone)).clone()
    }

    /// The groups that a series counts in; nothing if it is not asked for.
    fn groups_of(&self, series: Series) -> Option<Known> {
        let query = self.query;
        for filter in &query.filters {
            let values = series.values(&filter.dimension, &query.regions);
            if !values.iter().any(|value| filter.any_of.contains(value)) {
                return None;
            }
        }
        let mut groups = vec![Vec::with_capacity(query.by.len())];
        for dimension in &query.by {
            let values = series.values(dimension, &query.regions);
            groups = groups
                .into_iter()
                .flat_map(|group| {
                    values.iter().map(move |value| {
                        let mut longer = group.clone();
                        longer.push(value.clone());
                        longer
                    })
                })
                .collect();
        }
        Some(Known { series, groups })
    }

    /// The answer.
    pub fn report(self) -> UsageReport {
        let count = self.groups.len();
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        let order = self.query.order;
        groups.sort_by_cached_key(|(group, cells)| (rank(order, &all_of(cells)), group.clone()));
        let rest = groups.split_off(self.query.top.min(groups.len()));
        let mut others = self.beyond;
        for (_, cells) in rest {
            for (period, sums) in cells {
                add_to(&mut others, period, &sums);
            }
        }
        let mut rows: Vec<UsageRow> = groups
            .into_iter()
            .map(|(group, cells)| (group, cells, false))
            .chain([(Vec::new(), others, true)])
            .flat_map(|(group, cells, is_rest)| {
                cells.into_iter().map(move |(period, sums)| UsageRow {
                    period,
                    group: group.clone(),
                    is_rest,
                    sums,
                })
            })
            .collect();
        rows.sort_by(|a, b| by_period(a, b, order));
        UsageReport {
            rows,
            total: self.total,
            groups: count,
        }
    }
}

fn add_to(cells: &mut Cells, period: Option<Period>, sums: &Sums) {
    let cell = cells.entry(period).or_default();
    *cell = cell.plus(sums);
}

fn all_of(cells: &Cells) -> Sums {
    cells.values().fold(Sums::default(), |all, sums| all.plus(sums))
}

/// What sorts first is smallest.
fn rank(order: Order, sums: &Sums) -> std::cmp::Reverse<i128> {
    std::cmp::Reverse(match order {
        Order::Cost => i128::from(sums.cost.nanos()),
        Order::Requests => i128::from(sums.requests),
        Order::Tokens => i128::from(sums.all_tokens()),
        Order::Name => 0,
    })
}

/// Periods one after another; within one the order of rows, the rest last. Stable where that says nothing.
fn by_period(a: &UsageRow, b: &UsageRow, order: Order) -> Ordering {
    let period = a.period.cmp(&b.period).then(a.is_rest.cmp(&b.is_rest));
    let rank = |row: &UsageRow| rank(order, &row.sums);
    period
        .then_with(|| rank(a).cmp(&rank(b)))
        .then_with(|| a.group.cmp(&b.group))
}
