//! Floor 3: guards outside that are asked about texts over HTTP. Never decides what is done about a finding, never keeps or
//! logs a text.
//!
//! - A [`Connector`] asks one of them: within its deadline, so many at once, not while it rests after failures, and not
//!   again for what it has answered to the same tenant a moment ago.
//! - A [`Kind`] is a wire format: what is written and how the answer is read, both pure.
//! - What is not answered in time and in the very form that is expected is [`Unanswered`], never an empty answer.

mod connector;
mod kind;
mod points;
mod question;
mod turns;
mod unanswered;
mod verdicts;
mod way;

pub use connector::{Connector, ConnectorOptions};
pub use kind::{
    Form, JUDGED_TOKENS_MAX, Judge, Kind, Malformed, Moderation, Own, Presidio, Read, Spent, judged,
};
pub use question::{Question, Report, Text};
pub use unanswered::Unanswered;
pub use way::ANSWER_BYTES_MAX;
