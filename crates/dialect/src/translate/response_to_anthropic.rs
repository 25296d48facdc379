//! OpenAI's answer as Anthropic's.

use super::messages_to_anthropic::as_object;
use super::{StopReason, write_anthropic_usage};
use crate::json::{Fields, Reader, Str, Writer, as_text, elements};
use crate::usage::Reported;
use crate::{Dialect, DialectError};

type Done = Result<(), DialectError>;

pub(super) fn translate(body: &str, model_shown: &str) -> Result<Vec<u8>, DialectError> {
    let mut answer = Fields::read("", body)?;
    let id = answer.text_needed("id")?;
    let choices = elements("choices", answer.needed("choices")?)?;
    let [choice] = choices.as_slice() else {
        return Err(DialectError::wrong("choices", "one choice"));
    };
    let mut choice = Fields::read("choices[0]", choice)?;
    let finish = choice
        .text("finish_reason")?
        .map(|reason| reason.said())
        .unwrap_or_default();
    let mut message = Fields::read("choices[0].message", choice.needed("message")?)?;
    let mut reported = Reported::default();
    if let Some(raw) = answer.take("usage") {
        reported.read(&mut Reader::of_text(raw))?;
    }
    let mut json = Writer::default();
    json.object(|json| -> Done {
        json.key("id").same(id);
        json.key("type").text("message");
        json.key("role").text("assistant");
        json.key("model").text(model_shown);
        let (calls, refused) = json
            .key("content")
            .array(|json| write_blocks(&mut message, json))?;
        let reason = if refused {
            "refusal"
        } else {
            StopReason::of_openai(&finish, calls > 0).0
        };
        json.key("stop_reason").text(reason);
        json.key("stop_sequence").raw("null");
        json.key("usage");
        write_anthropic_usage(&reported.usage(Dialect::OpenAi).unwrap_or_default(), json);
        Ok(())
    })?;
    Ok(json.finish())
}

/// The content blocks; how many tools are called, and whether the model refused.
fn write_blocks(message: &mut Fields<'_>, json: &mut Writer) -> Result<(usize, bool), DialectError> {
    write_thinking(message, json)?;
    write_content(message.take("content"), json)?;
    let refusal = message.text("refusal")?.filter(|refusal| !refusal.raw.is_empty());
    if let Some(refusal) = refusal {
        write_text(refusal, json);
    }
    let calls = match message.take("tool_calls") {
        Some(raw) => elements("tool_calls", raw)?,
        None => Vec::new(),
    };
    calls.iter().try_for_each(|raw| write_call(raw, json))?;
    Ok((calls.len(), refusal.is_some()))
}

fn write_thinking(message: &mut Fields<'_>, json: &mut Writer) -> Done {
    if let Some(raw) = message.take("thinking_blocks").filter(|raw| *raw != "[]") {
        elements("thinking_blocks", raw)?
            .into_iter()
            .for_each(|raw| json.raw(raw));
        return Ok(());
    }
    let (newer, older) = (
        message.text("reasoning_content")?,
        message.take("reasoning").and_then(as_text),
    );
    if let Some(text) = newer.or(older).filter(|text| !text.raw.is_empty()) {
        json.object(|json| {
            json.key("type").text("thinking");
            json.key("thinking").same(text);
            json.key("signature").text("");
        });
    }
    Ok(())
}

/// A string, or parts of which the text ones count.
fn write_content(raw: Option<&str>, json: &mut Writer) -> Done {
    let Some(raw) = raw else { return Ok(()) };
    if let Some(text) = as_text(raw) {
        if !text.raw.is_empty() {
            write_text(text, json);
        }
        return Ok(());
    }
    for (at, raw) in elements("content", raw)?.into_iter().enumerate() {
        let mut part = Fields::read(&format!("content[{at}]"), raw)?;
        part.only("type", &["\"text\""], Dialect::Anthropic)?;
        write_text(part.text_needed("text")?, json);
    }
    Ok(())
}

fn write_text(text: Str<'_>, json: &mut Writer) {
    json.object(|json| {
        json.key("type").text("text");
        json.key("text").same(text);
    });
}

fn write_call(raw: &str, json: &mut Writer) -> Done {
    let mut call = Fields::read("tool_calls", raw)?;
    let id = call.text_needed("id")?;
    let mut function = Fields::read("tool_calls.function", call.needed("function")?)?;
    let name = function.text_needed("name")?;
    // Text that is JSON; some engines give the object itself.
    let said = match function.take("arguments") {
        Some(raw) => as_text(raw).map_or(raw.into(), |text| text.said()),
        None => "".into(),
    };
    json.object(|json| {
        json.key("type").text("tool_use");
        json.key("id").same(id);
        json.key("name").same(name);
        json.key("input");
        match as_object(&said) {
            Some(input) => json.raw(input),
            // Cut short or malformed by the model: nothing is lost, and no tool takes it for arguments.
            None => json.object(|json| json.key("_unparsed_arguments").text(&said)),
        }
    });
    Ok(())
}
