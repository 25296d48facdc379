//! Reckoning again what calls cost that are in a tenant's ledger: what it comes to, and the entries that correct it.
//! What is in the ledger stays as it is; statements that are final stay as well, for a correction belongs to the time in
//! which it was made. Done again, or by two at once, or gone on with after a crash, it corrects each call once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::{Money, NodeId, RequestId, TenantScope, UnixMillis};
use exports::Pricing;
use ledger::rerate::{Corrected, correction, is_rateable};
use ledger::{Entry, Price, Sheet, sheet_version};
use schemars::JsonSchema;
use serde::Serialize;
use store::{EntrySpan, LogKind, Shipment, Store, StoreError, must_be_whole};

/// Entries that are read, and corrections that are written, at once.
const PAGE: u64 = 500;

/// Why nothing is reckoned again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RerateError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The time is none.
    #[error("`from` must be before `until`")]
    Time,
    /// The calls are too many to answer for here.
    #[error(
        "more than {0} calls: take a shorter time, or do it on the machine with `bartizan prices rerate`"
    )]
    Calls(u64),
}

/// Which calls.
#[derive(Debug, Clone, Copy)]
pub struct Which<'a> {
    /// That ended at or after.
    pub from: UnixMillis,
    /// And before.
    pub until: UnixMillis,
    /// For this model, by the name that was asked for or the target's.
    pub model: Option<&'a str>,
    /// No more than so many.
    pub calls_max: u64,
}

/// By which prices.
pub struct By {
    /// The list.
    pub list: Arc<dyn Pricing>,
    /// What is laid over it, and its number.
    pub sheet: Option<(u64, Sheet)>,
}

impl By {
    /// What corrections name as the prices they are reckoned by.
    pub fn version(&self) -> String {
        match &self.sheet {
            None => self.list.version().to_owned(),
            Some((number, _)) => sheet_version(self.list.version(), *number),
        }
    }

    fn price(&self, entry: &Entry) -> Option<Price> {
        let target = entry.target.as_deref()?;
        let listed = self.list.listed(target);
        let prices = match &self.sheet {
            None => listed,
            Some((_, sheet)) => sheet.laid_over(target.split_once('/')?, &listed),
        };
        prices.at(entry.started).copied()
    }
}

/// What calls of one model on one day come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RerateRow {
    /// The day, UTC, on which they ended.
    pub day: String,
    /// The model that was asked for.
    pub model: String,
    /// Calls.
    pub calls: u64,
    /// Of them, those whose cost is another.
    pub changed: u64,
    /// What they cost as the ledger has it, corrections included.
    pub now_nanos: i64,
    /// What they cost by these prices.
    pub then_nanos: i64,
    /// By how much that is more.
    pub difference_nanos: i64,
}

impl RerateRow {
    fn add(&mut self, now: Money, then: Money) {
        let plus = |nanos: i64, more: Money| nanos.saturating_add(more.nanos());
        self.calls = self.calls.saturating_add(1);
        self.changed = self.changed.saturating_add(u64::from(now != then));
        self.now_nanos = plus(self.now_nanos, now);
        self.then_nanos = plus(self.then_nanos, then);
        self.difference_nanos = plus(self.difference_nanos, then.minus(now));
    }
}

/// What it comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rerated {
    /// By which prices: the list's version, and the number of the sheet behind it.
    pub price_version: String,
    /// By day and model.
    pub rows: Vec<RerateRow>,
    /// All of them together.
    pub total: RerateRow,
    /// Calls that were billed at their bound, for nobody knows what they used. They stay as they are.
    pub at_their_bound: u64,
    /// Calls that these prices do not know, or that do not say how much they used of what these prices are for. They stay
    /// as they are.
    pub unpriced: u64,
    /// Corrections that came into the ledger now; nothing where it was only reckoned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected: Option<u64>,
}

/// What it would come to. Writes nothing.
pub async fn reckon(
    store: &dyn Store,
    scope: &TenantScope,
    which: &Which<'_>,
    by: &By,
) -> Result<Rerated, RerateError> {
    walk(store, scope, (which, by), None).await
}

/// Corrects them: the corrections are in the ledger afterwards, with the time `at`.
// threat: AGP-R2
pub async fn apply(
    store: &dyn Store,
    scope: &TenantScope,
    (which, by): (&Which<'_>, &By),
    at: UnixMillis,
) -> Result<Rerated, RerateError> {
    walk(store, scope, (which, by), Some(at)).await
}

async fn walk(
    store: &dyn Store,
    scope: &TenantScope,
    (which, by): (&Which<'_>, &By),
    at: Option<UnixMillis>,
) -> Result<Rerated, RerateError> {
    if which.from >= which.until {
        return Err(RerateError::Time);
    }
    let size = store.log_size(scope, LogKind::Ledger).await?;
    let before = corrections(store, scope, which.from, size).await?;
    let (version, mut sums) = (Arc::from(by.version()), Sums::default());
    let span = EntrySpan {
        from: which.from,
        until: which.until,
        size,
    };
    let (mut after, mut corrected) = (None, 0u64);
    loop {
        let page = read(store, scope, &span, after).await?;
        let mut shipments = Vec::new();
        for (_, entry) in page.iter().filter(|(_, entry)| is_meant(entry, which.model)) {
            let Some(price) = sums.weigh(entry, by) else {
                continue;
            };
            let before = before.get(&entry.id).copied().unwrap_or_default();
            let cost = price.cost(&entry.usage);
            sums.row(entry).add(entry.cost.plus(before.by), cost);
            if sums.calls() > which.calls_max {
                return Err(RerateError::Calls(which.calls_max));
            }
            let made = at.and_then(|at| correction(entry, before, (&price, &version), at));
            shipments.extend(made.as_ref().map(Shipment::from));
        }
        if !shipments.is_empty() {
            // No lease is charged: whose node it was does not matter.
            let new = store.append(scope, NodeId::from_u128(0), &shipments).await?;
            corrected = corrected.saturating_add(new);
        }
        match page.last() {
            Some((index, last)) if page.len() as u64 == PAGE => after = Some((last.finished, *index)),
            _ => return Ok(sums.told(&version, at.map(|_| corrected))),
        }
    }
}

/// What was corrected before of calls that ended at `from` or later: a correction ends after its call.
async fn corrections(
    store: &dyn Store,
    scope: &TenantScope,
    from: UnixMillis,
    size: u64,
) -> Result<HashMap<RequestId, Corrected>, StoreError> {
    let span = EntrySpan {
        from,
        until: UnixMillis(i64::MAX),
        size,
    };
    let (mut all, mut after) = (HashMap::<_, Corrected>::new(), None);
    loop {
        let page = read(store, scope, &span, after).await?;
        for (_, entry) in &page {
            if let Some(original) = entry.adjusts {
                let known = all.entry(original).or_default();
                *known = known.and(entry);
            }
        }
        match page.last() {
            Some((index, last)) if page.len() as u64 == PAGE => after = Some((last.finished, *index)),
            _ => return Ok(all),
        }
    }
}

async fn read(
    store: &dyn Store,
    scope: &TenantScope,
    span: &EntrySpan,
    after: Option<(UnixMillis, u64)>,
) -> Result<Vec<(u64, Entry)>, StoreError> {
    let page = store.entries_finished(scope, span, after, PAGE).await?;
    must_be_whole(store, scope, span).await?;
    let entry = |stored: &store::StoredEntry| {
        let damaged = |error| StoreError::Damaged(format!("entry {}: {error}", stored.index));
        Ok((stored.index, Entry::from_bytes(&stored.bytes).map_err(damaged)?))
    };
    page.iter().map(entry).collect()
}

fn is_meant(entry: &Entry, model: Option<&str>) -> bool {
    let is_named = |name: &Option<Arc<str>>| name.as_deref() == model;
    entry.adjusts.is_none() && (model.is_none() || is_named(&entry.model) || is_named(&entry.target))
}

#[derive(Default)]
struct Sums {
    rows: BTreeMap<(String, String), RerateRow>,
    at_their_bound: u64,
    unpriced: u64,
}

impl Sums {
    /// The price by which the entry is reckoned again, if it is; otherwise why it stays is counted.
    fn weigh(&mut self, entry: &Entry, by: &By) -> Option<Price> {
        if !is_rateable(entry) {
            let is_bound = entry.usage_source == ledger::UsageSource::Bound;
            self.at_their_bound = self.at_their_bound.saturating_add(u64::from(is_bound));
            return None;
        }
        let price = by.price(entry);
        // What a call did not count cannot be priced afterwards.
        let price = price.filter(|price| price.told(&entry.usage.units).is_ok());
        self.unpriced = self.unpriced.saturating_add(u64::from(price.is_none()));
        price
    }

    fn row(&mut self, entry: &Entry) -> &mut RerateRow {
        let day = exports::Grain::Day.start(entry.finished);
        let day: String = exports::rfc3339(day).chars().take(10).collect();
        let model = entry.model.as_deref().unwrap_or("-").to_owned();
        let row = self.rows.entry((day.clone(), model.clone()));
        row.or_insert_with(|| RerateRow {
            day,
            model,
            ..RerateRow::default()
        })
    }

    fn calls(&self) -> u64 {
        self.rows.values().map(|row| row.calls).sum()
    }

    fn told(self, version: &str, corrected: Option<u64>) -> Rerated {
        let mut total = RerateRow::default();
        for row in self.rows.values() {
            total.calls = total.calls.saturating_add(row.calls);
            total.changed = total.changed.saturating_add(row.changed);
            total.now_nanos = total.now_nanos.saturating_add(row.now_nanos);
            total.then_nanos = total.then_nanos.saturating_add(row.then_nanos);
            total.difference_nanos = total.difference_nanos.saturating_add(row.difference_nanos);
        }
        Rerated {
            price_version: version.to_owned(),
            rows: self.rows.into_values().collect(),
            total,
            at_their_bound: self.at_their_bound,
            unpriced: self.unpriced,
            corrected,
        }
    }
}
