//! One version of a prompt: messages with places for values, and what may be put there. The static check of it. Renders
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::names::{is_variable, names_an_id};
use crate::outcome::{CASES_MAX, Case};
use crate::parts::{Part, parts};
use crate::text;
use crate::value::{VALUE_CHARS_MAX, Value};

/// So many prompts a tenant may have.
pub const PROMPTS_MAX: usize = 100;
/// So many versions one prompt may have.
pub const VERSIONS_MAX: u64 = 500;
/// So many versions of one prompt may be published at once.
pub const PUBLISHED_MAX: usize = 8;
/// The largest version, in bytes of JSON, with its test cases.
pub const TEMPLATE_BYTES_MAX: usize = 65_536;
/// So many messages a template may have.
pub const MESSAGES_MAX: usize = 32;
/// So many variables a template may have.
pub const VARIABLES_MAX: usize = 32;
/// So many choices a variable may have.
const CHOICES_MAX: usize = 64;
/// The most output tokens that a template may ask for.
const MAX_TOKENS_MAX: u32 = 1_000_000;
const MODEL_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 500;

/// Who says a message of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromptRole")]
pub enum Role {
    /// The operator's instructions.
    System,
    /// The same, as newer models call it.
    Developer,
    /// The person who asks.
    User,
    /// An answer of the model's, as an example.
    Assistant,
}

impl Role {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    /// Whether what stands there is obeyed.
    #[must_use]
    pub const fn instructs(self) -> bool {
        matches!(self, Self::System | Self::Developer)
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PromptMessage")]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said; `{{name}}` stands for a variable, and nothing else has a meaning.
    pub text: String,
}

/// What a variable takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromptVariableType")]
pub enum VariableType {
    /// Any text within its bound.
    #[default]
    Text,
    /// A whole number.
    Integer,
    /// One of its choices.
    Choice,
    /// The name of one of the tenant's samples, whose text is put in.
    Sample,
}

/// A place for a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PromptVariable")]
pub struct Variable {
    /// What it takes.
    #[serde(default, rename = "type")]
    pub kind: VariableType,
    /// The longest value, in characters; of a sample the longest text.
    #[serde(default = "chars_max")]
    #[schemars(range(min = 1, max = 65_536))]
    pub chars_max: u32,
    /// Whether a call must give it. Left out, it is its default, or nothing.
    #[serde(default = "yes")]
    pub required: bool,
    /// What it is where a call gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Of a choice, what can be chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Whether it may stand in a message that is obeyed, `system` or `developer`: whoever reviews the version is told.
    #[serde(default)]
    pub trusted: bool,
    /// Whether its value is put between two marks that it cannot forge, made of its digest.
    #[serde(default)]
    pub fenced: bool,
}

const fn chars_max() -> u32 {
    4_000
}

const fn yes() -> bool {
    true
}

/// What a call asks for where it does not say itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PromptDefaults")]
pub struct Defaults {
    /// The model; a call of this key must be permitted it all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How much chance plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<serde_json::Number>,
    /// The most output tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

/// One version of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PromptTemplate")]
pub struct Template {
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What is said before anything that a call adds.
    pub messages: Vec<Message>,
    /// What calls fill in, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Variable>,
    /// What a call asks for where it does not say itself.
    #[serde(default)]
    pub defaults: Defaults,
    /// What must hold before anybody looks at it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<Case>,
}

type Problems = Vec<(String, String)>;

impl Template {
    /// The template as it is kept.
    pub fn normal(mut self) -> Result<Self, (String, String)> {
        for (number, message) in self.messages.iter_mut().enumerate() {
            let place = || format!("messages[{number}].text");
            message.text = text::normal(&message.text).map_err(|why| (place(), why))?;
        }
        self.description = text::normal(&self.description).map_err(|why| ("description".to_owned(), why))?;
        Ok(self)
    }

    /// What of it cannot be kept, with where it stands; empty where all can. `secrets` find what has no place in it.
    // threat: ANP-B0009 ANP-0021 ANP-0011
    #[must_use]
    pub fn problems(&self, secrets: &guard::Secrets) -> Problems {
        let mut problems = Vec::new();
        let bytes = serde_json::to_vec(self).map_or(usize::MAX, |it| it.len());
        let mut most = |place: &str, is: usize, max: usize, what: &str| {
            if is > max {
                problems.push((place.to_owned(), format!("has {is} {what}: {max} are the most")));
            }
        };
        most(
            "messages",
            bytes,
            TEMPLATE_BYTES_MAX,
            "bytes with all that belongs to it",
        );
        most("messages", self.messages.len(), MESSAGES_MAX, "messages");
        most("variables", self.variables.len(), VARIABLES_MAX, "variables");
        most("cases", self.cases.len(), CASES_MAX, "cases");
        let described = self.description.chars().count();
        most("description", described, DESCRIPTION_CHARS_MAX, "characters");
        if self.messages.is_empty() {
            problems.push((
                "messages".to_owned(),
                "are none: a prompt says something".to_owned(),
            ));
        }
        if !problems.is_empty() {
            return problems;
        }
        let used = self.check_messages(&mut problems);
        for (name, variable) in &self.variables {
            variable.check((name, used.contains(name.as_str())), &mut problems);
        }
        self.defaults.check(&mut problems);
        for (number, case) in self.cases.iter().enumerate() {
            case.check(number, self, &mut problems);
        }
        self.check_texts(secrets, &mut problems);
        problems
    }

    /// Names of variables that stand somewhere.
    fn check_messages(&self, problems: &mut Problems) -> BTreeSet<&str> {
        let mut used = BTreeSet::new();
        for (number, message) in self.messages.iter().enumerate() {
            let mut say = |what: String| problems.push((format!("messages[{number}].text"), what));
            if message.text.trim().is_empty() {
                say("is empty".to_owned());
            }
            let all = match parts(&message.text) {
                Ok(all) => all,
                Err(why) => {
                    say(why);
                    continue;
                }
            };
            for part in all {
                let Part::Variable(name) = part else { continue };
                used.insert(name);
                match self.variables.get(name) {
                    None => say(format!("uses `{name}`, which is not declared under `variables`")),
                    Some(variable) if message.role.instructs() && !variable.trusted => say(format!(
                        "puts `{name}` where a model obeys: move it to a `user` message, or declare it `trusted: true` \
                         for a reviewer to see"
                    )),
                    Some(_) => {}
                }
            }
        }
        used
    }

    /// Nothing that names a tenant or a key, or is a credential, in any text of it.
    fn check_texts(&self, secrets: &guard::Secrets, problems: &mut Problems) {
        let mut look = |place: String, text: &str| {
            if names_an_id(text) {
                let what =
                    "has something of the form of an id of the gate's, a tenant's for example: leave it out";
                problems.push((place.clone(), what.to_owned()));
            }
            let mut found = Vec::new();
            secrets.scan(text, &mut found);
            let rules: BTreeSet<&str> = found.iter().map(|it| &*it.rule).collect();
            if !rules.is_empty() {
                let rules: Vec<&str> = rules.into_iter().collect();
                problems.push((
                    place,
                    format!("holds a credential ({}): leave it out", rules.join(", ")),
                ));
            }
        };
        for (number, message) in self.messages.iter().enumerate() {
            look(format!("messages[{number}].text"), &message.text);
        }
        let rest = Self {
            messages: Vec::new(),
            ..self.clone()
        };
        let place = |name: &str| name.to_owned();
        look(place("description"), &rest.description);
        let written = |value: &dyn erased::Written| value.written();
        look(place("variables"), &written(&rest.variables));
        look(place("defaults"), &written(&rest.defaults));
        look(place("cases"), &written(&rest.cases));
    }

    /// Variables that stand where a model obeys: what a reviewer looks at first.
    #[must_use]
    pub fn trusted(&self) -> Vec<&str> {
        let trusted = self.variables.iter().filter(|(_, variable)| variable.trusted);
        trusted.map(|(name, _)| name.as_str()).collect()
    }
}

/// Values as JSON, to be looked through.
mod erased {
    pub trait Written {
        fn written(&self) -> String;
    }

    impl<T: serde::Serialize> Written for T {
        fn written(&self) -> String {
            serde_json::to_string(self).unwrap_or_default()
        }
    }
}

impl Variable {
    fn check(&self, (name, is_used): (&str, bool), problems: &mut Problems) {
        let shown: String = name.chars().take(40).collect();
        let mut say = |what: &str| problems.push((format!("variables.{shown}"), what.to_owned()));
        if !is_variable(name) {
            say("is no name: begin with a lower-case letter, go on with those, digits and `_`");
        }
        if !is_used {
            say("is not used in any message: take it away");
        }
        if !(1..=VALUE_CHARS_MAX).contains(&self.chars_max) {
            say("takes 1 to 65536 characters");
        }
        let is_choice = self.kind == VariableType::Choice;
        if is_choice == self.choices.is_empty() {
            say("has choices if it is a `choice`, and else none");
        }
        let fits = |one: &String| !one.is_empty() && one.chars().count() <= self.chars_max as usize;
        if self.choices.len() > CHOICES_MAX || !self.choices.iter().all(fits) {
            say("has up to 64 choices, each no longer than `chars_max`");
        }
        let kept = |one: &String| text::normal(one).is_ok_and(|normal| normal == *one);
        if !self.choices.iter().all(kept) {
            say("has a choice with hidden characters, or not in Unicode's composed form");
        }
        if let Some(Err(why)) = self.default.as_ref().map(|value| self.takes(value)) {
            say(&format!("has a default that it does not take: it {why}"));
        }
    }

    /// The text of a value that it takes, of a sample its name; else why not, without the value.
    // threat: ANP-0021
    pub(crate) fn takes(&self, value: &Value) -> Result<String, String> {
        let said = value.said();
        let chars = said.chars().count();
        match (self.kind, value) {
            (VariableType::Integer, Value::Integer(_)) => {}
            (VariableType::Integer, Value::Text(_)) => return Err("must be a whole number".to_owned()),
            (_, Value::Integer(_)) if self.kind != VariableType::Text => {
                return Err("must be a text".to_owned());
            }
            (VariableType::Choice, _) if !self.choices.iter().any(|one| *one == said) => {
                return Err(format!("must be one of {}", self.choices.join(", ")));
            }
            _ => {}
        }
        if chars > self.chars_max as usize {
            return Err(format!("has {chars} characters: {} are the most", self.chars_max));
        }
        text::normal(&said)
    }
}

impl Defaults {
    fn check(&self, problems: &mut Problems) {
        let mut say = |place: &str, what: &str| problems.push((format!("defaults.{place}"), what.to_owned()));
        let is_model = |model: &String| {
            let chars = model.chars().count();
            (1..=MODEL_CHARS_MAX).contains(&chars) && !model.chars().any(char::is_control)
        };
        if self.model.as_ref().is_some_and(|model| !is_model(model)) {
            say("model", "is no model's name");
        }
        let is_warm =
            |number: &serde_json::Number| number.as_f64().is_some_and(|it| (0.0..=2.0).contains(&it));
        if self.temperature.as_ref().is_some_and(|number| !is_warm(number)) {
            say("temperature", "is a number from 0 to 2");
        }
        if self
            .max_tokens
            .is_some_and(|max| !(1..=MAX_TOKENS_MAX).contains(&max))
        {
            say("max_tokens", "is 1 to 1000000");
        }
    }
}
