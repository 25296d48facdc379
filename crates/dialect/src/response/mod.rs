//! Whole answers: what they cost, and the texts in them.

use std::borrow::Cow;
use std::ops::Range;

use domain::{Tier, Usage};

use crate::json::{Kind, Reader, Str};
use crate::request::{Edits, Role, Sink, Visits, What, Zone, walk_value};
use crate::splice::{Edit, splice};
use crate::usage::Reported;
use crate::{DialectError, Endpoint};

/// What the gate must know of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseFacts {
    /// The usage reported; `None` when the body carries none.
    pub usage: Option<Usage>,
    /// How the upstream says that it served the call.
    pub tier: Tier,
    /// The model that the upstream says answered.
    pub model: Option<String>,
    /// Bytes of text, thinking and tool arguments generated.
    pub output_text_bytes: u64,
}

/// Reads an answer. `endpoint` is the upstream's.
pub fn read_response(endpoint: Endpoint, body: &[u8]) -> Result<ResponseFacts, DialectError> {
    let mut facts = ResponseFacts::default();
    let mut reported = Reported::default();
    walk_response(body, &mut Bytes(0), |r, key| {
        match key.raw {
            "usage" => reported.read(r)?,
            "service_tier" if r.kind()? == Kind::String => reported.tier(r)?,
            "model" if r.kind()? == Kind::String => facts.model = Some(r.string()?.said().into_owned()),
            "choices" | "content" => {
                let mut bytes = Bytes(0);
                choices(r, &mut bytes, &mut Vec::new())?;
                facts.output_text_bytes = facts.output_text_bytes.saturating_add(bytes.0);
            }
            _ => r.skip().map(|_| ())?,
        }
        Ok(true)
    })?;
    facts.usage = reported.usage(endpoint.dialect());
    facts.tier = reported.served();
    Ok(facts)
}

/// Hands out everything the caller would read, thinking and tool arguments too.
pub fn visit_response_text(
    _endpoint: Endpoint,
    body: &[u8],
    visit: &mut dyn FnMut(&str),
) -> Result<(), DialectError> {
    let mut shown = |_: Role, text: Cow<'_, str>| visit(&text);
    walk_response(body, &mut Visits { visit: &mut shown }, |_, _| Ok(false)).map(drop)
}

/// Replaces texts wherever [`visit_response_text`] sees them; every other byte stays, but for token
/// probabilities, which would spell the old text: they become `null`.
pub fn redact_response(
    _endpoint: Endpoint,
    body: &[u8],
    edit: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<Vec<u8>, DialectError> {
    let mut edit = |_: Role, text: &str| edit(text);
    let mut edits = Edits::new(&mut edit);
    let logprobs = walk_response(body, &mut edits, |_, _| Ok(false))?;
    let mut done = edits.done;
    if !done.is_empty() {
        done.extend(logprobs.into_iter().map(|span| Edit {
            span,
            with: b"null".to_vec(),
        }));
    }
    Ok(splice(body, done))
}

/// Walks the top of an answer; `first` may read a member itself. Where token probabilities stand is
/// noted, and they are not walked.
fn walk_response<S: Sink>(
    body: &[u8],
    sink: &mut S,
    mut first: impl FnMut(&mut Reader<'_>, &Str<'_>) -> Result<bool, DialectError>,
) -> Result<Vec<Range<usize>>, DialectError> {
    let upstream = DialectError::of_upstream;
    let mut reader = Reader::new(body).map_err(upstream)?;
    let mut logprobs = Vec::new();
    let walked = reader.object(|r, key| {
        if first(r, &key)? {
            return Ok(());
        }
        match key.raw {
            "id" | "model" | "object" | "type" | "role" if r.kind()? == Kind::String => r.skip().map(|_| ()),
            "created" if r.kind()? == Kind::Number => r.skip().map(|_| ()),
            "usage" => r.skip().map(|_| ()),
            "choices" => choices(r, sink, &mut logprobs),
            "data" if r.kind()? == Kind::Array => r.array(|r| without(r, "embedding", sink).map(|_| ())),
            _ => walk_value(r, Role::Other, Zone::Message, sink),
        }
    });
    walked.and_then(|()| reader.end()).map_err(upstream)?;
    Ok(logprobs)
}

fn choices<S: Sink>(
    r: &mut Reader<'_>,
    sink: &mut S,
    logprobs: &mut Vec<Range<usize>>,
) -> Result<(), DialectError> {
    if r.kind()? != Kind::Array {
        return walk_value(r, Role::Other, Zone::Message, sink);
    }
    r.array(|r| {
        logprobs.extend(without(r, "logprobs", sink)?);
        Ok(())
    })
}

/// Walks an object but for one member; where that stands.
fn without<S: Sink>(
    r: &mut Reader<'_>,
    left_out: &str,
    sink: &mut S,
) -> Result<Option<Range<usize>>, DialectError> {
    let mut found = None;
    if r.kind()? != Kind::Object {
        walk_value(r, Role::Other, Zone::Message, sink)?;
        return Ok(None);
    }
    r.object(|r, key| {
        let kind = r.kind()?;
        let start = r.at();
        match key.raw {
            name if name == left_out => {
                r.skip()?;
                found = Some(start..r.at());
                Ok(())
            }
            "finish_reason" | "object" if kind == Kind::String => r.skip().map(|_| ()),
            _ => walk_value(r, Role::Other, Zone::Message, sink),
        }
    })?;
    Ok(found)
}

/// Bytes of text.
struct Bytes(u64);

impl Sink for Bytes {
    const ROLES: bool = false;

    fn text(&mut self, _role: Role, text: Str<'_>, _what: What) -> Result<(), DialectError> {
        self.0 = self
            .0
            .saturating_add(u64::try_from(text.said_bytes).unwrap_or(u64::MAX));
        Ok(())
    }
}
