//! What an answer must be: JSON, of a schema, of a pattern, not too long, in a language. Says where it is not; never what
//! stands there.

mod language;

use jsonschema::Validator;
use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::action::Gate;
use crate::bounds::Remark;
use crate::finding::Kind;
use crate::schema;
use language::{Sample, known};

/// The most bytes of an answer that can be judged as a whole; a longer one does not have the form.
pub const FORMAT_BYTES_MAX: usize = 8 << 20;
/// The most memory a pattern may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// The longest pattern.
const PATTERN_LENGTH_MAX: usize = 4_096;

const JSON: &str = "format:json";
const SCHEMA: &str = "format:schema";
const PATTERN: &str = "format:pattern";
const LENGTH: &str = "format:length";
const LANGUAGE: &str = "format:language";

/// What an answer's text must be. What is left out is not asked for.
///
/// In a stream, length is judged as it comes. JSON, schema and pattern are judged at the end: with `block` the whole answer
/// is held until then. The language is judged from the first 2,048 bytes, or at the end of a shorter answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FormatGuard")]
#[serde(default, deny_unknown_fields)]
pub struct Format {
    /// What is done about an answer that is not.
    pub output: Gate,
    /// It is one JSON value and nothing else.
    pub json: bool,
    /// It is JSON of this schema. It refers to nothing outside itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<Value>,
    /// The whole of it matches this regular expression (without look-around and references back).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// Characters it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub characters_max: Option<u64>,
    /// Words it may have: runs between spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words_max: Option<u64>,
    /// Languages it may be in, by their codes of two letters (ISO 639-1). Short answers, code and what is not sure pass.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub language: Vec<String>,
}

impl Format {
    /// Whether a stream must be held whole, so that nothing of an answer gets out that is not of the form.
    #[must_use]
    pub fn holds_all(&self) -> bool {
        self.output == Gate::Block && self.wants_whole()
    }

    const fn wants_whole(&self) -> bool {
        self.json || self.json_schema.is_some() || self.regex.is_some()
    }

    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Some(Err(why)) = self.json_schema.as_ref().map(schema::compile) {
            problems.push(("format.json_schema", why));
        }
        if let Some(Err(why)) = self.regex.as_ref().map(|text| pattern(text)) {
            problems.push(("format.regex", why));
        }
        if let Some(wrong) = self.language.iter().find(|code| known(code).is_none()) {
            problems.push((
                "format.language",
                format!(
                    "`{wrong}` is no code of a language that is told: give two letters such as `en` or `de`"
                ),
            ));
        }
        problems
    }
}

fn pattern(text: &str) -> Result<Regex, String> {
    if text.len() > PATTERN_LENGTH_MAX {
        return Err(format!(
            "is {} bytes: a pattern may have {PATTERN_LENGTH_MAX}",
            text.len()
        ));
    }
    // Alone first: what it means may not depend on what is put around it.
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|error| format!("is no pattern that can be used: {error}"))
    };
    build(text)?;
    build(&format!("\\A(?:{text})\\z"))
}

/// A form, made ready.
#[derive(Debug)]
pub(crate) struct Form {
    settings: Format,
    schema: Option<Validator>,
    pattern: Option<Regex>,
}

impl Form {
    /// `None` where nothing is asked. Settings that cannot be used are refused before; where they come here all the same,
    /// no answer has the form.
    pub(crate) fn of(settings: &Format) -> Option<Self> {
        (settings.output != Gate::Off).then(|| Self {
            settings: settings.clone(),
            schema: settings
                .json_schema
                .as_ref()
                .and_then(|schema| schema::compile(schema).ok()),
            pattern: settings.regex.as_ref().and_then(|text| pattern(text).ok()),
        })
    }

    fn whole(&self, text: &str, out: &mut Vec<Remark>) {
        let mut add = |rule, why| out.push(Remark::new(Kind::Format, rule, why));
        if self.settings.json || self.settings.json_schema.is_some() {
            match serde_json::from_str::<Value>(text) {
                Err(error) => {
                    let (line, column) = (error.line(), error.column());
                    add(JSON, format!("it is no JSON, from line {line}, column {column}"));
                }
                Ok(value) => match (&self.settings.json_schema, &self.schema) {
                    (Some(schema), Some(ready)) => {
                        if let Some(why) = schema::first_error(ready, Some(schema), &value) {
                            add(SCHEMA, why);
                        }
                    }
                    (Some(_), None) => add(SCHEMA, "its schema cannot be used".to_owned()),
                    _ => {}
                },
            }
        }
        match (&self.settings.regex, &self.pattern) {
            (Some(_), Some(pattern)) if !pattern.is_match(text) => {
                add(PATTERN, "it does not match the pattern".to_owned());
            }
            (Some(_), None) => add(PATTERN, "its pattern cannot be used".to_owned()),
            _ => {}
        }
    }
}

/// Follows an answer's text for its form. Finds the same, however it is cut.
#[derive(Debug)]
pub(crate) struct FormFollow {
    characters: u64,
    words: u64,
    in_word: bool,
    /// What is judged at the end, where something is.
    text: Option<String>,
    too_long: bool,
    sample: Option<Sample>,
}

impl FormFollow {
    pub(crate) fn new(form: &Form) -> Self {
        Self {
            characters: 0,
            words: 0,
            in_word: false,
            text: form.settings.wants_whole().then(String::new),
            too_long: false,
            sample: Sample::new(&form.settings.language),
        }
    }

    /// Takes the next piece, and appends what it lacks as soon as that is certain.
    pub(crate) fn push(&mut self, form: &Form, piece: &str, out: &mut Vec<Remark>) {
        for c in piece.chars() {
            self.characters += 1;
            let is_start = !c.is_whitespace() && !self.in_word;
            self.in_word = !c.is_whitespace();
            self.words += u64::from(is_start);
            let mut over = |number: u64, limit: Option<u64>, what: &str| {
                if let Some(limit) = limit.filter(|limit| number == *limit + 1) {
                    out.push(Remark::new(
                        Kind::Format,
                        LENGTH,
                        format!("it has more than {limit} {what}"),
                    ));
                }
            };
            over(self.characters, form.settings.characters_max, "characters");
            if is_start {
                over(self.words, form.settings.words_max, "words");
            }
        }
        if let Some(text) = &mut self.text {
            if text.len() + piece.len() > FORMAT_BYTES_MAX {
                self.too_long = true;
            } else if !self.too_long {
                text.push_str(piece);
            }
        }
        if let Some(sample) = &mut self.sample {
            let wrong = sample.push(piece);
            out.extend(wrong.map(language_is));
        }
    }

    /// Ends the answer.
    pub(crate) fn finish(&mut self, form: &Form, out: &mut Vec<Remark>) {
        if self.too_long {
            let why = format!("it has more than {FORMAT_BYTES_MAX} bytes, and cannot be judged as a whole");
            let rule = if form.settings.regex.is_some() {
                PATTERN
            } else {
                JSON
            };
            out.push(Remark::new(Kind::Format, rule, why));
        } else if let Some(text) = self.text.take() {
            form.whole(&text, out);
        }
        let wrong = self.sample.as_mut().and_then(Sample::finish);
        out.extend(wrong.map(language_is));
    }
}

fn language_is(code: &'static str) -> Remark {
    Remark::new(
        Kind::Format,
        LANGUAGE,
        format!("its language is `{code}`, which is not allowed"),
    )
}
