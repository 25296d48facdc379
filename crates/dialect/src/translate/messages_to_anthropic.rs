//! OpenAI's messages to Anthropic's system prompt and turns.

use super::media::{document_source, image_source};
use crate::json::{Fields, Kind, Reader, Str, Writer, as_text, elements};
use crate::{Dialect, DialectError};

const TO: Dialect = Dialect::Anthropic;

type Done = Result<(), DialectError>;

/// One text of a system prompt.
pub(super) struct SystemText<'a> {
    text: Str<'a>,
    cache_control: Option<&'a str>,
}

/// The messages after the system prompt.
pub(super) struct Turns<'a> {
    raw: &'a [&'a str],
    /// How many messages came before.
    offset: usize,
}

/// Splits a conversation into the system prompt it begins with and the turns that follow.
pub(super) fn conversation<'a>(raw: &'a [&'a str]) -> Result<(Vec<SystemText<'a>>, Turns<'a>), DialectError> {
    let mut system = Vec::new();
    let offset = raw.iter().take_while(|raw| is_system(&role(raw))).count();
    for (at, raw) in raw.iter().take(offset).enumerate() {
        system_texts(&format!("messages[{at}]"), raw, &mut system)?;
    }
    Ok((
        system,
        Turns {
            raw: raw.get(offset..).unwrap_or_default(),
            offset,
        },
    ))
}

fn role(raw: &str) -> String {
    Reader::of_text(raw)
        .peek_text("role")
        .map(|role| role.said().into_owned())
        .unwrap_or_default()
}

fn is_system(role: &str) -> bool {
    role == "system" || role == "developer"
}

fn system_texts<'a>(path: &str, raw: &'a str, found: &mut Vec<SystemText<'a>>) -> Done {
    let mut message = Fields::read(path, raw)?;
    message.forget(&["role"]);
    let content = message.needed("content")?;
    if let Some(text) = as_text(content) {
        found.push(SystemText {
            text,
            cache_control: None,
        });
        return message.finish(TO);
    }
    let path = message.name("content");
    for (at, raw) in elements(&path, content)?.into_iter().enumerate() {
        let mut part = Fields::read(&format!("{path}[{at}]"), raw)?;
        part.only("type", &["\"text\""], TO)?;
        found.push(SystemText {
            text: part.text_needed("text")?,
            cache_control: part.take("cache_control"),
        });
        part.finish(TO)?;
    }
    message.finish(TO)
}

/// A single plain text stays one; several become blocks.
pub(super) fn write_text_or_blocks(texts: &[SystemText<'_>], json: &mut Writer) {
    if let [
        SystemText {
            text,
            cache_control: None,
        },
    ] = texts
    {
        return json.same(*text);
    }
    json.array(|json| {
        for part in texts.iter().filter(|part| !part.text.raw.is_empty()) {
            write_text(part.text, part.cache_control, json);
        }
    });
}

fn write_text(text: Str<'_>, cache_control: Option<&str>, json: &mut Writer) {
    json.object(|json| {
        json.key("type").text("text");
        json.key("text").same(text);
        if let Some(hint) = cache_control {
            json.key("cache_control").raw(hint);
        }
    });
}

impl Turns<'_> {
    /// Writes the turns. Results of parallel tool calls become one turn, as Anthropic wants them.
    pub(super) fn write(&self, json: &mut Writer) -> Done {
        let mut at = 0;
        while let Some(raw) = self.raw.get(at) {
            let role = role(raw);
            let path = format!("messages[{}]", self.offset + at);
            match role.as_str() {
                "tool" => {
                    let rest = self.raw.get(at..).unwrap_or_default();
                    let results = rest.iter().take_while(|raw| self::role(raw) == "tool").count();
                    self.tool_results(at, results, json)?;
                    at += results;
                    continue;
                }
                "user" => user(&path, raw, json)?,
                "assistant" => assistant(&path, raw, json)?,
                // Instructions in the middle of a conversation cannot be said here.
                _ => return Err(DialectError::not_carried(&format!("{path}.role"), TO)),
            }
            at += 1;
        }
        Ok(())
    }

    fn tool_results(&self, from: usize, count: usize, json: &mut Writer) -> Done {
        json.object(|json| {
            json.key("role").text("user");
            json.key("content").array(|json| {
                let results = self.raw.iter().enumerate().skip(from).take(count);
                results.into_iter().try_for_each(|(at, raw)| {
                    tool_result(&format!("messages[{}]", self.offset + at), raw, json)
                })
            })
        })
    }
}

fn tool_result(path: &str, raw: &str, json: &mut Writer) -> Done {
    let mut message = Fields::read(path, raw)?;
    // The call's id says which tool it was.
    message.forget(&["role", "name"]);
    let id = message.text_needed("tool_call_id")?;
    let content = message.take("content");
    let is_error = message.flag("is_error")?;
    let cache_control = message.take("cache_control");
    let content_path = message.name("content");
    message.finish(TO)?;
    json.object(|json| -> Done {
        json.key("type").text("tool_result");
        json.key("tool_use_id").same(id);
        if let Some(content) = content {
            json.key("content");
            write_content(&content_path, content, json)?;
        }
        if is_error == Some(true) {
            json.key("is_error").flag(true);
        }
        if let Some(hint) = cache_control {
            json.key("cache_control").raw(hint);
        }
        Ok(())
    })
}

fn user(path: &str, raw: &str, json: &mut Writer) -> Done {
    let mut message = Fields::read(path, raw)?;
    message.forget(&["role"]);
    let content = message.needed("content")?;
    let content_path = message.name("content");
    message.finish(TO)?;
    json.object(|json| {
        json.key("role").text("user");
        json.key("content");
        write_content(&content_path, content, json)
    })
}

/// A string as it is, parts as blocks.
fn write_content(path: &str, raw: &str, json: &mut Writer) -> Done {
    if as_text(raw).is_some() {
        json.raw(raw);
        return Ok(());
    }
    json.array(|json| write_parts(path, raw, json))
}

fn write_parts(path: &str, raw: &str, json: &mut Writer) -> Done {
    elements(path, raw)?
        .into_iter()
        .enumerate()
        .try_for_each(|(at, raw)| write_part(&format!("{path}[{at}]"), raw, json))
}

fn write_part(path: &str, raw: &str, json: &mut Writer) -> Done {
    let mut part = Fields::read(path, raw)?;
    let kind = part.text_needed("type")?;
    let cache_control = part.take("cache_control");
    match &*kind.said() {
        "text" => write_text(part.text_needed("text")?, cache_control, json),
        "image_url" => {
            let image = part.needed("image_url")?;
            let path = part.name("image_url");
            media("image", cache_control, json, |json| {
                image_source(&path, image, json)
            })?;
        }
        "file" => {
            let file = part.needed("file")?;
            let path = part.name("file");
            media("document", cache_control, json, |json| {
                document_source(&path, file, json)
            })?;
        }
        _ => return Err(DialectError::not_carried(&part.name("type"), TO)),
    }
    part.finish(TO)
}

fn media(
    kind: &str,
    cache_control: Option<&str>,
    json: &mut Writer,
    source: impl FnOnce(&mut Writer) -> Done,
) -> Done {
    json.object(|json| {
        json.key("type").text(kind);
        source(json)?;
        if let Some(hint) = cache_control {
            json.key("cache_control").raw(hint);
        }
        Ok(())
    })
}

fn assistant(path: &str, raw: &str, json: &mut Writer) -> Done {
    let mut message = Fields::read(path, raw)?;
    message.forget(&["role"]);
    let content = message.take("content").filter(|raw| *raw != "\"\"");
    let calls = message.take("tool_calls").filter(|raw| *raw != "[]");
    let thinking = message.take("thinking_blocks");
    if thinking.is_some() {
        // The same thinking once more, without its signature.
        message.forget(&["reasoning_content", "reasoning"]);
    }
    let (content_path, calls_path) = (message.name("content"), message.name("tool_calls"));
    message.finish(TO)?;
    json.object(|json| {
        json.key("role").text("assistant");
        json.key("content");
        match (content, calls, thinking) {
            (Some(raw), None, None) => write_content(&content_path, raw, json),
            (None, None, None) => {
                json.text("");
                Ok(())
            }
            _ => json.array(|json| {
                write_thinking(thinking, json)?;
                write_said(&content_path, content, json)?;
                write_calls(&calls_path, calls, json)
            }),
        }
    })
}

/// Thinking goes back byte for byte: its signature covers it.
fn write_thinking(raw: Option<&str>, json: &mut Writer) -> Done {
    let Some(raw) = raw else { return Ok(()) };
    elements("thinking_blocks", raw)?
        .into_iter()
        .for_each(|raw| json.raw(raw));
    Ok(())
}

fn write_said(path: &str, raw: Option<&str>, json: &mut Writer) -> Done {
    match raw {
        None => Ok(()),
        Some(raw) => match as_text(raw) {
            Some(text) => {
                write_text(text, None, json);
                Ok(())
            }
            None => write_parts(path, raw, json),
        },
    }
}

fn write_calls(path: &str, raw: Option<&str>, json: &mut Writer) -> Done {
    let Some(raw) = raw else { return Ok(()) };
    elements(path, raw)?
        .into_iter()
        .enumerate()
        .try_for_each(|(at, raw)| write_call(&format!("{path}[{at}]"), raw, json))
}

fn write_call(path: &str, raw: &str, json: &mut Writer) -> Done {
    let mut call = Fields::read(path, raw)?;
    call.only("type", &["\"function\""], TO)?;
    call.forget(&["index"]);
    let id = call.text_needed("id")?;
    let mut function = Fields::read(&call.name("function"), call.needed("function")?)?;
    call.finish(TO)?;
    let name = function.text_needed("name")?;
    let arguments = function.text("arguments")?;
    let field = function.name("arguments");
    function.finish(TO)?;
    let said = arguments.as_ref().map(Str::said).unwrap_or_default();
    let input = as_object(&said).ok_or_else(|| DialectError::wrong(&field, "a JSON object as text"))?;
    json.object(|json| {
        json.key("type").text("tool_use");
        json.key("id").same(id);
        json.key("name").same(name);
        json.key("input").raw(input);
    });
    Ok(())
}

/// Arguments as the object they are, as written; none at all is an empty one.
pub(super) fn as_object(text: &str) -> Option<&str> {
    let text = text.trim_matches([' ', '\n', '\r', '\t']);
    if text.is_empty() {
        return Some("{}");
    }
    let mut reader = Reader::of_text(text);
    let whole = reader.kind().ok()? == Kind::Object && reader.skip().is_ok() && reader.end().is_ok();
    whole.then_some(text)
}
