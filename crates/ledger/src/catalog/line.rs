//! The lines of a catalog file, as they are written: amounts are decimal text, nothing unknown is passed over.

use std::collections::BTreeMap;

use domain::{Money, PerUnit};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::price::{LongPrompt, Price, Rates, Scale, rate, unit_rates};

/// A whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) format: u32,
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) models: Vec<ModelLine>,
    /// What an import did not take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<LeftOut>,
}

/// Where prices come from: for people, and so that none comes from nowhere.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) what: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    pub(super) read: Date,
}

/// A model that an import did not take, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// As the list names it.
    pub name: String,
    /// For people.
    pub why: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelLine {
    pub(super) providers: Vec<String>,
    pub(super) names: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) context_tokens: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_output_tokens: Option<u64>,
    pub(super) capabilities: Vec<String>,
    #[serde(default)]
    pub(super) prices: Vec<PriceLine>,
}

/// Lines that say rates, in dollars a million tokens, beside what is their own.
macro_rules! rates_lines {
    ($($(#[$doc:meta])* $name:ident { $($own:tt)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $($own)*
            pub(super) input: String,
            pub(super) output: String,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) cache_read: Option<String>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) cache_write: Option<String>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) cache_write_long: Option<String>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) audio_input: Option<String>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub(super) audio_output: Option<String>,
        }

        impl $name {
            /// A provider without a price for cached tokens or sound bills them as any others, and one without a
            /// price for a longer cache as it does the usual one.
            fn rates(&self) -> Result<Rates, String> {
                let or = |text: &Option<String>, other: u64| text.as_deref().map_or(Ok(other), dollars);
                let (input, output) = (dollars(&self.input)?, dollars(&self.output)?);
                let cache_write = or(&self.cache_write, input)?;
                Ok(Rates {
                    input,
                    output,
                    cache_read: or(&self.cache_read, input)?,
                    cache_write,
                    cache_write_long: or(&self.cache_write_long, cache_write)?,
                    audio_input: or(&self.audio_input, input)?,
                    audio_output: or(&self.audio_output, output)?,
                })
            }
        }
    )*};
}

rates_lines! {
    /// What a model costs from some day on.
    PriceLine {
        /// The first day, UTC, on which it holds; for ever before if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) from: Option<Date>,
        pub(super) source: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) input_second: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) output_second: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) input_image: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) output_image: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) input_character: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) output_character: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) request: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) long: Option<LongLine>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) flex: Option<TierLine>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) priority: Option<TierLine>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) batch: Option<TierLine>,
    }
    /// What it costs when its prompt is long.
    LongLine {
        pub(super) above_tokens: u64,
    }
    /// What it costs at another tier.
    TierLine {
        /// Where it comes from, if not from where the standard tier's prices do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) source: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(super) long: Option<LongLine>,
    }
}

impl PriceLine {
    /// All sources that it names.
    pub(super) fn sources(&self) -> impl Iterator<Item = &String> {
        let tiers = [&self.flex, &self.priority, &self.batch].into_iter().flatten();
        [&self.source]
            .into_iter()
            .chain(tiers.filter_map(|tier| tier.source.as_ref()))
    }

    pub(super) fn price(&self) -> Result<Price, String> {
        let tier = |line: &Option<TierLine>| line.as_ref().map(TierLine::scale).transpose();
        Ok(Price {
            standard: scale(self.rates()?, self.long.as_ref())?,
            flex: tier(&self.flex)?,
            priority: tier(&self.priority)?,
            batch: tier(&self.batch)?,
            units: self.units()?,
            request: self
                .request
                .as_deref()
                .map(amount)
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

impl PriceLine {
    /// Whether it prices what is not counted in tokens.
    pub(super) fn is_by_unit(&self) -> bool {
        let all = [
            &self.input_second,
            &self.output_second,
            &self.input_image,
            &self.output_image,
            &self.input_character,
            &self.output_character,
        ];
        all.into_iter().flatten().any(|price| price != "0")
    }

    fn units(&self) -> Result<PerUnit<u64>, String> {
        let of = |text: &Option<String>| text.as_deref().map(amount).transpose();
        let written = PerUnit {
            input_ms: of(&self.input_second)?,
            output_ms: of(&self.output_second)?,
            input_images: of(&self.input_image)?,
            output_images: of(&self.output_image)?,
            input_characters: of(&self.input_character)?,
            output_characters: of(&self.output_character)?,
        };
        unit_rates(&written)
            .ok_or_else(|| "a price of a second or a picture is too dear to be reckoned with".to_owned())
    }
}

impl TierLine {
    fn scale(&self) -> Result<Scale, String> {
        scale(self.rates()?, self.long.as_ref())
    }
}

fn scale(rates: Rates, long: Option<&LongLine>) -> Result<Scale, String> {
    let read = |line: &LongLine| {
        Ok::<_, String>(LongPrompt {
            above_tokens: line.above_tokens,
            rates: line.rates()?,
        })
    };
    let long = long.map(read).transpose()?;
    Ok(Scale { rates, long })
}

fn dollars(text: &str) -> Result<u64, String> {
    amount(text).map(rate)
}

pub(super) fn amount(text: &str) -> Result<Money, String> {
    let amount: Money = text
        .parse()
        .map_err(|error: domain::MoneyError| error.to_string())?;
    if amount.is_negative() {
        Err(format!("`{text}` is less than nothing"))
    } else {
        Ok(amount)
    }
}
