//! OpenAI's chunks as Anthropic's events.
//!
//! Anthropic sends content blocks one after the other, OpenAI may interleave pieces of parallel tool
//! calls. The first block that is not finished streams live; what comes for later ones waits behind it.

use std::collections::{BTreeSet, VecDeque};

use super::block::{Block, Kind, block_delta, event};
use super::progress::Progress;
use crate::json::{Fields, Reader, as_text, elements};
use crate::translate::{StopReason, write_anthropic_usage};
use crate::usage::Reported;
use crate::{Dialect, DialectError, error_event};

type Done = Result<(), DialectError>;

/// Blocks that may wait behind the live one.
const BLOCKS_MAX: usize = 1_024;

/// The state of one stream.
#[derive(Debug)]
pub(super) struct ToAnthropic {
    model: String,
    id: String,
    begun: bool,
    over: bool,
    /// The live block, then those that wait.
    blocks: VecDeque<Block>,
    next_index: u64,
    /// Tool calls seen, by their index upstream.
    calls: BTreeSet<u64>,
    last_call: u64,
    refused: bool,
    finish: Option<String>,
    reported: Reported,
}

impl ToAnthropic {
    pub(super) fn new(model: String) -> Self {
        Self {
            model,
            id: String::new(),
            begun: false,
            over: false,
            blocks: VecDeque::new(),
            next_index: 0,
            calls: BTreeSet::new(),
            last_call: 0,
            refused: false,
            finish: None,
            reported: Reported::default(),
        }
    }

    pub(super) fn push(&mut self, data: &str, out: &mut Vec<u8>) -> Done {
        if self.over {
            return Ok(());
        }
        let mut chunk = Fields::read("", data)?;
        if let Some(raw) = chunk.take("error") {
            return self.error(raw, out);
        }
        if self.id.is_empty()
            && let Some(id) = chunk.text("id")?
        {
            self.id = id.said().into_owned();
        }
        if let Some(raw) = chunk.take("usage") {
            self.reported.read(&mut Reader::of_text(raw))?;
        }
        self.begin(out);
        let Some(raw) = chunk.take("choices") else {
            return Ok(());
        };
        for raw in elements("choices", raw)? {
            self.choice(&mut Fields::read("choices", raw)?, out)?;
        }
        Ok(())
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        event(out, "message_start", |json| {
            json.key("message").object(|json| {
                json.key("id").text(&self.id);
                json.key("type").text("message");
                json.key("role").text("assistant");
                json.key("model").text(&self.model);
                json.key("content").array(|_| {});
                json.key("stop_reason").raw("null");
                json.key("stop_sequence").raw("null");
                let so_far = self.reported.usage(Dialect::OpenAi).unwrap_or_default();
                json.key("usage");
                write_anthropic_usage(&so_far, json);
            });
        });
    }

    fn choice(&mut self, choice: &mut Fields<'_>, out: &mut Vec<u8>) -> Done {
        if choice.count("index")?.unwrap_or(0) != 0 {
            return Err(DialectError::upstream(
                "a second choice, which the caller's dialect cannot show",
            ));
        }
        if let Some(raw) = choice.take("delta") {
            self.delta(&mut Fields::read("delta", raw)?)?;
            self.flow(out);
        }
        if let Some(reason) = choice.text("finish_reason")? {
            self.finish = Some(reason.said().into_owned());
        }
        Ok(())
    }

    fn delta(&mut self, delta: &mut Fields<'_>) -> Done {
        let (newer, older) = (
            delta.text("reasoning_content")?,
            delta.take("reasoning").and_then(as_text),
        );
        if let Some(text) = newer.or(older) {
            self.say(&text.said(), true)?;
        }
        if let Some(raw) = delta.take("thinking_blocks") {
            elements("thinking_blocks", raw)?
                .into_iter()
                .try_for_each(|raw| self.signed(raw))?;
        }
        if let Some(text) = delta.text("content")? {
            self.say(&text.said(), false)?;
        }
        if let Some(text) = delta.text("refusal")? {
            self.refused |= !text.raw.is_empty();
            self.say(&text.said(), false)?;
        }
        if let Some(raw) = delta.take("tool_calls") {
            elements("tool_calls", raw)?
                .into_iter()
                .try_for_each(|raw| self.call(raw))?;
        }
        Ok(())
    }

    fn add(&mut self, kind: Kind) -> Done {
        if self.blocks.len() >= BLOCKS_MAX {
            return Err(DialectError::upstream("too many unfinished parts at once"));
        }
        self.blocks.push_back(Block {
            kind,
            open: false,
            waiting: String::new(),
        });
        Ok(())
    }

    /// Text or thinking goes on where it stopped, or begins anew after something else.
    fn say(&mut self, text: &str, thinking: bool) -> Done {
        if text.is_empty() {
            return Ok(());
        }
        let goes_on = self.blocks.back().is_some_and(|block| match block.kind {
            Kind::Text => !thinking,
            Kind::Thinking { .. } => thinking,
            _ => false,
        });
        if !goes_on {
            self.add(if thinking {
                Kind::Thinking {
                    signature: String::new(),
                }
            } else {
                Kind::Text
            })?;
        }
        if let Some(block) = self.blocks.back_mut() {
            block.waiting.push_str(text);
        }
        Ok(())
    }

    /// Thinking with its signature, as this gate hands it out in OpenAI's dialect: the text came before.
    fn signed(&mut self, raw: &str) -> Done {
        let mut given = Fields::read("thinking_blocks", raw)?;
        if let Some(data) = given.text("data")? {
            return self.add(Kind::Redacted {
                data: data.said().into_owned(),
            });
        }
        let signed = given
            .text("signature")?
            .map(|text| text.said().into_owned())
            .unwrap_or_default();
        if let Some(Block {
            kind: Kind::Thinking { signature },
            ..
        }) = self.blocks.back_mut()
        {
            *signature = signed;
        }
        Ok(())
    }

    /// A piece of a tool call. Some engines leave the index out: a new id is a new call.
    fn call(&mut self, raw: &str) -> Done {
        let mut piece = Fields::read("tool_calls", raw)?;
        let id = piece
            .text("id")?
            .map(|id| id.said().into_owned())
            .unwrap_or_default();
        let index = match piece.count("index")? {
            Some(index) => index,
            None if self.calls.is_empty() || (!id.is_empty() && !self.is_last_call(&id)) => {
                u64::try_from(self.calls.len()).unwrap_or(u64::MAX)
            }
            None => self.last_call,
        };
        self.last_call = index;
        let mut function = Fields::read("function", piece.take("function").unwrap_or("{}"))?;
        let name = function.text("name")?.map(|name| name.said()).unwrap_or_default();
        let arguments = match function.take("arguments") {
            Some(raw) => as_text(raw).map_or(raw.into(), |text| text.said()),
            None => "".into(),
        };
        if self.calls.insert(index) {
            self.add(Kind::Tool {
                call: index,
                id: String::new(),
                name: String::new(),
                progress: Progress::default(),
            })?;
        }
        self.call_goes_on(index, (&id, &name), &arguments)
    }

    fn is_last_call(&self, wanted: &str) -> bool {
        self.blocks.iter().any(|block| {
            matches!(&block.kind, Kind::Tool { call, id, .. } if *call == self.last_call && id == wanted)
        })
    }

    fn call_goes_on(&mut self, index: u64, (id, name): (&str, &str), arguments: &str) -> Done {
        let found = self.blocks.iter_mut().find_map(|block| match &mut block.kind {
            Kind::Tool {
                call,
                id,
                name,
                progress,
            } if *call == index => Some((id, name, progress, &mut block.waiting)),
            _ => None,
        });
        let Some((known_id, known_name, progress, waiting)) = found else {
            // Its arguments were whole, and it was sent.
            let more = !arguments.trim().is_empty();
            return if more {
                Err(DialectError::upstream("arguments after their end"))
            } else {
                Ok(())
            };
        };
        if known_id.is_empty() {
            known_id.push_str(id);
        }
        if known_name.is_empty() {
            known_name.push_str(name);
        }
        progress.feed(arguments);
        waiting.push_str(arguments);
        Ok(())
    }

    /// Sends what can be sent: the live block as it grows, and the next when the live one is finished.
    fn flow(&mut self, out: &mut Vec<u8>) {
        while let Some(live) = self.blocks.front_mut() {
            if !live.open && !live.is_known() {
                return;
            }
            live.send(self.next_index, out);
            let finished = match &live.kind {
                Kind::Tool { progress, .. } => progress.is_whole(),
                _ => true,
            };
            if self.blocks.len() < 2 || !finished {
                return;
            }
            self.close_live(out);
        }
    }

    fn close_live(&mut self, out: &mut Vec<u8>) {
        let Some(mut live) = self.blocks.pop_front() else {
            return;
        };
        live.send(self.next_index, out);
        let index = self.next_index;
        if let Kind::Thinking { signature } = &live.kind
            && !signature.is_empty()
        {
            block_delta(out, index, "signature_delta", "signature", signature);
        }
        event(out, "content_block_stop", |json| json.key("index").count(index));
        self.next_index += 1;
    }

    /// The upstream's own end.
    pub(super) fn done(&mut self, out: &mut Vec<u8>) -> Done {
        if self.over {
            return Ok(());
        }
        self.begin(out);
        while !self.blocks.is_empty() {
            self.close_live(out);
        }
        self.over = true;
        let finish = self.finish.as_deref().unwrap_or_default();
        let reason = match StopReason::of_openai(finish, !self.calls.is_empty()) {
            _ if self.refused => "refusal",
            reason => reason.0,
        };
        let usage = self.reported.usage(Dialect::OpenAi).unwrap_or_default();
        event(out, "message_delta", |json| {
            json.key("delta").object(|json| {
                json.key("stop_reason").text(reason);
                json.key("stop_sequence").raw("null");
            });
            json.key("usage");
            write_anthropic_usage(&usage, json);
        });
        event(out, "message_stop", |_| {});
        Ok(())
    }

    fn error(&mut self, raw: &str, out: &mut Vec<u8>) -> Done {
        let mut message = String::new();
        let mut status = 500;
        if let Some(text) = as_text(raw) {
            message = text.said().into_owned();
        } else if raw.starts_with('{') {
            let mut error = Fields::read("error", raw)?;
            message = error
                .text("message")?
                .map(|text| text.said().into_owned())
                .unwrap_or_default();
            let kind = error
                .take("type")
                .and_then(as_text)
                .map(|kind| kind.said())
                .unwrap_or_default();
            status = match &*kind {
                "rate_limit_error" | "insufficient_quota" => 429,
                "invalid_request_error" => 400,
                _ => 500,
            };
        }
        self.over = true;
        out.extend(error_event(Dialect::Anthropic, status, "", &message, &self.id));
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        if self.finish.is_some() {
            let _ = self.done(out);
            return;
        }
        self.over = true;
        let message = "the provider ended the stream early";
        out.extend(error_event(
            Dialect::Anthropic,
            502,
            "upstream_cut",
            message,
            &self.id,
        ));
    }
}
