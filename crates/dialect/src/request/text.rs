//! Showing and replacing the texts of a body.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

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
/// once more string by string. Numbers long enough to be somebody's are texts too.
// threat: ANP-0003
pub fn visit_request_text(
    endpoint: Endpoint,
    body: &[u8],
    visit: &mut dyn FnMut(TextPart<'_>),
) -> Result<(), DialectError> {
    let mut shown = |role, text: Cow<'_, str>| visit(TextPart { role, text });
    walk_request(endpoint, Reader::new(body)?, &mut Visits { visit: &mut shown })
}

/// Replaces texts wherever [`visit_request_text`] sees them, said by the same; every other byte stays.
pub fn redact_request(
    endpoint: Endpoint,
    body: &[u8],
    edit: &mut dyn FnMut(Role, &str) -> Option<String>,
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

    fn figure(&mut self, role: Role, digits: &str, _at: usize) {
        if could_be_somebodys(digits) {
            (self.visit)(role, Cow::Borrowed(digits));
        }
    }

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

/// Whether a number has so many digits that it may be a card's, an account's or a person's. No guard knows a shorter one
/// without words beside it, and most numbers are sizes and indexes.
pub(crate) fn could_be_somebodys(digits: &str) -> bool {
    digits.bytes().filter(u8::is_ascii_digit).count() >= FIGURE_DIGITS_MIN
}

/// National ids have eight digits and more.
const FIGURE_DIGITS_MIN: usize = 7;

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
    pub(crate) edit: &'e mut dyn FnMut(Role, &str) -> Option<String>,
    pub(crate) done: Vec<Edit>,
    /// Names that replaced members' names: no two may become the same.
    names: Names,
}

/// New names of members, each for one old one.
#[derive(Default)]
struct Names {
    /// What the new name of an old one is: the same in every object.
    of: HashMap<String, String>,
    taken: HashSet<String>,
    /// The number that a name given again gets next. Counted and not searched for: else many names that become the same
    /// would cost their square.
    next: HashMap<String, u64>,
}

impl Names {
    fn of(&mut self, said: &str, name: String) -> String {
        if let Some(known) = self.of.get(said) {
            return known.clone();
        }
        let mut unique = name.clone();
        while !self.taken.insert(unique.clone()) {
            let number = self.next.entry(name.clone()).or_insert(1);
            *number += 1;
            unique = format!("{name}_{number}");
        }
        self.of.insert(said.to_owned(), unique.clone());
        unique
    }
}

impl<'e> Edits<'e> {
    pub(crate) fn new(edit: &'e mut dyn FnMut(Role, &str) -> Option<String>) -> Self {
        Self {
            edit,
            done: Vec::new(),
            names: Names::default(),
        }
    }

    /// The text of JSON inside a string with its own strings edited; `None` when none was.
    fn inside(&mut self, role: Role, text: &str) -> Result<Option<String>, DialectError> {
        let mut inner = Edits::new(self.edit);
        walk_value(&mut Reader::of_text(text), role, Zone::Free, &mut inner)?;
        if inner.done.is_empty() {
            return Ok(None);
        }
        Ok(String::from_utf8(splice(text.as_bytes(), inner.done)).ok())
    }
}

impl Sink for Edits<'_> {
    const ROLES: bool = true;

    /// What replaces a number is no number: a string stands there then.
    fn figure(&mut self, role: Role, digits: &str, at: usize) {
        if could_be_somebodys(digits)
            && let Some(replaced) = (self.edit)(role, digits)
        {
            let mut with = Vec::with_capacity(replaced.len() + 2);
            push_text(&mut with, &replaced);
            self.done.push(Edit {
                span: at..at + digits.len(),
                with,
            });
        }
    }

    fn text(&mut self, role: Role, text: Str<'_>, what: What) -> Result<(), DialectError> {
        let said = text.said();
        let inside = match what {
            What::Arguments if holds_escapes(&said) => self.inside(role, &said)?,
            _ => None,
        };
        let replaced = (self.edit)(role, inside.as_deref().unwrap_or(&said)).or(inside);
        let Some(mut replaced) = replaced else {
            return Ok(());
        };
        if what == What::Key {
            replaced = self.names.of(&said, replaced);
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
