//! Habits from outside: what stands out, what does not, and that nothing grows.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod properties;
mod signs;

use std::sync::Arc;

use domain::{KeyId, TenantId, UnixMillis};
use habit::{Mode, Rules, Use};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn rules() -> Rules {
    Rules {
        learn_ms: u64::try_from(7 * DAY).unwrap(),
        learn_calls_min: 20,
        forget_ms: u64::try_from(30 * DAY).unwrap(),
        window_ms: u64::try_from(HOUR).unwrap(),
        volume_times: 5,
        volume_calls_min: 100,
        volume_tokens_min: 10_000,
        modes: [Mode::Observe; 4],
    }
}

/// A call that began.
fn from(address: &str, at: i64) -> Use {
    Use {
        tenant: TenantId::from_u128(1),
        key: KeyId::from_u128(2),
        at: UnixMillis(at),
        address: Some(address.parse().unwrap()),
        model: None,
        calls: 1,
        tokens: 0,
    }
}

/// A call that ended.
fn of(model: &str, tokens: u64, at: i64) -> Use {
    Use {
        address: None,
        model: Some(Arc::from(model)),
        calls: 0,
        tokens,
        ..from("127.0.0.1", at)
    }
}
