//! Anthropic's answer as OpenAI's.

use super::{FinishReason, write_openai_usage};
use crate::json::{Fields, Reader, Str, Writer, elements};
use crate::usage::Reported;
use crate::{Dialect, DialectError};

pub(super) fn translate(body: &str, model_shown: &str) -> Result<Vec<u8>, DialectError> {
    let mut answer = Fields::read("", body)?;
    let id = answer.text_needed("id")?;
    let said = Said::read(answer.needed("content")?)?;
    let stop = answer
        .text("stop_reason")?
        .map(|reason| reason.said())
        .unwrap_or_default();
    let mut reported = Reported::default();
    if let Some(raw) = answer.take("usage") {
        reported.read(&mut Reader::of_text(raw))?;
    }
    let mut json = Writer::default();
    json.object(|json| {
        json.key("id").same(id);
        json.key("object").text("chat.completion");
        json.key("created").count(0);
        json.key("model").text(model_shown);
        json.key("choices").array(|json| {
            json.object(|json| {
                json.key("index").count(0);
                json.key("message").object(|json| said.write(json));
                json.key("logprobs").raw("null");
                json.key("finish_reason")
                    .text(FinishReason::of_anthropic(&stop).0);
            });
        });
        if let Some(usage) = reported.usage(Dialect::Anthropic) {
            json.key("usage");
            write_openai_usage(&usage, json);
        }
    });
    Ok(json.finish())
}

/// What an answer says, sorted.
#[derive(Default)]
struct Said<'a> {
    text: String,
    any_text: bool,
    reasoning: String,
    thinking_blocks: Vec<&'a str>,
    calls: Vec<(Str<'a>, Str<'a>, &'a str)>,
}

impl<'a> Said<'a> {
    fn read(raw: &'a str) -> Result<Self, DialectError> {
        let mut said = Self::default();
        for (at, raw) in elements("content", raw)?.into_iter().enumerate() {
            said.add(raw, Fields::read(&format!("content[{at}]"), raw)?)?;
        }
        Ok(said)
    }

    fn add(&mut self, raw: &'a str, mut block: Fields<'a>) -> Result<(), DialectError> {
        let kind = block.text_needed("type")?;
        match &*kind.said() {
            "text" => {
                self.any_text = true;
                self.text.push_str(&block.text_needed("text")?.said());
            }
            "thinking" => {
                self.thinking_blocks.push(raw);
                self.reasoning.push_str(&block.text_needed("thinking")?.said());
            }
            "redacted_thinking" => self.thinking_blocks.push(raw),
            "tool_use" => {
                let (id, name) = (block.text_needed("id")?, block.text_needed("name")?);
                self.calls.push((id, name, block.needed("input")?));
            }
            _ => return Err(DialectError::not_carried(&block.name("type"), Dialect::OpenAi)),
        }
        Ok(())
    }

    fn write(&self, json: &mut Writer) {
        json.key("role").text("assistant");
        json.key("content");
        if self.any_text {
            json.text(&self.text)
        } else {
            json.raw("null")
        }
        if !self.reasoning.is_empty() {
            json.key("reasoning_content").text(&self.reasoning);
        }
        if !self.thinking_blocks.is_empty() {
            // Byte for byte, for the next request: signatures cover them.
            json.key("thinking_blocks")
                .array(|json| self.thinking_blocks.iter().for_each(|raw| json.raw(raw)));
        }
        json.key("refusal").raw("null");
        if !self.calls.is_empty() {
            json.key("tool_calls")
                .array(|json| self.calls.iter().for_each(|call| write_call(*call, json)));
        }
    }
}

fn write_call((id, name, input): (Str<'_>, Str<'_>, &str), json: &mut Writer) {
    json.object(|json| {
        json.key("id").same(id);
        json.key("type").text("function");
        json.key("function").object(|json| {
            json.key("name").same(name);
            json.key("arguments").text(input);
        });
    });
}
