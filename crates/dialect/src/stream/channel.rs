//! The texts of a stream that are put together separately, and what an event does to them.

/// One text that a stream's events put together piece by piece: what a guard follows on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Channel {
    /// OpenAI's choice index; Anthropic's content block index.
    pub choice: u32,
    /// What it is.
    pub kind: ChannelKind,
}

/// What a channel carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// The answer.
    Text,
    /// Thinking shown to the caller.
    Reasoning,
    /// The model's own "no".
    Refusal,
    /// The name of a tool called; the number is the call's index.
    ToolName(u32),
    /// The arguments of a tool call, JSON in pieces.
    ToolArguments(u32),
    /// Any other text: citations, transcripts, fields unknown to us. Pieces here may belong to
    /// different texts.
    Other,
    /// The tokens of a choice as token probabilities spell them: its text once more.
    Logprobs,
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventClass {
    /// It adds text.
    Delta,
    /// It adds text, and with it one or more channels end: a text held back must go before it.
    FinalDelta,
    /// It ends channels and adds no text: a text held back must go before it.
    End,
    /// OpenAI's last chunk, which carries the usage and nothing else.
    UsageOnly,
    /// The end of the stream.
    Terminator,
    /// Anything else.
    Other,
}
