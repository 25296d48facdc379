//! Why an answer ended, in both dialects' words.

/// Why an answer ended, as OpenAI says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FinishReason(pub(crate) &'static str);

impl FinishReason {
    /// From Anthropic's `stop_reason`.
    pub(crate) fn of_anthropic(stop_reason: &str) -> Self {
        Self(match stop_reason {
            "max_tokens" | "model_context_window_exceeded" => "length",
            "tool_use" => "tool_calls",
            "refusal" => "content_filter",
            _ => "stop",
        })
    }
}

/// Why an answer ended, as Anthropic says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StopReason(pub(crate) &'static str);

impl StopReason {
    /// From OpenAI's `finish_reason`. Calling one tool by force ends with `stop` there; what counts is
    /// that tools are called.
    pub(crate) fn of_openai(finish_reason: &str, calls_tools: bool) -> Self {
        Self(match finish_reason {
            "length" => "max_tokens",
            "content_filter" => "refusal",
            "tool_calls" | "function_call" => "tool_use",
            _ if calls_tools => "tool_use",
            _ => "end_turn",
        })
    }
}
