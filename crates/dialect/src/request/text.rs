//! Showing and replacing the texts of a body.

use std::borrow::Cow;
use std::collections::HashMap;

use super::walk::{Role, Sink, What, Zone, walk_request, walk_value};
use crate::json::{Kind, Reader, Str, push_text};
use crate::splice::{Edit, splice};
use crate::{DialectError, Endpoint};

/// A text of a request, escapes resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPart<'a> {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: Cow<'a, str>,
}

/// Hands out every text that the model could see: all roles, parts of content, tool definitions, tool
/// arguments and results, file names, thinking, prompts, schemas, and any string under a name unknown to
/// us. Tool arguments, JSON inside a string, are handed out as written and, where they hold escapes,
/// once more string by string.
// threat: ANP-0003
pub fn visit_request_text(
    endpoint: Endpoint,
    body: &[u8],
    visit: &mut dyn FnMut(TextPart<'_>),
) -> Result<(), DialectError> {
    let mut shown = |role, text: Cow<'_, str>| visit(TextPart { role, text });
    walk_request(endpoint, Reader::new(body)?, &mut Visits { visit: &mut shown })
}

/// Replaces texts wherever [`visit_request_text`] sees them; every other byte stays.
pub fn redact_request(
    endpoint: Endpoint,
    body: &[u8],
    edit: &mut dyn FnMut(&str) -> Option<String>,
) -> Result<Vec<u8>, DialectError> {
    let mut edits = Edits::new(edit);
    walk_request(endpoint, Reader::new(body)?, &mut edits)?;
    Ok(splice(body, edits.done))
}

/// Shows texts.
pub(crate) struct Visits<'v> {
    pub(crate) visit: &'v mut dyn FnMut(Role, Cow<'_, str>),
}

impl Sink for Visits<'_> {
    const ROLES: bool = true;

    fn text(&mut self, role: Role, text: Str<'_>, what: What) -> Result<(), DialectError> {
        let said = text.said();
        if what == What::Arguments && holds_escapes(&said) {
            (self.visit)(role, Cow::Borrowed(&*said));
            return walk_value(&mut Reader::of_text(&said), role, Zone::Free, self);
        }
        (self.visit)(role, said);
        Ok(())
    }
}

/// Whether a text is a JSON object or array with escapes in it: then what its strings say is not what
/// is written.
fn holds_escapes(text: &str) -> bool {
    let mut reader = Reader::of_text(text);
    text.contains('\\')
        && matches!(reader.kind(), Ok(Kind::Object | Kind::Array))
        && reader.skip().is_ok()
        && reader.end().is_ok()
}

/// Collects replacements.
pub(crate) struct Edits<'e> {
    pub(crate) edit: &'e mut dyn FnMut(&str) -> Option<String>,
    pub(crate) done: Vec<Edit>,
    /// Names that replaced members' names, and which: no two may become the same.
    names: HashMap<String, String>,
}

impl<'e> Edits<'e> {
    pub(crate) fn new(edit: &'e mut dyn FnMut(&str) -> Option<String>) -> Self {
        Self {
            edit,
            done: Vec::new(),
            names: HashMap::new(),
        }
    }

    /// The name, or one like it where that stands for another: the same is called the same in every object.
    fn unique(&mut self, name: String, said: &str) -> String {
        let mut unique = name.clone();
        let mut number = 1u64;
        while self.names.get(&unique).is_some_and(|known| known != said) {
            number += 1;
            unique = format!("{name}_{number}");
        }
        self.names
            .entry(unique.clone())
            .or_insert_with(|| said.to_owned());
        unique
    }

    /// The text of JSON inside a string with its own strings edited; `None` when none was.
    fn inside(&mut self, text: &str) -> Result<Option<String>, DialectError> {
        let mut inner = Edits::new(self.edit);
        walk_value(&mut Reader::of_text(text), Role::Other, Zone::Free, &mut inner)?;
        if inner.done.is_empty() {
            return Ok(None);
        }
        Ok(String::from_utf8(splice(text.as_bytes(), inner.done)).ok())
    }
}

impl Sink for Edits<'_> {
    const ROLES: bool = false;

    fn text(&mut self, _role: Role, text: Str<'_>, what: What) -> Result<(), DialectError> {
        let said = text.said();
        let inside = match what {
            What::Arguments if holds_escapes(&said) => self.inside(&said)?,
            _ => None,
        };
        let replaced = (self.edit)(inside.as_deref().unwrap_or(&said)).or(inside);
        let Some(mut replaced) = replaced else {
            return Ok(());
        };
        if what == What::Key {
            replaced = self.unique(replaced, &said);
        }
        let mut with = Vec::with_capacity(replaced.len() + 2);
        push_text(&mut with, &replaced);
        self.done.push(Edit {
            span: text.span(),
            with,
        });
        Ok(())
    }
}
