//! What a call used: LLM tokens by class, and what is not counted in them.

use serde::{Deserialize, Serialize};

use crate::Units;

/// Token counts of one call. The classes of the prompt do not overlap: `input` excludes what was read from or
/// written to the provider's prompt cache and what was sound; `output` includes reasoning and sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens billed at the full input price.
    pub input: u64,
    /// Generated tokens, reasoning and sound included.
    pub output: u64,
    /// Prompt tokens read from the provider's cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_read: u64,
    /// Prompt tokens written to the provider's cache for its usual time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write: u64,
    /// Of `output`: tokens of reasoning. Informative; never billed a second time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning: u64,
    /// Prompt tokens written to the provider's cache for longer than usual: Anthropic's hour.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cache_write_long: u64,
    /// Prompt tokens of sound that came from no cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_input: u64,
    /// Of `output`: tokens of sound, billed at their own price instead of the output's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub audio_output: u64,
    /// How the provider says that it served the call.
    #[serde(default, skip_serializing_if = "Tier::is_standard")]
    pub tier: Tier,
    /// What is not counted in tokens.
    #[serde(default, skip_serializing_if = "Units::is_unknown")]
    pub units: Units,
}

impl Usage {
    /// All prompt tokens, whatever they cost.
    pub const fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_written())
            .saturating_add(self.audio_input)
    }

    /// Prompt tokens written to the provider's cache, for however long.
    pub const fn cache_written(&self) -> u64 {
        self.cache_write.saturating_add(self.cache_write_long)
    }

    /// Prompt and output together: what tokens-per-minute limits count.
    pub const fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }
}

/// How fast a provider serves a call, where that has a price of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// As every call that asks for nothing else.
    #[default]
    Standard,
    /// When there is room, for less.
    Flex,
    /// Before others, for more.
    Priority,
    /// Within a day, for less.
    Batch,
}

impl Tier {
    /// The tier by a provider's word for it; `None` for words that name no price of their own.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "default" | "standard" => Some(Self::Standard),
            "flex" => Some(Self::Flex),
            "priority" => Some(Self::Priority),
            "batch" => Some(Self::Batch),
            _ => None,
        }
    }

    const fn is_standard(&self) -> bool {
        matches!(self, Self::Standard)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}
