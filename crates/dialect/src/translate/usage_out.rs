//! Token counts written in either dialect.

use domain::Usage;

use crate::json::Writer;

/// OpenAI's `usage` object.
pub(crate) fn write_openai_usage(usage: &Usage, json: &mut Writer) {
    json.object(|json| {
        json.key("prompt_tokens").count(usage.prompt());
        json.key("completion_tokens").count(usage.output);
        json.key("total_tokens").count(usage.total());
        json.key("prompt_tokens_details").object(|json| {
            json.key("cached_tokens").count(usage.cache_read);
            if usage.cache_written() > 0 {
                json.key("cache_write_tokens").count(usage.cache_written());
            }
        });
        json.key("completion_tokens_details")
            .object(|json| json.key("reasoning_tokens").count(usage.reasoning));
    });
}

/// Anthropic's `usage` object.
pub(crate) fn write_anthropic_usage(usage: &Usage, json: &mut Writer) {
    json.object(|json| {
        json.key("input_tokens")
            .count(usage.input.saturating_add(usage.audio_input));
        json.key("cache_creation_input_tokens")
            .count(usage.cache_written());
        json.key("cache_read_input_tokens").count(usage.cache_read);
        json.key("output_tokens").count(usage.output);
    });
}
