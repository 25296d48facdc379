//! The port for guards of operators' own: what one is asked, how it may fail, and what of its answer is believed. Never runs
//! a module itself; `guard-wasm` does.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::settings::{ExtensionUse, FAILED, NAME_BYTES_MAX, PREFIX};
use crate::action::{Direction, Mode};
use crate::finding::{Finding, Kind, SURE};
use crate::injection::Origin;

/// So many findings one text may get of one extension.
pub const HITS_MAX: usize = 4_096;
/// Bytes of an answer, in one of its channels, that are kept for extensions until it ends. One that is longer they cannot judge.
pub const HELD_ANSWER_BYTES_MAX: usize = 1 << 20;

/// A guard of an operator's own: it sees one text at a time and remembers nothing of it.
pub trait Extension: Send + Sync + fmt::Debug {
    /// What is found in a text, in order and without overlaps. The same for the same text, always.
    ///
    /// # Errors
    ///
    /// It could not judge, and nothing is known of the text.
    fn inspect(&self, text: &str, direction: Direction, origin: Origin) -> Result<Vec<Hit>, ExtensionFailed>;
}

/// One thing that an extension found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Bytes of the text; whole characters.
    pub span: Range<usize>,
    /// How sure it is, in percent.
    pub score: u8,
    /// Which of its rules found it, in small letters, digits, `-` and `_`; empty where it has but one.
    pub rule: String,
}

impl Hit {
    /// Whether these can be the findings in a text: in order, without overlaps, of whole characters, named and scored as they
    /// must be, and not too many.
    #[must_use]
    pub fn all_stand(hits: &[Self], text: &str) -> bool {
        let mut end = 0;
        let mut stands = |hit: &Self| {
            let after = hit.span.start >= end && hit.span.start < hit.span.end;
            end = hit.span.end;
            let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
            after
                && text.get(hit.span.clone()).is_some()
                && (1..=SURE).contains(&hit.score)
                && hit.rule.len() <= NAME_BYTES_MAX
                && hit.rule.bytes().all(is_plain)
        };
        hits.len() <= HITS_MAX && hits.iter().all(&mut stands)
    }
}

/// Why an extension could not judge a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExtensionFailed {
    /// No module of this name is loaded.
    Missing,
    /// It computed more than it may.
    Fuel,
    /// It wanted more memory than it may have, or the text does not fit into it.
    Memory,
    /// It gave up: a division by zero, an access where no memory is, calls too deep.
    Trap,
    /// What it answered is no list of findings in this text.
    Output,
    /// The answer is too long to be kept for it.
    TooLong,
}

impl ExtensionFailed {
    /// Its name in records; the category of the finding that tells of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::Trap => "trap",
            Self::Output => "output",
            Self::TooLong => "too_long",
        }
    }
}

impl fmt::Display for ExtensionFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "no module of this name is loaded",
            Self::Fuel => "it computed more than `fuel_per_kib` lets it",
            Self::Memory => "it needs more memory than `memory_bytes_max`",
            Self::Trap => "it trapped",
            Self::Output => "what it answered is no list of findings in this text",
            Self::TooLong => "the answer is too long to be kept for it",
        })
    }
}

impl std::error::Error for ExtensionFailed {}

/// The extensions that are loaded, by the name that settings call them. Made with the configuration, shared.
#[derive(Clone, Default)]
pub struct Extensions(BTreeMap<String, Arc<dyn Extension>>);

impl Extensions {
    /// Adds one; the one that had the name before is gone.
    pub fn add(&mut self, name: impl Into<String>, extension: Arc<dyn Extension>) {
        self.0.insert(name.into(), extension);
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// An extension that some profile asks for.
#[derive(Clone, Debug)]
pub(crate) struct InUse {
    name: String,
    /// `None` where no such module is loaded.
    engine: Option<Arc<dyn Extension>>,
    input: Mode,
    output: Mode,
}

impl InUse {
    /// All that are asked for, each with the most that is done with it.
    pub(crate) fn of<'a>(uses: impl Iterator<Item = &'a ExtensionUse>, loaded: &Extensions) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for one in uses {
            match all.iter_mut().find(|known| known.name == one.name) {
                Some(known) => {
                    known.input = known.input.max(one.input);
                    known.output = known.output.max(one.output);
                }
                None => all.push(Self {
                    name: one.name.clone(),
                    engine: loaded.0.get(&one.name).cloned(),
                    input: one.input,
                    output: one.output,
                }),
            }
        }
        all
    }

    /// Whether it looks in this direction.
    pub(crate) fn looks(&self, direction: Direction) -> bool {
        direction.pick(self.input, self.output) != Mode::Off
    }

    /// Appends what it finds in a text, or that it could not judge.
    // threat: AGP-D1 AGP-I1
    pub(crate) fn inspect(&self, direction: Direction, text: &str, origin: Origin, found: &mut Vec<Finding>) {
        if !self.looks(direction) || text.is_empty() {
            return;
        }
        let hits = match &self.engine {
            Some(engine) => engine.inspect(text, direction, origin),
            None => Err(ExtensionFailed::Missing),
        };
        let findings = hits.and_then(|hits| self.believed(text, hits));
        match findings {
            Ok(findings) => found.extend(findings),
            Err(why) => found.push(self.failed(why, text.len())),
        }
    }

    /// That it could not judge a text of so many bytes.
    pub(crate) fn failed(&self, why: ExtensionFailed, bytes: usize) -> Finding {
        Finding {
            span: 0..bytes,
            rule: format!("{PREFIX}{}{FAILED}", self.name).into(),
            kind: Kind::Custom,
            category: why.as_str(),
            score: SURE,
        }
    }

    /// All of an answer or nothing: who says one impossible thing is not believed the others.
    fn believed(&self, text: &str, hits: Vec<Hit>) -> Result<Vec<Finding>, ExtensionFailed> {
        if !Hit::all_stand(&hits, text) {
            return Err(ExtensionFailed::Output);
        }
        let name = |rule: &str| match rule {
            "" => format!("{PREFIX}{}", self.name),
            rule => format!("{PREFIX}{}/{rule}", self.name),
        };
        let finding = |hit: Hit| Finding {
            rule: name(&hit.rule).into(),
            span: hit.span,
            kind: Kind::Custom,
            category: "",
            score: hit.score,
        };
        Ok(hits.into_iter().map(finding).collect())
    }
}

/// An answer in a live stream, kept until it ends for extensions to judge it as a whole.
pub(crate) struct Whole {
    extensions: Vec<InUse>,
    text: String,
    too_long: bool,
    /// Whether nothing may leave before.
    holds: bool,
}

impl Whole {
    /// `None` where no extension looks at answers.
    pub(crate) fn of(extensions: &[InUse], holds: bool) -> Option<Self> {
        let looking = extensions.iter().filter(|one| one.looks(Direction::Output));
        let extensions: Vec<InUse> = looking.cloned().collect();
        (!extensions.is_empty()).then(|| Self {
            extensions,
            text: String::new(),
            too_long: false,
            holds,
        })
    }

    /// Takes the next piece; says so, once, when the answer is too long.
    pub(crate) fn push(&mut self, piece: &str, found: &mut Vec<Finding>) {
        if self.too_long {
            return;
        }
        if self.text.len() + piece.len() <= HELD_ANSWER_BYTES_MAX {
            self.text.push_str(piece);
            return;
        }
        self.too_long = true;
        let bytes = self.text.len() + piece.len();
        self.text = String::new();
        let failed = self.extensions.iter();
        found.extend(failed.map(|one| one.failed(ExtensionFailed::TooLong, bytes)));
    }

    /// Whether nothing that arrived may leave yet.
    pub(crate) const fn holds(&self) -> bool {
        self.holds && !self.too_long
    }

    /// The answer is at its end: what the extensions find in it, and the text.
    pub(crate) fn finish(&mut self, found: &mut Vec<Finding>) -> &str {
        for one in &self.extensions {
            if !self.too_long {
                one.inspect(Direction::Output, &self.text, Origin::Assistant, found);
            }
        }
        &self.text
    }
}
