//! What is measured in each slot, for how long, and the fields a slot fills.

use serde::Serialize;

use crate::cli::LoadOptions;
use crate::load::Met;

/// Content chunks of a streamed answer.
pub const STREAM_CHUNKS: u32 = 50;
/// Milliseconds between two chunks.
pub const STREAM_EVERY_MS: u64 = 20;
/// Requests after which memory is read.
pub const RSS_REQUESTS: u64 = 100_000;

/// Seconds of each phase.
#[derive(Clone, Copy, Debug)]
pub struct Seconds {
    /// Not measured: caches and connections settle.
    pub warm_up: f64,
    /// 64 connections, 1 KB bodies.
    pub busy: f64,
    /// 64 connections, 64 KB bodies.
    pub large: f64,
    /// 64 connections, streamed answers.
    pub stream: f64,
    /// 200 requests a second.
    pub steady: f64,
    /// At most this long to reach the requests after which memory is read.
    pub fill_up: f64,
}

impl Seconds {
    /// For a look: the whole run within three minutes.
    pub const QUICK: Self = Self {
        warm_up: 0.7,
        busy: 2.0,
        large: 1.5,
        stream: 2.0,
        steady: 3.0,
        fill_up: 12.0,
    };
    /// For a record: the whole run within twelve minutes.
    pub const FULL: Self = Self {
        warm_up: 2.0,
        busy: 8.0,
        large: 6.0,
        stream: 6.0,
        steady: 12.0,
        fill_up: 15.0,
    };
}

/// What one phase gave.
#[derive(Clone, Debug, Serialize)]
pub struct Phase {
    /// What the load generator met.
    pub met: Met,
    /// Processor time of the proxy, in microseconds; nothing when there was no proxy.
    pub cpu_us: Option<f64>,
}

/// One target's turn in one round.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Slot {
    /// From start to the first 200 of its readiness check.
    pub ready_ms: Option<f64>,
    /// Memory before any load.
    pub rss_idle_mib: Option<f64>,
    /// Memory after [`RSS_REQUESTS`] requests.
    pub rss_after_mib: Option<f64>,
    /// 64 connections, 1 KB bodies.
    pub busy: Option<Phase>,
    /// 64 connections, 64 KB bodies.
    pub large: Option<Phase>,
    /// Streamed answers.
    pub stream: Option<Phase>,
    /// 200 requests a second.
    pub steady: Option<Phase>,
}

impl Phase {
    /// Processor microseconds for each request.
    pub fn cpu_per_request(&self) -> Option<f64> {
        per(self.cpu_us?, self.met.requests)
    }

    /// Processor microseconds for each streamed content chunk.
    pub fn cpu_per_chunk(&self) -> Option<f64> {
        per(self.cpu_us?, self.met.chunks)
    }
}

fn per(total: f64, count: u64) -> Option<f64> {
    (count > 0).then(|| total / count as f64)
}

/// Load without a pause between answers.
pub fn closed(port: u16, key: Option<&str>, body_bytes: usize, seconds: f64) -> LoadOptions {
    LoadOptions {
        port,
        key: key.map(str::to_owned),
        connections: 64,
        body_bytes,
        seconds,
        rate: None,
        stream_chunks: None,
        requests_max: None,
    }
}

/// Streamed answers on 64 connections.
pub fn streamed(port: u16, key: Option<&str>, seconds: f64) -> LoadOptions {
    LoadOptions {
        stream_chunks: Some(STREAM_CHUNKS),
        ..closed(port, key, 1024, seconds)
    }
}

/// A fixed rate.
pub fn steady(port: u16, key: Option<&str>, rate: f64, seconds: f64) -> LoadOptions {
    LoadOptions {
        rate: Some(rate),
        connections: 8,
        ..closed(port, key, 1024, seconds)
    }
}
