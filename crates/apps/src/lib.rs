//! Floor 1: what a tenant's applications share beside their calls: samples, texts that go into prompts, and prompt templates
//! that somebody else has looked at before a call may use them. Never does I/O, never reads a clock, and holds no key.
//!
//! - A [`Sample`] is one version of a text, [`Sample::problems`] what is wrong with it.
//! - A [`Template`] is one version of a prompt: messages, and the variables that callers fill in. [`Template::problems`] is
//!   the static check, [`Template::run`] its own test cases.
//! - [`Standing`] is how far a version has come: a draft, in review, published, rejected, retired; by whom, and by whom not.
//! - A [`Shelf`] is what a tenant's calls may take up. [`Shelf::compose`] makes a call's messages of a template and values.
//! - [`differences`] is what another version says otherwise.
//!
//! Values are data. They are put in as text, once: nothing in a value is read as a variable, a role or JSON.

mod compose;
mod difference;
mod names;
mod outcome;
mod parts;
mod sample;
mod scan;
mod standing;
mod template;
mod text;
mod value;

pub use compose::{Composed, Refused, Said, Shelf, Wanted};
pub use difference::{Difference, Line, differences};
pub use names::{NAME_CHARS_MAX, is_name, names_an_id};
pub use outcome::{CASE_NAME_CHARS_MAX, CASES_MAX, Case, Expected, Outcome};
pub use sample::{LABELS_MAX, Media, SAMPLE_BYTES_MAX, SAMPLES_BYTES_MAX, SAMPLES_MAX, Sample, sha256};
pub use scan::{judged, refusing};
pub use standing::{NOTE_CHARS_MAX, NotSo, REASONS, Standing, State, Step};
pub use template::{
    Defaults, MESSAGES_MAX, Message, PROMPTS_MAX, PUBLISHED_MAX, Role, TEMPLATE_BYTES_MAX, Template,
    VARIABLES_MAX, VERSIONS_MAX, Variable, VariableType,
};
pub use value::{VALUE_CHARS_MAX, Value};
