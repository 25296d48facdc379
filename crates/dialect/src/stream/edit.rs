//! Replaces texts in one event of a live stream.

use bytes::Bytes;

use super::reader::{data_of, is_done};
use super::wire::{Texts, walk_event};
use super::{Channel, SseEvent};
use crate::json::{Str, push_text};
use crate::request::What;
use crate::splice::{Edit, splice};
use crate::usage::Reported;
use crate::{Dialect, DialectError};

/// The event's bytes with texts replaced wherever a [`super::StreamReader`] hands them out. The very same
/// bytes when none is. An event whose text changed loses its token probabilities, which would spell the
/// old text.
pub fn edit_event(
    upstream: Dialect,
    event: &SseEvent,
    edit: &mut dyn FnMut(Channel, &str) -> Option<String>,
) -> Result<Bytes, DialectError> {
    if !event.has_data() {
        return Ok(event.raw.clone());
    }
    let data = data_of(event)?;
    if is_done(data) {
        return Ok(event.raw.clone());
    }
    let mut editing = Editing {
        edit,
        edits: Vec::new(),
        logprobs: Vec::new(),
    };
    walk_event(upstream, data, &mut Reported::default(), &mut editing).map_err(DialectError::of_upstream)?;
    let Editing {
        mut edits, logprobs, ..
    } = editing;
    if edits.is_empty() {
        return Ok(event.raw.clone());
    }
    edits.extend(logprobs);
    Ok(event.with_data(&splice(data.as_bytes(), edits)))
}

struct Editing<'e> {
    edit: &'e mut dyn FnMut(Channel, &str) -> Option<String>,
    edits: Vec<Edit>,
    logprobs: Vec<Edit>,
}

impl Texts for Editing<'_> {
    fn text(&mut self, channel: Channel, text: Str<'_>, _what: What) -> Result<(), DialectError> {
        if let Some(replaced) = (self.edit)(channel, &text.said()) {
            let mut with = Vec::with_capacity(replaced.len() + 2);
            push_text(&mut with, &replaced);
            self.edits.push(Edit {
                span: text.span(),
                with,
            });
        }
        Ok(())
    }

    fn logprobs(&mut self, start: usize, end: usize) {
        self.logprobs.push(Edit {
            span: start..end,
            with: b"null".to_vec(),
        });
    }
}
