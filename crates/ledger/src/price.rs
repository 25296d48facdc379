//! What calls cost, by tokens and by what is not counted in them: exact integers, rounded up once.

use domain::{Money, PerUnit, Tier, Units, Usage};
use serde::{Deserialize, Serialize};

mod parts;
pub mod rerate;
mod sheet;

pub use parts::{Part, TokenClass, UNIT_CLASSES};
pub use sheet::{
    Dollars, Fixed, MARK_UP_BASIS_POINTS_MAX, NotSheet, SHEET_LINES_MAX, SHEET_NAME_BYTES_MAX, Sheet,
    SheetLine, sheet_version, split_version,
};

/// Tokens that a price is stated for.
const PER_TOKENS: u128 = 1_000_000;

/// What a million tokens of each class cost, in nano-USD: $2.50 a million is 2 500 000 000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Prompt tokens at the full price.
    pub input: u64,
    /// Generated tokens, reasoning included.
    pub output: u64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: u64,
    /// Prompt tokens written to the provider's cache for its usual time.
    pub cache_write: u64,
    /// Prompt tokens written to the provider's cache for longer.
    pub cache_write_long: u64,
    /// Prompt tokens of sound.
    pub audio_input: u64,
    /// Generated tokens of sound.
    pub audio_output: u64,
}

/// The rates of a call whose whole prompt (cached parts included) is longer than a threshold. They hold
/// for all of the call's tokens, not only for those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LongPrompt {
    /// The longest prompt that still has the ordinary rates.
    pub above_tokens: u64,
    /// Beyond it.
    pub rates: Rates,
}

/// What tokens cost at one tier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The ordinary rates.
    pub rates: Rates,
    /// Other rates for calls with long prompts, where the provider has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongPrompt>,
}

/// What one model costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// At the standard tier, and at every other that has no scale of its own.
    pub standard: Scale,
    /// At the flex tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flex: Option<Scale>,
    /// At the priority tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Scale>,
    /// In a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Scale>,
    /// What is not counted in tokens, at every tier: a million milliseconds, pictures or characters, in nano-USD. What
    /// costs nothing is not what the model is priced by.
    #[serde(default, skip_serializing_if = "is_free")]
    pub units: PerUnit<u64>,
    /// For every call, whatever it used.
    pub request: Money,
}

fn is_free(units: &PerUnit<u64>) -> bool {
    *units == PerUnit::default()
}

/// A call that does not tell how much it uses of what its model is priced by: what it costs cannot be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is priced by `{}`, of which the call does not say how much", .0.as_str())]
pub struct Untold(pub TokenClass);

/// The most that a call can use: what its bound is reckoned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Prompt tokens, in whichever class.
    pub prompt_tokens: u64,
    /// Generated tokens, over all choices.
    pub output_tokens: u64,
    /// Whether the provider may serve it at a tier dearer than the standard one.
    pub dear_tier: bool,
    /// Whether the prompt may be written to the provider's cache for longer than usual.
    pub long_cache: bool,
    /// What is not counted in tokens; nothing where nobody can tell.
    pub units: Units,
}

impl Price {
    /// A price of `input` and `output` dollars a million tokens, cached prompt tokens at the input's price.
    pub fn per_million(input: Money, output: Money) -> Self {
        let rates = Rates::of(rate(input), rate(output));
        Self {
            standard: Scale { rates, long: None },
            ..Self::default()
        }
    }

    /// What a call cost: all classes summed, then rounded up once to the nano-dollar.
    pub fn cost(&self, usage: &Usage) -> Money {
        let rates = self.scale(usage.tier).rates_of(usage.prompt());
        let sound = usage.audio_output.min(usage.output);
        let tokens = [
            (usage.input, rates.input),
            (usage.output - sound, rates.output),
            (usage.cache_read, rates.cache_read),
            (usage.cache_write, rates.cache_write),
            (usage.cache_write_long, rates.cache_write_long),
            (usage.audio_input, rates.audio_input),
            (sound, rates.audio_output),
        ];
        self.sum(tokens.into_iter().chain(self.unit_parts(&usage.units)))
    }

    /// Whether usage tells of everything that the model is priced by. Where it does not, its cost is not known.
    // threat: AGP-D1
    pub fn told(&self, units: &Units) -> Result<(), Untold> {
        let both = self.units.all().into_iter().zip(units.all());
        let untold = both
            .zip(UNIT_CLASSES)
            .find(|((rate, told), _)| *rate > 0 && told.is_none());
        untold.map_or(Ok(()), |(_, class)| Err(Untold(class)))
    }

    /// Of what can be told, that which the model is priced by.
    pub fn counted(&self, units: &Units) -> Units {
        self.units.zip(units, |rate, told| told.filter(|_| rate > 0))
    }

    fn unit_parts(&self, units: &Units) -> impl Iterator<Item = (u64, u64)> {
        let used = units.all().into_iter().map(Option::unwrap_or_default);
        used.zip(self.units.all())
    }

    /// The most that a call can cost: what is reserved before it is made. An error where nobody can tell.
    // threat: AGP-D1
    pub fn bound(&self, most: &Most) -> Result<Money, Untold> {
        self.told(&most.units)?;
        let priority = self.priority.filter(|_| most.dear_tier);
        let scales = [Some(self.standard), self.flex, priority];
        let bounds = scales.iter().flatten().map(|scale| scale.bound(most));
        let rates = bounds.fold(Rates::default(), Rates::dearer);
        let tokens = [
            (most.prompt_tokens, rates.input),
            (most.output_tokens, rates.output),
        ];
        Ok(self.sum(tokens.into_iter().chain(self.unit_parts(&most.units))))
    }

    /// The least that a call can cost with so many prompt tokens, of which the provider may have some in its
    /// cache, and no answer to speak of.
    pub fn least(&self, prompt_tokens: u64) -> Money {
        let scales = [Some(self.standard), self.flex].into_iter().flatten();
        let sums = scales.map(|scale| self.sum([(prompt_tokens, scale.rates_of(prompt_tokens).cheapest())]));
        sums.min().unwrap_or(Money::ZERO)
    }

    /// The same with other rates, at every tier, other prices of units, and another for every call.
    fn map(
        &self,
        rates: &impl Fn(Rates) -> Rates,
        units: PerUnit<u64>,
        request: impl Fn(Money) -> Money,
    ) -> Self {
        let scale = |scale: Scale| Scale {
            rates: rates(scale.rates),
            long: scale.long.map(|long| LongPrompt {
                rates: rates(long.rates),
                ..long
            }),
        };
        Self {
            standard: scale(self.standard),
            flex: self.flex.map(scale),
            priority: self.priority.map(scale),
            batch: self.batch.map(scale),
            units,
            request: request(self.request),
        }
    }

    fn scale(&self, tier: Tier) -> &Scale {
        let own = match tier {
            Tier::Standard => None,
            Tier::Flex => self.flex.as_ref(),
            Tier::Priority => self.priority.as_ref(),
            Tier::Batch => self.batch.as_ref(),
        };
        own.unwrap_or(&self.standard)
    }

    fn sum(&self, parts: impl IntoIterator<Item = (u64, u64)>) -> Money {
        let total = parts.into_iter().fold(0u128, |total, (used, rate)| {
            total.saturating_add(u128::from(used) * u128::from(rate))
        });
        let nanos = i64::try_from(total.div_ceil(PER_TOKENS)).unwrap_or(i64::MAX);
        Money::from_nanos(nanos).plus(self.request.max(Money::ZERO))
    }
}

impl Scale {
    fn rates_of(&self, prompt_tokens: u64) -> Rates {
        match self.long {
            Some(long) if prompt_tokens > long.above_tokens => long.rates,
            _ => self.rates,
        }
    }

    /// The dearest that a token of the prompt, as `input`, and one of the answer, as `output`, can cost.
    fn bound(&self, most: &Most) -> Rates {
        let rates = match self.long {
            Some(long) if most.prompt_tokens > long.above_tokens => self.rates.dearer(long.rates),
            _ => self.rates,
        };
        rates.dearest(most.long_cache)
    }
}

impl Rates {
    /// Cached prompt tokens and sound cost what plain text does.
    pub const fn of(input: u64, output: u64) -> Self {
        Self {
            input,
            output,
            cache_read: input,
            cache_write: input,
            cache_write_long: input,
            audio_input: input,
            audio_output: output,
        }
    }

    /// The dearer of each.
    fn dearer(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_read: self.cache_read.max(other.cache_read),
            cache_write: self.cache_write.max(other.cache_write),
            cache_write_long: self.cache_write_long.max(other.cache_write_long),
            audio_input: self.audio_input.max(other.audio_input),
            audio_output: self.audio_output.max(other.audio_output),
        }
    }

    fn dearest(&self, long_cache: bool) -> Self {
        let mut input = self.input.max(self.cache_read).max(self.cache_write);
        input = input.max(self.audio_input);
        if long_cache {
            input = input.max(self.cache_write_long);
        }
        Self::of(input, self.output.max(self.audio_output))
    }

    fn cheapest(&self) -> u64 {
        self.input.min(self.cache_read).min(self.cache_write)
    }
}

/// Units that are sold one by one, of which rates state a million.
const MILLION: u64 = 1_000_000;
/// Seconds are sold, milliseconds are counted.
const MILLION_MILLIS: u64 = 1_000;

/// Prices as they are written (dollars a second, a picture, a million characters) as rates; nothing where one is too dear.
pub(crate) fn unit_rates(written: &PerUnit<Option<Money>>) -> Option<PerUnit<u64>> {
    let times = PerUnit {
        input_ms: MILLION_MILLIS,
        output_ms: MILLION_MILLIS,
        input_images: MILLION,
        output_images: MILLION,
        input_characters: 1,
        output_characters: 1,
    };
    let rates = written.zip(&times, |price, times| price.map_or(0, rate).checked_mul(times));
    let fits = rates.all().iter().all(Option::is_some);
    fits.then(|| rates.zip(&rates, |rate, _| rate.unwrap_or_default()))
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
        priced(Rates {
            cache_read: of(cache_read),
            cache_write: of(cache_write),
            ..Rates::of(of(input), of(output))
        })
    }

    fn priced(rates: Rates) -> Price {
        Price {
            standard: Scale { rates, long: None },
            ..Price::default()
        }
    }

    fn most(prompt_tokens: u64, output_tokens: u64) -> Most {
        Most {
            prompt_tokens,
            output_tokens,
            dear_tier: true,
            long_cache: true,
            units: Units::UNKNOWN,
        }
    }

    fn usage(input: u64, output: u64, cache_read: u64, cache_write: u64) -> Usage {
        Usage {
            input,
            output,
            cache_read,
            cache_write,
            ..Usage::default()
        }
    }

    /// Invoices reckoned by hand, to the nano-dollar.
    #[test]
    fn agp_r2_golden_invoices_to_the_nano_dollar() {
        let sonnet = price("3", "15", "0.30", "3.75");
        let mini = price("0.15", "0.60", "0.075", "0.15");
        let mut long = sonnet;
        long.standard.long = Some(LongPrompt {
            above_tokens: 200_000,
            rates: price("6", "22.50", "0.60", "7.50").standard.rates,
        });
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
        let tiny = priced(Rates {
            cache_read: 1,
            cache_write: 1,
            ..Rates::of(333_333, 333_333)
        });
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
        let dear = priced(Rates::of(u64::MAX, u64::MAX));
        assert_eq!(
            dear.cost(&usage(u64::MAX, u64::MAX, u64::MAX, u64::MAX)),
            Money::MAX
        );
        assert_eq!(dear.bound(&most(u64::MAX, u64::MAX)), Ok(Money::MAX));
        let dear = Price {
            units: PerUnit {
                input_ms: u64::MAX,
                output_images: u64::MAX,
                ..PerUnit::default()
            },
            ..dear
        };
        let units = Units {
            input_ms: Some(u64::MAX),
            output_images: Some(u64::MAX),
            ..Units::UNKNOWN
        };
        assert_eq!(
            dear.cost(&Usage {
                units,
                ..Usage::default()
            }),
            Money::MAX
        );
        assert_eq!(dear.bound(&Most { units, ..most(0, 0) }), Ok(Money::MAX));
    }

    #[test]
    fn agp_r2_a_tier_without_a_scale_of_its_own_costs_the_standard_price() {
        let mut price = price("2", "8", "0.50", "2");
        price.flex = Some(Scale {
            rates: Rates::of(1_000_000_000, 4_000_000_000),
            long: None,
        });
        let at = |tier| Usage {
            tier,
            ..usage(10, 5, 0, 0)
        };
        for (tier, nanos) in [
            (Tier::Standard, 60_000),
            (Tier::Flex, 30_000),
            (Tier::Priority, 60_000),
            (Tier::Batch, 60_000),
        ] {
            assert_eq!(price.cost(&at(tier)), Money::from_nanos(nanos), "{tier:?}");
        }
    }

    #[test]
    fn agp_d1_a_bound_holds_the_dear_tier_and_the_long_cache_only_where_they_may_come() {
        let mut price = price("3", "15", "0.30", "3.75");
        price.standard.rates.cache_write_long = 6_000_000_000;
        price.priority = Some(Scale {
            rates: Rates::of(9_000_000_000, 30_000_000_000),
            long: None,
        });
        let bound = |dear_tier, long_cache| {
            let most = Most {
                dear_tier,
                long_cache,
                ..most(1_000, 100)
            };
            price.bound(&most).unwrap().nanos()
        };
        assert_eq!(bound(false, false), 3_750_000 + 1_500_000);
        assert_eq!(bound(false, true), 6_000_000 + 1_500_000);
        assert_eq!(bound(true, false), 9_000_000 + 3_000_000);
    }

    prop_compose! {
        fn any_rates()(all in proptest::array::uniform7(0u64..1 << 40)) -> Rates {
            let [input, output, cache_read, cache_write, cache_write_long, audio_input, audio_output] = all;
            Rates { input, output, cache_read, cache_write, cache_write_long, audio_input, audio_output }
        }
    }

    prop_compose! {
        fn any_scale()(rates in any_rates(), long in proptest::option::of((0u64..1_000, any_rates()))) -> Scale {
            Scale { rates, long: long.map(|(above_tokens, rates)| LongPrompt { above_tokens, rates }) }
        }
    }

    prop_compose! {
        fn any_price()(
            standard in any_scale(), request in 0i64..1 << 40,
            [flex, priority] in proptest::array::uniform2(proptest::option::of(any_scale())),
        ) -> Price {
            Price { standard, flex, priority, request: Money::from_nanos(request), ..Price::default() }
        }
    }

    prop_compose! {
        fn any_usage()(
            classes in proptest::array::uniform7(0u64..2_000),
            tier in proptest::sample::select(vec![Tier::Standard, Tier::Flex, Tier::Priority]),
        ) -> Usage {
            let [input, output, cache_read, cache_write, cache_write_long, audio_input, audio_output] = classes;
            Usage { audio_input, audio_output, cache_write_long, tier, ..usage(input, output, cache_read, cache_write) }
        }
    }

    proptest! {
        #[test]
        fn agp_d1_no_usage_within_the_totals_costs_more_than_the_bound(
            price in any_price(), usage in any_usage(), more in [0u64..2_000, 0..2_000],
        ) {
            let cost = price.cost(&usage);
            prop_assert!(price.bound(&most(usage.prompt(), usage.output)).unwrap() >= cost);
            prop_assert!(price.bound(&most(usage.prompt() + more[0], usage.output + more[1])).unwrap() >= cost);
        }

        #[test]
        fn agp_d1_what_cannot_come_need_not_be_held(price in any_price(), usage in any_usage()) {
            let usage = Usage { cache_write_long: 0, tier: Tier::Standard, ..usage };
            let most = Most { dear_tier: false, long_cache: false, ..most(usage.prompt(), usage.output) };
            prop_assert!(price.bound(&most).unwrap() >= price.cost(&usage));
        }

        #[test]
        fn cost_is_never_below_the_exact_sum_and_less_than_one_nano_above_it(
            rates in any_rates(), usage in any_usage(), request in 0i64..1 << 40,
        ) {
            let price = Price { request: Money::from_nanos(request), ..priced(rates) };
            let sound = usage.audio_output.min(usage.output);
            let exact: u128 = [
                (usage.input, rates.input), (usage.output - sound, rates.output), (sound, rates.audio_output),
                (usage.cache_read, rates.cache_read), (usage.cache_write, rates.cache_write),
                (usage.cache_write_long, rates.cache_write_long), (usage.audio_input, rates.audio_input),
            ].iter().map(|(tokens, rate)| u128::from(*tokens) * u128::from(*rate)).sum();
            let billed = price.cost(&usage).minus(price.request).nanos();
            let billed = u128::try_from(billed).unwrap() * PER_TOKENS;
            prop_assert!(billed >= exact && billed - exact < PER_TOKENS);
        }
    }
}
