//! Floor 1: inspects text, whole or streamed, and says permit, redact or block. Never does I/O.
//!
//! - [`Secrets`] finds credentials in a whole text; [`StreamScan`] finds the same ones in a text that
//!   arrives in pieces; [`StreamRedact`] hands on what is safe of such a text.
//! - A [`Finding`] says where and by which rule, never what: no type here shows the matched text.
//! - [`measure`] says how good a guard is on labelled texts.
//! - [`Families`] are what is looked for and what is done about it, as it is written down; a [`Profile`] says for which
//!   calls, an [`Exception`] what passes for a while.
//! - A [`Plan`] is all of that for one call: every profile it meets, the strictest winning. [`Plans`] makes and keeps them.
//! - [`Guards`] are the engines that all plans share, [`Follow`] those that watch a live answer.
//! - [`Personal`] finds personal data in a whole text, [`PersonalStream`] in one that arrives in pieces.
//! - [`Masker`] puts placeholders where findings were, [`Unmasker`] puts the values back into an answer.
//! - [`Readings`] are what a text can be read as; [`Injection`] judges all of them, [`Canary`] and [`Leak`] tell when a
//!   system prompt comes out again.
//! - [`custom`] is what operators look for themselves: patterns, words, and modules behind the port [`Extension`].
//! - [`Moderation`] finds harm in a whole text, [`ModerationStream`] in one that arrives in pieces.
//! - [`Topics`] finds what an application is not for, [`TopicStream`] in a text that arrives in pieces.
//! - [`Links`] judges where links lead and what they carry away. What a request said, as far as answers are judged by it, is
//!   an [`AnswerContext`].
//! - [`RequestFacts`] are what is counted of a request: what is beyond its bounds, and what no guard can read. What is found
//!   so, or of an answer's form ([`AnswerForm`]), is [`Explained`].
//! - [`Mode`] is what configuration says to do with findings, [`Action`] the verdict.
//!
//! How it works: every rule starts with a literal (`trigger`), found by one pass over the
//! text; only where one occurs, the rule's `shape` is walked byte by byte, forward and without
//! backtracking, within a stated bound. Credentials without a form are told by their name and the look
//! of their value (`assigned`, `password`, `value`). That makes time linear, and makes the outcome a function of
//! the text alone, however it was cut on its way here.

mod action;
mod assigned;
mod bits;
mod bounds;
mod check;
mod class;
mod context;
pub mod custom;
mod facts;
pub mod families;
mod finding;
mod format;
mod grade;
mod guards;
mod injection;
mod judged;
mod leaks;
mod linear;
mod links;
mod mask;
pub mod measure;
mod moderation;
mod normal;
mod pairs;
mod password;
mod personal;
mod plan;
mod plans;
mod prepared;
mod profile;
mod redact;
#[cfg(test)]
mod reference;
mod rules;
mod runs;
mod schema;
mod secrets;
mod shape;
mod sieve;
mod stream;
mod tail;
mod topics;
mod trigger;
mod unmask;
mod unread;
mod value;
mod weight;

pub use action::{Action, Direction, Gate, Mode};
pub use context::AnswerContext;
pub use custom::{Extension, ExtensionFailed, Extensions, Hit};
pub use facts::{ImageFacts, MediaFacts, MessageFacts, RequestFacts};
pub use families::Families;
pub use finding::{Finding, Kind, SURE};
pub use format::FORMAT_BYTES_MAX;
pub use guards::{Follow, Guards};
pub use injection::{
    Canary, CanaryWatch, FLAG, Injection, Leak, LeakWatch, Origin, RULES_FLAG, SUSPECT, Verdict,
};
pub use judged::{AnswerForm, Explained};
pub use links::{LINK_BYTES_MAX, LINK_HOLD_BACK_BYTES_MAX, Links};
pub use mask::Masker;
pub use moderation::{
    Harm, Judgement, MODERATION_BLOCK_BYTES_MAX, MODERATION_FLAG, Moderation, ModerationStream,
};
pub use normal::{DEPTH_MAX, READINGS_MAX, Reading, Readings, Via, readings_bytes_max};
pub use personal::{
    PERSONAL_AHEAD_BYTES_MAX, PERSONAL_SCORE_MIN, Personal, PersonalKind, PersonalKinds, PersonalStream,
    scan_personal,
};
pub use plan::{Found, INSTANCE, Plan, exception_digest};
pub use plans::{Plans, Ready};
pub use profile::{Call, EXCEPTIONS_MAX, Exception, PROFILES_MAX, Profile, Profiles, When};
pub use redact::{StreamRedact, redact};
pub use schema::meets_schema;
pub use secrets::Secrets;
pub use stream::{HOLD_BACK_BYTES_MAX, StreamScan};
pub use topics::{TOPIC_WORD_BYTES_MAX, TopicStream, Topics};
pub use unmask::Unmasker;
pub use weight::PATTERNS_WEIGHT_MAX;
