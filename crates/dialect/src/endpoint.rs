//! The dialects, and the calls of each that the gate understands.

use domain::Operation;

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// OpenAI's: chat completions, completions, embeddings.
    OpenAi,
    /// Anthropic's: messages, token counts.
    Anthropic,
}

impl Dialect {
    /// The name in configuration, telemetry and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// The call that holds a conversation in this dialect.
    pub const fn chat(self) -> Endpoint {
        match self {
            Self::OpenAi => Endpoint::ChatCompletions,
            Self::Anthropic => Endpoint::Messages,
        }
    }
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One call of a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// OpenAI `POST /v1/chat/completions`.
    ChatCompletions,
    /// OpenAI `POST /v1/completions`.
    Completions,
    /// OpenAI `POST /v1/embeddings`.
    Embeddings,
    /// Anthropic `POST /v1/messages`.
    Messages,
    /// Anthropic `POST /v1/messages/count_tokens`.
    CountTokens,
}

impl Endpoint {
    /// Every call, for enumeration.
    pub const ALL: [Self; 5] = [
        Self::ChatCompletions,
        Self::Completions,
        Self::Embeddings,
        Self::Messages,
        Self::CountTokens,
    ];

    /// The dialect it belongs to.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::ChatCompletions | Self::Completions | Self::Embeddings => Dialect::OpenAi,
            Self::Messages | Self::CountTokens => Dialect::Anthropic,
        }
    }

    /// What the caller asks for, in the words of policies and telemetry.
    pub const fn operation(self) -> Operation {
        match self {
            Self::ChatCompletions | Self::Messages => Operation::Chat,
            Self::Completions => Operation::TextCompletion,
            Self::Embeddings => Operation::Embeddings,
            Self::CountTokens => Operation::CountTokens,
        }
    }

    /// The path, the same on our listener and on an upstream.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Embeddings => "/v1/embeddings",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
        }
    }

    /// The call behind a path, or `None` when it is not one of ours.
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.path() == path)
    }
}
