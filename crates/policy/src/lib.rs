//! Floor 1: Cedar policies decide who may call what, and who may do what on the control plane.
//!
//! Text in, an [`Engine`] out; a [`Question`] in, a [`Decision`] out. For the control plane a [`Desk`], an
//! [`Act`] and a [`Verdict`]. Everything the gate permits, a policy permits: there is no permission beside
//! the policies, and what no policy permits is denied.
//! Never does I/O: whoever reads policy files hands their texts in.

mod consent;
mod desk;
mod differences;
mod engine;
mod entities;
mod error;
mod explain;
mod ground;
mod load;
mod moment;
mod posture;
mod question;
mod reads;
mod set;
mod size;
mod testing;
mod thing;

pub use consent::{
    CONSENTS_MAX, Consent, Consents, Dropped, Minimisation, NAMED_MAX, STATEMENT_CHARS_MAX, Unsaid,
};
pub use desk::{
    Act, ActContext, Actor, ActorId, BudgetLevel, Desk, Explanation, Resource, Verdict, run_control_tests,
};
pub use differences::{Answered, Compared, DIFFERENCES_MAX, Difference, Differences, Found};
pub use engine::{Engine, Explained};
pub use error::PolicyError;
pub use explain::{Applied, Effect, Outcome, nearest};
pub use ground::Ground;
pub use moment::Moment;
pub use posture::Posture;
pub use question::{Decision, Question};
pub use reads::Reads;
pub use set::{Configured, Failed, Plane, PolicyTexts, Text};
pub use testing::{TestFailure, run_tests};
pub use thing::{Place, Thing};

/// The Cedar schema that policies for calls are checked against: the words they may use.
pub const SCHEMA: &str = include_str!("../../../policies/bartizan.cedarschema");

/// What the control plane adds to [`SCHEMA`]. Both together are what its policies are checked against.
pub const CONTROL_SCHEMA: &str = include_str!("../../../policies/control.cedarschema");

/// The control plane's policies: what each role may do, and what nobody may. Always in force.
pub const ROLES: [(&str, &str); 2] = [
    ("roles.cedar", include_str!("../../../policies/roles.cedar")),
    ("bounds.cedar", include_str!("../../../policies/bounds.cedar")),
];

/// Policies for calls that are always in force, defaults or not.
pub const ALWAYS: [(&str, &str); 2] = [
    ("sending.cedar", include_str!("../../../policies/sending.cedar")),
    ("tenancy.cedar", include_str!("../../../policies/tenancy.cedar")),
];

/// Whether the policy of this id is one of those that come with the product, rather than an operator's own.
pub fn is_built_in(id: &str) -> bool {
    is_in(id, ROLES.iter().chain(&ALWAYS).chain([&DEFAULTS]))
}

/// Whether one of these files has the policy of this id.
pub(crate) fn is_in<'a>(id: &str, files: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> bool {
    let line = format!("@id(\"{id}\")");
    files
        .into_iter()
        .any(|(_, text)| text.lines().any(|written| written == line))
}

/// Policies in force unless the configuration turns the defaults off.
pub const DEFAULTS: (&str, &str) = ("default.cedar", include_str!("../../../policies/default.cedar"));
