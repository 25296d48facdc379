//! The top-level fields whose meaning the gate or a provider acts on. Each may be given once, and nothing
//! may pass for one of them.

use crate::DialectError;
use crate::error::clip;
use crate::json::Str;

const KNOWN: [&str; 40] = [
    "model",
    "messages",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "stream_options",
    "tools",
    "tool_choice",
    "system",
    "temperature",
    "prompt",
    "input",
    "n",
    "best_of",
    "functions",
    "function_call",
    "parallel_tool_calls",
    "response_format",
    "output_config",
    "output_format",
    "stop",
    "stop_sequences",
    "user",
    "metadata",
    "thinking",
    "reasoning_effort",
    "service_tier",
    "top_p",
    "top_k",
    "suffix",
    "store",
    "seed",
    "logprobs",
    "logit_bias",
    "modalities",
    "audio",
    "web_search_options",
    "mcp_servers",
    "container",
    "context_management",
];

/// Which known fields have been seen.
#[derive(Debug, Default)]
pub(super) struct Seen(u64);

impl Seen {
    /// Notes a top-level field. Refuses a known one given again, and one that some readers (those that
    /// match names whatever their case) would take for a known one.
    // threat: ANP-0003
    pub(super) fn note(&mut self, key: &Str<'_>) -> Result<(), DialectError> {
        let name = key.said();
        let Some(at) = KNOWN.iter().position(|known| *known == name) else {
            return lookalike(&name);
        };
        let bit = 1u64 << at;
        if self.0 & bit != 0 {
            return Err(DialectError::Duplicate { field: clip(&name) });
        }
        self.0 |= bit;
        Ok(())
    }
}

fn lookalike(name: &str) -> Result<(), DialectError> {
    // U+017F and U+212A fold to `s` and `k`.
    let folded = |c: char| match c {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    let same = |known: &&&str| known.chars().eq(name.chars().map(folded));
    match KNOWN.iter().find(same) {
        Some(known) => Err(DialectError::Lookalike {
            field: clip(name),
            known: (*known).to_owned(),
        }),
        None => Ok(()),
    }
}
