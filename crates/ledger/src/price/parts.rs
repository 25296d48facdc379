//! What each class of tokens, and of what is not counted in them, has of a call's cost: integers that add up to the cost, to the nano-dollar.

use domain::{Money, Usage};
use serde::{Deserialize, Serialize};

use super::{PER_TOKENS, Price};

/// A kind of what is priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenClass {
    /// Prompt tokens at the full price.
    Input,
    /// Prompt tokens read from the provider's cache.
    CacheRead,
    /// Prompt tokens written to the provider's cache for its usual time.
    CacheWrite,
    /// Prompt tokens written to the provider's cache for longer.
    CacheWriteLong,
    /// Prompt tokens of sound.
    AudioInput,
    /// Generated tokens.
    Output,
    /// Generated tokens of sound.
    AudioOutput,
    /// Time of sound or film that is taken in, in milliseconds.
    InputTime,
    /// Time of sound or film that is made, in milliseconds.
    OutputTime,
    /// Pictures that are taken in.
    InputImages,
    /// Pictures that are made.
    OutputImages,
    /// Characters that are taken in.
    InputCharacters,
    /// Characters that are made.
    OutputCharacters,
    /// The call itself, whatever it used.
    Request,
    /// No tokens: a correction of what calls cost.
    Adjustment,
    /// All classes together: where it is not known what each cost.
    All,
}

impl TokenClass {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Input,
        Self::CacheRead,
        Self::CacheWrite,
        Self::CacheWriteLong,
        Self::AudioInput,
        Self::Output,
        Self::AudioOutput,
        Self::InputTime,
        Self::OutputTime,
        Self::InputImages,
        Self::OutputImages,
        Self::InputCharacters,
        Self::OutputCharacters,
        Self::Request,
        Self::Adjustment,
        Self::All,
    ];

    /// Its name in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CacheRead => "cache_read",
            Self::CacheWrite => "cache_write",
            Self::CacheWriteLong => "cache_write_long",
            Self::AudioInput => "audio_input",
            Self::Output => "output",
            Self::AudioOutput => "audio_output",
            Self::InputTime => "input_time",
            Self::OutputTime => "output_time",
            Self::InputImages => "input_images",
            Self::OutputImages => "output_images",
            Self::InputCharacters => "input_characters",
            Self::OutputCharacters => "output_characters",
            Self::Request => "request",
            Self::Adjustment => "adjustment",
            Self::All => "all",
        }
    }
}

/// The classes that are not counted in tokens, in the order of [`domain::PerUnit::all`].
pub const UNIT_CLASSES: [TokenClass; 6] = [
    TokenClass::InputTime,
    TokenClass::OutputTime,
    TokenClass::InputImages,
    TokenClass::OutputImages,
    TokenClass::InputCharacters,
    TokenClass::OutputCharacters,
];

/// One class's part of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The class.
    pub class: TokenClass,
    /// How much of it: tokens, or what else it is counted in.
    pub tokens: u64,
    /// What they cost.
    pub cost: Money,
}

impl Price {
    /// What each class has of [`Price::cost`]. The one rounding of the whole is given to the classes whose fractions are
    /// the largest, so that the parts always add up to the cost. `None` where the cost is beyond all bounds.
    pub fn parts(&self, usage: &Usage) -> Option<Vec<Part>> {
        let rates = self.scale(usage.tier).rates_of(usage.prompt());
        let sound = usage.audio_output.min(usage.output);
        let classes = [
            (TokenClass::Input, usage.input, rates.input),
            (TokenClass::CacheRead, usage.cache_read, rates.cache_read),
            (TokenClass::CacheWrite, usage.cache_write, rates.cache_write),
            (
                TokenClass::CacheWriteLong,
                usage.cache_write_long,
                rates.cache_write_long,
            ),
            (TokenClass::AudioInput, usage.audio_input, rates.audio_input),
            (TokenClass::Output, usage.output - sound, rates.output),
            (TokenClass::AudioOutput, sound, rates.audio_output),
        ];
        let units = UNIT_CLASSES.into_iter().zip(self.unit_parts(&usage.units));
        let units = units.filter(|(_, (_, rate))| *rate > 0);
        let all = classes
            .into_iter()
            .chain(units.map(|(class, (used, rate))| (class, used, rate)));
        let used = all.filter(|(_, tokens, _)| *tokens > 0);
        let mut parts: Vec<(Part, u128)> = Vec::new();
        for (class, tokens, rate) in used {
            let exact = u128::from(tokens) * u128::from(rate);
            let cost = Money::from_nanos(i64::try_from(exact / PER_TOKENS).ok()?);
            parts.push((Part { class, tokens, cost }, exact % PER_TOKENS));
        }
        let request = self.request.max(Money::ZERO);
        let whole = self.cost(usage).minus(request);
        share_out(&mut parts, whole)?;
        let mut parts: Vec<Part> = parts.into_iter().map(|(part, _)| part).collect();
        if request > Money::ZERO {
            parts.push(Part {
                class: TokenClass::Request,
                tokens: 0,
                cost: request,
            });
        }
        let sum: Money = parts.iter().map(|part| part.cost).sum();
        (sum == self.cost(usage)).then_some(parts)
    }
}

/// Gives what is missing to `whole`, a nano-dollar each, to the largest fractions; of equal ones to the first.
fn share_out(parts: &mut [(Part, u128)], whole: Money) -> Option<()> {
    let given: Money = parts.iter().map(|(part, _)| part.cost).sum();
    let missing = usize::try_from(whole.minus(given).nanos()).ok()?;
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(parts.get(*at).map_or(0, |(_, fraction)| *fraction)));
    if missing > order.len() {
        return None;
    }
    for at in order.into_iter().take(missing) {
        if let Some((part, _)) = parts.get_mut(at) {
            part.cost = part.cost.plus(Money::from_nanos(1));
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rates, Scale};
    use proptest::prelude::*;

    fn price(rates: Rates, request: i64) -> Price {
        Price {
            standard: Scale { rates, long: None },
            request: Money::from_nanos(request),
            ..Price::default()
        }
    }

    #[test]
    fn agp_r2_one_nano_dollar_of_rounding_goes_to_the_largest_fraction() {
        let rates = Rates {
            cache_read: 100_000,
            ..Rates::of(600_000, 300_000)
        };
        let usage = Usage {
            input: 1,
            output: 1,
            cache_read: 1,
            ..Usage::default()
        };
        let parts = price(rates, 7).parts(&usage).unwrap();
        let costs: Vec<(TokenClass, i64)> =
            parts.iter().map(|part| (part.class, part.cost.nanos())).collect();
        let expected = [
            (TokenClass::Input, 1),
            (TokenClass::CacheRead, 0),
            (TokenClass::Output, 0),
            (TokenClass::Request, 7),
        ];
        assert_eq!(costs, expected);
    }

    proptest! {
        /// Also of what is not counted in tokens; what the model is not priced by is no part.
        #[test]
        fn agp_r2_parts_of_units_add_up_to_the_cost(
            used in proptest::array::uniform6(proptest::option::of(0u64..3_000_000_000)),
            rates in proptest::array::uniform6(0u64..90_000_000_000),
            input in 0u64..3_000_000, rate in 0u64..90_000_000_000,
        ) {
            let [input_ms, output_ms, input_images, output_images, input_characters, output_characters] = used;
            let units = domain::Units { input_ms, output_ms, input_images, output_images, input_characters, output_characters };
            let [input_ms, output_ms, input_images, output_images, input_characters, output_characters] = rates;
            let rates = domain::PerUnit { input_ms, output_ms, input_images, output_images, input_characters, output_characters };
            let price = Price { units: rates, ..price(Rates::of(rate, rate), 0) };
            let usage = Usage { input, units, ..Usage::default() };
            let parts = price.parts(&usage).unwrap();
            let sum: i64 = parts.iter().map(|part| part.cost.nanos()).sum();
            prop_assert_eq!(sum, price.cost(&usage).nanos());
            let both = units.all().into_iter().zip(rates.all());
            let exact: u128 = both.map(|(used, rate)| u128::from(used.unwrap_or(0)) * u128::from(rate)).sum();
            let exact = exact + u128::from(input) * u128::from(rate);
            prop_assert_eq!(u128::try_from(sum).unwrap(), exact.div_ceil(1_000_000));
            let all_told = units.all().into_iter().zip(rates.all()).all(|(used, rate)| rate == 0 || used.is_some());
            prop_assert_eq!(price.told(&units).is_ok(), all_told);
        }

        #[test]
        fn agp_r2_parts_add_up_to_the_cost(
            tokens in proptest::array::uniform7(0u64..3_000_000_000),
            rates in proptest::array::uniform7(0u64..90_000_000_000),
            request in 0i64..1_000_000_000,
        ) {
            let [input, output, cache_read, cache_write, cache_write_long, audio_input, audio_output] = tokens;
            let usage = Usage { input, output, cache_read, cache_write, cache_write_long, audio_input, audio_output, ..Usage::default() };
            let [input, output, cache_read, cache_write, cache_write_long, audio_input, audio_output] = rates;
            let rates = Rates { input, output, cache_read, cache_write, cache_write_long, audio_input, audio_output };
            let price = price(rates, request);
            let parts = price.parts(&usage).unwrap();
            let sum: i64 = parts.iter().map(|part| part.cost.nanos()).sum();
            prop_assert_eq!(sum, price.cost(&usage).nanos());
            let tokens: u64 = parts.iter().map(|part| part.tokens).sum();
            prop_assert_eq!(tokens, usage.total());
        }
    }
}
