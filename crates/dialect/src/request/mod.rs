//! Requests: what the gate must know of them, the texts in them, and what it may change in them.

mod envelope;
mod known;
mod minimise;
mod prompt;
mod rewrite;
mod text;
mod walk;
mod words;

pub use envelope::{BodyLimits, Envelope, read_request};
pub use minimise::{Minimise, minimise_request};
pub use prompt::{PromptRole, Prompted, asked_prompt, with_prompt};
pub use rewrite::{Rewrite, rewrite_request};
pub use text::{TextPart, redact_request, visit_request_text};
pub use walk::Role;

pub(crate) use rewrite::{is_openai_model, output_limit_field};
pub(crate) use text::{Edits, Visits, could_be_somebodys};
pub(crate) use walk::{Sink, What, Zone, is_base64, is_identifier, walk_value};
