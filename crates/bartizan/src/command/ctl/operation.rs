//! The commands of `ctl`, made from the OpenAPI document. Knows nothing of any one of them.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::Value;

use crate::failure::Failure;

/// The API this release was built with.
const DOCUMENT: &str = include_str!("../../../../../openapi/v1.json");
/// Members of bodies that nobody may see on a command line.
const SECRETS: [&str; 7] = [
    "password",
    "new_password",
    "token",
    "code",
    "client_secret",
    "secrets",
    "value",
];

const ABOUT: &str = "Administer a serving instance through its control plane, with your own roles. Sign in first; the \
session is kept in your configuration folder until it ends.";

const AFTER_HELP: &str = "\
Examples:
  bartizan ctl sessions sign-in --email root@example.com
  bartizan ctl tenants create --name acme
  bartizan ctl teams create --tenant tnt_… --name research
  bartizan ctl keys create --tenant tnt_… --team team_… --name ci --all-models
  bartizan ctl budgets create --tenant tnt_… --name monthly --limit-nanos 5000000000 --window month
  bartizan ctl guards put --tenant tnt_… --profiles '[{\"name\": \"no mail\", \"guards\": {\"personal\": {\"input\": \"block\"}}}]'
  bartizan ctl samples put --tenant tnt_… --sample style --text 'We are kind and brief.'
  bartizan ctl prompts put --tenant tnt_… --prompt greeting --messages '[{\"role\": \"user\", \"text\": \"Greet {{name}}\"}]' --variables '{\"name\": {}}'
  bartizan ctl prompts approve --tenant tnt_… --prompt greeting --version 1 --note 'read it'
  bartizan ctl audit list --tenant tnt_… --json | jq '.items[0]'

Passwords, codes and tokens are asked for, or read from standard input, a line each; never given as options.";

/// One operation of the API as a command.
#[derive(Debug)]
pub struct Operation {
    /// `teams`.
    pub group: String,
    /// `create`.
    pub verb: String,
    /// `POST`.
    pub method: http::Method,
    /// With `{parameters}`.
    pub path: String,
    /// The parameters.
    pub in_path: Vec<String>,
    /// What the query may hold.
    pub in_query: Vec<String>,
    /// The body's members.
    pub body: Vec<Member>,
    /// Whether there is a body at all.
    pub has_body: bool,
    /// Whether the body is given as one JSON text.
    pub is_whole: bool,
    /// A change that wants `If-Match`.
    pub wants_match: bool,
    /// Its answer is a session.
    pub signs_in: bool,
    /// Only a browser can do it.
    pub wants_browser: bool,
    /// It ends the session.
    pub signs_out: bool,
    summary: String,
    help: BTreeMap<String, String>,
}

/// A member of a body.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// It must be there.
    pub is_required: bool,
    /// It is asked for and not taken from the command line.
    pub is_secret: bool,
    /// What it takes.
    pub kind: Kind,
    help: String,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// Nothing.
    Flag,
    /// Several texts.
    Texts,
    /// JSON.
    Json,
}

impl Member {
    /// A body as one JSON text.
    fn whole() -> Self {
        Self {
            name: "body".to_owned(),
            is_required: true,
            is_secret: false,
            kind: Kind::Json,
            help: "The document as JSON; `bartizan apply -f` takes files".to_owned(),
        }
    }

    /// What the command line says of it.
    pub fn read(&self, given: &ArgMatches) -> Result<Option<Value>, Failure> {
        let wrong = |what: &str| Failure::usage(format!("--{} takes {what}", self.name.replace('_', "-")));
        match self.kind {
            Kind::Flag => Ok(given.get_flag(&self.name).then_some(Value::Bool(true))),
            Kind::Texts => {
                let all = given.get_many::<String>(&self.name);
                Ok(all.map(|all| all.cloned().map(Value::String).collect()))
            }
            kind => {
                let Some(text) = given.get_one::<String>(&self.name) else {
                    return Ok(None);
                };
                match kind {
                    Kind::Number => text
                        .parse::<i64>()
                        .map(Value::from)
                        .map_err(|_| wrong("a number")),
                    Kind::Json => serde_json::from_str(text).map_err(|_| wrong("JSON")),
                    _ => Ok(Value::String(text.clone())),
                }
                .map(Some)
            }
        }
    }
}

/// All of them, in the document's order.
pub fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    let paths = document
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let mut all = Vec::new();
    for (path, methods) in paths {
        for (method, described) in methods.as_object().into_iter().flatten() {
            all.extend(Operation::read(&document, path, method, described));
        }
    }
    all
}

impl Operation {
    fn read(document: &Value, path: &str, method: &str, described: &Value) -> Option<Self> {
        let (group, verb) = described.get("operationId")?.as_str()?.split_once('.')?;
        let method: http::Method = method.to_ascii_uppercase().parse().ok()?;
        let mut made = Self {
            group: group.replace('_', "-"),
            verb: verb.replace('_', "-"),
            path: path.to_owned(),
            in_path: Vec::new(),
            in_query: Vec::new(),
            body: Vec::new(),
            has_body: false,
            is_whole: false,
            wants_match: false,
            signs_in: matches!(verb, "sign_in" | "set_up"),
            wants_browser: described.get("x-browser").is_some(),
            signs_out: verb == "sign_out",
            summary: text(described, "summary"),
            help: BTreeMap::new(),
            method,
        };
        for parameter in described
            .get("parameters")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let name = text(parameter, "name");
            match parameter.get("in").and_then(Value::as_str) {
                Some("path") => made.in_path.push(name.clone()),
                Some("query") => made.in_query.push(name.clone()),
                _ if name == "If-Match" => made.wants_match = true,
                _ => {}
            }
            made.help.insert(name, text(parameter, "description"));
        }
        let schema = described.pointer("/requestBody/content/application~1json/schema");
        if let Some(schema) = schema.map(|schema| resolve(document, schema)) {
            made.has_body = true;
            made.body = members(document, schema);
            // A body with members that are called like what the path names is given whole.
            made.is_whole = made.body.iter().any(|one| made.in_path.contains(&one.name));
            if made.is_whole {
                made.body = vec![Member::whole()];
            }
        }
        Some(made)
    }

    /// Whether a second person may be wanted. Deciding about an approval wants none.
    pub fn takes_approval(&self) -> bool {
        self.help.contains_key("Approval") && !self.in_path.iter().any(|name| name == "approval")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.verb.clone()).about(self.summary.clone());
        for name in &self.in_path {
            let help = match name.as_str() {
                "tenant" => "The tenant's id, or `platform`; your own when left out".to_owned(),
                name => format!("The {name}'s id"),
            };
            command = command.arg(option(name, &help));
        }
        for name in &self.in_query {
            let help = self.help.get(name).cloned().unwrap_or_default();
            command = command.arg(if name == "dry_run" {
                Arg::new("dry_run")
                    .long("dry-run")
                    .action(ArgAction::SetTrue)
                    .help("Try it and do nothing")
            } else {
                // `-created` is a value, and no option.
                option(name, &capital(&help)).allow_hyphen_values(name == "sort")
            });
        }
        for member in self.body.iter().filter(|member| !member.is_secret) {
            let arg =
                option(&member.name, &member.help).required(member.is_required && member.kind != Kind::Flag);
            command = command.arg(match member.kind {
                Kind::Flag => arg.action(ArgAction::SetTrue).num_args(0),
                Kind::Texts => arg.action(ArgAction::Append).value_delimiter(','),
                _ => arg,
            });
        }
        if self.wants_match {
            let help = "Change it only if it still has this tag; whatever it is when left out";
            command = command.arg(option("if_match", help));
        }
        if self.help.contains_key("Idempotency-Key") {
            let help = "Do nothing again if the same request was made under this key before";
            command = command.arg(option("idempotency_key", help));
        }
        if self.takes_approval() {
            let approved = "Do it with this approval of a second person";
            let why = "Why, for the second person, if this wants one";
            command = command
                .arg(option("approval", approved))
                .arg(option("approval_reason", why));
        }
        let asked: Vec<&str> = self
            .body
            .iter()
            .filter(|one| one.is_secret)
            .map(|one| one.name.as_str())
            .collect();
        if !asked.is_empty() {
            command = command.after_help(format!(
                "Asked for, or lines of standard input: {}.",
                asked.join(", ")
            ));
        }
        command
    }
}

/// The parser of what follows `bartizan ctl`.
pub fn parser(operations: &[Operation]) -> Command {
    let mut groups: Vec<(&str, Command)> = Vec::new();
    for operation in operations {
        let at = groups.iter().position(|(name, _)| *name == operation.group);
        match at.and_then(|at| groups.get_mut(at)) {
            Some((_, group)) => *group = group.clone().subcommand(operation.command()),
            None => {
                let group = Command::new(operation.group.clone())
                    .about(format!("What can be asked of {}", operation.group))
                    .subcommand_required(true)
                    .arg_required_else_help(true)
                    .subcommand(operation.command());
                groups.push((&operation.group, group));
            }
        }
    }
    Command::new("bartizan ctl")
        .about(ABOUT)
        .after_help(AFTER_HELP)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(110)
        .arg(
            Arg::new("url")
                .long("url")
                .global(true)
                .env("BARTIZAN_CONTROL_URL")
                .value_name("URL")
                .help("The control listener; the configuration's when left out"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .global(true)
                .action(ArgAction::SetTrue)
                .help("Print JSON for programs instead of text for people"),
        )
        .subcommands(groups.into_iter().map(|(_, group)| group))
}

fn option(name: &str, help: &str) -> Arg {
    let help = help.trim_end_matches('.').to_owned();
    Arg::new(name.to_owned())
        .long(name.replace('_', "-"))
        .value_name(name.to_ascii_uppercase())
        .help(help)
}

fn members(document: &Value, schema: &Value) -> Vec<Member> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    properties
        .map(|(name, described)| Member {
            name: name.clone(),
            is_required: required.contains(&name.as_str()),
            is_secret: SECRETS.contains(&name.as_str()),
            kind: kind(document, described),
            help: text(described, "description").replace('\n', " "),
        })
        .collect()
}

fn kind(document: &Value, described: &Value) -> Kind {
    let is = |kind: &str| {
        let types = described.get("type");
        types.is_some_and(|types| {
            types == kind
                || types
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one == kind))
        })
    };
    let several = described
        .get("anyOf")
        .and_then(Value::as_array)
        .and_then(|all| all.first());
    let target = described
        .get("$ref")
        .map(|_| described)
        .or(several)
        .map(|one| resolve(document, one));
    match target {
        Some(target) if target.get("enum").is_some() || target.get("oneOf").is_some() => Kind::Text,
        Some(target) if target.get("type").is_some_and(|kind| kind == "string") => Kind::Text,
        Some(_) => Kind::Json,
        None if is("integer") => Kind::Number,
        None if is("boolean") => Kind::Flag,
        None if is("array") && described.pointer("/items/$ref").is_some_and(is_object(document)) => {
            Kind::Json
        }
        None if is("array") => Kind::Texts,
        None if is("object") => Kind::Json,
        None => Kind::Text,
    }
}

/// Whether a reference leads to something with members.
fn is_object(document: &Value) -> impl Fn(&Value) -> bool + '_ {
    |reference| {
        let at = reference.as_str().and_then(|at| at.strip_prefix('#'));
        let target = at.and_then(|at| document.pointer(at));
        target.is_some_and(|target| target.get("properties").is_some())
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|at| at.strip_prefix('#'));
    target.and_then(|at| document.pointer(at)).unwrap_or(schema)
}

fn text(of: &Value, name: &str) -> String {
    of.get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_a_command_that_explains_itself() {
        let operations = operations();
        assert!(operations.len() >= 50, "{}", operations.len());
        parser(&operations).debug_assert();
        for operation in &operations {
            assert!(
                !operation.summary.is_empty(),
                "{} {}",
                operation.group,
                operation.verb
            );
            for member in &operation.body {
                assert!(
                    !member.help.is_empty(),
                    "{} {}: {}",
                    operation.group,
                    operation.verb,
                    member.name
                );
            }
        }
    }

    #[test]
    fn agp_i1_no_secret_is_an_option() {
        for operation in operations() {
            // What the path names is an id, whatever it is of.
            let is_id = |name: &str| operation.in_path.iter().any(|one| one == name);
            for argument in operation.command().get_arguments() {
                assert!(
                    is_id(argument.get_id().as_str()) || !SECRETS.contains(&argument.get_id().as_str()),
                    "{} {}",
                    operation.group,
                    operation.verb
                );
            }
        }
    }
}
