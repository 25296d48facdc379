//! Floor 4: the life of a request.
//!
//! [`pipeline`] is the whole of it on one page; [`stage`] holds the twelve stages it calls, each of which
//! returns the only key that opens the next. This crate knows no storage engine and no control plane.

mod allowance;
pub mod body;
pub mod book;
mod bypass;
pub mod connectors;
mod count;
mod detach;
pub mod directory;
pub mod estimate;
mod facts;
mod form;
mod found;
mod framing;
pub mod gate;
mod history;
mod introduced;
pub mod issuers;
pub mod live;
mod machine;
mod models;
pub mod nonces;
mod observe;
mod pace;
pub mod peer;
pub mod pipeline;
pub mod probe;
mod proof;
mod proxy_header;
pub mod receipt;
pub mod refusal;
pub mod server;
pub mod settings;
pub mod shadow;
pub mod spend;
pub mod stage;
pub mod standing;
mod telling;
pub mod ticket;
mod token;
mod unmask;
mod unread;
mod unstalled;
mod usage;
mod vouch;
mod watch;

pub use gate::{Gate, GateParts, View};
pub use stage::accept::{ROUTES, Route};
pub use stage::cache::{Cache, Sealer, Sealing};
pub use stage::inspect_input::origin;
