//! Floor 1: cost data as finance takes it: rows made of ledger entries, FOCUS, CSV, JSON and Parquet, the checks of a
//! FOCUS file, and what providers say they billed beside what the ledger has.
//!
//! Never opens a file or a socket, never reads a clock; sums are integers of nano-dollars and nothing else.

mod cell;
mod decimal;
mod defuse;
mod digesting;
mod due;
mod flat;
pub mod focus;
mod manifest;
mod names;
mod originals;
mod period;
pub mod reconcile;
mod rows;
mod write;

pub use cell::{Cell, Column, Kind};
pub use decimal::{dollars, read_nanos};
pub use defuse::defused;
pub use digesting::{Digesting, digest_of};
pub use due::{Every, Time};
pub use manifest::{FORMAT, Ground, Manifest, Sums, Verdict};
pub use names::{KeyNames, Names};
pub use period::{Grain, UnknownGrain, rfc3339};
pub use rows::{Ledger, Place, Pricing, Rows, RowsError, Total, Unpriced, Used};
pub use write::{Format, UnknownFormat, WriteError, Written, write};
