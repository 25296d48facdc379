//! OpenAI chat completions to Anthropic messages: everything but the messages themselves.

use super::messages_to_anthropic::{conversation, write_text_or_blocks};
use crate::json::{Fields, Writer, as_text, elements};
use crate::request::Rewrite;
use crate::{Dialect, DialectError};

const TO: Dialect = Dialect::Anthropic;

type Done = Result<(), DialectError>;

pub(super) fn translate(body: &str, rewrite: &Rewrite<'_>) -> Result<Vec<u8>, DialectError> {
    let mut request = Fields::read("", body)?;
    let mut json = Writer::default();
    json.object(|json| -> Done {
        model(&mut request, rewrite, json)?;
        max_tokens(&mut request, rewrite, json)?;
        messages(&mut request, json)?;
        sampling(&mut request, json)?;
        stream(&mut request, json)?;
        tools(&mut request, json)?;
        tool_choice(&mut request, json)?;
        user(&mut request, json)?;
        output(&mut request, json)?;
        service_tier(&mut request, json)?;
        neutral(&mut request)
    })?;
    request.finish(TO)?;
    Ok(json.finish())
}

fn model(request: &mut Fields<'_>, rewrite: &Rewrite<'_>, json: &mut Writer) -> Done {
    let asked = request.text_needed("model")?;
    match rewrite.model {
        Some(model) => json.key("model").text(model),
        None => json.key("model").same(asked),
    }
    Ok(())
}

/// Anthropic's is mandatory.
fn max_tokens(request: &mut Fields<'_>, rewrite: &Rewrite<'_>, json: &mut Writer) -> Done {
    let older = request.count("max_tokens")?;
    let newer = request.count("max_completion_tokens")?;
    let max = newer.or(older).or(rewrite.max_output_tokens);
    json.key("max_tokens")
        .count(max.ok_or_else(|| DialectError::missing("max_tokens"))?);
    Ok(())
}

fn messages(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    let raw = elements("messages", request.needed("messages")?)?;
    let (system, turns) = conversation(&raw)?;
    if !system.is_empty() {
        json.key("system");
        write_text_or_blocks(&system, json);
    }
    json.key("messages").array(|json| turns.write(json))
}

fn sampling(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    if let Some(raw) = request.take("temperature") {
        let value: f64 = raw
            .parse()
            .map_err(|_| DialectError::wrong("temperature", "a number"))?;
        // OpenAI goes up to 2, Anthropic to 1.
        if value > 1.0 {
            return Err(DialectError::not_carried("temperature above 1", TO));
        }
        json.key("temperature").raw(raw);
    }
    for name in ["top_p", "top_k"] {
        if let Some(raw) = request.take(name) {
            json.key(name).raw(raw);
        }
    }
    match request.take("stop") {
        Some(raw) if raw.starts_with('[') => json.key("stop_sequences").raw(raw),
        Some(raw) => json.key("stop_sequences").array(|json| json.raw(raw)),
        None => {}
    }
    Ok(())
}

fn stream(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    if let Some(stream) = request.flag("stream")? {
        json.key("stream").flag(stream);
    }
    if let Some(raw) = request.take("stream_options") {
        let mut options = Fields::read("stream_options", raw)?;
        options.flag("include_usage")?;
        options.only("include_obfuscation", &["false"], TO)?;
        options.finish(TO)?;
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

fn tool(path: &str, raw: &str, json: &mut Writer) -> Done {
    let mut tool = Fields::read(path, raw)?;
    tool.only("type", &["\"function\""], TO)?;
    let cache_control = tool.take("cache_control");
    let mut function = Fields::read(&tool.name("function"), tool.needed("function")?)?;
    tool.finish(TO)?;
    let name = function.text_needed("name")?;
    let description = function.text("description")?;
    json.object(|json| -> Done {
        json.key("name").same(name);
        if let Some(description) = description {
            json.key("description").same(description);
        }
        let schema = function
            .take("parameters")
            .unwrap_or(r#"{"type":"object","properties":{}}"#);
        json.key("input_schema").raw(schema);
        if function.flag("strict")? == Some(true) {
            json.key("strict").flag(true);
        }
        if let Some(hint) = cache_control.or_else(|| function.take("cache_control")) {
            json.key("cache_control").raw(hint);
        }
        Ok(())
    })?;
    function.finish(TO)
}

fn tool_choice(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    let one_at_a_time = request.flag("parallel_tool_calls")? == Some(false);
    let choice = request.take("tool_choice");
    if choice.is_none() && !one_at_a_time {
        return Ok(());
    }
    let (kind, name) = match choice {
        None | Some("\"auto\"") => ("auto", None),
        Some("\"none\"") => ("none", None),
        Some("\"required\"") => ("any", None),
        Some(raw) => ("tool", Some(chosen(raw)?)),
    };
    json.key("tool_choice").object(|json| {
        json.key("type").text(kind);
        if let Some(name) = name {
            json.key("name").raw(name);
        }
        if one_at_a_time && kind != "none" {
            json.key("disable_parallel_tool_use").flag(true);
        }
    });
    Ok(())
}

/// The name of the one function that must be called, as written.
fn chosen(raw: &str) -> Result<&str, DialectError> {
    if as_text(raw).is_some() {
        return Err(DialectError::not_carried("tool_choice", TO));
    }
    let mut choice = Fields::read("tool_choice", raw)?;
    choice.only("type", &["\"function\""], TO)?;
    let mut function = Fields::read("tool_choice.function", choice.needed("function")?)?;
    choice.finish(TO)?;
    let name = function.needed("name")?;
    function.finish(TO)?;
    Ok(name)
}

fn user(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    let user = request.text("user")?;
    let user = match request.text("safety_identifier")? {
        Some(id) if user.is_none() => Some(id),
        Some(_) => return Err(DialectError::not_carried("safety_identifier", TO)),
        None => user,
    };
    if let Some(user) = user {
        json.key("metadata").object(|json| json.key("user_id").same(user));
    }
    Ok(())
}

/// Structured output, effort, and thinking said in Anthropic's own words.
fn output(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    let schema = match request.take("response_format") {
        Some(raw) => schema(raw)?,
        None => None,
    };
    let effort = match request.text("reasoning_effort")? {
        Some(effort) => Some(effort_of(&effort.said())?),
        None => None,
    };
    let thinking = request.take("thinking");
    match (thinking, effort) {
        (Some(raw), _) => json.key("thinking").raw(raw),
        (None, Some("none")) => json.key("thinking").raw(r#"{"type":"disabled"}"#),
        _ => {}
    }
    let effort = effort.filter(|effort| *effort != "none");
    if schema.is_none() && effort.is_none() {
        return Ok(());
    }
    json.key("output_config").object(|json| {
        if let Some(effort) = effort {
            json.key("effort").text(effort);
        }
        if let Some(schema) = schema {
            json.key("format").object(|json| {
                json.key("type").text("json_schema");
                json.key("schema").raw(schema);
            });
        }
    });
    Ok(())
}

fn effort_of(effort: &str) -> Result<&'static str, DialectError> {
    match effort {
        "none" => Ok("none"),
        "minimal" | "low" => Ok("low"),
        "medium" => Ok("medium"),
        "high" => Ok("high"),
        "xhigh" => Ok("xhigh"),
        "max" => Ok("max"),
        _ => Err(DialectError::not_carried("reasoning_effort", TO)),
    }
}

/// The schema that the answer must follow, as written.
fn schema(raw: &str) -> Result<Option<&str>, DialectError> {
    let mut format = Fields::read("response_format", raw)?;
    let kind = format.text_needed("type")?;
    match &*kind.said() {
        "text" => format.finish(TO).map(|()| None),
        "json_schema" => {
            let mut named = Fields::read("response_format.json_schema", format.needed("json_schema")?)?;
            format.finish(TO)?;
            // The name is a label; Anthropic always follows a schema strictly.
            named.forget(&["name", "strict"]);
            let schema = named.needed("schema")?;
            named.finish(TO)?;
            Ok(Some(schema))
        }
        _ => Err(DialectError::not_carried("response_format.type", TO)),
    }
}

fn service_tier(request: &mut Fields<'_>, json: &mut Writer) -> Done {
    match request.take("service_tier") {
        None | Some("\"auto\"") => Ok(()),
        Some("\"default\"") => {
            json.key("service_tier").text("standard_only");
            Ok(())
        }
        Some(_) => Err(DialectError::not_carried("service_tier", TO)),
    }
}

/// Fields that ask for nothing when they spell out the default.
fn neutral(request: &mut Fields<'_>) -> Done {
    for (name, defaults) in [
        ("n", ["1", "1"]),
        ("presence_penalty", ["0", "0.0"]),
        ("frequency_penalty", ["0", "0.0"]),
        ("logprobs", ["false", "false"]),
        ("top_logprobs", ["0", "0"]),
        ("store", ["false", "false"]),
        ("verbosity", ["\"medium\"", "\"medium\""]),
    ] {
        request.only(name, &defaults, TO)?;
    }
    if let Some(raw) = request.take("modalities")
        && elements("modalities", raw)? != ["\"text\""]
    {
        return Err(DialectError::not_carried("modalities", TO));
    }
    // Unlike other empty objects this one asks for something: a search with its default settings.
    if request.take("web_search_options").is_some() {
        return Err(DialectError::not_carried("web_search_options", TO));
    }
    request.forget(&["prompt_cache_key", "prompt_cache_retention"]);
    Ok(())
}
