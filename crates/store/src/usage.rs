//! Roll-ups and reports: what calls used and cost, summed by the hour when they are booked, and asked for over any
//! dimension. Which sums there are and how they are put together is the same for all engines and written here.
//!
//! A **series** is everything that reports tell calls apart by; a roll-up is one series in one hour. Whole hours of a
//! question are answered from roll-ups, what is cut off at its edges from the entries themselves, so that every answer is
//! the exact sum over the entries. Never does I/O.

mod counts;
mod period;
mod query;
mod rollup;
mod series;
mod tally;

pub use counts::{Counts, Sums};
pub use period::{Grain, HOUR_MS, Period, hour_of};
pub use query::{Cut, Dimension, Filter, NotDimension, Order, UsageQuery};
pub use rollup::{Fact, Rolled, rolled};
pub use series::{Series, SeriesId};
pub use tally::{GROUPS_MAX, Tally, UsageReport, UsageRow};
