//! Floor 1: inspects text, whole or streamed, and says permit, redact or block. Never does I/O.
//!
//! - [`Secrets`] finds credentials in a whole text; [`StreamScan`] finds the same ones in a text that
//!   arrives in pieces; [`StreamRedact`] hands on what is safe of such a text.
//! - A [`Finding`] says where and by which rule, never what: no type here shows the matched text.
//! - [`scan_personal`] finds personal data that has a form, in what is written down of calls.
//! - [`Mode`] and [`Profile`] are what configuration says to do with findings, [`Action`] the verdict.
//!
//! How it works: every rule starts with a literal (`trigger`), found by one pass over the
//! text; only where one occurs, the rule's `shape` is walked byte by byte, forward and without
//! backtracking, within a stated bound. Credentials without a form are told by their name and the look
//! of their value (`assigned`, `password`, `value`). That makes time linear, and makes the outcome a function of
//! the text alone, however it was cut on its way here.

mod action;
mod assigned;
mod bits;
mod check;
mod class;
mod finding;
mod pairs;
mod password;
mod personal;
mod redact;
#[cfg(test)]
mod reference;
mod rules;
mod runs;
mod secrets;
mod shape;
mod sieve;
mod stream;
mod tail;
mod trigger;
mod value;

pub use action::{Action, Mode, Profile};
pub use finding::{Finding, Kind, SURE};
pub use personal::scan_personal;
pub use redact::{StreamRedact, redact};
pub use secrets::Secrets;
pub use stream::{HOLD_BACK_BYTES_MAX, StreamScan};
