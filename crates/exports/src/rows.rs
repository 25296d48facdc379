//! From entries to rows: one for each charge period and everything that charges are told apart by, sums exact.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{KeyId, Money, ProjectId, TeamId, Tier, UnixMillis};
use ledger::merkle::leaf_hash;
use ledger::{Dated, Entry, EntryError, Part, Price, TokenClass, UNIT_CLASSES};

use crate::Grain;

/// What rows are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When the charge period begins.
    pub start: UnixMillis,
    /// The team.
    pub team: TeamId,
    /// The project.
    pub project: Option<ProjectId>,
    /// The key.
    pub key: KeyId,
    /// The model that was named.
    pub model: Option<Arc<str>>,
    /// `provider/model` that served.
    pub target: Option<Arc<str>>,
    /// What was asked.
    pub operation: &'static str,
    /// How the provider served it.
    pub tier: &'static str,
    /// The price list.
    pub price_version: Arc<str>,
    /// The kind of token.
    pub class: TokenClass,
}

/// What a row holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Calls. Each is counted in one of its rows, so that they may be summed. What corrects the cost of one is none.
    pub calls: u64,
    /// Prompt tokens.
    pub prompt: u128,
    /// Generated tokens.
    pub output: u128,
    /// Of a row about what is not counted in tokens, how much of it; of sums over several kinds nothing sensible.
    pub units: u128,
    /// What it cost, nano-dollars.
    pub nanos: i128,
}

impl Used {
    const fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.prompt = self.prompt.saturating_add(other.prompt);
        self.output = self.output.saturating_add(other.output);
        self.units = self.units.saturating_add(other.units);
        self.nanos = self.nanos.saturating_add(other.nanos);
    }

    /// Both kinds together.
    pub const fn tokens(&self) -> u128 {
        self.prompt.saturating_add(self.output)
    }

    /// Whether there is nothing to charge or count.
    pub const fn is_nothing(&self) -> bool {
        self.nanos == 0 && self.tokens() == 0 && self.units == 0
    }
}

/// What part of the ledger rows are made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Entries.
    pub entries: u64,
    /// The lowest index among them.
    pub first: Option<u64>,
    /// The highest.
    pub last: Option<u64>,
    /// Over the leaf hashes of all of them, in their order: each step hashes what was before and the next.
    pub digest: [u8; 32],
}

/// All of it, and what of the ledger it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Total {
    /// The sums.
    pub used: Used,
    /// The entries.
    pub ledger: Ledger,
}

/// Why an entry cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// The rows do not fit.
    #[error("more than {0} rows: ask for a shorter time, or for days instead of hours")]
    Many(usize),
    /// The entries are too many to read.
    #[error("more than {0} calls: ask for a shorter time, or export on the machine with `bartizan export`")]
    Calls(u64),
    /// The ledger holds what is no entry.
    #[error("entry {index} of the ledger cannot be read: {error}")]
    Entry {
        /// Its place.
        index: u64,
        /// Why.
        error: EntryError,
    },
}

/// Knows a price list.
pub trait Pricing: Send + Sync {
    /// Which list.
    fn version(&self) -> &str;
    /// What `provider/upstream-model` costs by it, through time.
    fn listed(&self, target: &str) -> Dated;

    /// The price an entry was reckoned by, if it is still known.
    fn price(&self, entry: &Entry) -> Option<Price> {
        if *entry.price_version != *self.version() {
            return None;
        }
        self.listed(entry.target.as_deref()?).at(entry.started).copied()
    }
}

/// Knows no prices: what a call cost is not told apart by kinds of tokens.
#[derive(Debug, Clone, Copy)]
pub struct Unpriced;

impl Pricing for Unpriced {
    fn version(&self) -> &str {
        ""
    }

    fn listed(&self, _: &str) -> Dated {
        Dated::default()
    }
}

/// Rows under way.
#[derive(Debug, Clone)]
pub struct Rows {
    grain: Grain,
    rows_max: usize,
    calls_max: u64,
    rows: BTreeMap<Place, Used>,
    total: Total,
}

impl Rows {
    /// None yet, and never more than `rows_max`.
    pub const fn new(grain: Grain, rows_max: usize) -> Self {
        Self {
            grain,
            rows_max,
            calls_max: u64::MAX,
            rows: BTreeMap::new(),
            total: Total {
                used: Used {
                    calls: 0,
                    prompt: 0,
                    output: 0,
                    units: 0,
                    nanos: 0,
                },
                ledger: Ledger {
                    entries: 0,
                    first: None,
                    last: None,
                    digest: [0; 32],
                },
            },
        }
    }

    /// The same, and never of more calls than this.
    #[must_use]
    pub fn of_calls(self, calls_max: u64) -> Self {
        Self { calls_max, ..self }
    }

    /// Adds the entry that has these canonical bytes, and returns it.
    // threat: AGP-R2
    pub fn add(&mut self, index: u64, bytes: &[u8], pricing: &dyn Pricing) -> Result<Entry, RowsError> {
        if self.total.ledger.entries >= self.calls_max {
            return Err(RowsError::Calls(self.calls_max));
        }
        let entry = Entry::from_bytes(bytes).map_err(|error| RowsError::Entry { index, error })?;
        let mut calls = u64::from(entry.adjusts.is_none());
        for part in parts(&entry, pricing) {
            let used = used(part, &entry, calls);
            calls = 0;
            self.put(place(&entry, self.grain, part.class), used)?;
        }
        self.total.ledger.add(index, bytes);
        Ok(entry)
    }

    fn put(&mut self, place: Place, used: Used) -> Result<(), RowsError> {
        if self.rows.len() >= self.rows_max && !self.rows.contains_key(&place) {
            return Err(RowsError::Many(self.rows_max));
        }
        self.rows.entry(place).or_default().add(used);
        self.total.used.add(used);
        Ok(())
    }

    /// The rows, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&Place, &Used)> {
        self.rows.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All of them together.
    pub const fn total(&self) -> &Total {
        &self.total
    }

    /// How long their periods are.
    pub const fn grain(&self) -> Grain {
        self.grain
    }
}

impl Ledger {
    fn add(&mut self, index: u64, bytes: &[u8]) {
        self.entries = self.entries.saturating_add(1);
        self.first = Some(self.first.map_or(index, |first| first.min(index)));
        self.last = Some(self.last.map_or(index, |last| last.max(index)));
        let both = [self.digest, leaf_hash(bytes)].concat();
        self.digest = leaf_hash(&both);
    }
}

/// What each kind of token of the entry cost, if the price is known that makes exactly the entry's cost; else all in one.
fn parts(entry: &Entry, pricing: &dyn Pricing) -> Vec<Part> {
    if entry.adjusts.is_some() {
        return vec![Part {
            class: TokenClass::Adjustment,
            tokens: 0,
            cost: entry.cost,
        }];
    }
    let known = pricing.price(entry).and_then(|price| price.parts(&entry.usage));
    let exact = known
        .filter(|parts| !parts.is_empty() && parts.iter().map(|part| part.cost).sum::<Money>() == entry.cost);
    exact.unwrap_or_else(|| {
        vec![Part {
            class: TokenClass::All,
            tokens: entry.usage.total(),
            cost: entry.cost,
        }]
    })
}

fn used(part: Part, entry: &Entry, calls: u64) -> Used {
    let is_unit = UNIT_CLASSES.contains(&part.class);
    let tokens = u128::from(part.tokens);
    let units = if is_unit { tokens } else { 0 };
    let (prompt, output) = match part.class {
        _ if is_unit => (0, 0),
        TokenClass::Output | TokenClass::AudioOutput => (0, tokens),
        TokenClass::All => (u128::from(entry.usage.prompt()), u128::from(entry.usage.output)),
        _ => (tokens, 0),
    };
    let nanos = i128::from(part.cost.nanos());
    Used {
        calls,
        prompt,
        output,
        units,
        nanos,
    }
}

fn place(entry: &Entry, grain: Grain, class: TokenClass) -> Place {
    Place {
        start: grain.start(entry.finished),
        team: entry.team,
        project: entry.project,
        key: entry.key,
        model: entry.model.clone(),
        target: entry.target.clone(),
        operation: entry.operation.as_str(),
        tier: tier(entry.usage.tier),
        price_version: entry.price_version.clone(),
        class,
    }
}

const fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Standard => "standard",
        Tier::Flex => "flex",
        Tier::Priority => "priority",
        Tier::Batch => "batch",
    }
}
