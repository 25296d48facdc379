//! What is called in the made-up month: busy weekdays, quiet nights, slow growth, some that fails, and one agent that runs
//! in circles for a day.

use domain::{Money, NodeId, RequestId, TenantId, UnixMillis, Usage};
use fastrand::Rng;
use ledger::{Catalog, Charge, Dated, Digest, Entry, Labels, Outcome as Ended, UsageSource, Window};

use super::people::{Company, Desk};
use crate::failure::Outcome;
use crate::parts::failed;

const HOUR_MS: i64 = 3_600_000;
/// How busy each hour of a day is, in hundredths of the busiest.
const HOURS: [u32; 24] = [
    8, 6, 5, 5, 6, 10, 22, 45, 75, 95, 100, 96, 80, 88, 97, 94, 85, 66, 48, 40, 34, 26, 18, 12,
];
/// So many days before the end the agent ran in circles, and made so many times its calls.
const RUNAWAY: (u32, usize) = (4, 40);

/// What to draw calls from.
pub struct Traffic<'a> {
    company: &'a Company,
    prices: Vec<Dated>,
    version: &'a str,
    whose: (TenantId, NodeId),
    seed: u64,
}

impl<'a> Traffic<'a> {
    /// Priced by `catalog`.
    pub fn new(company: &'a Company, catalog: &'a Catalog, whose: (TenantId, NodeId), seed: u64) -> Self {
        let priced = |desk: &Desk| catalog.prices(desk.provider, desk.model);
        let prices = company.desks.iter().map(priced).collect();
        Self {
            company,
            prices,
            version: catalog.version(),
            whose,
            seed,
        }
    }

    /// The calls of the day that begins at `from`, in the order of their ends.
    pub fn day(&self, from: UnixMillis, (day, days): (u32, u32), calls_per_day: u32) -> Outcome<Vec<Entry>> {
        let mut random = Rng::with_seed(self.seed ^ from.0.unsigned_abs());
        let is_weekend = matches!((from.0 / (24 * HOUR_MS) + 3) % 7, 5 | 6);
        let growth = 0.8 + 0.4 * f64::from(day) / f64::from(days.max(1));
        let busy = if is_weekend { 0.35 } else { 1.0 };
        let count = f64::from(calls_per_day) * growth * busy * (0.92 + 0.16 * random.f64());
        let mut entries = Vec::new();
        for _ in 0..count as u32 {
            let at = self.desk(&mut random);
            entries.push(self.call(from, at, None, &mut random)?);
        }
        if days - day == RUNAWAY.0 {
            let agent = self.company.desks.len().saturating_sub(2);
            for _ in 0..RUNAWAY.1 * 10 {
                entries.push(self.call(from, agent, Some(2), &mut random)?);
            }
        }
        entries.sort_by_key(|entry| entry.finished);
        Ok(entries)
    }

    /// Which team calls.
    fn desk(&self, random: &mut Rng) -> usize {
        let mut left = random.u32(0..100);
        for (at, desk) in self.company.desks.iter().enumerate() {
            match left.checked_sub(desk.share) {
                Some(rest) => left = rest,
                None => return at,
            }
        }
        0
    }

    fn call(&self, from: UnixMillis, at: usize, key: Option<usize>, random: &mut Rng) -> Outcome<Entry> {
        let desk = self.company.desks.get(at).ok_or_else(|| failed("no such team"))?;
        let price = self.prices.get(at).and_then(|dated| dated.at(from));
        let price = price.ok_or_else(|| failed(format!("the catalog has no price of `{}`", desk.model)))?;
        let key = desk
            .keys
            .get(key.unwrap_or_else(|| random.usize(0..desk.keys.len())));
        let key = key.ok_or_else(|| failed("a team without keys"))?;
        let finished = UnixMillis(moment(from, random));
        let (outcome, status, usage) = ended(random);
        let cost = if usage == Usage::default() {
            Money::ZERO
        } else {
            price.cost(&usage)
        };
        let was_sent = status != 402;
        let id = RequestId::from_u128(random.u128(..));
        Ok(Entry {
            team: desk.team,
            key: key.id,
            node: self.whose.1,
            started: UnixMillis(finished.0 - random.i64(200..4_000)),
            finished,
            dialect: if desk.provider == "anthropic" {
                "anthropic"
            } else {
                "openai"
            }
            .into(),
            model: Some(desk.model.into()),
            target: was_sent.then(|| format!("{}/{}", desk.provider, desk.model).into()),
            outcome,
            status,
            attempts: u16::from(was_sent),
            usage,
            usage_source: if cost == Money::ZERO {
                UsageSource::None
            } else {
                UsageSource::Provider
            },
            cost,
            price_version: self.version.into(),
            charges: self.charges(desk, finished, cost),
            request_digest: Some(Digest(random_digest(random))),
            response_digest: was_sent.then(|| Digest(random_digest(random))),
            owner: key.owner,
            labels: labels(at, status, random)?,
            ..Entry::sample(id, self.whose.0)
        })
    }
}

impl Traffic<'_> {
    /// On the team's budget, and on the one over all of them.
    fn charges(&self, desk: &Desk, finished: UnixMillis, amount: Money) -> Vec<Charge> {
        let budgets = std::iter::once(desk.budget).chain(self.company.shared);
        let charge = |budget| Charge {
            budget,
            window_start: Window::Month.start(finished),
            amount,
        };
        budgets.map(charge).collect()
    }
}

/// Customers' questions are answered or handed on, and the caller says which.
fn labels(desk: usize, status: u16, random: &mut Rng) -> Outcome<Labels> {
    if desk != 0 || status != 200 {
        return Ok(Labels::default());
    }
    let text = if random.u32(0..100) < 82 {
        "outcome=resolved"
    } else {
        "outcome=handed_on"
    };
    Labels::parse(text).map_err(|why| failed(format!("{why:?}")))
}

/// Some moment of the day, by how busy its hours are.
fn moment(from: UnixMillis, random: &mut Rng) -> i64 {
    loop {
        let hour = random.usize(0..24);
        if random.u32(0..100) < HOURS.get(hour).copied().unwrap_or_default() {
            return from.0 + hour as i64 * HOUR_MS + random.i64(0..HOUR_MS);
        }
    }
}

/// How it ended, and what was used.
fn ended(random: &mut Rng) -> (Ended, u16, Usage) {
    match random.u32(0..1000) {
        0..=9 => (Ended::Refused("budget_exhausted".into()), 402, Usage::default()),
        10..=19 => (Ended::UpstreamFailed("upstream_broken".into()), 502, used(random)),
        20..=29 => (
            Ended::UpstreamFailed("upstream_timeout".into()),
            504,
            Usage::default(),
        ),
        30..=41 => (Ended::ClientGone, 200, used(random)),
        _ => (Ended::Completed, 200, used(random)),
    }
}

/// Mostly short prompts and answers, some very long; a third of the prompts begins in the provider's cache.
fn used(random: &mut Rng) -> Usage {
    let long_tailed =
        |random: &mut Rng, usual: f64| (usual * (-random.f64().max(1e-6).ln()).powf(1.6)) as u64 + 12;
    let (prompt, output) = (long_tailed(random, 1_900.0), long_tailed(random, 260.0));
    let cache_read = if random.u32(0..3) == 0 { prompt * 7 / 10 } else { 0 };
    Usage {
        input: prompt - cache_read,
        cache_read,
        output,
        ..Usage::default()
    }
}

fn random_digest(random: &mut Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    bytes
}
