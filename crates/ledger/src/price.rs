//! What tokens cost: exact integers, rounded up once.

use domain::{Money, Usage};
use serde::{Deserialize, Serialize};

/// Tokens that a price is stated for.
const PER_TOKENS: u128 = 1_000_000;

/// What one model's tokens cost. Rates are nano-USD for a million tokens: $2.50 a million is
/// 2 500 000 000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Prompt tokens at the full price.
    pub input: u64,
    /// Generated tokens, reasoning included.
    pub output: u64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: u64,
    /// Prompt tokens written to the provider's cache.
    pub cache_write: u64,
    /// For every call, whatever it used.
    pub request: Money,
    /// Other rates for calls with long prompts, where the provider has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongPrompt>,
}

/// The rates of a call whose whole prompt (cached parts included) is longer than a threshold. They hold
/// for all of the call's tokens, not only for those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongPrompt {
    /// The longest prompt that still has the ordinary rates.
    pub above_tokens: u64,
    /// As [`Price::input`].
    pub input: u64,
    /// As [`Price::output`].
    pub output: u64,
    /// As [`Price::cache_read`].
    pub cache_read: u64,
    /// As [`Price::cache_write`].
    pub cache_write: u64,
}

/// The four rates that apply to one call.
#[derive(Clone, Copy)]
struct Rates {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
}

impl Price {
    /// A price of `input` and `output` dollars a million tokens, cached prompt tokens at the input's price.
    pub fn per_million(input: Money, output: Money) -> Self {
        let (input, output) = (rate(input), rate(output));
        Self {
            input,
            output,
            cache_read: input,
            cache_write: input,
            request: Money::ZERO,
            long: None,
        }
    }

    /// What a call cost: all classes summed, then rounded up once to the nano-dollar.
    pub fn cost(&self, usage: &Usage) -> Money {
        let rates = match self.long {
            Some(long) if usage.prompt() > long.above_tokens => long.rates(),
            _ => self.rates(),
        };
        self.sum(&[
            (usage.input, rates.input),
            (usage.output, rates.output),
            (usage.cache_read, rates.cache_read),
            (usage.cache_write, rates.cache_write),
        ])
    }

    /// The most that a call can cost with at most so many prompt tokens, in whichever class, and output
    /// tokens: what is reserved before it is made.
    // threat: AGP-D1
    pub fn bound(&self, prompt_tokens: u64, output_tokens: u64) -> Money {
        let rates = match self.long {
            Some(long) if prompt_tokens > long.above_tokens => self.rates().dearer(long.rates()),
            _ => self.rates(),
        };
        let dearest = rates.input.max(rates.cache_read).max(rates.cache_write);
        self.sum(&[(prompt_tokens, dearest), (output_tokens, rates.output)])
    }

    const fn rates(&self) -> Rates {
        Rates {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
        }
    }

    fn sum(&self, parts: &[(u64, u64)]) -> Money {
        let total = parts.iter().fold(0u128, |total, (tokens, rate)| {
            total.saturating_add(u128::from(*tokens) * u128::from(*rate))
        });
        let nanos = i64::try_from(total.div_ceil(PER_TOKENS)).unwrap_or(i64::MAX);
        Money::from_nanos(nanos).plus(self.request.max(Money::ZERO))
    }
}

impl LongPrompt {
    const fn rates(&self) -> Rates {
        Rates {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
        }
    }
}

impl Rates {
    /// The dearer of each.
    fn dearer(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_read: self.cache_read.max(other.cache_read),
            cache_write: self.cache_write.max(other.cache_write),
        }
    }
}

/// Dollars a million tokens as a rate; nothing costs less than nothing.
pub(crate) fn rate(dollars_per_million: Money) -> u64 {
    u64::try_from(dollars_per_million.nanos()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(input: &str, output: &str, cache_read: &str, cache_write: &str) -> Price {
        let of = |text: &str| rate(text.parse().unwrap());
        Price {
            cache_read: of(cache_read),
            cache_write: of(cache_write),
            ..Price::per_million(input.parse().unwrap(), output.parse().unwrap())
        }
    }

    fn usage(input: u64, output: u64, cache_read: u64, cache_write: u64) -> Usage {
        Usage {
            input,
            output,
            cache_read,
            cache_write,
            reasoning: 0,
        }
    }

    /// Invoices reckoned by hand, to the nano-dollar.
    #[test]
    fn agp_r2_golden_invoices_to_the_nano_dollar() {
        let sonnet = price("3", "15", "0.30", "3.75");
        let mini = price("0.15", "0.60", "0.075", "0.15");
        let long = Price {
            long: Some(LongPrompt {
                above_tokens: 200_000,
                input: 6_000_000_000,
                output: 22_500_000_000,
                cache_read: 600_000_000,
                cache_write: 7_500_000_000,
            }),
            ..sonnet
        };
        let paid = Price {
            request: "0.01".parse().unwrap(),
            ..mini
        };
        let local = price("0.02", "0.04", "0.02", "0.02");
        for (name, price, usage, nanos) in [
            ("nothing", sonnet, usage(0, 0, 0, 0), 0),
            ("one prompt token", sonnet, usage(1, 0, 0, 0), 3_000),
            (
                "one token of each class",
                sonnet,
                usage(1, 1, 1, 1),
                3_000 + 15_000 + 300 + 3_750,
            ),
            (
                "a million in, a million out",
                sonnet,
                usage(1_000_000, 1_000_000, 0, 0),
                18_000_000_000,
            ),
            (
                "a chat with a cached system prompt",
                sonnet,
                usage(412, 1_337, 20_480, 2_048),
                35_115_000,
            ),
            ("mini", mini, usage(1_234, 567, 0, 0), 525_300),
            ("mini, cached", mini, usage(210, 567, 1_024, 0), 448_500),
            ("a fee for the call", paid, usage(1, 1, 0, 0), 10_000_750),
            ("local", local, usage(35, 16, 0, 0), 1_340),
            (
                "just at the long threshold",
                long,
                usage(150_000, 10, 50_000, 0),
                465_150_000,
            ),
            ("one past it", long, usage(150_001, 10, 50_000, 0), 930_231_000),
            (
                "cached tokens count for the threshold",
                long,
                usage(1, 1, 200_000, 0),
                120_028_500,
            ),
        ] {
            assert_eq!(price.cost(&usage), Money::from_nanos(nanos), "{name}");
        }
    }

    #[test]
    fn agp_r2_fractions_are_summed_before_one_rounding_up() {
        // A third of a nano-dollar a token, and less: rounding each class would give 4.
        let tiny = Price {
            input: 333_333,
            output: 333_333,
            cache_read: 1,
            cache_write: 1,
            ..Price::default()
        };
        assert_eq!(tiny.cost(&usage(1, 1, 1, 1)), Money::from_nanos(1));
        assert_eq!(tiny.cost(&usage(3, 0, 0, 0)), Money::from_nanos(1));
        assert_eq!(tiny.cost(&usage(3, 1, 0, 0)), Money::from_nanos(2));
    }

    #[test]
    fn reasoning_is_part_of_the_output_and_not_billed_twice() {
        let price = price("3", "15", "0.30", "3.75");
        let with = Usage {
            reasoning: 900,
            ..usage(10, 1_000, 0, 0)
        };
        assert_eq!(price.cost(&with), price.cost(&usage(10, 1_000, 0, 0)));
    }

    #[test]
    fn absurd_counts_cost_the_most_there_is_and_do_not_wrap() {
        let dear = Price {
            input: u64::MAX,
            output: u64::MAX,
            cache_read: u64::MAX,
            cache_write: u64::MAX,
            ..Price::default()
        };
        assert_eq!(
            dear.cost(&usage(u64::MAX, u64::MAX, u64::MAX, u64::MAX)),
            Money::MAX
        );
        assert_eq!(dear.bound(u64::MAX, u64::MAX), Money::MAX);
    }

    prop_compose! {
        fn any_long()(above_tokens in 0u64..1_000, input in 0u64..1 << 40, output in 0u64..1 << 40,
            cache_read in 0u64..1 << 40, cache_write in 0u64..1 << 40) -> LongPrompt {
            LongPrompt { above_tokens, input, output, cache_read, cache_write }
        }
    }

    prop_compose! {
        fn any_price()(input in 0u64..1 << 40, output in 0u64..1 << 40, cache_read in 0u64..1 << 40,
            cache_write in 0u64..1 << 40, request in 0i64..1 << 40, long in proptest::option::of(any_long())) -> Price {
            Price { input, output, cache_read, cache_write, request: Money::from_nanos(request), long }
        }
    }

    proptest! {
        #[test]
        fn agp_d1_no_usage_within_the_totals_costs_more_than_the_bound(
            price in any_price(), classes in [0u64..2_000, 0..2_000, 0..2_000, 0..2_000], more in [0u64..2_000, 0..2_000],
        ) {
            let [input, output, cache_read, cache_write] = classes;
            let usage = usage(input, output, cache_read, cache_write);
            prop_assert!(price.bound(usage.prompt(), usage.output) >= price.cost(&usage));
            prop_assert!(price.bound(usage.prompt() + more[0], usage.output + more[1]) >= price.cost(&usage));
        }

        #[test]
        fn cost_is_never_below_the_exact_sum_and_less_than_one_nano_above_it(
            price in any_price(), classes in [0u64..1 << 20, 0..1 << 20, 0..1 << 20, 0..1 << 20],
        ) {
            let price = Price { long: None, ..price };
            let [input, output, cache_read, cache_write] = classes.map(u128::from);
            let exact = input * u128::from(price.input) + output * u128::from(price.output)
                + cache_read * u128::from(price.cache_read) + cache_write * u128::from(price.cache_write);
            let [input, output, cache_read, cache_write] = classes;
            let billed = price.cost(&usage(input, output, cache_read, cache_write)).minus(price.request).nanos();
            let billed = u128::try_from(billed).unwrap() * PER_TOKENS;
            prop_assert!(billed >= exact && billed - exact < PER_TOKENS);
        }
    }
}
