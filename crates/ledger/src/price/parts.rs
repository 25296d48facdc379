//! What each class of tokens has of a call's cost: integers that add up to the cost, to the nano-dollar.

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
    /// The call itself, whatever it used.
    Request,
    /// No tokens: a correction of what calls cost.
    Adjustment,
    /// All classes together: where it is not known what each cost.
    All,
}

impl TokenClass {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Input,
        Self::CacheRead,
        Self::CacheWrite,
        Self::CacheWriteLong,
        Self::AudioInput,
        Self::Output,
        Self::AudioOutput,
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
            Self::Request => "request",
            Self::Adjustment => "adjustment",
            Self::All => "all",
        }
    }
}

/// One class's part of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The class.
    pub class: TokenClass,
    /// Its tokens.
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
        let used = classes.into_iter().filter(|(_, tokens, _)| *tokens > 0);
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
