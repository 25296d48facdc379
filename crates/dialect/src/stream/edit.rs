//! Replaces texts in one event of a live stream, and says what who replaces them piece by piece must know.

use std::ops::Range;

use bytes::Bytes;

use super::reader::{data_of, is_done};
use super::wire::{Texts, walk_event};
use super::{Channel, ChannelKind, SseEvent};
use crate::json::{Str, push_text};
use crate::request::What;
use crate::splice::{Edit, splice};
use crate::usage::Reported;
use crate::{Dialect, DialectError};

/// The event's bytes with texts replaced wherever [`super::StreamReader::read_pieces`] hands them out. The very same
/// bytes when none is. An event whose text changed loses its token probabilities, which would spell the
/// old text, and so does one in whose probabilities something is to be replaced.
pub fn edit_event(
    upstream: Dialect,
    event: &SseEvent,
    edit: &mut dyn FnMut(Channel, &str) -> Option<String>,
) -> Result<Bytes, DialectError> {
    if !event.has_data() {
        return Ok(event.raw.clone());
    }
    let data = data_of(event)?;
    if is_done(data) {
        return Ok(event.raw.clone());
    }
    let mut editing = Editing {
        edit,
        edits: Vec::new(),
        logprobs: Vec::new(),
    };
    walk_event(upstream, data, &mut Reported::default(), &mut editing).map_err(DialectError::of_upstream)?;
    let Editing {
        mut edits, logprobs, ..
    } = editing;
    if edits.is_empty() {
        return Ok(event.raw.clone());
    }
    edits.extend(logprobs);
    Ok(event.with_data(&splice(data.as_bytes(), edits)))
}

/// The texts of one event in the order in which [`edit_event`] hands them out, and which channels it ends: for who replaces
/// texts that go on from one event to the next, and may hold the end of one back.
#[derive(Debug, Clone)]
pub struct EventTexts {
    upstream: Dialect,
    texts: Vec<(Channel, bool)>,
    /// Channels that go on with nothing.
    empty: Vec<Channel>,
    /// Choices or blocks that end; none for all of them.
    ended: Vec<Option<u32>>,
    is_pause: bool,
}

/// What an event of a stream brings and ends.
pub fn event_texts(upstream: Dialect, event: &SseEvent) -> Result<EventTexts, DialectError> {
    let mut brought = EventTexts {
        upstream,
        texts: Vec::new(),
        empty: Vec::new(),
        ended: Vec::new(),
        is_pause: !event.has_data() || event.name() == Some("ping"),
    };
    if brought.is_pause {
        return Ok(brought);
    }
    let data = data_of(event)?;
    if is_done(data) {
        brought.ended.push(None);
        return Ok(brought);
    }
    walk_event(upstream, data, &mut Reported::default(), &mut brought).map_err(DialectError::of_upstream)?;
    Ok(brought)
}

impl EventTexts {
    /// The texts: of which channel, and whether it goes on with that channel's texts before it. A text that does not is
    /// whole, and none goes on with it.
    pub fn texts(&self) -> &[(Channel, bool)] {
        &self.texts
    }

    /// Whether the channel has no text after this event.
    pub fn ends(&self, channel: Channel) -> bool {
        self.ended
            .iter()
            .any(|ended| ended.is_none_or(|choice| choice == channel.choice))
    }

    /// Whether what is held back of the channel has to go before this event, in one of its own: the event ends it, or
    /// brings what stands behind it, and no text to go on with.
    pub fn displaces(&self, channel: Channel) -> bool {
        let goes_on = |(one, goes_on): &(Channel, bool)| *one == channel && *goes_on;
        if self.is_pause || self.texts.iter().any(goes_on) {
            return false;
        }
        match self.upstream {
            // One block comes after the other.
            Dialect::Anthropic => !self.empty.contains(&channel),
            // Tool calls may come side by side; prose is over where something else begins.
            Dialect::OpenAi => {
                let is_prose = !matches!(channel.kind, ChannelKind::ToolArguments(_));
                let is_behind = |(one, _): &(Channel, bool)| {
                    one.choice == channel.choice
                        && !matches!(one.kind, ChannelKind::Other | ChannelKind::Logprobs)
                };
                self.ends(channel) || (is_prose && self.texts.iter().any(is_behind))
            }
        }
    }
}

impl Texts for EventTexts {
    fn text(&mut self, channel: Channel, _text: Str<'_>, _what: What) -> Result<(), DialectError> {
        // A tool's name comes in one piece, and pieces of others may belong to different texts.
        let goes_on = !matches!(channel.kind, ChannelKind::ToolName(_) | ChannelKind::Other);
        self.texts.push((channel, goes_on));
        Ok(())
    }

    fn whole(&mut self, channel: Channel, _text: Str<'_>, _what: What) -> Result<(), DialectError> {
        self.texts.push((channel, false));
        Ok(())
    }

    fn figure(&mut self, channel: Channel, _digits: &str, _at: usize) {
        self.texts.push((channel, false));
    }

    fn logprobs(&mut self, channel: Channel, _spelt: &str, _at: Range<usize>) {
        self.texts.push((channel, false));
    }

    fn empty(&mut self, channel: Channel) {
        self.empty.push(channel);
    }

    fn ended(&mut self, choice: Option<u32>) {
        self.ended.push(choice);
    }
}

struct Editing<'e> {
    edit: &'e mut dyn FnMut(Channel, &str) -> Option<String>,
    edits: Vec<Edit>,
    logprobs: Vec<Edit>,
}

impl Texts for Editing<'_> {
    fn text(&mut self, channel: Channel, text: Str<'_>, _what: What) -> Result<(), DialectError> {
        if let Some(replaced) = (self.edit)(channel, &text.said()) {
            let mut with = Vec::with_capacity(replaced.len() + 2);
            push_text(&mut with, &replaced);
            self.edits.push(Edit {
                span: text.span(),
                with,
            });
        }
        Ok(())
    }

    fn figure(&mut self, channel: Channel, digits: &str, at: usize) {
        if let Some(replaced) = (self.edit)(channel, digits) {
            let mut with = Vec::with_capacity(replaced.len() + 2);
            push_text(&mut with, &replaced);
            self.edits.push(Edit {
                span: at..at + digits.len(),
                with,
            });
        }
    }

    fn logprobs(&mut self, channel: Channel, spelt: &str, at: Range<usize>) {
        let edit = Edit {
            span: at,
            with: b"null".to_vec(),
        };
        match (self.edit)(channel, spelt) {
            Some(_) => self.edits.push(edit),
            None => self.logprobs.push(edit),
        }
    }
}
