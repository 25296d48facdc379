//! `cargo xtask`: runs one task and says what it found. Exit code 1 when something is wrong, 2 when the
//! task could not be done.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use xtask::{Error, banned, floors, generate, matrix, repository, scopes, tidy};

const HELP: &str = "\
usage: cargo xtask <task>

  threats           join the threat register with the sources, print the matrix, write docs/threats.md
  threats --check   the same, but fail if docs/threats.md is not up to date
  threats --json    the same for programs
  gen               write generated sources
  gen --check       fail if they are not up to date
  floors            check who depends on whom, who makes tenant scopes, and what is banned
  tidy              check the house rules that no lint knows
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = repository::root();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["threats"] => threats(&root, Output::Text, false),
        ["threats", "--check"] => threats(&root, Output::Text, true),
        ["threats", "--json"] => threats(&root, Output::Json, false),
        ["gen"] => generate_all(&root),
        ["gen", "--check"] => check_generated(&root),
        ["floors"] => check_floors(&root),
        ["tidy"] => tidy::check(&root),
        ["help" | "--help" | "-h"] => Ok(say(HELP)),
        _ => {
            complain(HELP);
            return ExitCode::from(2);
        }
    };
    conclude(outcome)
}

/// How the matrix is printed.
#[derive(Clone, Copy)]
enum Output {
    Text,
    Json,
}

fn conclude(outcome: Result<Vec<String>, Error>) -> ExitCode {
    match outcome {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            complain(&format!("error: {}\n", problems.join("\nerror: ")));
            ExitCode::FAILURE
        }
        Err(error) => {
            complain(&format!("error: {error}\n"));
            ExitCode::from(2)
        }
    }
}

fn threats(root: &Path, output: Output, check: bool) -> Result<Vec<String>, Error> {
    let matrix = matrix::load(root)?;
    match output {
        Output::Text => say(&matrix.text()),
        Output::Json => say(&(serde_json::to_string_pretty(&matrix).unwrap_or_default() + "\n")),
    };
    let mut problems = matrix.problems.clone();
    if check {
        let published = repository::read(root, Path::new(matrix::FILE)).unwrap_or_default();
        let stale = published != matrix.markdown();
        problems.extend(stale.then(|| format!("{} is out of date; run `cargo xtask threats`", matrix::FILE)));
    } else {
        matrix::write(root, &matrix)?;
    }
    Ok(problems)
}

fn generate_all(root: &Path) -> Result<Vec<String>, Error> {
    if generate::write(root)? {
        say(&format!("wrote {}\n", generate::FILE));
    }
    Ok(Vec::new())
}

fn check_generated(root: &Path) -> Result<Vec<String>, Error> {
    let stale = !generate::is_fresh(root)?;
    Ok(stale
        .then(|| format!("{} is out of date; run `cargo xtask gen`", generate::FILE))
        .into_iter()
        .collect())
}

fn check_floors(root: &Path) -> Result<Vec<String>, Error> {
    Ok([floors::check(root)?, scopes::check(root)?, banned::check(root)?].concat())
}

/// To whoever reads the result. A closed pipe is their choice and no error; answers no problems.
fn say(text: &str) -> Vec<String> {
    let _closed = std::io::stdout().lock().write_all(text.as_bytes());
    Vec::new()
}

fn complain(text: &str) {
    let _closed = std::io::stderr().lock().write_all(text.as_bytes());
}
