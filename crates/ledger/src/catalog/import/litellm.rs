//! LiteLLM's list: an object of models, each with a price a token under many names.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::line::{LongLine, PriceLine, TierLine};
use super::decimal::{dollars, per_million};
use super::{Found, ImportError, Line, plain, priced};

/// The list's own description of its fields.
const SAMPLE: &str = "sample_spec";

/// Fees for a provider's own tools, which are counted nowhere here.
const TOOL_FEES: [&str; 7] = [
    "search_context_cost_per_query",
    "file_search_cost_per_1k_calls",
    "file_search_cost_per_gb_per_day",
    "code_interpreter_cost_per_session",
    "computer_use_input_cost_per_1k_tokens",
    "computer_use_output_cost_per_1k_tokens",
    "vector_store_cost_per_gb_per_day",
];

type Members = BTreeMap<String, Box<RawValue>>;

/// Every model of the list, in its order.
pub(super) fn lines(json: &str) -> Result<Vec<Line>, ImportError> {
    let malformed = |error: serde_json::Error| ImportError::Malformed(error.to_string());
    let list: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).map_err(malformed)?;
    let mut raw: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).map_err(malformed)?;
    let names = list.keys().filter(|name| *name != SAMPLE);
    let lines = names.filter_map(|name| {
        let members = raw.remove(name)?;
        let members = serde_json::from_str(members.get()).map_err(|error| error.to_string());
        let found = members.and_then(|members| Model::new(members).found(name));
        Some(Line {
            name: name.clone(),
            found,
        })
    });
    Ok(lines.collect())
}

/// One model's members, those that were understood taken out.
struct Model(Members);

impl Model {
    fn new(mut members: Members) -> Self {
        members.retain(|_, value| value.get() != "null");
        for fee in TOOL_FEES {
            members.remove(fee);
        }
        Self(members)
    }

    fn found(mut self, name: &str) -> Result<Found, String> {
        let provider = self.text("litellm_provider").ok_or("it names no provider")?;
        let mode = self.text("mode").ok_or("it does not say what it is for")?;
        let mut capabilities = match mode.as_str() {
            "chat" => vec!["chat"],
            "completion" => vec!["completion"],
            "embedding" => vec!["embeddings"],
            // Nothing of these is served here: they have prices for calls that are made elsewhere.
            "audio_transcription" | "audio_speech" | "image_generation" | "video_generation" => Vec::new(),
            other => return Err(format!("models for `{other}` are not served here")),
        };
        let supports = [
            ("supports_function_calling", "tools"),
            ("supports_vision", "vision"),
        ];
        capabilities.extend(
            supports
                .iter()
                .filter(|(member, _)| self.flag(member))
                .map(|(_, can)| *can),
        );
        let name = name.strip_prefix(&format!("{provider}/")).unwrap_or(name);
        plain(name)?;
        let max_output_tokens = self.count("max_output_tokens");
        let context_tokens = self
            .count("max_input_tokens")
            .or_else(|| self.count("max_tokens"));
        let units = self.units(&mode)?;
        let price = self.price(mode == "embedding", units)?;
        self.nothing_else()?;
        priced(&price)?;
        Ok(Found {
            provider,
            name: name.to_owned(),
            context_tokens: context_tokens.max(max_output_tokens),
            max_output_tokens: max_output_tokens.filter(|_| mode != "embedding"),
            capabilities,
            price,
        })
    }

    /// What is not counted in tokens, of models that are for it. Elsewhere the list has the same price a second time in
    /// these words, by the picture beside by the token, so that they are not understood.
    fn units(&mut self, mode: &str) -> Result<PriceLine, String> {
        let mut price = PriceLine::default();
        match mode {
            "audio_transcription" => {
                price.input_second = self.dollars("input_cost_per_second")?;
                // What is heard is listed twice, once as if it were made.
                let output = self.dollars("output_cost_per_second")?;
                if output.as_ref().is_some_and(|one| one != "0") && output != price.input_second {
                    return Err("its seconds have two prices".to_owned());
                }
            }
            "audio_speech" => price.input_character = self.rate("input_cost_per_character")?,
            "image_generation" => price.output_image = self.dollars("output_cost_per_image")?,
            "video_generation" => price.output_second = self.dollars("output_cost_per_second")?,
            _ => {}
        }
        Ok(price)
    }

    fn price(&mut self, is_embedding: bool, units: PriceLine) -> Result<PriceLine, String> {
        let input = self.rate("input_cost_per_token")?;
        let output = self.rate("output_cost_per_token")?;
        let output = output.or_else(|| is_embedding.then(|| "0".to_owned()));
        let by_unit = units.is_by_unit();
        let is_something = |rate: &Option<String>| rate.as_ref().is_some_and(|rate| rate != "0");
        if by_unit && (is_something(&input) || is_something(&output)) {
            return Err(
                "it is priced by tokens and by something else, and the list does not say which holds".into(),
            );
        }
        let or_nothing = |rate: Option<String>| rate.or_else(|| by_unit.then(|| "0".to_owned()));
        let (input, output) = or_nothing(input)
            .zip(or_nothing(output))
            .ok_or("it has no price for both input and output")?;
        let reasoning = self.rate("output_cost_per_reasoning_token")?;
        if reasoning.is_some_and(|reasoning| reasoning != output) {
            return Err(
                "its reasoning has another price than its output, which is not told apart here".into(),
            );
        }
        let long = self.long("")?;
        Ok(PriceLine {
            flex: self.tier("_flex")?,
            priority: self.tier("_priority")?,
            batch: self.tier("_batches")?,
            cache_read: self.rate("cache_read_input_token_cost")?,
            cache_write: self.rate("cache_creation_input_token_cost")?,
            cache_write_long: self.rate("cache_creation_input_token_cost_above_1hr")?,
            audio_input: self.rate("input_cost_per_audio_token")?,
            audio_output: self.rate("output_cost_per_audio_token")?,
            request: self.dollars("input_cost_per_request")?,
            input,
            output,
            long,
            ..units
        })
    }

    /// Prices beyond a threshold that is in their names.
    fn long(&mut self, tier: &str) -> Result<Option<LongLine>, String> {
        let start = "input_cost_per_token_above_";
        let end = format!("k_tokens{tier}");
        let mut found = self.0.keys().filter_map(|name| {
            let threshold = name.strip_prefix(start)?.strip_suffix(&end)?;
            Some((threshold.to_owned(), threshold.parse::<u64>().ok()?))
        });
        let Some((text, thousands)) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            return Err("it has more than one threshold for long prompts".to_owned());
        }
        let mut of = |name: &str| self.rate(&format!("{name}_above_{text}{end}"));
        let (input, output) = (of("input_cost_per_token")?, of("output_cost_per_token")?);
        let (input, output) = input
            .zip(output)
            .ok_or("its long prompts have no price for both")?;
        Ok(Some(LongLine {
            above_tokens: thousands.saturating_mul(1000),
            cache_read: of("cache_read_input_token_cost")?,
            cache_write: of("cache_creation_input_token_cost")?,
            cache_write_long: of("cache_creation_input_token_cost_above_1hr")?,
            input,
            output,
            ..LongLine::default()
        }))
    }

    fn tier(&mut self, tier: &str) -> Result<Option<TierLine>, String> {
        let long = self.long(tier)?;
        let mut of = |name: &str| self.rate(&format!("{name}{tier}"));
        let (input, output) = (of("input_cost_per_token")?, of("output_cost_per_token")?);
        let (cache_read, cache_write) = (
            of("cache_read_input_token_cost")?,
            of("cache_creation_input_token_cost")?,
        );
        match (input, output) {
            (Some(input), Some(output)) => Ok(Some(TierLine {
                input,
                output,
                cache_read,
                cache_write,
                long,
                ..TierLine::default()
            })),
            (None, None) if cache_read.is_none() && cache_write.is_none() && long.is_none() => Ok(None),
            _ => Err(format!("its prices with `{tier}` are not complete")),
        }
    }

    /// A price that nobody took would be missing from every bill.
    fn nothing_else(&self) -> Result<(), String> {
        let priced = |name: &&String| name.contains("cost") || name.contains("pricing");
        match self.0.keys().find(priced) {
            Some(name) => Err(format!("`{name}` is a price that is not understood here")),
            None => Ok(()),
        }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let raw = self.0.remove(name)?;
        Some(raw.get().trim_matches('"').to_owned())
    }

    fn dollars(&mut self, name: &str) -> Result<Option<String>, String> {
        self.take(name).map(|raw| dollars(&raw)).transpose()
    }

    fn rate(&mut self, name: &str) -> Result<Option<String>, String> {
        self.take(name).map(|raw| per_million(&raw)).transpose()
    }

    fn text(&mut self, name: &str) -> Option<String> {
        serde_json::from_str(self.0.remove(name)?.get()).ok()
    }

    fn count(&mut self, name: &str) -> Option<u64> {
        let raw = self.take(name)?;
        raw.parse().ok().filter(|count| *count > 0)
    }

    fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.get() == "true")
    }
}
