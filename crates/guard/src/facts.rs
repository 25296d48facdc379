//! What is counted of a request before anything in it is read: the dialects fill it, bounds and unread judge it. Never
//! holds text.

/// What a request is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFacts {
    /// Its messages, in order.
    pub messages: Vec<MessageFacts>,
    /// Characters (Unicode scalar values) of all text that a model will see: messages, instructions, tools.
    pub characters: u64,
    /// Bytes of the body as it came.
    pub body_bytes: u64,
    /// How deep arrays and objects of the body lie in each other; 1 for a body without any.
    pub depth: u32,
    /// Names of the tools it offers, in order.
    pub tools: Vec<String>,
    /// What is not text.
    pub media: MediaFacts,
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFacts {
    /// Its role as written, such as `user`.
    pub role: String,
    /// Its characters.
    pub characters: u64,
    /// Its parts; 1 where the content is one text.
    pub parts: u32,
}

/// What no guard of text can read, of a request or of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaFacts {
    /// Pictures.
    pub images: Vec<ImageFacts>,
    /// Pieces of sound.
    pub audio: u32,
    /// Files and documents that are not text, and those that are named by an id.
    pub files: u32,
    /// Prompts given as numbers of tokens.
    pub token_ids: u32,
    /// Texts that hold more, or deeper, encodings than were undone: [`Verdict::complete`](crate::Verdict::complete) is false.
    pub encodings: u32,
}

/// One picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its media type where it says one, such as `image/png`.
    pub media_type: Option<String>,
    /// Its bytes, decoded; `None` where it lies elsewhere and is fetched by its address.
    pub bytes: Option<u64>,
}
