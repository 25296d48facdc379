//! The one walk over a request: what it hands out is what is counted, shown to guards and redacted, so
//! the three cannot disagree about which texts there are.

use super::known::Seen;
use super::words::{
    CONTROLS, DOCUMENT_BLOCKS, DOCUMENT_MEMBERS, IDENTIFIER_BYTES_MAX, SCHEMA_WORDS, STRUCTURAL,
};
use crate::json::{Kind, Reader, Str};
use crate::{DialectError, Endpoint};

/// Who says a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator's instructions: `system`, `developer`.
    System,
    /// The user: messages, prompts, texts to embed.
    User,
    /// The model's earlier answers, tool calls and thinking included.
    Assistant,
    /// What tools returned.
    Tool,
    /// What was retrieved or attached for the model to read: documents, results of searches, what citations quote.
    Document,
    /// Tool and output definitions: names, descriptions, schemas.
    Definition,
    /// Anything else that leaves with the request.
    Other,
}

/// What kind of string a text was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Value,
    Key,
    /// JSON inside a string: tool arguments.
    Arguments,
}

/// How strings are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    /// Wire structure: identifiers under structural names are no text.
    Message,
    /// Schemas: the schema's own words are no text.
    Definition,
    /// Data: every name and every string is text.
    Free,
}

/// What a walk hands its findings to.
pub(crate) trait Sink {
    /// Whether roles matter; looking them up costs a look ahead.
    const ROLES: bool;

    /// A top-level field that steers the call. `true` when its value was read.
    fn control(&mut self, _reader: &mut Reader<'_>, _name: &str) -> Result<bool, DialectError> {
        Ok(false)
    }

    fn text(&mut self, role: Role, text: Str<'_>, what: What) -> Result<(), DialectError>;

    /// A number, as written.
    fn number(&mut self, _digits: &str) {}

    /// Encoded media: no text.
    fn opaque(&mut self, _payload: Str<'_>, _image: bool) {}

    fn message(&mut self) -> Result<(), DialectError> {
        Ok(())
    }

    fn tool(&mut self) -> Result<(), DialectError> {
        Ok(())
    }

    fn image(&mut self) -> Result<(), DialectError> {
        Ok(())
    }

    /// A prompt of a call that has no messages.
    fn prompt(&mut self) -> Result<(), DialectError> {
        Ok(())
    }

    /// How fast the caller wants to be served, in its own word.
    fn tier(&mut self, _word: &str) {}

    /// Something is to be kept in the provider's cache for other than the usual time.
    fn long_cache(&mut self) {}

    /// A prompt given as token ids, which nobody can read.
    fn token_id(&mut self) {}
}

type Read = Result<(), DialectError>;

/// Walks a whole request body.
pub(super) fn walk_request(endpoint: Endpoint, mut reader: Reader<'_>, sink: &mut impl Sink) -> Read {
    if reader.kind()? != Kind::Object {
        return Err(DialectError::NotAnObject);
    }
    let mut seen = Seen::default();
    reader.object(|r, key| {
        seen.note(&key)?;
        field(endpoint, r, &key, sink)
    })?;
    reader.end()
}

fn field(endpoint: Endpoint, r: &mut Reader<'_>, key: &Str<'_>, sink: &mut impl Sink) -> Read {
    let name = key.said();
    if name == "service_tier"
        && let Some(word) = ahead(r)?
    {
        sink.tier(&word.said());
    }
    match &*name {
        name if CONTROLS.contains(&name) => {
            if !sink.control(r, name)? {
                r.skip()?;
            }
            Ok(())
        }
        "messages" => list(r, "messages", "an array of messages", |r| {
            sink.message()?;
            if r.kind()? != Kind::Object {
                return Err(DialectError::wrong("messages", "an array of objects"));
            }
            walk_value(r, role_of(r, sink), Zone::Message, sink)
        }),
        "tools" | "functions" => list(r, &name, "an array of tools", |r| {
            sink.tool()?;
            walk_value(r, Role::Definition, Zone::Definition, sink)
        }),
        "system" if endpoint.dialect() == crate::Dialect::Anthropic => system(r, sink),
        "prompt" if endpoint == Endpoint::Completions => prompts(r, "prompt", sink),
        "input" if endpoint == Endpoint::Embeddings => prompts(r, "input", sink),
        "response_format" | "output_format" | "output_config" => {
            walk_value(r, Role::Definition, Zone::Definition, sink)
        }
        _ => {
            let role = of_member(&name, Role::Other);
            if !is_identifier(key) {
                sink.text(role, *key, What::Key)?;
            }
            walk_value(r, role, Zone::Message, sink)
        }
    }
}

fn list(
    r: &mut Reader<'_>,
    name: &str,
    expected: &'static str,
    each: impl FnMut(&mut Reader<'_>) -> Read,
) -> Read {
    match r.kind()? {
        Kind::Array => r.array(each),
        Kind::Null => r.skip().map(|_| ()),
        _ => Err(DialectError::wrong(name, expected)),
    }
}

fn system(r: &mut Reader<'_>, sink: &mut impl Sink) -> Read {
    match r.kind()? {
        Kind::String | Kind::Array | Kind::Null => walk_value(r, Role::System, Zone::Message, sink),
        _ => Err(DialectError::wrong(
            "system",
            "a string or an array of text blocks",
        )),
    }
}

/// A text, texts, token ids, or several lists of token ids.
fn prompts(r: &mut Reader<'_>, name: &str, sink: &mut impl Sink) -> Read {
    let mut ids = false;
    match r.kind()? {
        Kind::Array => r.array(|r| match r.kind()? {
            Kind::Number if ids => token_id(r, sink),
            kind => {
                ids = kind == Kind::Number;
                prompt(r, kind, name, sink)
            }
        }),
        kind => prompt(r, kind, name, sink),
    }
}

fn prompt(r: &mut Reader<'_>, kind: Kind, name: &str, sink: &mut impl Sink) -> Read {
    sink.prompt()?;
    match kind {
        Kind::String => sink.text(Role::User, r.string()?, What::Value),
        Kind::Number => token_id(r, sink),
        Kind::Array => r.array(|r| match r.kind()? {
            Kind::Number => token_id(r, sink),
            _ => Err(DialectError::wrong(name, "a string, strings, or token ids")),
        }),
        Kind::Object => walk_value(r, Role::User, Zone::Message, sink),
        Kind::Bool | Kind::Null => Err(DialectError::wrong(name, "a string, strings, or token ids")),
    }
}

fn token_id(r: &mut Reader<'_>, sink: &mut impl Sink) -> Read {
    sink.token_id();
    sink.number(r.number()?);
    Ok(())
}

fn role_of<S: Sink>(r: &Reader<'_>, _sink: &S) -> Role {
    if !S::ROLES {
        return Role::Other;
    }
    let Some(role) = r.peek_text("role") else {
        return Role::Other;
    };
    match &*role.said() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        // As chat templates of some open models call them.
        "tool" | "function" | "ipython" | "observation" => Role::Tool,
        "context" => Role::Document,
        role if role.starts_with("document") => Role::Document,
        _ => Role::Other,
    }
}

/// Walks one value.
pub(crate) fn walk_value<S: Sink>(r: &mut Reader<'_>, role: Role, zone: Zone, sink: &mut S) -> Read {
    match r.kind()? {
        Kind::Object => object(r, role, zone, sink),
        Kind::Array => r.array(|r| walk_value(r, role, zone, sink)),
        Kind::String => sink.text(role, r.string()?, What::Value),
        Kind::Number => {
            sink.number(r.number()?);
            Ok(())
        }
        Kind::Bool | Kind::Null => r.skip().map(|_| ()),
    }
}

fn object<S: Sink>(r: &mut Reader<'_>, role: Role, zone: Zone, sink: &mut S) -> Read {
    let start = *r;
    let role = match zone {
        Zone::Message if S::ROLES => of_block(&start, role),
        _ => role,
    };
    r.object(|r, key| match zone {
        Zone::Message => message_member(&start, r, &key, role, sink),
        Zone::Definition => definition_member(r, &key, role, sink),
        Zone::Free => {
            sink.text(role, key, What::Key)?;
            walk_value(r, role, zone, sink)
        }
    })
}

/// Who says what is in a block: what is only to be read is nobody's word, whoever hands it on.
// threat: AGP-T1
fn of_block(start: &Reader<'_>, role: Role) -> Role {
    let Some(kind) = start.peek_text("type") else {
        return role;
    };
    match &*kind.said() {
        kind if DOCUMENT_BLOCKS.contains(&kind) => Role::Document,
        kind if kind.ends_with("tool_result") => Role::Tool,
        _ => role,
    }
}

/// The same of a member that holds what was retrieved.
fn of_member(name: &str, role: Role) -> Role {
    if DOCUMENT_MEMBERS.contains(&name) {
        Role::Document
    } else {
        role
    }
}

/// The string that comes next, if one does; it stays to be read.
fn ahead<'b>(r: &Reader<'b>) -> Result<Option<Str<'b>>, DialectError> {
    let mut ahead = *r;
    match ahead.kind()? {
        Kind::String => ahead.string().map(Some),
        _ => Ok(None),
    }
}

/// Five minutes are what every cache keeps; whatever else is asked for may be dearer.
// threat: AGP-D1
fn lifetime<S: Sink>(r: &Reader<'_>, key: &Str<'_>, sink: &mut S) -> Read {
    if key.is("ttl") && !ahead(r)?.is_some_and(|lifetime| lifetime.is("5m")) {
        sink.long_cache();
    }
    Ok(())
}

fn definition_member<S: Sink>(r: &mut Reader<'_>, key: &Str<'_>, role: Role, sink: &mut S) -> Read {
    lifetime(r, key, sink)?;
    if key.escaped || !SCHEMA_WORDS.contains(&key.raw) {
        sink.text(role, *key, What::Key)?;
    }
    if key.is("type") && r.kind()? == Kind::String {
        return unless_identifier(r.string()?, role, sink);
    }
    walk_value(r, role, Zone::Definition, sink)
}

/// A member of a message, a content block, a tool call, or an answer.
fn message_member<S: Sink>(
    start: &Reader<'_>,
    r: &mut Reader<'_>,
    key: &Str<'_>,
    role: Role,
    sink: &mut S,
) -> Read {
    lifetime(r, key, sink)?;
    let name = key.said();
    let string = r.kind()? == Kind::String;
    match &*name {
        "input" => walk_value(r, role, Zone::Free, sink),
        "arguments" | "partial_json" if string => sink.text(role, r.string()?, What::Arguments),
        "arguments" => walk_value(r, role, Zone::Free, sink),
        "image_url" => {
            sink.image()?;
            match string {
                true => payload(start, "url", r.string()?, role, sink),
                false => walk_value(r, role, Zone::Message, sink),
            }
        }
        "type" if string => {
            let kind = r.string()?;
            if kind.is("image") || kind.is("input_image") {
                sink.image()?;
            }
            unless_identifier(kind, role, sink)
        }
        name if string && STRUCTURAL.contains(&name) => unless_identifier(r.string()?, role, sink),
        "url" | "data" | "file_data" | "signature" | "encrypted_content" if string => {
            payload(start, &name, r.string()?, role, sink)
        }
        _ => {
            let role = of_member(&name, role);
            if !is_identifier(key) {
                sink.text(role, *key, What::Key)?;
            }
            walk_value(r, role, Zone::Message, sink)
        }
    }
}

fn unless_identifier<S: Sink>(text: Str<'_>, role: Role, sink: &mut S) -> Read {
    if is_identifier(&text) {
        Ok(())
    } else {
        sink.text(role, text, What::Value)
    }
}

fn is_identifier(text: &Str<'_>) -> bool {
    !text.escaped
        && text.raw.len() <= IDENTIFIER_BYTES_MAX
        && text
            .raw
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'/'))
}

/// A string under a name that may hold encoded media. Anything that is not plainly that is text: a
/// prompt hidden under such a name is shown to guards.
fn payload<S: Sink>(start: &Reader<'_>, name: &str, text: Str<'_>, role: Role, sink: &mut S) -> Read {
    let image = text.raw.starts_with("data:image/");
    let encoded = match name {
        "data" => is_base64(text.raw) && declares_encoding(start),
        "signature" | "encrypted_content" => is_base64(text.raw),
        _ => is_data_url(text.raw),
    };
    if !encoded {
        return sink.text(role, text, What::Value);
    }
    let image = image
        || start
            .peek_text("media_type")
            .is_some_and(|kind| kind.raw.starts_with("image"));
    sink.opaque(text, image);
    Ok(())
}

/// The object around a `data` says that it is encoded: an Anthropic source, an OpenAI audio part,
/// or thinking that only its provider can read.
fn declares_encoding(start: &Reader<'_>) -> bool {
    let kind = start.peek_text("type");
    kind.is_some_and(|kind| kind.is("base64") || kind.is("redacted_thinking"))
        || (kind.is_none() && start.peek_text("format").is_some())
}

fn is_data_url(url: &str) -> bool {
    let media = [
        "data:image/",
        "data:audio/",
        "data:video/",
        "data:application/pdf",
    ];
    media.iter().any(|start| url.starts_with(start))
        && url
            .split_once(";base64,")
            .is_some_and(|(kind, data)| kind.len() <= 100 && is_base64(data))
}

fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_' | b'\\'))
}
