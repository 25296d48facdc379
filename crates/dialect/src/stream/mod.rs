//! Streams of server-sent events: splitting, reading, editing, translating.

mod block;
mod channel;
mod edit;
mod progress;
mod reader;
mod sse;
mod to_anthropic;
mod to_openai;
mod translator;
mod wire;

pub use channel::{Channel, ChannelKind, EventClass};
pub use edit::{EventTexts, edit_event, event_texts};
pub use reader::{StreamFacts, StreamPiece, StreamReader};
pub use sse::{SseEvent, SseSplitter};
pub use translator::StreamTranslator;
