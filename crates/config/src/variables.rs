//! `${NAME}` and `${NAME:-default}`: found in the text, expanded only where the parser reads a plain value.
//!
//! A variable's value must never be read as YAML, or a line break in it would be a new key. So the text is
//! not expanded: each reference is replaced by a token of the same width (places in errors stay true, and
//! braces no longer disturb `{flow: mappings}`), and the parser is given the tokens' values to put into
//! single values. A token in a comment is never looked at; one within quotes stays, and is refused.

use std::collections::HashMap;

use crate::error::quoted;
use crate::parse::Environment;

/// Most references in one file.
const REFERENCES_MAX: usize = 1_000;
const BASE36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A text with its references replaced by tokens.
pub(crate) struct Tokenized {
    /// The text to parse.
    pub(crate) text: String,
    /// What tokens stand for; those of unset variables are not in it.
    pub(crate) values: HashMap<String, String>,
    /// All references in order.
    pub(crate) references: Vec<Reference>,
}

/// One `${…}` in the text.
pub(crate) struct Reference {
    token: String,
    /// As it is written.
    pub(crate) written: String,
    /// The variable; `None` if what is between the braces is not understood.
    pub(crate) name: Option<String>,
    /// Where it is, from 1.
    pub(crate) line: u64,
    /// Where it is, from 1.
    pub(crate) column: u64,
}

impl Reference {
    /// Why it cannot be expanded, and what helps: asked when the parser has found its token without a value.
    pub(crate) fn problem(&self) -> (String, String) {
        match &self.name {
            Some(name) => (
                format!("the environment variable {} is not set", quoted(name)),
                format!("set it, or give a default: `${{{name}:-default}}`"),
            ),
            None => (
                format!("{} is no variable", quoted(&self.written)),
                "write `${NAME}` or `${NAME:-default}`, or `$${` to have `${` literally".to_owned(),
            ),
        }
    }
}

impl Tokenized {
    /// Finds the references in `text` and asks `env` for their values.
    pub(crate) fn new(text: &str, env: &dyn Environment) -> Self {
        let mut out = Self {
            text: String::with_capacity(text.len()),
            values: HashMap::new(),
            references: Vec::new(),
        };
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            out.text += before;
            rest = out.take(from, text, env);
        }
        out.text += rest;
        out
    }

    /// Takes what begins with a dollar sign; returns what follows it.
    fn take<'t>(&mut self, from: &'t str, whole: &str, env: &dyn Environment) -> &'t str {
        if let Some(rest) = from.strip_prefix("$$") {
            self.text += "$$";
            return rest;
        }
        if let Some((inner, rest)) = braced(from)
            && self.references.len() < REFERENCES_MAX
        {
            let (tail, rest) = rest.split_at(word_length(rest));
            self.reference(inner, tail, whole, env);
            return rest;
        }
        let after = from.get(1..).unwrap_or_default();
        let (word, rest) = after.split_at(word_length(after));
        self.text += "$";
        self.text += word;
        // A bare `$word` means itself.
        self.values.insert(word.to_owned(), format!("${word}"));
        rest
    }

    /// `tail` is what the parser would take for more of the token's name.
    fn reference(&mut self, inner: &str, tail: &str, whole: &str, env: &dyn Environment) {
        let written = format!("${{{inner}}}");
        let width = written.chars().count() + tail.len() - 1;
        let token = self.token(width, whole);
        let line = self.text.matches('\n').count() as u64 + 1;
        let column = self.text.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (inner, None),
        };
        let known = is_name(name) && !default.as_ref().is_some_and(|d| d.contains("${"));
        let value = known
            .then(|| {
                env.var(name)
                    .filter(|v| default.is_none() || !v.is_empty())
                    .or(default)
            })
            .flatten();
        if let Some(value) = value {
            self.values.insert(token.clone(), value + tail);
        }
        self.text += "$";
        self.text += &token;
        self.references.push(Reference {
            token,
            written,
            name: known.then(|| name.to_owned()),
            line,
            column,
        });
    }

    /// A name of `width` characters that occurs nowhere in the text.
    fn token(&self, width: usize, whole: &str) -> String {
        let mut number = self.references.len();
        loop {
            let digit = |n: usize| char::from(BASE36.get(n % 36).copied().unwrap_or(b'0'));
            let token = format!(
                "Z{}{}{}",
                "_".repeat(width.saturating_sub(3)),
                digit(number / 36),
                digit(number)
            );
            if number > 36 * 36 || !whole.contains(&format!("${token}")) {
                return token;
            }
            number += 1;
        }
    }

    /// The reference whose token this is.
    pub(crate) fn by_token(&self, token: &str) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.token == token)
    }

    /// The reference in the value that begins there.
    pub(crate) fn at(&self, line: u64, column: u64) -> Option<&Reference> {
        self.references
            .iter()
            .find(|reference| reference.line == line && reference.column >= column)
    }

    /// The first reference whose token is still in `read`: it stood within quotes.
    pub(crate) fn left_in(&self, read: &str) -> Option<&Reference> {
        self.references
            .iter()
            .find(|reference| read.contains(&format!("${}", reference.token)))
    }

    /// A message with references as they are written.
    pub(crate) fn restore(&self, message: String) -> String {
        let put_back = |message: String, reference: &Reference| {
            message.replace(&format!("${}", reference.token), &reference.written)
        };
        self.references.iter().fold(message, put_back)
    }
}

/// What is between `${` and the first `}` on the same line, and what follows; at least one character.
fn braced(from: &str) -> Option<(&str, &str)> {
    let (inner, rest) = from.strip_prefix("${")?.split_once('}')?;
    (!inner.is_empty() && !inner.contains('\n')).then_some((inner, rest))
}

fn word_length(text: &str) -> usize {
    text.bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count()
}

fn is_name(text: &str) -> bool {
    word_length(text) == text.len() && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokenized(text: &str) -> Tokenized {
        Tokenized::new(text, &|name: &str| (name == "A").then(|| "value".to_owned()))
    }

    #[test]
    fn tokens_are_as_wide_as_what_they_replace() {
        let out = tokenized("a: ${A}x\nbé: \"${MISSING:-d}\" # ${B}\n");
        assert_eq!(out.text, "a: $Z_00\nbé: \"$Z_________01\" # $Z02\n");
        assert_eq!(out.values["Z_00"], "valuex");
        assert_eq!(out.values["Z_________01"], "d");
        assert!(!out.values.contains_key("Z02"));
        let places: Vec<_> = out.references.iter().map(|r| (r.line, r.column)).collect();
        assert_eq!(places, [(1, 4), (2, 6), (2, 23)]);
    }

    #[test]
    fn a_token_never_meets_a_word_of_the_text() {
        let out = tokenized("$Z00 ${A}");
        assert_eq!(out.text, "$Z00 $Z01");
        assert_eq!(out.values["Z00"], "$Z00");
    }

    proptest! {
        #[test]
        fn places_never_move_and_writing_back_gives_the_text(text in "([a-z $\n\"]|\\$\\{|\\}|:-|é|Z0|A){0,60}") {
            let out = tokenized(&text);
            let width = |t: &str| t.lines().map(|l| l.chars().count()).collect::<Vec<_>>();
            prop_assert_eq!(width(&out.text), width(&text));
        }
    }
}
