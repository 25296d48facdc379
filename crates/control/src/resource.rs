//! What can be administered, a file for each. A handler enters, asks, changes and answers; the words of the
//! wire (what a body may hold, what a view shows) stand beside it.

pub mod alerts;
pub mod approvals;
pub mod audit;
pub mod break_glass;
pub mod budgets;
pub mod chargeback;
pub mod configuration;
pub mod costs;
pub mod credentials;
pub mod findings;
pub mod grants;
pub mod instance;
pub mod keys;
pub mod me;
mod myself;
pub mod offboarding;
pub mod outlook;
pub mod passkeys;
pub mod policies;
pub mod projects;
pub mod scim;
pub mod served;
pub mod services;
pub mod sessions;
pub mod sso;
pub mod sso_sign_in;
pub mod teams;
pub mod tenants;
pub mod tokens;
pub mod usage;
pub mod users;
pub mod versions;
mod welcome;
pub mod words;
