//! The control plane's side: may this actor do this act to this thing? Never knows what a role may do: that
//! is in `policies/roles.cedar`, and what nobody may is in `policies/bounds.cedar`.

mod accept;
mod act;
mod actor;
mod decide;
mod explain;
mod names;
mod place;
mod resource;
mod slice;
mod testing;
mod verdict;

pub use act::{Act, ActContext};
pub use actor::Actor;
pub use decide::Desk;
pub use domain::ActorId;
pub use explain::Explanation;
pub use resource::{BudgetLevel, Resource};
pub use testing::run_control_tests;
pub use verdict::Verdict;
