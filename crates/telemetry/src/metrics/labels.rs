//! Labels with a fixed set of values, and handles resolved on first use.

use std::sync::OnceLock;

use domain::Operation;

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            /// All values, in order.
            pub const ALL: &'static [Self] = &[$(Self::$value,)*];

            /// The label's text.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }
    };
}

label! {
    /// The caller's dialect.
    Dialect {
        /// OpenAI's.
        OpenAi = "openai",
        /// Anthropic's.
        Anthropic = "anthropic",
    }
}

label! {
    /// How a call ended; as in the ledger.
    Ended {
        /// Answered to the last byte.
        Completed = "completed",
        /// The gate said no.
        Refused = "refused",
        /// The caller left.
        ClientGone = "client_gone",
        /// The provider failed.
        UpstreamFailed = "upstream_failed",
    }
}

label! {
    /// The twelve stages of a call.
    Stage {
        /// 1: connection and head.
        Accept = "accept",
        /// 2: who is it.
        Identify = "identify",
        /// 3: may they.
        Authorize = "authorize",
        /// 4: rates, concurrency, budgets.
        Admit = "admit",
        /// 5: guards on the way in.
        InspectInput = "inspect_input",
        /// 6: has it been answered before.
        Cache = "cache",
        /// 7: who serves it.
        Route = "route",
        /// 8: into the target's dialect.
        Translate = "translate",
        /// 9: the call itself.
        Upstream = "upstream",
        /// 10: guards on the way out.
        InspectOutput = "inspect_output",
        /// 11: account for it.
        Settle = "settle",
        /// 12: the answer's head and shape.
        Respond = "respond",
    }
}

label! {
    /// A class of LLM tokens.
    TokenClass {
        /// Prompt tokens at full price.
        Input = "input",
        /// Generated tokens.
        Output = "output",
        /// Prompt tokens read from the provider's cache.
        CacheRead = "cache_read",
        /// Prompt tokens written to it.
        CacheWrite = "cache_write",
    }
}

label! {
    /// One of the three listeners.
    Listener {
        /// The data plane.
        Data = "data",
        /// The control plane.
        Control = "control",
        /// Health and metrics.
        Health = "health",
    }
}

label! {
    /// Whether a target is called. The gauge shows the order: 0, 1, 2.
    BreakerState {
        /// It is.
        Closed = "closed",
        /// One call probes it.
        HalfOpen = "half_open",
        /// It is not.
        Open = "open",
    }
}

/// All operations, in the order of [`operation_at`].
pub(super) const OPERATIONS: [Operation; 5] = [
    Operation::Chat,
    Operation::TextCompletion,
    Operation::Embeddings,
    Operation::CountTokens,
    Operation::ListModels,
];

/// An operation's place in [`OPERATIONS`].
pub(super) const fn operation_at(operation: Operation) -> usize {
    match operation {
        Operation::Chat => 0,
        Operation::TextCompletion => 1,
        Operation::Embeddings => 2,
        Operation::CountTokens => 3,
        Operation::ListModels => 4,
    }
}

/// Handles by place, made on first use: what never happens has no series, what happens is looked up once.
#[derive(Debug)]
pub(super) struct Lazy<M>(Box<[OnceLock<M>]>);

impl<M> Lazy<M> {
    pub(super) fn new(places: usize) -> Self {
        Self((0..places).map(|_| OnceLock::new()).collect())
    }

    /// The handle of a place; `None` beyond the last.
    pub(super) fn get(&self, place: usize, make: impl FnOnce() -> M) -> Option<&M> {
        self.0.get(place).map(|cell| cell.get_or_init(make))
    }
}
