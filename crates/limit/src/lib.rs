//! Floor 1: rates, concurrency, connection caps, circuit breaking and retry budgets. Never reads a clock:
//! every call that depends on time is handed monotonic nanoseconds, from whatever origin the caller likes.

mod breaker;
mod concurrency;
mod connection;
mod gcra;
mod retry;

pub use breaker::{Breaker, BreakerSettings, BreakerState, Open, Outcome, Ticket, Turned};
pub use concurrency::{Concurrency, Full, Permit};
pub use connection::{CapReached, ConnectionCaps, ConnectionPermit};
pub use gcra::{Gcra, Remaining, Wait};
pub use retry::RetryBudget;
