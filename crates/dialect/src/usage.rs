//! Token counts as the providers report them, turned into classes that do not overlap.

use domain::{Tier, Usage};

use crate::json::{Kind, Reader};
use crate::{Dialect, DialectError};

/// What a provider reported so far. Counts only grow: of two reports the larger is believed, because a
/// provider that repeats a count with less has lost something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reported {
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    /// Of `cache_write`.
    cache_write_long: Option<u64>,
    audio_input: Option<u64>,
    audio_output: Option<u64>,
    reasoning: Option<u64>,
    tier: Option<Tier>,
}

impl Reported {
    /// Reads a `usage` object of either dialect, or passes over anything else.
    pub(crate) fn read(&mut self, r: &mut Reader<'_>) -> Result<(), DialectError> {
        if r.kind()? != Kind::Object {
            return r.skip().map(|_| ());
        }
        r.object(|r, key| {
            let slot = match key.raw {
                "prompt_tokens" | "input_tokens" => &mut self.input,
                "completion_tokens" | "output_tokens" => &mut self.output,
                "total_tokens" => &mut self.total,
                "cache_read_input_tokens" | "prompt_cache_hit_tokens" => &mut self.cache_read,
                "cache_creation_input_tokens" => &mut self.cache_write,
                "cache_creation" => return self.cache_creation(r),
                "service_tier" => return self.tier(r),
                "prompt_tokens_details" | "input_tokens_details" => return self.details(r, Side::Prompt),
                "completion_tokens_details" | "output_tokens_details" => {
                    return self.details(r, Side::Answer);
                }
                _ => return r.skip().map(|_| ()),
            };
            raise(slot, r)
        })
    }

    /// Reads how the provider says that it served the call; a word that names no price of its own says nothing.
    pub(crate) fn tier(&mut self, r: &mut Reader<'_>) -> Result<(), DialectError> {
        if r.kind()? != Kind::String {
            return r.skip().map(|_| ());
        }
        self.tier = Tier::of_word(&r.string()?.said()).or(self.tier);
        Ok(())
    }

    /// How the provider says that it served the call, as far as it has.
    pub(crate) fn served(&self) -> Tier {
        self.tier.unwrap_or_default()
    }

    fn details(&mut self, r: &mut Reader<'_>, side: Side) -> Result<(), DialectError> {
        if r.kind()? != Kind::Object {
            return r.skip().map(|_| ());
        }
        r.object(|r, key| match key.raw {
            "audio_tokens" => match side {
                Side::Prompt => raise(&mut self.audio_input, r),
                Side::Answer => raise(&mut self.audio_output, r),
            },
            "cached_tokens" => raise(&mut self.cache_read, r),
            "cache_write_tokens" | "cache_creation_tokens" => raise(&mut self.cache_write, r),
            "reasoning_tokens" | "thinking_tokens" => raise(&mut self.reasoning, r),
            _ => r.skip().map(|_| ()),
        })
    }

    /// Anthropic's writes by lifetime; their sum is `cache_creation_input_tokens`.
    fn cache_creation(&mut self, r: &mut Reader<'_>) -> Result<(), DialectError> {
        if r.kind()? != Kind::Object {
            return r.skip().map(|_| ());
        }
        let mut sum = 0u64;
        r.object(|r, key| {
            let mut one = None;
            raise(&mut one, r)?;
            sum = sum.saturating_add(one.unwrap_or(0));
            // Whatever is not the usual five minutes is believed to be dearer.
            if key.raw != "ephemeral_5m_input_tokens" {
                self.cache_write_long = self.cache_write_long.max(one.filter(|tokens| *tokens > 0));
            }
            Ok(())
        })?;
        self.cache_write = self.cache_write.max((sum > 0).then_some(sum));
        Ok(())
    }

    /// The usage by class; `None` when nothing was reported.
    pub(crate) fn usage(&self, dialect: Dialect) -> Option<Usage> {
        if self.input.is_none() && self.output.is_none() && self.total.is_none() {
            return None;
        }
        Some(match dialect {
            Dialect::OpenAi => self.openai(),
            Dialect::Anthropic => self.anthropic(),
        })
    }

    /// OpenAI's prompt tokens include cached ones. Some engines leave reasoning out of the completion
    /// tokens and count it in the total only: the total wins.
    fn openai(&self) -> Usage {
        let prompt = self.input.unwrap_or(0);
        let cache_read = self.cache_read.unwrap_or(0).min(prompt);
        let cache_write = self.cache_write.unwrap_or(0).min(prompt - cache_read);
        let beyond_prompt = self.total.unwrap_or(0).saturating_sub(prompt);
        let output = self.output.unwrap_or(0).max(beyond_prompt);
        let uncached = prompt - cache_read - cache_write;
        let audio_input = self.audio_input.unwrap_or(0).min(uncached);
        Usage {
            input: uncached - audio_input,
            cache_read,
            cache_write,
            audio_input,
            ..self.generated(output)
        }
    }

    /// Anthropic's input tokens exclude what was read from and written to the cache.
    fn anthropic(&self) -> Usage {
        let written = self.cache_write.unwrap_or(0);
        let cache_write_long = self.cache_write_long.unwrap_or(0).min(written);
        Usage {
            input: self.input.unwrap_or(0),
            cache_read: self.cache_read.unwrap_or(0),
            cache_write: written - cache_write_long,
            cache_write_long,
            ..self.generated(self.output.unwrap_or(0))
        }
    }

    /// What both dialects say of the answer.
    fn generated(&self, output: u64) -> Usage {
        Usage {
            output,
            reasoning: self.reasoning.unwrap_or(0).min(output),
            audio_output: self.audio_output.unwrap_or(0).min(output),
            tier: self.served(),
            ..Usage::default()
        }
    }
}

/// What details are about.
#[derive(Clone, Copy)]
enum Side {
    Prompt,
    Answer,
}

/// Reads a count, and keeps the larger. What is no count is passed over.
fn raise(slot: &mut Option<u64>, r: &mut Reader<'_>) -> Result<(), DialectError> {
    if r.kind()? != Kind::Number {
        return r.skip().map(|_| ());
    }
    let digits = r.number()?;
    let whole = digits.strip_suffix(".0").unwrap_or(digits);
    *slot = (*slot).max(whole.parse().ok());
    Ok(())
}
