//! What a request is made of, for guards that judge its size and form, and what of it no guard can read. Asked for only
//! where a profile cares; never keeps text.

use dialect::Endpoint;
use guard::{ImageFacts, MediaFacts, MessageFacts, Readings, RequestFacts};
use serde_json::Value;

/// Counts a request; `body` is its JSON. What is malformed was refused before.
pub fn of(endpoint: Endpoint, raw: &[u8], body: &Value) -> RequestFacts {
    let mut facts = RequestFacts {
        body_bytes: raw.len() as u64,
        depth: depth(body),
        tools: tools(body),
        ..RequestFacts::default()
    };
    let mut encodings = 0_u32;
    // A body that cannot be walked has been refused by then.
    let _ = dialect::visit_request_text(endpoint, raw, &mut |part| {
        facts.characters = facts.characters.saturating_add(part.text.chars().count() as u64);
        encodings = encodings.saturating_add(u32::from(!Readings::of(&part.text).complete()));
    });
    if let Some(system) = body.get("system") {
        facts.messages.push(message("system", Some(system)));
        media(system, &mut facts.media);
    }
    for one in list(body.get("messages")) {
        let role = one.get("role").and_then(Value::as_str).unwrap_or_default();
        facts.messages.push(message(role, one.get("content")));
        media(one.get("content").unwrap_or(&Value::Null), &mut facts.media);
    }
    for given in ["prompt", "input"].into_iter().filter_map(|name| body.get(name)) {
        prompts(given, &mut facts);
    }
    facts.media.encodings = encodings;
    facts
}

/// What of an answer no guard can read.
pub fn answered(body: &Value) -> MediaFacts {
    let mut found = MediaFacts::default();
    media(body, &mut found);
    found
}

/// Texts to complete or to embed: each is a message; numbers are tokens.
fn prompts(given: &Value, facts: &mut RequestFacts) {
    let is_ids = |value: &Value| list(Some(value)).first().is_some_and(Value::is_number);
    match given {
        Value::Array(all) if !is_ids(given) => {
            for one in all {
                if is_ids(one) {
                    facts.media.token_ids += 1;
                }
                facts.messages.push(message("user", Some(one)));
            }
        }
        one => {
            facts.media.token_ids += u32::from(is_ids(one));
            facts.messages.push(message("user", Some(one)));
        }
    }
}

fn message(role: &str, content: Option<&Value>) -> MessageFacts {
    let parts = match content {
        Some(Value::Array(parts)) => parts.len(),
        Some(Value::Null) | None => 0,
        Some(_) => 1,
    };
    MessageFacts {
        role: role.to_owned(),
        characters: content.map_or(0, characters),
        parts: u32::try_from(parts).unwrap_or(u32::MAX),
    }
}

/// Characters of the texts of a content; what carries other media is no text.
fn characters(content: &Value) -> u64 {
    match content {
        Value::String(text) => text.chars().count() as u64,
        Value::Array(parts) => parts.iter().map(characters).sum(),
        Value::Object(part) => [
            "text",
            "content",
            "thinking",
            "input_text",
            "output_text",
            "refusal",
        ]
        .into_iter()
        .filter_map(|name| part.get(name))
        .map(characters)
        .sum(),
        _ => 0,
    }
}

/// Names of the tools that are offered, in order; of those a provider brings itself, their type.
fn tools(body: &Value) -> Vec<String> {
    let name = |tool: &Value| {
        let places = [
            tool.pointer("/function/name"),
            tool.pointer("/custom/name"),
            tool.get("name"),
            tool.get("type"),
        ];
        let mut names = places.into_iter().flatten().filter_map(Value::as_str);
        names.next().unwrap_or_default().to_owned()
    };
    let all = ["tools", "functions"].into_iter();
    all.flat_map(|field| list(body.get(field))).map(name).collect()
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What is not text, at any depth: results of tools carry pictures too.
fn media(value: &Value, found: &mut MediaFacts) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| media(one, found)),
        Value::Object(part) => {
            // A model that speaks says so without a type.
            found.audio += u32::from(part.get("audio").is_some_and(|it| it.get("data").is_some()));
            for inline in ["inline_data", "inlineData"]
                .into_iter()
                .filter_map(|name| part.get(name))
            {
                brought(inline, found);
            }
            match part.get("type").and_then(Value::as_str).unwrap_or_default() {
                "image_url" => {
                    let url = part.get("image_url");
                    let url = url.and_then(|it| it.as_str().or_else(|| it.get("url")?.as_str()));
                    found.images.push(inline(url.unwrap_or_default()));
                }
                "image" | "input_image" => found.images.push(pictured(value)),
                "input_audio" | "audio" => found.audio += 1,
                "file"
                | "input_file"
                | "container_upload"
                | "code_execution_output"
                | "bash_code_execution_output" => found.files += 1,
                "document"
                    if value
                        .pointer("/source/type")
                        .is_none_or(|kind| kind != "text" && kind != "content") =>
                {
                    found.files += 1;
                }
                _ => {}
            }
            part.values().for_each(|one| media(one, found));
        }
        _ => {}
    }
}

/// What a part brings along as bytes, as Google's models give it also behind others' dialects.
fn brought(inline: &Value, found: &mut MediaFacts) {
    let names = ["mime_type", "mimeType"];
    let kind = names.into_iter().find_map(|name| inline.get(name)?.as_str());
    let bytes = inline.get("data").and_then(Value::as_str).map(decoded);
    match kind.and_then(|kind| kind.split('/').next()) {
        Some("image") => found.images.push(ImageFacts {
            media_type: kind.map(str::to_owned),
            bytes,
        }),
        Some("audio") => found.audio += 1,
        _ => found.files += 1,
    }
}

/// A picture as Anthropic's dialect sends it.
fn pictured(part: &Value) -> ImageFacts {
    let text = |at: &str| part.pointer(at).and_then(Value::as_str);
    match (text("/source/data"), text("/image_url")) {
        (Some(data), _) => ImageFacts {
            media_type: text("/source/media_type").map(str::to_owned),
            bytes: Some(decoded(data)),
        },
        (None, url) => inline(url.unwrap_or_default()),
    }
}

/// A picture by its address: a `data:` URL brings it along.
fn inline(url: &str) -> ImageFacts {
    let Some((head, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(',')) else {
        return ImageFacts::default();
    };
    let media_type = head
        .split(';')
        .next()
        .filter(|it| !it.is_empty())
        .map(str::to_owned);
    let is_encoded = head.ends_with(";base64");
    let bytes = if is_encoded {
        decoded(data)
    } else {
        data.len() as u64
    };
    ImageFacts {
        media_type,
        bytes: Some(bytes),
    }
}

/// How many bytes these base64 characters stand for.
fn decoded(data: &str) -> u64 {
    let digits = data
        .bytes()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'));
    digits.count() as u64 * 3 / 4
}

/// How deep arrays and objects lie in each other; bodies deeper than the gate's own bound were refused.
fn depth(value: &Value) -> u32 {
    let deepest = |values: &mut dyn Iterator<Item = &Value>| values.map(depth).max().unwrap_or(0) + 1;
    match value {
        Value::Array(all) => deepest(&mut all.iter()),
        Value::Object(all) => deepest(&mut all.values()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(endpoint: Endpoint, body: &Value) -> RequestFacts {
        of(endpoint, body.to_string().as_bytes(), body)
    }

    #[test]
    fn agp_t1_a_conversation_is_counted_in_both_dialects() {
        let openai = json!({"model": "m", "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "user", "content": [
                {"type": "text", "text": "größer"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAABBBB"}},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_id": "f"}},
            ]},
        ]});
        let told = facts(Endpoint::ChatCompletions, &openai);
        assert_eq!(told.tools, ["look"]);
        let roles: Vec<_> = told
            .messages
            .iter()
            .map(|it| (it.role.as_str(), it.characters, it.parts))
            .collect();
        assert_eq!(roles, [("system", 7, 1), ("user", 6, 5)]);
        assert_eq!(told.media.images.len(), 2);
        assert_eq!(
            (told.media.images[0].bytes, told.media.images[1].bytes),
            (Some(6), None)
        );
        assert_eq!(told.media.images[0].media_type.as_deref(), Some("image/png"));
        assert_eq!((told.media.audio, told.media.files), (1, 1));
        assert!(told.characters >= 13 && told.depth == 6, "{told:?}");

        let anthropic = json!({"model": "m", "max_tokens": 1, "system": [{"type": "text", "text": "be kind"}],
        "tools": [{"name": "look", "input_schema": {}}, {"type": "web_search_20250305", "name": "web_search"}],
        "messages": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "AAAA"}}]},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "read me"}},
        ]}]});
        let told = facts(Endpoint::Messages, &anthropic);
        assert_eq!(told.tools, ["look", "web_search"]);
        assert_eq!((told.media.images.len(), told.media.files), (1, 1));
        assert_eq!(told.media.images[0].bytes, Some(3));
    }

    #[test]
    fn agp_t1_what_answers_bring_as_bytes_is_told_whole_or_in_pieces() {
        let inline = |kind: &str| json!({"inlineData": {"mimeType": kind, "data": "AAAA"}});
        for (body, images, audio, files) in [
            (
                json!({"choices": [{"delta": {"audio": {"id": "a", "data": "AAAA"}}}]}),
                0,
                1,
                0,
            ),
            (
                json!({"choices": [{"delta": {"audio": {"id": "a", "transcript": "so"}}}]}),
                0,
                0,
                0,
            ),
            (
                json!({"choices": [{"delta": {"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}}]}),
                1,
                0,
                0,
            ),
            (
                json!({"parts": [inline("image/png"), inline("audio/wav"), inline("application/pdf")]}),
                1,
                1,
                1,
            ),
            (
                json!({"content_block": {"type": "code_execution_tool_result", "content": {"content": [{"type": "code_execution_output", "file_id": "f"}]}}}),
                0,
                0,
                1,
            ),
            (
                json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "image"}}),
                0,
                0,
                0,
            ),
        ] {
            let told = answered(&body);
            assert_eq!(
                (told.images.len(), told.audio, told.files),
                (images, audio, files),
                "{body}"
            );
        }
    }

    #[test]
    fn agp_t1_prompts_are_messages_and_token_ids_are_told() {
        let texts = json!({"model": "m", "input": ["one", "three"]});
        assert_eq!(facts(Endpoint::Embeddings, &texts).messages.len(), 2);
        for ids in [json!([1, 2]), json!([[1, 2]])] {
            let told = facts(Endpoint::Completions, &json!({"model": "m", "prompt": ids}));
            assert_eq!(told.media.token_ids, 1);
        }
    }
}
