//! The control plane's policies from outside: every role, and what must hold for any.

mod bounds;
mod cast;
mod explaining;
mod invariants;
mod loading;
mod matrix;
mod schema;
mod shipped;
