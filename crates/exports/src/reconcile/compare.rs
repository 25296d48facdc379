//! The two sides next to each other, by day and model.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::{Money, RequestId};
use ledger::{Entry, UsageSource, split_version};
use serde::Serialize;

use super::amount::Amount;
use super::report::There;
use crate::Pricing;
use crate::period::day;

/// What the ledger has of one day and model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Calls.
    pub calls: u64,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Generated tokens.
    pub output_tokens: u64,
    /// What it cost by the list: what the provider charges for it.
    #[serde(rename = "cost_usd")]
    pub cost: Amount,
    /// What was charged beyond that by a price sheet; less than nothing where it was less. No part of the comparison.
    #[serde(rename = "mark_up_usd")]
    pub mark_up: Amount,
    /// Of the calls: billed at their bound, or as counted here, because the provider's figure never came.
    pub unsure_calls: u64,
    /// What those cost.
    #[serde(rename = "unsure_cost_usd")]
    pub unsure_cost: Amount,
}

/// The ledger's side under way.
#[derive(Debug, Clone, Default)]
pub struct Here {
    lines: BTreeMap<(String, String), Sum>,
    /// Calls that were charged by a sheet: what corrects them is no part of what a provider charges.
    by_sheet: HashSet<RequestId>,
}

impl Here {
    /// Adds the entry if one of these providers served it, by the configuration's names. What was charged by a price
    /// sheet is reckoned by the list in force, at the time of the call; where that cannot be, it counts as charged and
    /// is unsure.
    pub fn add(&mut self, entry: &Entry, providers: &[String], list: &dyn Pricing) {
        let target = entry.target.as_deref().and_then(|target| target.split_once('/'));
        let Some((provider, model)) = target else { return };
        let used = entry.usage.total() > 0 || entry.cost.nanos() != 0;
        if entry.cached || !used || !providers.iter().any(|known| known == provider) {
            return;
        }
        let listed = self.listed(entry, list);
        let sum = self
            .lines
            .entry((day(entry.finished), model_name(model)))
            .or_default();
        let nanos = |money: Money| Amount::of_nanos(i128::from(money.nanos()));
        let cost = nanos(listed.unwrap_or(entry.cost));
        sum.mark_up = sum.mark_up.plus(nanos(entry.cost).minus(cost));
        sum.calls += u64::from(entry.adjusts.is_none());
        sum.prompt_tokens = sum.prompt_tokens.saturating_add(entry.usage.prompt());
        sum.output_tokens = sum.output_tokens.saturating_add(entry.usage.output);
        sum.cost = sum.cost.plus(cost);
        if matches!(entry.usage_source, UsageSource::Bound | UsageSource::Estimated) || listed.is_none() {
            sum.unsure_calls += 1;
            sum.unsure_cost = sum.unsure_cost.plus(cost);
        }
    }

    /// What the provider charges for it by its list; nothing where that cannot be reckoned.
    fn listed(&mut self, entry: &Entry, list: &dyn Pricing) -> Option<Money> {
        let (_, sheet) = split_version(&entry.price_version);
        if let Some(corrected) = entry.adjusts {
            let is_of_sheet = sheet.is_some() || self.by_sheet.contains(&corrected);
            return Some(if is_of_sheet { Money::ZERO } else { entry.cost });
        }
        if sheet.is_none() {
            return Some(entry.cost);
        }
        self.by_sheet.insert(entry.id);
        if entry.usage_source == UsageSource::Bound {
            return None;
        }
        let prices = list.listed(entry.target.as_deref()?);
        let price = prices.at(entry.started)?;
        price.told(&entry.usage.units).ok()?;
        Some(price.cost(&entry.usage))
    }
}

/// A model's name without the date of its snapshot: `gpt-4o-2024-08-06` and `claude-opus-4-5-20251101` are what the
/// names without dates mean.
pub fn model_name(name: &str) -> String {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let bare = match name.rsplit_once('-') {
        Some((rest, date)) if date.len() == 8 && digits(date) => rest,
        Some((rest, day)) if day.len() == 2 && digits(day) => {
            let month = rest
                .rsplit_once('-')
                .filter(|(_, month)| month.len() == 2 && digits(month));
            let year = month.and_then(|(rest, _)| rest.rsplit_once('-'));
            year.filter(|(_, year)| year.len() == 4 && digits(year))
                .map_or(name, |(rest, _)| rest)
        }
        _ => name,
    };
    bare.to_owned()
}

/// How much a line may be off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tolerance {
    /// In dollars.
    pub cost: Amount,
    /// In tokens, of either kind.
    pub tokens: u64,
}

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Both sides agree, within the tolerance.
    Matched,
    /// Both have it, and not the same.
    Differs,
    /// The provider bills what the ledger does not have.
    MissingHere,
    /// The ledger has what the provider does not bill.
    MissingThere,
}

impl Verdict {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Differs => "differs",
            Self::MissingHere => "missing here",
            Self::MissingThere => "missing there",
        }
    }
}

/// One day and model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The day, UTC.
    pub day: String,
    /// The model.
    pub model: String,
    /// How it stands.
    pub verdict: Verdict,
    /// The ledger.
    pub here: Option<Sum>,
    /// The provider.
    pub there: Option<There>,
    /// How much more the provider bills than the ledger has; nothing where its report is not of costs.
    #[serde(rename = "cost_difference_usd")]
    pub cost: Option<Amount>,
    /// How many more prompt and output tokens.
    #[serde(rename = "token_difference")]
    pub tokens: Option<(i128, i128)>,
    /// What the likeliest cause is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// By day and model.
    pub lines: Vec<Line>,
    /// Lines beyond the tolerance.
    pub gaps: u64,
    /// How much more the provider bills in all.
    #[serde(rename = "cost_difference_usd")]
    pub cost: Amount,
}

/// Compares them.
pub fn compare(here: Here, there: BTreeMap<(String, String), There>, tolerance: Tolerance) -> Compared {
    let places: BTreeSet<&(String, String)> = here.lines.keys().chain(there.keys()).collect();
    let lines: Vec<Line> = places
        .into_iter()
        .map(|place| {
            line(
                place,
                here.lines.get(place).copied(),
                there.get(place).copied(),
                tolerance,
            )
        })
        .collect();
    Compared {
        gaps: lines
            .iter()
            .filter(|line| line.verdict != Verdict::Matched)
            .count() as u64,
        cost: lines
            .iter()
            .filter_map(|line| line.cost)
            .fold(Amount::ZERO, Amount::plus),
        lines,
    }
}

fn line(
    (day, model): &(String, String),
    here: Option<Sum>,
    there: Option<There>,
    tolerance: Tolerance,
) -> Line {
    let (own, other) = (here.unwrap_or_default(), there.unwrap_or_default());
    let cost = match there {
        Some(there) => there.cost.map(|cost| cost.minus(own.cost)),
        None => Some(-own.cost),
    };
    let more = |theirs: u64, ours: u64| i128::from(theirs) - i128::from(ours);
    let counted = if there.is_some() {
        other.tokens
    } else {
        Some((0, 0))
    };
    let tokens =
        counted.map(|(prompt, output)| (more(prompt, own.prompt_tokens), more(output, own.output_tokens)));
    let is_close = cost.is_none_or(|cost| cost.size() <= tolerance.cost)
        && tokens.is_none_or(|(prompt, output)| {
            prompt.unsigned_abs().max(output.unsigned_abs()) <= tolerance.tokens.into()
        });
    let verdict = match (here, there) {
        _ if is_close => Verdict::Matched,
        (Some(_), Some(_)) => Verdict::Differs,
        (None, _) => Verdict::MissingHere,
        (_, None) => Verdict::MissingThere,
    };
    let cause = (verdict != Verdict::Matched)
        .then(|| cause(&own, cost, verdict))
        .flatten();
    Line {
        day: day.clone(),
        model: model.clone(),
        verdict,
        here,
        there,
        cost,
        tokens,
        cause,
    }
}

/// What is billed without the provider's own figure is what differs most often.
fn cause(own: &Sum, cost: Option<Amount>, verdict: Verdict) -> Option<String> {
    if own.unsure_calls > 0 {
        let enough = cost.is_some_and(|cost| cost.size() <= own.unsure_cost);
        let how = if enough {
            "which is enough to explain it"
        } else {
            "which does not explain all of it"
        };
        return Some(format!(
            "{} calls were billed here at their bound, by our own count or by a sheet without a list's price, ${} in all, {how}",
            own.unsure_calls, own.unsure_cost
        ));
    }
    match verdict {
        Verdict::MissingHere => Some(
            "nothing of it passed the gate: somebody calls the provider past it, or by another name"
                .to_owned(),
        ),
        Verdict::MissingThere => {
            Some("the provider has not reported it yet, or bills it elsewhere".to_owned())
        }
        _ => None,
    }
}
