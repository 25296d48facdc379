//! Test cases of a template: values, and what must come of them. They run when a version is handed in, on what it would say
//! and on what guards would do about that; no model is asked.

use std::collections::BTreeMap;

use domain::UnixMillis;
use guard::{Action, Origin, Plan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compose::{Said, Shelf};
use crate::scan::judged;
use crate::template::{Role, Template};
use crate::value::Value;

/// So many cases a template may have.
pub const CASES_MAX: usize = 32;
/// The longest name of a case, in characters.
pub const CASE_NAME_CHARS_MAX: usize = 100;
const LOOKED_FOR_MAX: usize = 16;
const LOOKED_FOR_CHARS_MAX: usize = 500;

/// What guards shall do about what a case says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PromptCaseGuards")]
pub enum Expected {
    /// They change and stop nothing.
    Pass,
    /// They stop it.
    Block,
}

/// Values, and what must come of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PromptCase")]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// What a caller would give.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Value>,
    /// What the messages must say somewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_contain: Vec<String>,
    /// What they must say nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_not_contain: Vec<String>,
    /// What guards must do about them; nothing is asked of them when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<Expected>,
}

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PromptCaseOutcome")]
pub struct Outcome {
    /// Which.
    pub name: String,
    /// What did not hold; nothing where the case passed.
    pub failed: Vec<String>,
}

impl Case {
    pub(crate) fn check(&self, number: usize, template: &Template, problems: &mut Vec<(String, String)>) {
        let mut say = |place: &str, what: String| problems.push((format!("cases[{number}]{place}"), what));
        let chars = self.name.chars().count();
        if self.name.trim().is_empty() || chars > CASE_NAME_CHARS_MAX {
            say(".name", format!("has 1 to {CASE_NAME_CHARS_MAX} characters"));
        }
        for (place, all) in [
            (".must_contain", &self.must_contain),
            (".must_not_contain", &self.must_not_contain),
        ] {
            let fits = |one: &String| !one.is_empty() && one.chars().count() <= LOOKED_FOR_CHARS_MAX;
            if all.len() > LOOKED_FOR_MAX || !all.iter().all(fits) {
                let what =
                    format!("are up to {LOOKED_FOR_MAX} texts of 1 to {LOOKED_FOR_CHARS_MAX} characters");
                say(place, what);
            }
        }
        if self.must_contain.is_empty() && self.must_not_contain.is_empty() && self.guards.is_none() {
            say(
                "",
                "asks for nothing: say `must_contain`, `must_not_contain` or `guards`".to_owned(),
            );
        }
        if self.variables.len() > template.variables.len() {
            say(".variables", "are more than the template has".to_owned());
        }
    }

    /// What came of it: the texts are `said`, and guards judge by `plan`.
    fn run(&self, said: &Said, plan: &Plan, now: UnixMillis) -> Vec<String> {
        let mut failed = Vec::new();
        let has = |text: &String| said.messages.iter().any(|(_, said)| said.contains(text.as_str()));
        let clip = |text: &String| text.chars().take(60).collect::<String>();
        for text in self.must_contain.iter().filter(|text| !has(text)) {
            failed.push(format!("`{}` is said nowhere", clip(text)));
        }
        for text in self.must_not_contain.iter().filter(|text| has(text)) {
            failed.push(format!("`{}` is said", clip(text)));
        }
        let Some(expected) = self.guards else {
            return failed;
        };
        let found = judged(plan, &parts(said), now);
        let blocks = found.iter().any(|it| it.action == Action::Block);
        let rules = crate::scan::refusing(&found);
        match expected {
            Expected::Block if !blocks => failed.push("guards do not block it".to_owned()),
            Expected::Pass if !rules.is_empty() => {
                failed.push(format!("guards do not let it pass ({})", rules.join(", ")));
            }
            Expected::Block | Expected::Pass => {}
        }
        failed
    }
}

/// What guards look at: each message as whose it is, each value as data.
fn parts(said: &Said) -> Vec<(&str, Origin)> {
    let messages = said.messages.iter().map(|(role, text)| {
        let origin = match role {
            Role::System | Role::Developer => Origin::System,
            Role::User => Origin::User,
            Role::Assistant => Origin::Assistant,
        };
        (text.as_str(), origin)
    });
    let values = said.values.iter().map(|value| (value.as_str(), Origin::Document));
    messages.chain(values).collect()
}

impl Template {
    /// What comes of its cases with the samples of `shelf`, judged by `plan`.
    // threat: ANP-B0009
    #[must_use]
    pub fn run(&self, shelf: &Shelf, plan: &Plan, now: UnixMillis) -> Vec<Outcome> {
        let outcome = |case: &Case| Outcome {
            name: case.name.clone(),
            failed: match shelf.say(self, &case.variables) {
                Ok(said) => case.run(&said, plan, now),
                Err(refused) => vec![refused.to_string()],
            },
        };
        self.cases.iter().map(outcome).collect()
    }
}
