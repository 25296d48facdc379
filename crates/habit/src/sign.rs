//! What may stand out, what it takes, and what is wished to be done about it.

use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// What kind of thing stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A network that the key was not used from.
    NewNetwork,
    /// An hour of the day in which the key was not used.
    UnusualHour,
    /// Far more calls or tokens than the key ever took in that time.
    Volume,
    /// A model that was not called with the key.
    NewModel,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NewNetwork, Self::UnusualHour, Self::Volume, Self::NewModel];

    /// Its name in records and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewNetwork => "new_network",
            Self::UnusualHour => "unusual_hour",
            Self::Volume => "volume",
            Self::NewModel => "new_model",
        }
    }
}

/// What stood out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// From here, for the first time.
    NewNetwork(IpNet),
    /// In this hour of the day (UTC), and in none beside it, for the first time.
    UnusualHour(i64),
    /// So much in one window, and the most it usually is.
    Volume {
        /// Calls that began.
        calls: u64,
        /// The most that began in a window before; what is long ago counts less.
        usual_calls: u64,
        /// Tokens.
        tokens: u64,
        /// The most in a window before.
        usual_tokens: u64,
    },
    /// This model, for the first time.
    NewModel(Arc<str>),
}

impl Sign {
    /// Of what kind it is.
    pub const fn signal(&self) -> Signal {
        match self {
            Self::NewNetwork(_) => Signal::NewNetwork,
            Self::UnusualHour(_) => Signal::UnusualHour,
            Self::Volume { .. } => Signal::Volume,
            Self::NewModel(_) => Signal::NewModel,
        }
    }
}

/// What a signal leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing: it is learnt and not told.
    Off,
    /// It is told.
    #[default]
    Observe,
    /// It is told, and the key is suspended.
    Suspend,
}

/// What it takes for something to stand out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How long a key is learnt before anything stands out.
    pub learn_ms: u64,
    /// And how many calls it must have made by then.
    pub learn_calls_min: u64,
    /// After how long without it a network, an hour or a model is forgotten.
    pub forget_ms: u64,
    /// Over how long calls and tokens are summed.
    pub window_ms: u64,
    /// How many times the usual most is too much.
    pub volume_times: u64,
    /// Fewer calls in a window never are.
    pub volume_calls_min: u64,
    /// Nor are fewer tokens.
    pub volume_tokens_min: u64,
    /// What each signal leads to, in the order of [`Signal::ALL`].
    pub modes: [Mode; 4],
}

impl Rules {
    /// What this signal leads to.
    pub fn mode(&self, signal: Signal) -> Mode {
        let [new_network, unusual_hour, volume, new_model] = self.modes;
        match signal {
            Signal::NewNetwork => new_network,
            Signal::UnusualHour => unusual_hour,
            Signal::Volume => volume,
            Signal::NewModel => new_model,
        }
    }

    pub(crate) fn is_told(&self, signal: Signal) -> bool {
        self.mode(signal) != Mode::Off
    }
}
