//! What caches saved: the provider's, reckoned by today's prices; the gate's own, by what the same was paid for.

use std::collections::BTreeMap;

use domain::{TenantScope, UnixMillis};
use ledger::Dated;
use schemars::JsonSchema;
use serde::Serialize;
use store::usage::{Dimension, Filter, UsageQuery, UsageRow};

use crate::call::Call;
use crate::problem::Problem;
use crate::sheets;

/// Tokens that a price is stated for.
const PER_TOKENS: i128 = 1_000_000;

/// What caches saved. Both figures are reckoned, and no part of what was billed.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct SavingsView {
    /// Prompt tokens that were read from providers' caches.
    pub provider_cache_tokens: u64,
    /// What they would have cost more, had they been sent anew: at the difference of today's standard rates of the target
    /// that served, as the tenant is charged by them.
    pub provider_cache_nanos: i64,
    /// Of the tokens, those whose target has no price today: they count as nothing.
    pub unpriced_tokens: u64,
    /// Calls that the gate's own cache answered.
    pub gate_cache_requests: u64,
    /// What as many calls cost on average that went to a provider: of the same model and operation, in the same time.
    pub gate_cache_nanos: i64,
    /// Of the calls, those that there was nothing to compare with: they count as nothing.
    pub uncompared_requests: u64,
}

/// Reckons it for what was asked.
pub async fn reckon(call: &Call, scope: &TenantScope, query: &UsageQuery) -> Result<SavingsView, Problem> {
    let mut asked = query.clone();
    (asked.grain, asked.top) = (None, usize::MAX);
    let mut view = SavingsView::default();
    let (store, list) = (call.control.store.as_ref(), call.control.serving.prices());
    let prices = sheets::charged(store, scope.tenant(), list).await?;
    let targets = asked.clone().by([Dimension::Target]);
    for row in call.control.store.usage(scope, &targets).await?.rows {
        of_provider(&mut view, &row, (&prices, call.now));
    }
    let mut whole = asked.by([Dimension::Model, Dimension::Operation, Dimension::Cached]);
    whole.filters.push(Filter {
        dimension: Dimension::Outcome,
        any_of: vec!["completed".to_owned()],
    });
    of_gate(&mut view, &call.control.store.usage(scope, &whole).await?.rows);
    Ok(view)
}

fn of_provider(
    view: &mut SavingsView,
    row: &UsageRow,
    (prices, now): (&BTreeMap<String, Dated>, UnixMillis),
) {
    let tokens = row.sums.tokens.cache_read;
    view.provider_cache_tokens = view.provider_cache_tokens.saturating_add(tokens);
    let dated = row.group.first().and_then(|target| prices.get(target));
    let Some(price) = dated.and_then(|dated| dated.at(now)) else {
        view.unpriced_tokens = view.unpriced_tokens.saturating_add(tokens);
        return;
    };
    let rates = price.standard.rates;
    let difference = i128::from(rates.input) - i128::from(rates.cache_read);
    let saved = (i128::from(tokens) * difference).div_euclid(PER_TOKENS);
    view.provider_cache_nanos = view
        .provider_cache_nanos
        .saturating_add(i64::try_from(saved).unwrap_or(i64::MAX));
}

fn of_gate(view: &mut SavingsView, rows: &[UsageRow]) {
    let cached = |row: &&UsageRow| row.group.get(2).is_some_and(|cached| cached == "true");
    for row in rows.iter().filter(cached) {
        let requests = row.sums.requests;
        view.gate_cache_requests = view.gate_cache_requests.saturating_add(requests);
        let same = |other: &&UsageRow| {
            !cached(other) && other.group.iter().zip(&row.group).take(2).all(|(a, b)| a == b)
        };
        let Some(paid) = rows.iter().find(same).filter(|paid| paid.sums.requests > 0) else {
            view.uncompared_requests = view.uncompared_requests.saturating_add(requests);
            continue;
        };
        let saved =
            i128::from(paid.sums.cost.nanos()) * i128::from(requests) / i128::from(paid.sums.requests);
        view.gate_cache_nanos = view
            .gate_cache_nanos
            .saturating_add(i64::try_from(saved).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Money;
    use store::usage::Sums;

    fn row(group: &[&str], requests: u64, cost: i64, cache_read: u64) -> UsageRow {
        let mut sums = Sums {
            requests,
            cost: Money::from_nanos(cost),
            ..Sums::default()
        };
        sums.tokens.cache_read = cache_read;
        UsageRow {
            period: None,
            group: group.iter().map(|value| (*value).to_owned()).collect(),
            is_rest: false,
            sums,
        }
    }

    #[test]
    fn reading_a_providers_cache_saves_the_difference_of_rates() {
        let rates = ledger::Rates {
            input: 3_000_000_000,
            cache_read: 300_000_000,
            ..ledger::Rates::default()
        };
        let price = ledger::Price {
            standard: ledger::Scale { rates, long: None },
            ..ledger::Price::default()
        };
        let prices = BTreeMap::from([("p/m".to_owned(), Dated::always(price))]);
        let now = UnixMillis(0);
        let mut view = SavingsView::default();
        of_provider(&mut view, &row(&["p/m"], 1, 0, 2_000), (&prices, now));
        of_provider(&mut view, &row(&["p/other"], 1, 0, 500), (&prices, now));
        let said = (
            view.provider_cache_tokens,
            view.provider_cache_nanos,
            view.unpriced_tokens,
        );
        assert_eq!(said, (2_500, 2_000 * 2_700, 500));
    }

    #[test]
    fn an_answer_of_the_gates_cache_saves_what_the_same_cost() {
        let rows = [
            row(&["m", "chat", "false"], 4, 400, 0),
            row(&["m", "chat", "true"], 3, 0, 0),
            row(&["m", "embeddings", "true"], 2, 0, 0),
        ];
        let mut view = SavingsView::default();
        of_gate(&mut view, &rows);
        let said = (
            view.gate_cache_requests,
            view.gate_cache_nanos,
            view.uncompared_requests,
        );
        assert_eq!(said, (5, 300, 2));
    }
}
