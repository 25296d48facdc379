//! Anthropic messages to OpenAI chat completions: everything but the messages themselves.

use super::messages_to_openai::{write_system, write_turns};
use crate::json::{Fields, Writer, elements};
use crate::request::{Rewrite, is_openai_model, output_limit_field};
use crate::{Dialect, DialectError};

const TO: Dialect = Dialect::OpenAi;

/// Thinking budgets in tokens below which effort is called low, and medium.
const LOW_BUDGET_BELOW: u64 = 4_096;
const MEDIUM_BUDGET_BELOW: u64 = 16_384;

type Done = Result<(), DialectError>;

pub(super) fn translate(body: &str, rewrite: &Rewrite<'_>) -> Result<Vec<u8>, DialectError> {
    let mut request = Fields::read("", body)?;
    let asked = request.text_needed("model")?.said();
    let model = rewrite.model.unwrap_or(&asked);
    let mut json = Writer::default();
    json.object(|json| -> Done {
        json.key("model").text(model);
        messages(&mut request, model, json)?;
        max_tokens(&mut request, rewrite, model, json)?;
        sampling(&mut request, model, json)?;
        stream(&mut request, json)?;
        tools(&mut request, json)?;
        tool_choice(&mut request, json)?;
        metadata(&mut request, json)?;
        output(&mut request, json)?;
        service_tier(&mut request, json)
    })?;
    request.finish(TO)?;
    Ok(json.finish())
}

fn messages(request: &mut Fields<'_>, model: &str, json: &mut Writer) -> Done {
    let system = request.take("system");
    let raw = elements("messages", request.needed("messages")?)?;
    json.key("messages").array(|json| {
        if let Some(raw) = system {
            write_system("system", raw, json)?;
        }
        write_turns(&raw, !is_openai_model(model), json)
    })
}

fn max_tokens(request: &mut Fields<'_>, rewrite: &Rewrite<'_>, model: &str, json: &mut Writer) -> Done {
    if let Some(max) = request.count("max_tokens")?.or(rewrite.max_output_tokens) {
        json.key(output_limit_field(model)).count(max);
    }
    Ok(())
}

fn sampling(request: &mut Fields<'_>, model: &str, json: &mut Writer) -> Done {
    for name in ["temperature", "top_p"] {
        if let Some(raw) = request.take(name) {
            json.key(name).raw(raw);
        }
    }
    if let Some(raw) = request.take("top_k") {
        // Engines that speak OpenAI's dialect know it; OpenAI's own models do not.
        if is_openai_model(model) {
            return Err(DialectError::not_carried("top_k", TO));
        }
        json.key("top_k").raw(raw);
    }
    if let Some(raw) = request.take("stop_sequences").filter(|raw| *raw != "[]") {
        json.key("stop").raw(raw);
    }
    Ok(())
}

/// A stream always ends with its usage: the translation back needs it.
fn stream(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    if let Some(stream) = request.flag("stream")? {
        json.key("stream").flag(stream);
        if stream {
            json.key("stream_options")
                .object(|json| json.key("include_usage").flag(true));
        }
    }
    Ok(())
}

fn tools(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    let Some(raw) = request.take("tools") else {
        return Ok(());
    };
    let raw = elements("tools", raw)?;
    if raw.is_empty() {
        return Ok(());
    }
    json.key("tools").array(|json| {
        raw.iter()
            .enumerate()
            .try_for_each(|(at, raw)| tool(&format!("tools[{at}]"), raw, json))
    })
}

/// Tools that Anthropic runs itself have a dated `type`: those have no counterpart.
fn tool(path: &str, raw: &str, json: &mut Writer) -> Done {
    let mut tool = Fields::read(path, raw)?;
    tool.only("type", &["\"custom\""], TO)?;
    tool.forget(&["cache_control", "eager_input_streaming"]);
    let name = tool.text_needed("name")?;
    let description = tool.text("description")?;
    let schema = tool.take("input_schema");
    let strict = tool.flag("strict")?;
    tool.only("defer_loading", &["false"], TO)?;
    tool.finish(TO)?;
    json.object(|json| {
        json.key("type").text("function");
        json.key("function").object(|json| {
            json.key("name").same(name);
            if let Some(description) = description {
                json.key("description").same(description);
            }
            if let Some(schema) = schema {
                json.key("parameters").raw(schema);
            }
            if strict == Some(true) {
                json.key("strict").flag(true);
            }
        });
    });
    Ok(())
}

fn tool_choice(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    let Some(raw) = request.take("tool_choice") else {
        return Ok(());
    };
    let mut choice = Fields::read("tool_choice", raw)?;
    let kind = choice.text_needed("type")?;
    json.key("tool_choice");
    match &*kind.said() {
        "auto" => json.text("auto"),
        "any" => json.text("required"),
        "none" => json.text("none"),
        "tool" => {
            let name = choice.text_needed("name")?;
            json.object(|json| {
                json.key("type").text("function");
                json.key("function").object(|json| json.key("name").same(name));
            });
        }
        _ => return Err(DialectError::not_carried("tool_choice.type", TO)),
    }
    if choice.flag("disable_parallel_tool_use")? == Some(true) {
        json.key("parallel_tool_calls").flag(false);
    }
    choice.finish(TO)
}

fn metadata(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    let Some(raw) = request.take("metadata") else {
        return Ok(());
    };
    let mut metadata = Fields::read("metadata", raw)?;
    if let Some(user) = metadata.text("user_id")? {
        json.key("user").same(user);
    }
    metadata.finish(TO)
}

/// Effort, thinking and structured output.
fn output(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    let thinking = match request.take("thinking") {
        Some(raw) => effort_of_thinking(raw)?,
        None => None,
    };
    let (mut effort, mut format) = (None, request.take("output_format"));
    if let Some(raw) = request.take("output_config") {
        let mut config = Fields::read("output_config", raw)?;
        effort = config
            .text("effort")?
            .map(|effort| effort_of(&effort.said()))
            .transpose()?;
        format = config.take("format").or(format);
        config.finish(TO)?;
    }
    if let Some(effort) = effort.or(thinking) {
        json.key("reasoning_effort").text(effort);
    }
    format.map_or(Ok(()), |raw| response_format(raw, json))
}

fn effort_of(effort: &str) -> Result<&'static str, DialectError> {
    match effort {
        "low" => Ok("low"),
        "medium" => Ok("medium"),
        "high" => Ok("high"),
        // OpenAI's highest.
        "xhigh" | "max" => Ok("xhigh"),
        _ => Err(DialectError::not_carried("output_config.effort", TO)),
    }
}

/// A budget becomes the effort closest to it. Adaptive thinking and none at all leave it to the model.
fn effort_of_thinking(raw: &str) -> Result<Option<&'static str>, DialectError> {
    let mut thinking = Fields::read("thinking", raw)?;
    let kind = thinking.text_needed("type")?;
    let effort = match &*kind.said() {
        "enabled" => match thinking.count("budget_tokens")?.unwrap_or(0) {
            budget if budget < LOW_BUDGET_BELOW => Some("low"),
            budget if budget < MEDIUM_BUDGET_BELOW => Some("medium"),
            _ => Some("high"),
        },
        "adaptive" | "disabled" => None,
        _ => return Err(DialectError::not_carried("thinking.type", TO)),
    };
    thinking.only("display", &["\"summarized\""], TO)?;
    thinking.finish(TO)?;
    Ok(effort)
}

fn response_format(raw: &str, json: &mut Writer) -> Done {
    let mut format = Fields::read("output_config.format", raw)?;
    format.only("type", &["\"json_schema\""], TO)?;
    let schema = format.needed("schema")?;
    format.finish(TO)?;
    json.key("response_format").object(|json| {
        json.key("type").text("json_schema");
        json.key("json_schema").object(|json| {
            json.key("name").text("output");
            json.key("schema").raw(schema);
            json.key("strict").flag(true);
        });
    });
    Ok(())
}

fn service_tier(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    match request.take("service_tier") {
        None | Some("\"auto\"") => Ok(()),
        Some("\"standard_only\"") => {
            json.key("service_tier").text("default");
            Ok(())
        }
        Some(_) => Err(DialectError::not_carried("service_tier", TO)),
    }
}
