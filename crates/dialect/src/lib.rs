//! Floor 1: wire formats of callers and providers, and translation between them. Never does I/O.
//!
//! Two dialects, OpenAI's and Anthropic's, each spoken by callers and by upstreams. A body is read in
//! one pass over its bytes and keeps its spans, so what must change is spliced in and every other byte
//! leaves as it came. What one dialect can say and the other cannot is refused by name.
//!
//! Three rules hold everywhere: a guard is handed every text the model or the caller could read, nothing
//! is dropped in silence on the way from one dialect to the other, and no input makes this crate panic.

mod catalogue;
mod endpoint;
mod error;
mod json;
mod refusal;
mod request;
mod response;
mod splice;
mod stream;
mod translate;
mod usage;

pub use catalogue::{ModelCard, count_tokens_body, model_card, models_list};
pub use endpoint::{Dialect, Endpoint};
pub use error::DialectError;
pub use refusal::{error_body, error_event, error_type};
pub use request::{
    BodyLimits, Envelope, Minimise, PromptRole, Prompted, Rewrite, Role, TextPart, asked_prompt,
    minimise_request, read_request, redact_request, rewrite_request, visit_request_text, with_prompt,
};
pub use response::{ResponseFacts, read_response, redact_response, visit_response_text};
pub use stream::{
    Channel, ChannelKind, EventClass, EventTexts, SseEvent, SseSplitter, StreamFacts, StreamPiece,
    StreamReader, StreamTranslator, edit_event, event_texts,
};
pub use translate::{translate_request, translate_response};
