//! What a single value of a FOCUS file must look like.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::allowed::{SERVICES, category_of, is_currency};
use super::columns::Form;
use crate::decimal;
use crate::period;

/// Words that people write where there is no value.
const PLACEHOLDERS: &[&str] = &[
    "not applicable",
    "n/a",
    "na",
    "null",
    "nil",
    "nan",
    "undefined",
    "-",
];
/// Bases of units that are abbreviated or cased in one way only, by what they are easily mistaken for.
const MISSPELT: &[&str] = &[
    "byte",
    "bytes",
    "gigabyte",
    "gigabytes",
    "megabyte",
    "megabytes",
    "terabyte",
    "terabytes",
    "GBs",
    "MBs",
    "TBs",
    "hour",
    "hours",
    "second",
    "seconds",
    "minute",
    "minutes",
    "day",
    "days",
    "month",
    "months",
    "year",
    "years",
    "token",
    "tokens",
    "request",
    "requests",
    "unit",
    "units",
    "count",
    "core",
    "cores",
];

/// What is wrong with it, if anything is.
pub(crate) fn objection(form: Form, text: &str) -> Option<String> {
    if let Some(what) = placeholder(text) {
        return Some(what);
    }
    match form {
        Form::Text => None,
        Form::Number => number(text).err(),
        Form::Price => match number(text) {
            Ok(negative) => negative.then(|| "is below nothing".to_owned()),
            Err(what) => Some(what),
        },
        Form::Time => period::read(text)
            .is_none()
            .then(|| "is no moment in UTC, written `YYYY-MM-DDTHH:mm:ssZ`".to_owned()),
        Form::Pairs => pairs(text).err(),
        Form::Object => object(text).err(),
        Form::Currency => (!is_currency(text)).then(|| "is no currency of ISO 4217".to_owned()),
        Form::Unit => unit(text),
        Form::One(values) => (!values.contains(&text)).then(|| format!("is none of {}", values.join(", "))),
        Form::Service => {
            let known = SERVICES.iter().any(|(category, _)| *category == text);
            (!known).then(|| "is no service category".to_owned())
        }
        Form::Subservice => category_of(text)
            .is_none()
            .then(|| "is no service subcategory".to_owned()),
    }
}

/// Absent values are absent, and not spelt.
fn placeholder(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("is white space instead of no value".to_owned());
    }
    let is_one = PLACEHOLDERS.contains(&text.to_ascii_lowercase().as_str());
    is_one.then(|| "is a word for no value instead of none".to_owned())
}

/// Whether the number is negative.
fn number(text: &str) -> Result<bool, String> {
    let read =
        decimal::read(text).ok_or("is no number as FOCUS writes them: digits, one point, no plus sign")?;
    Ok(read.0 < 0)
}

fn unit(text: &str) -> Option<String> {
    let bases = text
        .split(['/', '-'])
        .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()).trim());
    for base in bases {
        if base.is_empty() {
            return Some("is no unit".to_owned());
        }
        let is_word = base.chars().all(|c| c.is_alphabetic() || c == ' ');
        if !is_word || MISSPELT.contains(&base) {
            return Some(format!(
                "spells the unit `{}` otherwise than FOCUS does",
                clipped(base)
            ));
        }
    }
    None
}

/// The beginning of what a file says, for messages.
pub(crate) fn clipped(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut shown: String = text
        .chars()
        .take(CHARS_MAX)
        .map(|c| if c.is_control() { '·' } else { c })
        .collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

fn pairs(text: &str) -> Result<(), String> {
    let pairs: Pairs =
        serde_json::from_str(text).map_err(|error| format!("is no JSON object of plain values: {error}"))?;
    let mut seen = HashSet::new();
    match pairs.0.iter().find(|key| !seen.insert(key.as_str())) {
        Some(twice) => Err(format!("has the key `{}` twice", clipped(twice))),
        None => Ok(()),
    }
}

fn object(text: &str) -> Result<(), String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
    if value.is_object() {
        Ok(())
    } else {
        Err("is no JSON object".to_owned())
    }
}

/// The keys of an object whose values are plain.
struct Pairs(Vec<String>);

/// A value that has no others in it.
struct Plain;

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Pairs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
                let mut keys = Vec::new();
                while let Some((key, Plain)) = map.next_entry::<String, Plain>()? {
                    keys.push(key);
                }
                Ok(Pairs(keys))
            }
        }
        deserializer.deserialize_map(Reads)
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Plain;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a text, true, false or null")
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Plain, E> {
                Ok(Plain)
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Plain, E> {
                Ok(Plain)
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Plain, E> {
                Ok(Plain)
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Plain, E> {
                Ok(Plain)
            }
            fn visit_str<E: Error>(self, _: &str) -> Result<Plain, E> {
                Ok(Plain)
            }
            fn visit_unit<E: Error>(self) -> Result<Plain, E> {
                Ok(Plain)
            }
            fn visit_seq<S: SeqAccess<'de>>(self, _: S) -> Result<Plain, S::Error> {
                Err(S::Error::custom("a list is not a plain value"))
            }
            fn visit_map<M: MapAccess<'de>>(self, _: M) -> Result<Plain, M::Error> {
                Err(M::Error::custom("an object is not a plain value"))
            }
        }
        deserializer.deserialize_any(Reads)
    }
}
