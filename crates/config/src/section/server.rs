//! Bounds on connections, requests and answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds on connections, requests and answers.
// threat: AGP-D2
// threat: CTX-T5
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Largest request head: request line and headers.
    pub head_bytes_max: usize,
    /// Most headers in a request.
    pub headers_max: usize,
    /// How long a request head may take to arrive.
    pub head_timeout_ms: u64,
    /// Largest request body.
    pub body_bytes_max: usize,
    /// How long a request body may take to arrive.
    pub body_timeout_ms: u64,
    /// Largest whole answer taken from a provider.
    pub answer_bytes_max: usize,
    /// Largest single event of a provider's stream.
    pub event_bytes_max: usize,
    /// How long a connection may be idle between requests, or take none of what is written to it.
    pub idle_timeout_ms: u64,
    /// Most connections at once.
    pub connections_max: u32,
    /// Most connections at once from one address (an IPv6 /64 counts as one).
    pub connections_per_address_max: u32,
    /// After SIGTERM: how long streams may take to finish.
    pub drain_deadline_ms: u64,
    /// Whether HTTP/2 is offered beside HTTP/1.1.
    pub http2: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            head_bytes_max: 32 << 10,
            headers_max: 100,
            head_timeout_ms: 10_000,
            body_bytes_max: 16 << 20,
            body_timeout_ms: 30_000,
            answer_bytes_max: 32 << 20,
            event_bytes_max: 1 << 20,
            idle_timeout_ms: 60_000,
            connections_max: 10_000,
            connections_per_address_max: 1_000,
            drain_deadline_ms: 30_000,
            http2: true,
        }
    }
}
