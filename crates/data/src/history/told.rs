//! A stream as its caller read it: event by event in full, or as the texts that the events put together, cleaned.

use bytes::Bytes;
use dialect::{Channel, ChannelKind, Dialect, SseEvent, SseSplitter, StreamReader};
use ledger::Kept;
use ledger::exchange::{Cut, Side};
use serde::Serialize;
use serde_json::Value;

use super::clean::Clean;
use super::{Said, TEXT_BYTES_MAX, bounded, facts, raw};

/// One text that a stream put together.
#[derive(Serialize)]
struct Piece {
    kind: &'static str,
    choice: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<u32>,
    text: String,
}

/// What is kept of it.
pub(super) fn side(said: &Said, kept: Kept, dialect: Dialect, clean: &Clean<'_>) -> Side {
    let read = Read::of(said, dialect);
    let side = Side {
        bytes: said.all,
        media_type: Some("text/event-stream".to_owned()),
        finish: read.finish.clone(),
        ..Side::default()
    };
    match kept {
        Kept::None | Kept::Metadata => side,
        Kept::Full => {
            let (text, cut) = raw(&said.bytes);
            bounded((text, said.cut.or(cut)), side)
        }
        Kept::Redacted => {
            let cut = said.cut.or((!read.is_whole).then_some(Cut::Unreadable));
            bounded((read.cleaned(cut.is_some(), clean), cut), side)
        }
    }
}

/// A stream, read again.
struct Read {
    texts: Vec<(Channel, String)>,
    finish: Option<String>,
    is_whole: bool,
}

impl Read {
    fn of(said: &Said, dialect: Dialect) -> Self {
        let mut read = Self {
            texts: Vec::new(),
            finish: None,
            is_whole: true,
        };
        let mut splitter = SseSplitter::new(TEXT_BYTES_MAX);
        let mut reader = StreamReader::new(dialect);
        splitter.push(Bytes::copy_from_slice(&said.bytes));
        while let Some(event) = splitter.next().unwrap_or_else(|_| {
            read.is_whole = false;
            None
        }) {
            if !read.event(&event, &mut reader) {
                read.is_whole = false;
                break;
            }
        }
        read
    }

    /// Takes an event in; whether it read.
    fn event(&mut self, event: &SseEvent, reader: &mut StreamReader) -> bool {
        let finish = serde_json::from_slice::<Value>(event.data()).ok();
        self.finish = finish
            .as_ref()
            .and_then(facts::finish)
            .or_else(|| self.finish.take());
        let texts = &mut self.texts;
        let mut delta =
            |channel: Channel, text: &str| match texts.iter_mut().find(|(known, _)| *known == channel) {
                Some((_, known)) => known.push_str(text),
                None => texts.push((channel, text.to_owned())),
            };
        reader.read(event, &mut delta).is_ok()
    }

    fn cleaned(self, is_cut: bool, clean: &Clean<'_>) -> String {
        let piece = |(channel, text): (Channel, String)| {
            let (kind, call) = named(channel.kind);
            Piece {
                kind,
                choice: channel.choice,
                call,
                text: match is_cut {
                    true => clean.cut_off(&text),
                    false => clean.text(&text),
                },
            }
        };
        let pieces: Vec<Piece> = self.texts.into_iter().map(piece).collect();
        serde_json::to_string(&pieces).unwrap_or_default()
    }
}

const fn named(kind: ChannelKind) -> (&'static str, Option<u32>) {
    match kind {
        ChannelKind::Text => ("text", None),
        ChannelKind::Reasoning => ("reasoning", None),
        ChannelKind::Refusal => ("refusal", None),
        ChannelKind::ToolName(call) => ("tool_name", Some(call)),
        ChannelKind::ToolArguments(call) => ("tool_arguments", Some(call)),
        ChannelKind::Other | ChannelKind::Logprobs => ("other", None),
    }
}
