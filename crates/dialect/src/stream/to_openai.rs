//! Anthropic's events as OpenAI's chunks.

use std::collections::BTreeMap;

use crate::json::{Fields, Reader, Writer};
use crate::translate::{FinishReason, write_openai_usage};
use crate::usage::Reported;
use crate::{Dialect, DialectError, error_event};

type Done = Result<(), DialectError>;

/// The state of one stream.
#[derive(Debug)]
pub(super) struct ToOpenAi {
    model: String,
    include_usage: bool,
    id: String,
    begun: bool,
    over: bool,
    blocks: BTreeMap<u64, Block>,
    calls: u64,
    finish: Option<FinishReason>,
    reported: Reported,
}

/// A content block that is open.
#[derive(Debug)]
enum Block {
    Text,
    Thinking {
        thinking: String,
        signature: String,
    },
    Tool {
        call: u64,
        begun_with: String,
        argued: bool,
    },
}

impl ToOpenAi {
    pub(super) fn new(model: String, include_usage: bool) -> Self {
        Self {
            model,
            include_usage,
            id: String::new(),
            begun: false,
            over: false,
            blocks: BTreeMap::new(),
            calls: 0,
            finish: None,
            reported: Reported::default(),
        }
    }

    pub(super) fn push(&mut self, data: &str, out: &mut Vec<u8>) -> Done {
        if self.over {
            return Ok(());
        }
        let mut event = Fields::read("", data)?;
        let kind = event.text_needed("type")?;
        match &*kind.said() {
            "message_start" => self.start(&mut event, out),
            "content_block_start" => self.block_start(&mut event, out),
            "content_block_delta" => self.block_delta(&mut event, out),
            "content_block_stop" => self.block_stop(&mut event, out),
            "message_delta" => self.message_delta(&mut event, out),
            "message_stop" => {
                self.close(out);
                Ok(())
            }
            "ping" => {
                out.extend_from_slice(b": ping\n\n");
                Ok(())
            }
            "error" => self.error(&mut event, out),
            _ => Ok(()),
        }
    }

    /// One chunk whose `delta` `write` fills.
    fn chunk(&self, out: &mut Vec<u8>, finish: Option<FinishReason>, write: impl FnOnce(&mut Writer)) {
        self.line(out, |json| {
            json.key("choices").array(|json| {
                json.object(|json| {
                    json.key("index").count(0);
                    json.key("delta").object(write);
                    json.key("logprobs").raw("null");
                    json.key("finish_reason");
                    match finish {
                        Some(reason) => json.text(reason.0),
                        None => json.raw("null"),
                    }
                });
            });
            if self.include_usage {
                json.key("usage").raw("null");
            }
        });
    }

    fn line(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Writer)) {
        out.extend_from_slice(b"data: ");
        let mut json = Writer::onto(std::mem::take(out));
        json.object(|json| {
            json.key("id").text(&self.id);
            json.key("object").text("chat.completion.chunk");
            json.key("created").count(0);
            json.key("model").text(&self.model);
            write(json);
        });
        *out = json.finish();
        out.extend_from_slice(b"\n\n");
    }

    fn start(&mut self, event: &mut Fields<'_>, out: &mut Vec<u8>) -> Done {
        let mut message = Fields::read("message", event.needed("message")?)?;
        self.id = message.text_needed("id")?.said().into_owned();
        if let Some(raw) = message.take("usage") {
            self.reported.read(&mut Reader::of_text(raw))?;
        }
        self.begun = true;
        self.chunk(out, None, |json| {
            json.key("role").text("assistant");
            json.key("content").text("");
        });
        Ok(())
    }

    fn block_start(&mut self, event: &mut Fields<'_>, out: &mut Vec<u8>) -> Done {
        let index = event.count("index")?.unwrap_or(0);
        let raw = event.needed("content_block")?;
        let mut block = Fields::read("content_block", raw)?;
        let kind = block.text_needed("type")?;
        let opened = match &*kind.said() {
            "text" => {
                self.text(
                    block.text("text")?.map(|text| text.said()).unwrap_or_default(),
                    out,
                );
                Block::Text
            }
            "thinking" => {
                let thinking = block
                    .text("thinking")?
                    .map(|text| text.said())
                    .unwrap_or_default();
                self.reasoning(&thinking, out);
                let signature = block.text("signature")?.map(|text| text.said().into_owned());
                Block::Thinking {
                    thinking: thinking.into_owned(),
                    signature: signature.unwrap_or_default(),
                }
            }
            "redacted_thinking" => {
                let data = block.text_needed("data")?;
                self.chunk(out, None, |json| {
                    json.key("thinking_blocks").array(|json| {
                        json.object(|json| {
                            json.key("type").text("redacted_thinking");
                            json.key("data").same(data);
                        });
                    });
                });
                Block::Text
            }
            "tool_use" => self.call_start(&mut block, out)?,
            _ => return Err(DialectError::not_carried("content_block.type", Dialect::OpenAi)),
        };
        self.blocks.insert(index, opened);
        Ok(())
    }

    fn call_start(&mut self, block: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<Block, DialectError> {
        let call = self.calls;
        self.calls += 1;
        let (id, name) = (block.text_needed("id")?, block.text_needed("name")?);
        let begun_with = block.take("input").unwrap_or("{}").to_owned();
        self.chunk(out, None, |json| {
            one_call(call, json, |json| {
                json.key("id").same(id);
                json.key("type").text("function");
                json.key("function").object(|json| {
                    json.key("name").same(name);
                    json.key("arguments").text("");
                });
            });
        });
        Ok(Block::Tool {
            call,
            begun_with,
            argued: false,
        })
    }

    fn text(&self, text: std::borrow::Cow<'_, str>, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.chunk(out, None, |json| json.key("content").text(&text));
        }
    }

    fn reasoning(&self, text: &str, out: &mut Vec<u8>) {
        if !text.is_empty() {
            self.chunk(out, None, |json| json.key("reasoning_content").text(text));
        }
    }

    fn arguments(&self, call: u64, text: &str, out: &mut Vec<u8>) {
        self.chunk(out, None, |json| {
            one_call(call, json, |json| {
                json.key("function")
                    .object(|json| json.key("arguments").text(text));
            });
        });
    }

    fn block_delta(&mut self, event: &mut Fields<'_>, out: &mut Vec<u8>) -> Done {
        let index = event.count("index")?.unwrap_or(0);
        let mut delta = Fields::read("delta", event.needed("delta")?)?;
        let kind = delta.text_needed("type")?.said();
        match &*kind {
            "text_delta" => self.text(delta.text_needed("text")?.said(), out),
            "thinking_delta" => {
                let added = delta.text_needed("thinking")?.said();
                self.reasoning(&added, out);
                if let Some(Block::Thinking { thinking, .. }) = self.blocks.get_mut(&index) {
                    thinking.push_str(&added);
                }
            }
            "signature_delta" => {
                let added = delta.text_needed("signature")?.said();
                if let Some(Block::Thinking { signature, .. }) = self.blocks.get_mut(&index) {
                    signature.push_str(&added);
                }
            }
            "input_json_delta" => {
                let added = delta.text_needed("partial_json")?.said();
                let Some(Block::Tool { call, argued, .. }) = self.blocks.get_mut(&index) else {
                    return Err(DialectError::upstream("tool arguments outside a tool call"));
                };
                if !added.is_empty() {
                    *argued = true;
                    let call = *call;
                    self.arguments(call, &added, out);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A tool called without arguments gets an empty object, not an empty text; thinking is handed out
    /// whole with its signature, for the next request.
    fn block_stop(&mut self, event: &mut Fields<'_>, out: &mut Vec<u8>) -> Done {
        let index = event.count("index")?.unwrap_or(0);
        match self.blocks.remove(&index) {
            Some(Block::Tool {
                call,
                begun_with,
                argued: false,
            }) => self.arguments(call, &begun_with, out),
            Some(Block::Thinking { thinking, signature }) if !signature.is_empty() => {
                self.chunk(out, None, |json| {
                    json.key("thinking_blocks").array(|json| {
                        json.object(|json| {
                            json.key("type").text("thinking");
                            json.key("thinking").text(&thinking);
                            json.key("signature").text(&signature);
                        });
                    });
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn message_delta(&mut self, event: &mut Fields<'_>, out: &mut Vec<u8>) -> Done {
        if let Some(raw) = event.take("usage") {
            self.reported.read(&mut Reader::of_text(raw))?;
        }
        let mut delta = Fields::read("delta", event.take("delta").unwrap_or("{}"))?;
        if let Some(reason) = delta.text("stop_reason")?
            && self.finish.is_none()
        {
            let reason = FinishReason::of_anthropic(&reason.said());
            self.finish = Some(reason);
            self.chunk(out, Some(reason), |_| {});
        }
        Ok(())
    }

    /// The usage, and the end.
    fn close(&mut self, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        if self.finish.is_none() {
            self.chunk(out, Some(FinishReason("stop")), |_| {});
        }
        self.over = true;
        if self.include_usage {
            let usage = self.reported.usage(Dialect::Anthropic).unwrap_or_default();
            self.line(out, |json| {
                json.key("choices").array(|_| {});
                json.key("usage");
                write_openai_usage(&usage, json);
            });
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn error(&mut self, event: &mut Fields<'_>, out: &mut Vec<u8>) -> Done {
        let mut error = Fields::read("error", event.needed("error")?)?;
        let kind = error.text("type")?.map(|kind| kind.said()).unwrap_or_default();
        let message = error
            .text("message")?
            .map(|message| message.said())
            .unwrap_or_default();
        let status = match &*kind {
            "overloaded_error" => 503,
            "rate_limit_error" => 429,
            "invalid_request_error" => 400,
            _ => 500,
        };
        self.over = true;
        out.extend(error_event(Dialect::OpenAi, status, &kind, &message, &self.id));
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        if self.begun && self.finish.is_some() {
            return self.close(out);
        }
        self.over = true;
        let message = "the provider ended the stream early";
        out.extend(error_event(
            Dialect::OpenAi,
            502,
            "upstream_cut",
            message,
            &self.id,
        ));
    }
}

fn one_call(call: u64, json: &mut Writer, write: impl FnOnce(&mut Writer)) {
    json.key("tool_calls").array(|json| {
        json.object(|json| {
            json.key("index").count(call);
            write(json);
        });
    });
}
