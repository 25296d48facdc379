//! A call's messages of a template and values. Values are put in once, as text; a value is never read for variables, roles or
//! JSON, and nothing of another tenant's is at hand.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::names::is_name;
use crate::parts::{Part, parts};
use crate::sample::sha256;
use crate::template::{Defaults, Role, Template, Variable, VariableType};
use crate::value::Value;

/// The longest that a composed prompt may be, in bytes.
const COMPOSED_BYTES_MAX: usize = 1_048_576;

/// What a tenant's calls may take up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    /// Published versions of its templates, by name and number; `None` where what is stored is not as it was written.
    pub prompts: BTreeMap<String, Option<BTreeMap<u64, Template>>>,
    /// The newest of its samples, with its number; `None` where what is stored is not as it was written.
    pub samples: BTreeMap<String, Option<(u64, String)>>,
}

/// What a call wants: the member `prompt` of its body, as OpenAI's own API has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// The template's name.
    pub id: String,
    /// Which version; the newest that is published when left out.
    #[serde(default)]
    pub version: Option<Value>,
    /// Values by the names of variables.
    #[serde(default)]
    pub variables: Option<BTreeMap<String, Value>>,
}

/// Messages with values put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// In order, by who says them.
    pub messages: Vec<(Role, String)>,
    /// The values as they were put in: data, for guards.
    pub values: Vec<String>,
    /// Samples that were put in, by name and number.
    pub samples: Vec<(String, u64)>,
}

/// What a call is made of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The messages.
    pub said: Said,
    /// What the call asks for where it does not say itself.
    pub defaults: Defaults,
    /// What entries name beside the policies that decided: `prompt:greeting@3`, `sample:tone@2`.
    pub named: Vec<String>,
}

/// Why a call is not made of a template. Never says anything of what stands in a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is none that this call may use, whether or not there ever was.
    #[error("there is no such prompt for this key, or not in that version: only published ones can be used")]
    NotThere,
    /// A value does not fit.
    #[error("variable `{0}` {1}")]
    Variable(String, String),
    /// What is stored is not as it was written.
    #[error("{0} `{1}` is not as it was written: write it again, and look who changed it")]
    Damaged(&'static str, String),
}

impl Shelf {
    /// Whether nothing stands on it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prompts.is_empty() && self.samples.is_empty()
    }

    /// The messages of a call that wants this.
    // threat: ANP-0021 ANP-B0009 AGP-E1
    pub fn compose(&self, wanted: &Wanted) -> Result<Composed, Refused> {
        let versions = self.prompts.get(&wanted.id).ok_or(Refused::NotThere)?;
        let damaged = || Refused::Damaged("prompt", wanted.id.clone());
        let versions = versions.as_ref().ok_or_else(damaged)?;
        let found = match &wanted.version {
            None => versions.last_key_value(),
            Some(version) => number(version).and_then(|number| versions.get_key_value(&number)),
        };
        let (number, template) = found.ok_or(Refused::NotThere)?;
        let nothing = BTreeMap::new();
        let said = self.say(template, wanted.variables.as_ref().unwrap_or(&nothing))?;
        let mut named = vec![format!("prompt:{}@{number}", wanted.id)];
        named.extend(
            said.samples
                .iter()
                .map(|(name, number)| format!("sample:{name}@{number}")),
        );
        Ok(Composed {
            said,
            defaults: template.defaults.clone(),
            named,
        })
    }

    /// The messages of this template with these values.
    pub fn say(&self, template: &Template, given: &BTreeMap<String, Value>) -> Result<Said, Refused> {
        if let Some(unknown) = given.keys().find(|name| !template.variables.contains_key(*name)) {
            let shown = unknown.chars().take(40).collect();
            return Err(Refused::Variable(shown, "is none of this prompt's".to_owned()));
        }
        let mut said = Said {
            messages: Vec::with_capacity(template.messages.len()),
            values: Vec::new(),
            samples: Vec::new(),
        };
        let mut values = BTreeMap::new();
        for (name, variable) in &template.variables {
            let value = self.value((name, variable), given.get(name), &mut said)?;
            values.insert(name.as_str(), value);
        }
        let mut left = COMPOSED_BYTES_MAX;
        for message in &template.messages {
            let text = filled(&message.text, &values, &mut left)?;
            said.messages.push((message.role, text));
        }
        Ok(said)
    }

    /// A variable's text as it is put in.
    fn value(
        &self,
        (name, variable): (&str, &Variable),
        given: Option<&Value>,
        said: &mut Said,
    ) -> Result<String, Refused> {
        let wrong = |why: String| Refused::Variable(name.to_owned(), why);
        let Some(value) = given.or(variable.default.as_ref()) else {
            return match variable.required {
                true => Err(wrong("is missing".to_owned())),
                false => Ok(String::new()),
            };
        };
        let mut text = match variable.kind {
            VariableType::Sample => {
                let (sample, number) = self.sample(value).map_err(|refused| match refused {
                    Refused::Variable(_, why) => wrong(why),
                    other => other,
                })?;
                if sample.chars().count() > variable.chars_max as usize {
                    let why = format!(
                        "names a sample that is longer than {} characters",
                        variable.chars_max
                    );
                    return Err(wrong(why));
                }
                let text = sample.to_owned();
                said.samples.push((value.said().into_owned(), number));
                text
            }
            _ => variable.takes(value).map_err(wrong)?,
        };
        if text.is_empty() {
            return Ok(text);
        }
        said.values.push(text.clone());
        if variable.fenced {
            text = fence(name, &text);
        }
        Ok(text)
    }

    fn sample(&self, named: &Value) -> Result<(&str, u64), Refused> {
        let name = named.said();
        let none = || {
            let shown: String = name.chars().take(40).filter(|c| !c.is_control()).collect();
            Refused::Variable(
                String::new(),
                format!("names the sample `{shown}`, and there is none for this key"),
            )
        };
        let found = self
            .samples
            .get(&*name)
            .filter(|_| is_name(&name))
            .ok_or_else(none)?;
        let (number, text) = found
            .as_ref()
            .ok_or_else(|| Refused::Damaged("sample", name.clone().into_owned()))?;
        Ok((text, *number))
    }
}

/// A version as callers name it: OpenAI's API has it as a text.
fn number(version: &Value) -> Option<u64> {
    match version {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Text(text) => text.parse().ok(),
    }
}

/// A text with values in the places of their names.
fn filled(text: &str, values: &BTreeMap<&str, String>, left: &mut usize) -> Result<String, Refused> {
    // Of a template that was checked; one that was not is none.
    let all = parts(text).map_err(|_| Refused::NotThere)?;
    let mut out = String::new();
    for part in all {
        let piece = match part {
            Part::Text(text) => text,
            Part::Variable(name) => values.get(name).ok_or(Refused::NotThere)?,
        };
        *left = left.checked_sub(piece.len()).ok_or_else(|| {
            let name = match part {
                Part::Variable(name) => name,
                Part::Text(_) => "",
            };
            let why = format!("makes the prompt longer than {COMPOSED_BYTES_MAX} bytes");
            Refused::Variable(name.to_owned(), why)
        })?;
        out.push_str(piece);
    }
    Ok(out)
}

/// A value between marks that it cannot have in it: no text holds its own digest.
// threat: ANP-0021
fn fence(name: &str, value: &str) -> String {
    let digest = sha256(value.as_bytes());
    let mark = digest.get(..16).unwrap_or(&digest);
    format!("<data {name} {mark}>\n{value}\n</data {name} {mark}>")
}
