//! `bartizan ctl`: a client of the control plane and nothing more. Its commands are made from the OpenAPI
//! document, so whatever the API can do, it can.
//!
//! Passwords, codes and tokens are asked for (or read from standard input, a line each), never taken from
//! the command line, where others could see them.

pub mod client;
mod operation;
mod print;
pub mod remember;
mod sso;

use std::ffi::OsString;
use std::io::{BufRead, IsTerminal};

use clap::{ArgMatches, Args};
use serde_json::{Map, Value};

use crate::cli::At;
use crate::failure::{Failure, Hint};

use super::instance::configuration;
use super::show::{Show, remark};

use client::{Asked, Client};
use operation::{Kind, Operation, operations, parser};
use remember::Remembered;

/// Everything after `ctl`.
#[derive(Debug, Args)]
pub struct CtlArgs {
    /// What to ask; `bartizan ctl --help` says what there is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    rest: Vec<OsString>,
}

/// Runs one of them.
pub async fn run(args: CtlArgs, at: &At, show: Show) -> Result<(), Failure> {
    let operations = operations();
    let line = std::iter::once(OsString::from("bartizan ctl")).chain(args.rest);
    let matches = parser(&operations)
        .try_get_matches_from(line)
        .unwrap_or_else(|error| error.exit());
    let show = if matches.get_flag("json") {
        Show::new(true)
    } else {
        show
    };
    let Some((group, inner)) = matches.subcommand() else {
        return Err(Failure::usage("say what to do"));
    };
    let Some((verb, given)) = inner.subcommand() else {
        return Err(Failure::usage("say what to do"));
    };
    let found = operations
        .iter()
        .find(|one| one.group == group && one.verb == verb);
    let operation = found.ok_or_else(|| Failure::usage("there is no such command"))?;
    let base = match matches.get_one::<String>("url") {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", configuration(at)?.listen.control),
    };
    let mut remembered = Remembered::load(&base)?;
    if operation.wants_browser {
        let page = format!("open {base}/ in a browser: a terminal cannot talk to an authenticator");
        remark(&page);
        return Ok(());
    }
    let asked = ask(operation, given, &remembered)?;
    let client = Client::new(base, remembered.token());
    if operation.path == sso::BEGIN {
        let session = sso::sign_in(&client, asked.body).await?;
        remembered.keep(&session)?;
        remark("you are signed in until it ends or you sign out: `bartizan ctl me sign-out`");
        return Ok(());
    }
    let answer = client.send(asked).await?;
    if !operation.signs_in {
        remembered.renew(&answer.body)?;
    }
    if operation.signs_in && remembered.keep(&answer.body)? {
        remark("you are signed in until it ends or you sign out: `bartizan ctl me sign-out`");
        return Ok(());
    }
    if operation.signs_out {
        remembered.forget()?;
    }
    if answer.is_dry_run {
        remark("a dry run: nothing was done");
    }
    if answer.waits {
        remark(
            "nothing was done yet: this waits for a second person, who runs `bartizan ctl approvals approve`",
        );
        remark("once it is approved, run the same command again with `--approval` and its id");
    }
    print::answer(&answer.body, show)
}

/// One change, asked of the control listener at `url` or the configuration's, with the session that is
/// remembered for it.
pub async fn post(
    url: Option<String>,
    at: &At,
    (path, body): (&str, Value),
    show: Show,
) -> Result<(), Failure> {
    let base = match url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", configuration(at)?.listen.control),
    };
    let remembered = Remembered::load(&base)?;
    let asked = Asked {
        method: http::Method::POST,
        path: path.to_owned(),
        body: Some(body),
        headers: Vec::new(),
    };
    let answer = Client::new(base, remembered.token()).send(asked).await?;
    if answer.is_dry_run {
        remark("a dry run: nothing was done");
    }
    print::answer(&answer.body, show)
}

/// The request that the command line means.
fn ask(operation: &Operation, given: &ArgMatches, remembered: &Remembered) -> Result<Asked, Failure> {
    let mut path = operation.path.clone();
    for name in &operation.in_path {
        let value = given.get_one::<String>(name).cloned();
        let value = value.or_else(|| (name == "tenant").then(|| remembered.tenant()).flatten());
        let value = value.ok_or_else(|| {
            Failure::usage(format!("say which {name}")).hint(format!("--{name} takes an id"))
        })?;
        path = path.replace(&format!("{{{name}}}"), &escape(&value));
    }
    let mut query: Vec<String> = Vec::new();
    for name in &operation.in_query {
        if name == "dry_run" {
            if given.get_flag("dry_run") {
                query.push("dry_run=true".to_owned());
            }
        } else if let Some(value) = given.get_one::<String>(name) {
            query.push(format!("{name}={}", escape(value)));
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let header = |name: &str| given.try_get_one::<String>(name).ok().flatten().cloned();
    let tag = header("if_match").or_else(|| operation.wants_match.then(|| "*".to_owned()));
    let headers = [
        tag.map(|tag| ("if-match", tag)),
        header("idempotency_key").map(|key| ("idempotency-key", key)),
        header("approval")
            .filter(|_| operation.takes_approval())
            .map(|id| ("approval", id)),
        header("approval_reason").map(|text| ("approval-reason", text)),
    ];
    Ok(Asked {
        method: operation.method.clone(),
        path,
        body: body(operation, given)?,
        headers: headers.into_iter().flatten().collect(),
    })
}

/// As a part of a path.
pub fn escape(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn body(operation: &Operation, given: &ArgMatches) -> Result<Option<Value>, Failure> {
    if operation.body.is_empty() && !operation.has_body {
        return Ok(None);
    }
    let mut body = Map::new();
    let mut lines = std::io::stdin().lock();
    for member in &operation.body {
        let value = if member.is_secret {
            let typed = secret(&member.name, member.is_required, &mut lines)?;
            typed.map(|text| match member.kind {
                // None of them has a space in it.
                Kind::Texts => text.split_whitespace().map(Value::from).collect(),
                _ => Value::String(text),
            })
        } else {
            member.read(given)?
        };
        if let Some(value) = value {
            body.insert(member.name.clone(), value);
        }
    }
    if operation.is_whole {
        return Ok(body.remove("body"));
    }
    Ok(Some(Value::Object(body)))
}

/// Asked of the person at the terminal, unseen; or the next line of standard input.
// threat: AGP-I1
fn secret(name: &str, is_required: bool, lines: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let trouble = |error: std::io::Error| Failure::new(format!("the {name} cannot be read: {error}"));
    let what = name.replace('_', " ");
    let text = if std::io::stdin().is_terminal() {
        let optional = if is_required { "" } else { " (none: just return)" };
        rpassword::prompt_password(format!("{what}{optional}: ")).map_err(trouble)?
    } else {
        let mut line = String::new();
        lines.read_line(&mut line).map_err(trouble)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    match (text.is_empty(), is_required) {
        (false, _) => Ok(Some(text)),
        (true, false) => Ok(None),
        (true, true) => Err(Failure::usage(format!("the {what} is missing"))
            .hint("type it when asked, or give it on standard input, a line each in the order of --help")),
    }
}
