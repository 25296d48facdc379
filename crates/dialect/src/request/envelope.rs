//! What the gate must know of a request before it decides: read once, in one pass over the bytes.

use std::ops::Range;

use domain::Units;

use super::walk::{Role, Sink, What, walk_request};
use crate::json::{Kind, Reader, Str};
use crate::{DialectError, Endpoint};

/// How much of everything one request may hold.
// threat: ANP-0008
// threat: CTX-T5
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Nesting of objects and arrays; never more than 128.
    pub depth_max: u32,
    /// Messages.
    pub messages_max: u32,
    /// Tool definitions.
    pub tools_max: u32,
    /// Images.
    pub images_max: u32,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            depth_max: 64,
            messages_max: 10_000,
            tools_max: 1_024,
            images_max: 256,
        }
    }
}

/// What the gate must know of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The model asked for.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// OpenAI's `stream_options.include_usage`.
    pub include_usage: bool,
    /// The larger of `max_completion_tokens` and `max_tokens`.
    pub max_output_tokens: Option<u64>,
    /// How many answers will be generated: the larger of `n` and `best_of`.
    pub choices: u32,
    /// Whether tools are defined.
    pub tools: bool,
    /// Images.
    pub images: u32,
    /// Messages; for other calls, texts.
    pub messages: u32,
    /// Bytes of all text that the model could see, names and numbers of tool data and schemas included:
    /// what an upper bound of its tokens is made from. Encoded images are not in it, other media are.
    pub text_bytes: u64,
    /// Whether a prompt is given as token ids: text that no guard can read.
    pub token_ids: bool,
    /// Whether the provider may serve it at a tier dearer than the standard one: unless the caller asks for one
    /// that is not.
    pub dear_tier: bool,
    /// Whether something is to be kept in the provider's cache for longer than usual.
    pub long_cache: bool,
    /// What a call that is made elsewhere uses at most of what is not counted in tokens, as far as that is told.
    pub told: Option<Units>,
    pub(super) spans: Spans,
}

impl Envelope {
    /// A call that is made elsewhere, and of which no more is told than how many tokens its prompt has and how many
    /// are to be generated in each of so many answers.
    pub fn counted(model: String, prompt_tokens: u64, output_tokens: Option<u64>, choices: u32) -> Self {
        Self {
            model,
            stream: false,
            include_usage: false,
            max_output_tokens: output_tokens,
            choices: choices.max(1),
            tools: false,
            images: 0,
            messages: 0,
            text_bytes: prompt_tokens,
            token_ids: false,
            dear_tier: true,
            long_cache: true,
            told: Some(Units::UNKNOWN),
            spans: Spans::default(),
        }
    }

    /// What it uses at most of what is not counted in tokens. A call that was read says how many pictures it sends and
    /// nothing of what will be made: a conversation may be answered with pictures or sound.
    pub fn units(&self) -> Units {
        self.told.unwrap_or(Units {
            input_images: Some(u64::from(self.images)),
            ..Units::UNKNOWN
        })
    }
}

/// Where in the body stands what may be rewritten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spans {
    pub(super) body_bytes: usize,
    pub(super) object_at: usize,
    pub(super) model: Range<usize>,
    /// A field for the output's length that is there and says nothing.
    pub(super) max_tokens_null: Option<Range<usize>>,
    pub(super) stream_options: StreamOptions,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum StreamOptions {
    #[default]
    Absent,
    Null(Range<usize>),
    Empty(Range<usize>),
    /// Given, without `include_usage`: where one may be inserted.
    Without(usize),
    /// `include_usage` as given.
    With(Range<usize>),
}

/// Reads a request. Refuses what two readers could understand differently, known fields of the wrong
/// type, and anything beyond the limits, each by name. Unknown fields are fine.
pub fn read_request(endpoint: Endpoint, body: &[u8], limits: &BodyLimits) -> Result<Envelope, DialectError> {
    let mut reader = Reader::new(body)?.limited(limits.depth_max);
    reader.kind()?;
    let mut counting = Counting::new(endpoint, *limits, body.len(), reader.at());
    walk_request(endpoint, reader, &mut counting)?;
    counting.finish()
}

struct Counting {
    endpoint: Endpoint,
    limits: BodyLimits,
    envelope: Envelope,
    model: Option<String>,
    tools: u32,
    prompts: u32,
}

impl Counting {
    fn new(endpoint: Endpoint, limits: BodyLimits, body_bytes: usize, object_at: usize) -> Self {
        let envelope = Envelope {
            model: String::new(),
            stream: false,
            include_usage: false,
            max_output_tokens: None,
            choices: 1,
            tools: false,
            images: 0,
            messages: 0,
            text_bytes: 0,
            token_ids: false,
            dear_tier: true,
            long_cache: false,
            told: None,
            spans: Spans {
                body_bytes,
                object_at,
                ..Spans::default()
            },
        };
        Self {
            endpoint,
            limits,
            envelope,
            model: None,
            tools: 0,
            prompts: 0,
        }
    }

    fn finish(mut self) -> Result<Envelope, DialectError> {
        self.envelope.model = self.model.ok_or_else(|| DialectError::missing("model"))?;
        self.envelope.tools = self.tools > 0;
        let (needed, found) = match self.endpoint {
            Endpoint::ChatCompletions | Endpoint::Messages | Endpoint::CountTokens => {
                ("messages", self.envelope.messages)
            }
            Endpoint::Completions => ("prompt", self.prompts),
            Endpoint::Embeddings => ("input", self.prompts),
        };
        if found == 0 {
            return Err(DialectError::missing(needed));
        }
        if self.endpoint == Endpoint::Completions {
            // Each prompt is answered on its own. threat: AGP-D1
            self.envelope.choices = self.envelope.choices.saturating_mul(found);
        }
        self.envelope.messages = found;
        Ok(self.envelope)
    }

    fn max_tokens(&mut self, r: &mut Reader<'_>, name: &str) -> Result<(), DialectError> {
        match optional_count(r, name)? {
            Ok(count) => {
                let known = self.envelope.max_output_tokens.unwrap_or(0);
                self.envelope.max_output_tokens = Some(known.max(count));
            }
            Err(null) => self.envelope.spans.max_tokens_null = Some(null),
        }
        Ok(())
    }

    fn choices(&mut self, r: &mut Reader<'_>, name: &str) -> Result<(), DialectError> {
        if let Ok(count) = optional_count(r, name)? {
            let count = u32::try_from(count).ok().filter(|count| *count > 0);
            let count = count.ok_or_else(|| DialectError::wrong(name, "a small positive number"))?;
            self.envelope.choices = self.envelope.choices.max(count);
        }
        Ok(())
    }

    fn model(&mut self, r: &mut Reader<'_>) -> Result<(), DialectError> {
        let wrong = || DialectError::wrong("model", "a non-empty string");
        if r.kind()? != Kind::String {
            return Err(wrong());
        }
        let model = r.string()?;
        if model.raw.is_empty() {
            return Err(wrong());
        }
        self.envelope.spans.model = model.span();
        self.model = Some(model.said().into_owned());
        Ok(())
    }

    fn stream_options(&mut self, r: &mut Reader<'_>) -> Result<(), DialectError> {
        let kind = r.kind()?;
        let at = r.at();
        self.envelope.spans.stream_options = match kind {
            Kind::Null => {
                r.skip()?;
                StreamOptions::Null(at..r.at())
            }
            Kind::Object => self.stream_option(r)?,
            _ => return Err(DialectError::wrong("stream_options", "an object")),
        };
        Ok(())
    }

    fn stream_option(&mut self, r: &mut Reader<'_>) -> Result<StreamOptions, DialectError> {
        let (at, mut members, mut given) = (r.at(), 0, None);
        let name = "stream_options.include_usage";
        r.object(|r, key| {
            members += 1;
            if !key.is("include_usage") {
                return r.skip().map(|_| ());
            }
            if given.is_some() {
                return Err(DialectError::Duplicate {
                    field: name.to_owned(),
                });
            }
            r.kind()?;
            let from = r.at();
            self.envelope.include_usage = optional_flag(r, name)?;
            given = Some(from..r.at());
            Ok(())
        })?;
        Ok(match given {
            Some(span) => StreamOptions::With(span),
            None if members == 0 => StreamOptions::Empty(at..r.at()),
            None => StreamOptions::Without(at + 1),
        })
    }
}

impl Sink for Counting {
    const ROLES: bool = false;

    fn control(&mut self, r: &mut Reader<'_>, name: &str) -> Result<bool, DialectError> {
        match name {
            "model" => self.model(r)?,
            "stream" => self.envelope.stream = optional_flag(r, name)?,
            "max_tokens" | "max_completion_tokens" => self.max_tokens(r, name)?,
            "n" | "best_of" => self.choices(r, name)?,
            "stream_options" => self.stream_options(r)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn text(&mut self, _role: Role, text: Str<'_>, _what: What) -> Result<(), DialectError> {
        self.add(text.said_bytes);
        Ok(())
    }

    fn number(&mut self, digits: &str) {
        self.add(digits.len());
    }

    fn opaque(&mut self, payload: Str<'_>, image: bool) {
        if !image {
            self.add(payload.raw.len());
        }
    }

    fn message(&mut self) -> Result<(), DialectError> {
        bump(&mut self.envelope.messages, "messages", self.limits.messages_max)
    }

    fn prompt(&mut self) -> Result<(), DialectError> {
        bump(&mut self.prompts, "prompts", self.limits.messages_max)
    }

    fn tool(&mut self) -> Result<(), DialectError> {
        bump(&mut self.tools, "tools", self.limits.tools_max)
    }

    fn image(&mut self) -> Result<(), DialectError> {
        bump(&mut self.envelope.images, "images", self.limits.images_max)
    }

    fn token_id(&mut self) {
        self.envelope.token_ids = true;
    }

    fn tier(&mut self, word: &str) {
        self.envelope.dear_tier = !matches!(word, "default" | "standard" | "standard_only" | "flex");
    }

    fn long_cache(&mut self) {
        self.envelope.long_cache = true;
    }
}

impl Counting {
    fn add(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.envelope.text_bytes = self.envelope.text_bytes.saturating_add(bytes);
    }
}

fn bump(count: &mut u32, field: &'static str, max: u32) -> Result<(), DialectError> {
    if *count >= max {
        return Err(DialectError::TooMany {
            field,
            max: u64::from(max),
        });
    }
    *count += 1;
    Ok(())
}

/// A flag, or `null` for "not given".
fn optional_flag(r: &mut Reader<'_>, name: &str) -> Result<bool, DialectError> {
    match r.kind()? {
        Kind::Bool => r.boolean(),
        Kind::Null => r.skip().map(|_| false),
        _ => Err(DialectError::wrong(name, "true or false")),
    }
}

/// A whole number, or the span of a `null`.
fn optional_count(r: &mut Reader<'_>, name: &str) -> Result<Result<u64, Range<usize>>, DialectError> {
    let wrong = || DialectError::wrong(name, "a whole number");
    let kind = r.kind()?;
    let at = r.at();
    match kind {
        Kind::Number => r.number()?.parse().map(Ok).map_err(|_| wrong()),
        Kind::Null => {
            r.skip()?;
            Ok(Err(at..r.at()))
        }
        _ => Err(wrong()),
    }
}
