//! What is told when a key is not used as it usually is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is told when a key is not used as it usually is, and what becomes of the key. Each key is learnt by itself;
/// nothing is told before it is known. See docs/vigilance.md.
// threat: AGP-S1
// threat: ANP-0001
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Signals {
    /// Whether habits are learnt at all. Off, calls have nothing to do with any of this.
    pub enabled: bool,
    /// The key is used from a network (a /24 of IPv4, a /48 of IPv6) that it was not used from.
    pub new_network: SignalMode,
    /// The key is used in an hour of the day (UTC) in which, and beside which, it was not used.
    pub unusual_hour: SignalMode,
    /// The key makes far more calls, or uses far more tokens, than it ever did in that time.
    pub volume: SignalMode,
    /// The key is used for a model that it was not used for.
    pub new_model: SignalMode,
    /// How long a key is learnt before anything is told of it.
    pub learn_ms: u64,
    /// How many calls a key must have made before anything is told of it.
    pub learn_calls_min: u64,
    /// After how many days without it a network, an hour or a model is forgotten, and new when it comes again.
    pub forget_days: u64,
    /// Over how long calls and tokens are summed for `volume`.
    pub window_ms: u64,
    /// How many times the most of the windows before is too much; what is a week ago counts half.
    pub volume_times: u64,
    /// As few calls as these in a window are never too many.
    pub volume_calls_min: u64,
    /// As few tokens as these in a window are never too many.
    pub volume_tokens_min: u64,
    /// How often what was learnt is kept in the store, where other replicas find it. Takes effect at the next start.
    pub flush_every_ms: u64,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            enabled: true,
            new_network: SignalMode::Observe,
            unusual_hour: SignalMode::Observe,
            volume: SignalMode::Observe,
            new_model: SignalMode::Observe,
            learn_ms: 604_800_000,
            learn_calls_min: 100,
            forget_days: 30,
            window_ms: 3_600_000,
            volume_times: 5,
            volume_calls_min: 200,
            volume_tokens_min: 200_000,
            flush_every_ms: 5_000,
        }
    }
}

/// What a signal leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalMode {
    /// Nothing: it is learnt and not told.
    Off,
    /// An audit record, pushed to sinks, a count and a log line.
    #[default]
    Observe,
    /// That, and the key is suspended until somebody resumes it.
    Suspend,
}
