//! Text to [`Config`]: strict YAML, `${NAME}` expanded, and errors that say where.

use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Error, MessageFormatter, Options, PropertySyntax, UserMessageFormatter};

use crate::error::quoted;
use crate::variables::{Reference, Tokenized};
use crate::{Config, ConfigError, FILE_BYTES_MAX};

/// The environment as handed in: the configuration reads none itself. Any `Fn(&str) -> Option<String>` is one.
pub trait Environment {
    /// The variable's value, if it is set.
    fn var(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Environment for F {
    fn var(&self, name: &str) -> Option<String> {
        self(name)
    }
}

impl Config {
    /// Reads `text`; `file` is what errors call it. An empty text is the default configuration.
    ///
    /// Unquoted values may hold `${NAME}` (an error if unset) and `${NAME:-default}`.
    // threat: AGP-T3
    pub fn parse(text: &str, file: &str, env: &dyn Environment) -> Result<Self, ConfigError> {
        read(text, env).map_err(|wrong| ConfigError {
            file: file.to_owned(),
            line: wrong.line,
            column: wrong.column,
            message: wrong.message,
            hint: wrong.hint,
        })
    }
}

/// A mistake and its place.
#[derive(Default)]
struct Wrong {
    line: u64,
    column: u64,
    message: String,
    hint: Option<String>,
}

fn read(text: &str, env: &dyn Environment) -> Result<Config, Wrong> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("the file is larger than {FILE_BYTES_MAX} bytes");
        return Err(Wrong {
            message,
            ..Wrong::default()
        });
    }
    let tokenized = Tokenized::new(text, env);
    let options = options().with_properties(tokenized.values.clone());
    let read: Option<Config> = serde_saphyr::from_str_with_options(&tokenized.text, options)
        .map_err(|error| explain(&error, &tokenized))?;
    let config = read.unwrap_or_default();
    match literal(&config, text, &tokenized) {
        None => Ok(config),
        Some(wrong) => Err(wrong),
    }
}

/// A `${NAME}` that was read literally: quoted, or never closed. Served as it is, it would surprise.
fn literal(config: &Config, text: &str, tokenized: &Tokenized) -> Option<Wrong> {
    let read = serde_json::to_string(config).unwrap_or_default();
    if let Some(reference) = tokenized.left_in(&read) {
        return Some(Wrong {
            line: reference.line,
            column: reference.column,
            message: format!(
                "{} is inside quotes, where nothing is expanded",
                quoted(&reference.written)
            ),
            hint: Some("leave the quotes out".to_owned()),
        });
    }
    let open = text.lines().zip(1u64..).find(|(line, _)| {
        let after = line
            .replace("$$", "")
            .split_once("${")
            .map(|(_, after)| after.to_owned());
        after.is_some_and(|after| !after.contains('}') && read.contains(&format!("${{{}", after.trim_end())))
    });
    open.map(|(_, line)| Wrong {
        line,
        column: 1,
        message: "`${` has no `}` on the same line".to_owned(),
        hint: None,
    })
}

/// Strict in everything, small budgets: a configuration is a page or two.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_nodes: 50_000,
            max_events: 100_000,
            max_documents: 1,
            max_aliases: 100,
            max_anchors: 100,
            max_recorded_anchor_events: 10_000,
            max_recorded_anchor_bytes: FILE_BYTES_MAX,
            max_total_scalar_bytes: 2 * FILE_BYTES_MAX,
            max_total_property_interpolation_work: 4 * FILE_BYTES_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 10_000,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        with_snippet: false,
        property_syntax: PropertySyntax::BracedOrBare,
    }
}

/// What is wrong, and where.
fn explain(error: &Error, tokenized: &Tokenized) -> Wrong {
    let place = error.location();
    let unset = unresolved(error)
        .and_then(|token| tokenized.by_token(token))
        .map(Reference::problem);
    let (message, hint) = match unset {
        Some((message, hint)) => (message, Some(hint)),
        None => misfit(error, tokenized).unwrap_or_else(|| sentence(error)),
    };
    Wrong {
        line: place.map_or(0, |p| p.line()),
        column: place.map_or(0, |p| p.column()),
        message: tokenized.restore(message),
        hint: hint.map(|hint| tokenized.restore(hint)),
    }
}

/// A variable's value does not fit where it was put. What it is is not said: it may be a secret, put where
/// a reference to it belongs.
// threat: AGP-I1
fn misfit(error: &Error, tokenized: &Tokenized) -> Option<(String, Option<String>)> {
    let Error::Message { msg, location } = error.without_snippet() else {
        return None;
    };
    if !msg.contains("interpolated") {
        return None;
    }
    let reference = tokenized.at(location.line(), location.column())?;
    let hint = reference
        .name
        .as_ref()
        .map(|name| format!("if it is a secret, name it here as `env:{name}`"));
    Some((
        format!("the value of {} does not fit here", quoted(&reference.written)),
        hint,
    ))
}

/// The token that the parser found no value for.
fn unresolved(error: &Error) -> Option<&str> {
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => unresolved(error),
        Error::UnresolvedProperty { name, .. } => Some(name),
        _ => None,
    }
}

/// What is wrong in our words, and what may help.
fn sentence(error: &Error) -> (String, Option<String>) {
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => sentence(error),
        Error::SerdeUnknownField { field, expected, .. } => (
            format!("unknown key {}", quoted(field)),
            nearest("key", field, expected),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("unknown value {}", quoted(variant)),
            nearest("value", variant, expected),
        ),
        Error::SerdeMissingField { field, .. } => (format!("the key `{field}` is missing"), None),
        Error::DuplicateMappingKey { key, .. } => (
            format!("the key {} is there twice", quoted(key.as_deref().unwrap_or("?"))),
            None,
        ),
        Error::InvalidPropertyName { name, .. } => (format!("{} is no variable", quoted(name)), None),
        Error::MergeKeyNotAllowed { .. } => ("merge keys (`<<`) are not supported".to_owned(), None),
        Error::Message { msg, .. } if msg.starts_with("not a secret reference") => {
            (msg.clone(), Some(SECRET_HINT.to_owned()))
        }
        Error::Message { msg, .. } => (msg.clone(), None),
        other => (plain(&UserMessageFormatter.format_message(other)), None),
    }
}

const SECRET_HINT: &str = "put the secret into an environment variable or a file, and name that here";

/// A dependency's sentence in the form of ours.
fn plain(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim_end_matches('.');
    let mut chars = line.chars();
    chars
        .next()
        .map(|first| first.to_lowercase().chain(chars).take(200).collect())
        .unwrap_or_default()
}

/// The name that was probably meant, or all there are.
fn nearest(what: &str, given: &str, known: &[&'static str]) -> Option<String> {
    let given = if given.len() > 64 { "" } else { given };
    let distance = |name: &&&str| {
        let part = given.len() > 2 && name.contains(given);
        (!part, strsim::damerau_levenshtein(given, name))
    };
    let best = known.iter().min_by_key(distance)?;
    let (whole, edits) = distance(&best);
    if !whole || edits <= 2.max(best.len() / 3) {
        return Some(format!("the nearest known {what} is `{best}`"));
    }
    Some(format!("known {what}s here: {}", known.join(", ")))
}
