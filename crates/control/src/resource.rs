//! What can be administered, a file for each. A handler enters, asks, changes and answers; the words of the
//! wire (what a body may hold, what a view shows) stand beside it.

pub mod approvals;
pub mod audit;
pub mod break_glass;
pub mod budgets;
pub mod credentials;
pub mod grants;
pub mod instance;
pub mod keys;
pub mod me;
pub mod projects;
pub mod services;
pub mod sessions;
pub mod teams;
pub mod tenants;
pub mod usage;
pub mod users;
pub mod words;
