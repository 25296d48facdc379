//! Anthropic's system prompt and turns to OpenAI's messages.

use super::media::{document_part, image_part};
use crate::json::{Fields, Str, Writer, as_text, elements};
use crate::{Dialect, DialectError};

const TO: Dialect = Dialect::OpenAi;

/// How a failed tool call is told to a model whose dialect has no mark for it.
const FAILED: &str = "The tool call failed: ";

type Done = Result<(), DialectError>;

/// The system prompt as the first message.
pub(super) fn write_system(path: &str, raw: &str, json: &mut Writer) -> Done {
    if matches!(raw, "[]" | "\"\"") {
        return Ok(());
    }
    json.object(|json| {
        json.key("role").text("system");
        json.key("content");
        if as_text(raw).is_some() {
            json.raw(raw);
            return Ok(());
        }
        json.array(|json| each(path, raw, |path, raw| text_block(Fields::read(path, raw)?, json)))
    })
}

fn each(path: &str, raw: &str, mut write: impl FnMut(&str, &str) -> Done) -> Done {
    elements(path, raw)?
        .into_iter()
        .enumerate()
        .try_for_each(|(at, raw)| write(&format!("{path}[{at}]"), raw))
}

/// A text block as a text part.
fn text_block(mut block: Fields<'_>, json: &mut Writer) -> Done {
    block.only("type", &["\"text\""], TO)?;
    block.forget(&["cache_control"]);
    let text = block.text_needed("text")?;
    block.finish(TO)?;
    write_text(text, json);
    Ok(())
}

fn write_text(text: Str<'_>, json: &mut Writer) {
    json.object(|json| {
        json.key("type").text("text");
        json.key("text").same(text);
    });
}

/// The turns. `with_thinking`: the upstream takes earlier thinking as `reasoning_content`.
pub(super) fn write_turns(raw: &[&str], with_thinking: bool, json: &mut Writer) -> Done {
    raw.iter().enumerate().try_for_each(|(at, raw)| {
        let path = format!("messages[{at}]");
        let mut message = Fields::read(&path, raw)?;
        let role = message.text_needed("role")?;
        let content = message.needed("content")?;
        message.finish(TO)?;
        let path = format!("{path}.content");
        match &*role.said() {
            "user" => user(&path, content, json),
            "assistant" => assistant(&path, content, with_thinking, json),
            "system" => write_system(&path, content, json),
            _ => Err(DialectError::not_carried(&format!("messages[{at}].role"), TO)),
        }
    })
}

/// Tool results first, each a message of its own; then what the user says and shows.
fn user(path: &str, raw: &str, json: &mut Writer) -> Done {
    if as_text(raw).is_some() {
        json.object(|json| {
            json.key("role").text("user");
            json.key("content").raw(raw);
        });
        return Ok(());
    }
    let mut parts = Writer::default();
    parts.array(|parts| {
        each(path, raw, |path, raw| {
            let mut block = Fields::read(path, raw)?;
            let kind = block.text_needed("type")?;
            block.forget(&["cache_control"]);
            match &*kind.said() {
                "tool_result" => tool_result(block, json, parts),
                kind => part(kind, block, parts),
            }
        })
    })?;
    let parts = parts.finish();
    if parts != b"[]" {
        json.object(|json| {
            json.key("role").text("user");
            json.key("content").raw(&String::from_utf8_lossy(&parts));
        });
    }
    Ok(())
}

fn part(kind: &str, mut block: Fields<'_>, json: &mut Writer) -> Done {
    match kind {
        "text" => write_text(block.text_needed("text")?, json),
        "image" => {
            let path = block.name("source");
            image_part(&path, block.needed("source")?, json)?;
        }
        "document" => {
            if let Some(raw) = block.take("citations") {
                let mut citations = Fields::read(&block.name("citations"), raw)?;
                citations.only("enabled", &["false"], TO)?;
            }
            document_part(&mut block, json)?;
        }
        _ => return Err(DialectError::not_carried(&block.name("type"), TO)),
    }
    block.finish(TO)
}

/// A tool message holds text only: images and documents of a result follow in the user's message.
fn tool_result(mut block: Fields<'_>, json: &mut Writer, parts: &mut Writer) -> Done {
    let id = block.text_needed("tool_use_id")?;
    let failed = block.flag("is_error")? == Some(true);
    let content = block.take("content");
    let path = block.name("content");
    block.finish(TO)?;
    json.object(|json| -> Done {
        json.key("role").text("tool");
        json.key("tool_call_id").same(id);
        json.key("content");
        match content {
            None => json.text(if failed { FAILED } else { "" }),
            Some(raw) => match as_text(raw) {
                Some(text) if failed => json.text(&format!("{FAILED}{}", text.said())),
                Some(_) => json.raw(raw),
                None => return result_parts(&path, raw, (id, failed), json, parts),
            },
        }
        Ok(())
    })
}

fn result_parts(
    path: &str,
    raw: &str,
    (id, failed): (Str<'_>, bool),
    json: &mut Writer,
    parts: &mut Writer,
) -> Done {
    json.array(|json| {
        let mut media = 0;
        if failed {
            write_own_text(FAILED, json);
        }
        each(path, raw, |path, raw| {
            let mut block = Fields::read(path, raw)?;
            let kind = block.text_needed("type")?.said();
            block.forget(&["cache_control"]);
            if kind == "text" {
                return part("text", block, json);
            }
            media += 1;
            write_own_text(&format!("From the result of tool call {}:", id.said()), parts);
            part(&kind, block, parts)
        })?;
        if media > 0 {
            write_own_text(&format!("({media} attached to the next message)"), json);
        }
        Ok(())
    })
}

fn write_own_text(text: &str, json: &mut Writer) {
    json.object(|json| {
        json.key("type").text("text");
        json.key("text").text(text);
    });
}

/// What an assistant turn holds, sorted.
#[derive(Default)]
struct Said<'a> {
    texts: Vec<Str<'a>>,
    thinking: String,
    calls: Vec<(Str<'a>, Str<'a>, &'a str)>,
}

fn assistant(path: &str, raw: &str, with_thinking: bool, json: &mut Writer) -> Done {
    let mut said = Said::default();
    match as_text(raw) {
        Some(text) => said.texts.push(text),
        None => {
            for (at, raw) in elements(path, raw)?.into_iter().enumerate() {
                said.add(Fields::read(&format!("{path}[{at}]"), raw)?)?;
            }
        }
    }
    json.object(|json| said.write(with_thinking, json));
    Ok(())
}

impl<'a> Said<'a> {
    fn add(&mut self, mut block: Fields<'a>) -> Done {
        let kind = block.text_needed("type")?;
        block.forget(&["cache_control"]);
        match &*kind.said() {
            "text" => self.texts.push(block.text_needed("text")?),
            "thinking" => {
                // The signature is its provider's own; nobody else can check it.
                block.forget(&["signature"]);
                self.thinking.push_str(&block.text_needed("thinking")?.said());
            }
            "tool_use" => {
                let (id, name) = (block.text_needed("id")?, block.text_needed("name")?);
                self.calls.push((id, name, block.needed("input")?));
                block.only("caller", &[r#"{"type":"direct"}"#], TO)?;
            }
            _ => return Err(DialectError::not_carried(&block.name("type"), TO)),
        }
        block.finish(TO)
    }

    fn write(&self, with_thinking: bool, json: &mut Writer) {
        json.key("role").text("assistant");
        json.key("content");
        match self.texts.as_slice() {
            [] => json.raw(if self.calls.is_empty() { "\"\"" } else { "null" }),
            [text] => json.same(*text),
            texts => json.array(|json| texts.iter().for_each(|text| write_text(*text, json))),
        }
        if with_thinking && !self.thinking.is_empty() {
            json.key("reasoning_content").text(&self.thinking);
        }
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
            // As written: numbers keep all their digits.
            json.key("arguments").text(input);
        });
    });
}
