//! The one walk over a stream's events: reading, guarding and editing see the same texts.

use std::ops::Range;

use super::{Channel, ChannelKind};
use crate::json::{Kind, Reader, Str};
use crate::request::{Role, Sink, What, Zone, could_be_somebodys, is_base64, is_identifier, walk_value};
use crate::usage::Reported;
use crate::{Dialect, DialectError};

/// What stands in an event besides its texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// OpenAI: a chunk without choices.
    pub(super) no_choices: bool,
    pub(super) usage: bool,
    pub(super) ended: bool,
    pub(super) terminator: bool,
    pub(super) error: bool,
}

/// Where a walk's texts go.
pub(super) trait Texts {
    fn text(&mut self, channel: Channel, text: Str<'_>, what: What) -> Result<(), DialectError>;

    /// A text that is whole in this event: no other event goes on with it.
    fn whole(&mut self, channel: Channel, text: Str<'_>, what: What) -> Result<(), DialectError> {
        self.text(channel, text, what)
    }

    /// A number whole in this event, and its offset.
    fn figure(&mut self, _channel: Channel, _digits: &str, _at: usize) {}

    /// A piece of a channel that says nothing.
    fn empty(&mut self, _channel: Channel) {}

    /// Nothing more comes for a choice or a block; for none where it is not said.
    fn ended(&mut self, _choice: Option<u32>) {}

    /// Probabilities of single tokens, what the tokens spell together, and where they stand.
    fn logprobs(&mut self, _channel: Channel, _spelt: &str, _at: Range<usize>) {}

    fn error(&mut self, _message: Str<'_>) {}
}

type Read = Result<(), DialectError>;

/// Walks the data of one event.
pub(super) fn walk_event(
    upstream: Dialect,
    data: &str,
    reported: &mut Reported,
    texts: &mut impl Texts,
) -> Result<Found, DialectError> {
    let mut walk = Walk {
        found: Found::default(),
        reported,
        texts,
    };
    let mut reader = Reader::of_text(data);
    match upstream {
        Dialect::OpenAi => walk.chunk(&mut reader)?,
        Dialect::Anthropic => walk.event(&mut reader)?,
    }
    reader.end()?;
    Ok(walk.found)
}

struct Walk<'w, T> {
    found: Found,
    reported: &'w mut Reported,
    texts: &'w mut T,
}

impl<T: Texts> Walk<'_, T> {
    /// One value: text of one channel wherever there is a string.
    fn all(&mut self, r: &mut Reader<'_>, choice: u32, kind: ChannelKind, zone: Zone) -> Read {
        let mut sink = OneChannel {
            channel: Channel { choice, kind },
            texts: &mut *self.texts,
        };
        walk_value(r, Role::Other, zone, &mut sink)
    }

    /// A member that is text of a channel.
    fn said(&mut self, r: &mut Reader<'_>, choice: u32, kind: ChannelKind) -> Read {
        let what = match kind {
            ChannelKind::ToolArguments(_) if r.kind()? == Kind::Object => {
                return self.all(r, choice, kind, Zone::Free);
            }
            ChannelKind::ToolArguments(_) => What::Arguments,
            _ => What::Value,
        };
        if r.kind()? != Kind::String {
            return self.all(r, choice, kind, Zone::Message);
        }
        let text = r.string()?;
        if text.raw.is_empty() {
            self.texts.empty(Channel { choice, kind });
            return Ok(());
        }
        self.texts.text(Channel { choice, kind }, text, what)
    }

    /// A member that is structure when it is a plain string, and text when it is anything else.
    fn member(&mut self, r: &mut Reader<'_>, key: &Str<'_>, choice: u32) -> Read {
        let plain = matches!(
            key.raw,
            "id" | "object"
                | "created"
                | "model"
                | "system_fingerprint"
                | "service_tier"
                | "type"
                | "role"
                | "index"
                | "stop_reason"
                | "signature"
                | "provider"
                | "obfuscation"
        );
        let mut ahead = *r;
        let is_structure = plain
            && match r.kind()? {
                Kind::Object | Kind::Array => false,
                // What hides text there leaves as text.
                Kind::String => match key.raw {
                    "signature" | "obfuscation" => is_base64(ahead.string()?.raw),
                    _ => is_identifier(&ahead.string()?),
                },
                _ => true,
            };
        if is_structure {
            return r.skip().map(|_| ());
        }
        self.all(r, choice, ChannelKind::Other, Zone::Message)
    }

    fn usage(&mut self, r: &mut Reader<'_>) -> Read {
        self.found.usage |= r.kind()? == Kind::Object;
        self.reported.read(r)
    }

    fn error(&mut self, r: &mut Reader<'_>) -> Read {
        match r.kind()? {
            Kind::Null => return r.skip().map(|_| ()),
            Kind::String => {
                let message = r.string()?;
                self.texts.error(message);
                let kind = ChannelKind::Other;
                self.texts
                    .whole(Channel { choice: 0, kind }, message, What::Value)?;
            }
            Kind::Object => {
                if let Some(message) = r.peek_text("message") {
                    self.texts.error(message);
                }
                self.all(r, 0, ChannelKind::Other, Zone::Message)?;
            }
            _ => r.skip().map(|_| ())?,
        }
        self.found.error = true;
        Ok(())
    }

    // --- OpenAI -------------------------------------------------------------

    fn chunk(&mut self, r: &mut Reader<'_>) -> Read {
        r.object(|r, key| match key.raw {
            "choices" if r.kind()? == Kind::Array => {
                self.found.no_choices = true;
                r.array(|r| {
                    self.found.no_choices = false;
                    let choice = r.peek_count("index").unwrap_or(0);
                    r.object(|r, key| self.choice(r, &key, choice))
                })
            }
            "usage" => self.usage(r),
            "service_tier" if r.kind()? == Kind::String => self.reported.tier(r),
            "error" => self.error(r),
            _ => self.member(r, &key, 0),
        })
    }

    fn choice(&mut self, r: &mut Reader<'_>, key: &Str<'_>, choice: u32) -> Read {
        match key.raw {
            "delta" | "message" if r.kind()? == Kind::Object => self.delta(r, choice),
            "text" => self.said(r, choice, ChannelKind::Text),
            "finish_reason" => {
                if r.kind()? == Kind::String {
                    self.found.ended = true;
                    self.texts.ended(Some(choice));
                }
                r.skip().map(|_| ())
            }
            "logprobs" => {
                let is_given = r.kind()? != Kind::Null;
                let start = r.at();
                let spelt = spelt(r)?;
                if is_given {
                    let kind = ChannelKind::Logprobs;
                    self.texts
                        .logprobs(Channel { choice, kind }, &spelt, start..r.at());
                }
                Ok(())
            }
            _ => self.member(r, key, choice),
        }
    }

    fn delta(&mut self, r: &mut Reader<'_>, choice: u32) -> Read {
        let start = *r;
        r.object(|r, key| match key.raw {
            "content" => self.said(r, choice, ChannelKind::Text),
            "reasoning_content" => self.said(r, choice, ChannelKind::Reasoning),
            // Some engines say the same thing under both names.
            "reasoning" if start.peek_text("reasoning_content").is_none() => {
                self.said(r, choice, ChannelKind::Reasoning)
            }
            "refusal" => self.said(r, choice, ChannelKind::Refusal),
            "function_call" if r.kind()? == Kind::Object => self.function(r, choice, 0),
            "tool_calls" if r.kind()? == Kind::Array => {
                let mut place = 0;
                r.array(|r| {
                    let call = r.peek_count("index").unwrap_or(place);
                    place = call.saturating_add(1);
                    r.object(|r, key| match key.raw {
                        "function" if r.kind()? == Kind::Object => self.function(r, choice, call),
                        _ => self.member(r, &key, choice),
                    })
                })
            }
            _ => self.member(r, &key, choice),
        })
    }

    fn function(&mut self, r: &mut Reader<'_>, choice: u32, call: u32) -> Read {
        r.object(|r, key| match key.raw {
            "name" => self.said(r, choice, ChannelKind::ToolName(call)),
            "arguments" => self.said(r, choice, ChannelKind::ToolArguments(call)),
            _ => self.member(r, &key, choice),
        })
    }

    // --- Anthropic ----------------------------------------------------------

    fn event(&mut self, r: &mut Reader<'_>) -> Read {
        let kind = r.peek_text("type").map(|kind| kind.said()).unwrap_or_default();
        let block = r.peek_count("index").unwrap_or(0);
        self.found.terminator = kind == "message_stop";
        self.found.ended = kind == "content_block_stop" || kind == "message_delta";
        if self.found.ended || self.found.terminator {
            let is_block = kind == "content_block_stop";
            self.texts.ended(is_block.then_some(block));
        }
        r.object(|r, key| match key.raw {
            "usage" => self.usage(r),
            "error" => self.error(r),
            "message" if kind == "message_start" && r.kind()? == Kind::Object => {
                r.object(|r, key| match key.raw {
                    "usage" => self.usage(r),
                    _ => self.member(r, &key, block),
                })
            }
            "content_block" | "delta" if r.kind()? == Kind::Object => {
                r.object(|r, key| self.block_member(r, &key, block))
            }
            _ => self.member(r, &key, block),
        })
    }

    fn block_member(&mut self, r: &mut Reader<'_>, key: &Str<'_>, block: u32) -> Read {
        match key.raw {
            "text" => self.said(r, block, ChannelKind::Text),
            "thinking" => self.said(r, block, ChannelKind::Reasoning),
            "name" => self.said(r, block, ChannelKind::ToolName(block)),
            "input" => self.all(r, block, ChannelKind::ToolArguments(block), Zone::Free),
            "partial_json" => self.said(r, block, ChannelKind::ToolArguments(block)),
            // What only the provider can read.
            "data" if r.kind()? == Kind::String => r.skip().map(|_| ()),
            _ => self.member(r, key, block),
        }
    }
}

/// What the tokens of `logprobs` spell: of a chat's `content` and `refusal`, or a completion's `tokens`.
fn spelt(r: &mut Reader<'_>) -> Result<String, DialectError> {
    let mut spelt = String::new();
    if r.kind()? != Kind::Object {
        r.skip()?;
        return Ok(spelt);
    }
    r.object(|r, key| match key.raw {
        "content" | "refusal" | "tokens" if r.kind()? == Kind::Array => r.array(|r| {
            match r.kind()? {
                Kind::String => spelt.push_str(&r.string()?.said()),
                _ => {
                    if let Some(token) = r.peek_text("token") {
                        spelt.push_str(&token.said());
                    }
                    r.skip()?;
                }
            }
            Ok(())
        }),
        _ => r.skip().map(|_| ()),
    })?;
    Ok(spelt)
}

/// Gives every text of a value to one channel.
struct OneChannel<'t, T> {
    channel: Channel,
    texts: &'t mut T,
}

impl<T: Texts> Sink for OneChannel<'_, T> {
    const ROLES: bool = false;

    fn text(&mut self, _role: Role, text: Str<'_>, what: What) -> Result<(), DialectError> {
        if text.raw.is_empty() {
            return Ok(());
        }
        // Names of members are text only when nothing else is known about them.
        self.texts.whole(self.channel, text, what)
    }

    fn figure(&mut self, _role: Role, digits: &str, at: usize) {
        if could_be_somebodys(digits) {
            self.texts.figure(self.channel, digits, at);
        }
    }
}
