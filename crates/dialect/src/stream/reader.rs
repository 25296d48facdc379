//! Follows a live stream: its texts, its usage, how it ends.

use std::ops::Range;

use domain::{Tier, Usage};

use super::wire::{Texts, walk_event};
use super::{Channel, ChannelKind, EventClass, SseEvent};
use crate::error::clip;
use crate::json::{Reader, Str, Writer};
use crate::request::What;
use crate::usage::Reported;
use crate::{Dialect, DialectError};

/// What is known of a stream so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamFacts {
    /// The usage reported so far.
    pub usage: Option<Usage>,
    /// How the upstream says that it serves the call.
    pub tier: Tier,
    /// Whether the stream ended the way its dialect ends one.
    pub saw_terminator: bool,
    /// Bytes of text, thinking and tool arguments generated.
    pub output_text_bytes: u64,
    /// What the upstream said when it broke the stream off with an error.
    pub error: Option<String>,
}

/// A text in an event of a stream.
#[derive(Debug, Clone, Copy)]
pub struct StreamPiece<'t> {
    /// What it belongs to.
    pub channel: Channel,
    /// What it says, escapes of the event resolved. Of a tool's arguments in pieces: JSON as written.
    pub text: &'t str,
    /// Whether it is a text of its own, from its first character to its last.
    pub is_whole: bool,
}

/// Reads the events of one stream.
#[derive(Debug)]
pub struct StreamReader {
    upstream: Dialect,
    facts: StreamFacts,
    reported: Reported,
    head: Option<Head>,
}

/// What an OpenAI chunk repeats in every event.
#[derive(Debug, Clone)]
struct Head {
    id: String,
    object: String,
    created: String,
    model: String,
}

/// The data of an event as text.
pub(super) fn data_of(event: &SseEvent) -> Result<&str, DialectError> {
    std::str::from_utf8(event.data()).map_err(|_| DialectError::upstream("a stream event is not UTF-8"))
}

/// OpenAI's last words.
pub(super) fn is_done(data: &str) -> bool {
    data.trim() == "[DONE]"
}

impl StreamReader {
    /// A reader of a stream that has not begun.
    pub fn new(upstream: Dialect) -> Self {
        Self {
            upstream,
            facts: StreamFacts::default(),
            reported: Reported::default(),
            head: None,
        }
    }

    /// What is known so far.
    pub const fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    /// Reads one event: updates the facts, hands out what it says, says what it is.
    pub fn read(
        &mut self,
        event: &SseEvent,
        delta: &mut dyn FnMut(Channel, &str),
    ) -> Result<EventClass, DialectError> {
        self.read_pieces(event, &mut |piece| {
            if piece.channel.kind != ChannelKind::Logprobs {
                delta(piece.channel, piece.text);
            }
        })
    }

    /// The same with all that guards must see, in the order in which [`super::edit_event`] asks for it.
    pub fn read_pieces(
        &mut self,
        event: &SseEvent,
        delta: &mut dyn FnMut(StreamPiece<'_>),
    ) -> Result<EventClass, DialectError> {
        if !event.has_data() {
            return Ok(EventClass::Other);
        }
        let data = data_of(event)?;
        if is_done(data) {
            self.facts.saw_terminator = true;
            return Ok(EventClass::Terminator);
        }
        self.agree(event, data)?;
        let mut shown = Shown {
            delta,
            bytes: 0,
            any: false,
            error: None,
        };
        let found = walk_event(self.upstream, data, &mut self.reported, &mut shown)
            .map_err(DialectError::of_upstream)?;
        let (bytes, any, error) = (shown.bytes, shown.any, shown.error);
        self.facts.tier = self.reported.served();
        self.facts.output_text_bytes = self.facts.output_text_bytes.saturating_add(bytes);
        if found.usage {
            self.facts.usage = self.reported.usage(self.upstream);
        }
        if found.error && self.facts.error.is_none() {
            self.facts.error = Some(error.unwrap_or_else(|| "no message given".to_owned()));
        }
        self.facts.saw_terminator |= found.terminator;
        self.remember(data);
        Ok(match (any, found.ended) {
            _ if found.terminator => EventClass::Terminator,
            _ if found.error => EventClass::Other,
            (true, true) => EventClass::FinalDelta,
            (true, false) => EventClass::Delta,
            (false, true) => EventClass::End,
            (false, false) if found.no_choices && found.usage => EventClass::UsageOnly,
            (false, false) => EventClass::Other,
        })
    }

    /// Clients tell Anthropic's events apart by name or by type: both must say the same.
    // threat: ANP-0003
    fn agree(&self, event: &SseEvent, data: &str) -> Result<(), DialectError> {
        let (Dialect::Anthropic, Some(name)) = (self.upstream, event.name()) else {
            return Ok(());
        };
        match Reader::of_text(data).peek_text("type") {
            Some(kind) if !kind.is(name) => {
                Err(DialectError::upstream("a stream event's name and type disagree"))
            }
            _ => Ok(()),
        }
    }

    fn remember(&mut self, data: &str) {
        if self.upstream != Dialect::OpenAi || self.head.is_some() {
            return;
        }
        let r = Reader::of_text(data);
        let text = |name| r.peek_text(name).map(|text| text.said().into_owned());
        let Some(id) = text("id") else { return };
        let created = r.peek_count("created").unwrap_or(0).to_string();
        let object = text("object").unwrap_or_else(|| "chat.completion.chunk".to_owned());
        self.head = Some(Head {
            id,
            object,
            created,
            model: text("model").unwrap_or_default(),
        });
    }

    /// An event that adds a text to a channel of this stream: how text that was held back is sent before
    /// the event that ends its channel.
    pub fn text_event(&self, channel: Channel, text: &str) -> Vec<u8> {
        let start: &[u8] = match self.upstream {
            Dialect::OpenAi => b"data: ",
            Dialect::Anthropic => b"event: content_block_delta\ndata: ",
        };
        let mut json = Writer::onto(start.to_vec());
        json.object(|json| match self.upstream {
            Dialect::OpenAi => self.write_chunk(channel, text, json),
            Dialect::Anthropic => write_block_delta(channel, text, json),
        });
        let mut event = json.finish();
        event.extend_from_slice(b"\n\n");
        event
    }

    fn write_chunk(&self, channel: Channel, text: &str, json: &mut Writer) {
        if let Some(head) = &self.head {
            json.key("id").text(&head.id);
            json.key("object").text(&head.object);
            json.key("created").raw(&head.created);
            json.key("model").text(&head.model);
        }
        let plain = self
            .head
            .as_ref()
            .is_some_and(|head| head.object == "text_completion");
        json.key("choices").array(|json| {
            json.object(|json| {
                json.key("index").count(u64::from(channel.choice));
                if plain {
                    json.key("text").text(text);
                } else {
                    json.key("delta")
                        .object(|json| write_delta(channel.kind, text, json));
                }
                json.key("finish_reason").raw("null");
            });
        });
    }
}

fn write_delta(kind: ChannelKind, text: &str, json: &mut Writer) {
    let (call, member) = match kind {
        ChannelKind::Text | ChannelKind::Other | ChannelKind::Logprobs => {
            return json.key("content").text(text);
        }
        ChannelKind::Reasoning => return json.key("reasoning_content").text(text),
        ChannelKind::Refusal => return json.key("refusal").text(text),
        ChannelKind::ToolName(call) => (call, "name"),
        ChannelKind::ToolArguments(call) => (call, "arguments"),
    };
    json.key("tool_calls").array(|json| {
        json.object(|json| {
            json.key("index").count(u64::from(call));
            json.key("function").object(|json| json.key(member).text(text));
        });
    });
}

fn write_block_delta(channel: Channel, text: &str, json: &mut Writer) {
    let (kind, member) = match channel.kind {
        ChannelKind::Reasoning => ("thinking_delta", "thinking"),
        ChannelKind::ToolName(_) | ChannelKind::ToolArguments(_) => ("input_json_delta", "partial_json"),
        ChannelKind::Text | ChannelKind::Refusal | ChannelKind::Other | ChannelKind::Logprobs => {
            ("text_delta", "text")
        }
    };
    json.key("type").text("content_block_delta");
    json.key("index").count(u64::from(channel.choice));
    json.key("delta").object(|json| {
        json.key("type").text(kind);
        json.key(member).text(text);
    });
}

struct Shown<'d> {
    delta: &'d mut dyn FnMut(StreamPiece<'_>),
    bytes: u64,
    any: bool,
    error: Option<String>,
}

impl Shown<'_> {
    fn show(&mut self, channel: Channel, text: Str<'_>, is_whole: bool) {
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(text.said_bytes).unwrap_or(u64::MAX));
        self.any = true;
        let text = &text.said();
        (self.delta)(StreamPiece {
            channel,
            text,
            is_whole,
        });
    }
}

impl Texts for Shown<'_> {
    fn text(&mut self, channel: Channel, text: Str<'_>, _what: What) -> Result<(), DialectError> {
        self.show(channel, text, false);
        Ok(())
    }

    fn whole(&mut self, channel: Channel, text: Str<'_>, _what: What) -> Result<(), DialectError> {
        self.show(channel, text, true);
        Ok(())
    }

    fn figure(&mut self, channel: Channel, text: &str, _at: usize) {
        (self.delta)(StreamPiece {
            channel,
            text,
            is_whole: true,
        });
    }

    fn logprobs(&mut self, channel: Channel, text: &str, _at: Range<usize>) {
        (self.delta)(StreamPiece {
            channel,
            text,
            is_whole: false,
        });
    }

    fn error(&mut self, message: Str<'_>) {
        self.error = Some(clip(&message.said()));
    }
}
