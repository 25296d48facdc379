//! The names that tell structure from text in a request.

/// Fields that steer a call and carry no text.
pub(super) const CONTROLS: [&str; 7] = [
    "model",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "best_of",
];

/// Names whose value, when it looks like an identifier, is structure and not text.
pub(super) const STRUCTURAL: [&str; 24] = [
    "type",
    "role",
    "id",
    "tool_call_id",
    "tool_use_id",
    "call_id",
    "media_type",
    "mime_type",
    "detail",
    "format",
    "ttl",
    "status",
    "object",
    "model",
    "finish_reason",
    "stop_reason",
    "system_fingerprint",
    "service_tier",
    "file_id",
    "effort",
    "reasoning_effort",
    "native_finish_reason",
    "provider",
    "inference_geo",
];

/// Blocks that hold what was retrieved or attached: Anthropic's, OpenAI's files, and what engines that speak like them have.
pub(super) const DOCUMENT_BLOCKS: [&str; 9] = [
    "document",
    "search_result",
    "web_search_result",
    "web_search_tool_result",
    "web_fetch_result",
    "web_fetch_tool_result",
    "file",
    "input_file",
    "document_url",
];

/// Members that hold the same, beside messages or in them: what engines for retrieval take and give.
pub(super) const DOCUMENT_MEMBERS: [&str; 5] = [
    "documents",
    "search_results",
    "citations",
    "annotations",
    "context",
];

/// The words of JSON Schema and of tool definitions.
pub(super) const SCHEMA_WORDS: [&str; 40] = [
    "type",
    "function",
    "name",
    "description",
    "parameters",
    "properties",
    "required",
    "items",
    "enum",
    "const",
    "default",
    "additionalProperties",
    "$ref",
    "$defs",
    "$schema",
    "$id",
    "definitions",
    "anyOf",
    "oneOf",
    "allOf",
    "not",
    "title",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "examples",
    "input_schema",
    "cache_control",
    "strict",
    "schema",
    "json_schema",
];

/// Longer strings are text, whatever they look like.
pub(super) const IDENTIFIER_BYTES_MAX: usize = 64;
