//! Floor 1: Cedar policies decide who may call what.
//!
//! Text in, an [`Engine`] out; a [`Question`] in, a [`Decision`] out. Everything the gate permits, a
//! policy permits: there is no permission beside the policies, and what no policy permits is denied.
//! Never does I/O: whoever reads policy files hands their texts in.

mod address;
mod engine;
mod entities;
mod error;
mod load;
mod question;
mod size;
mod testing;

pub use engine::Engine;
pub use error::PolicyError;
pub use question::{Decision, Question};
pub use testing::{TestFailure, run_tests};

/// The Cedar schema that every policy is checked against: the words a policy may use.
pub const SCHEMA: &str = include_str!("../../../policies/bartizan.cedarschema");

/// Policies that are always in force, defaults or not.
pub const ALWAYS: (&str, &str) = ("tenancy.cedar", include_str!("../../../policies/tenancy.cedar"));

/// Policies in force unless the configuration turns the defaults off.
pub const DEFAULTS: (&str, &str) = ("default.cedar", include_str!("../../../policies/default.cedar"));
