//! House rules that no lint knows: how files open, how long they are, what they are called, and that SQL
//! is written and never put together.

use std::path::Path;

use crate::{Error, repository, source};

/// The longest file.
const LINES_MAX: usize = 600;

/// Files that are longer, how long they may be, and why. The number only ever shrinks.
const LONGER: &[(&str, usize, &str)] = &[];

/// Names that say nothing about what a file is for.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "manager", "misc"];

/// Files that may put statements together, and why.
const SQL_BUILDERS: &[(&str, &str)] = &[(
    "crates/testkit/src/postgres.rs",
    "names of databases and roles of a test run, which cannot be bound",
)];

/// What an SQL statement begins with.
const SQL: &[&str] = &[
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "DELETE ",
    "CREATE ",
    "DROP ",
    "ALTER ",
    "GRANT ",
    "REVOKE ",
    "TRUNCATE ",
    "WITH ",
];

/// What is out of order in the repository at `root`.
// threat: ANP-0007
pub fn check(root: &Path) -> Result<Vec<String>, Error> {
    let mut problems = Vec::new();
    for file in repository::files(root)? {
        if file.extension().is_some_and(|kind| kind == "rs") {
            problems.extend(check_file(&file, &repository::read(root, &file)?));
        }
    }
    problems.extend(stale(root));
    Ok(problems)
}

/// What is out of order in one file.
pub fn check_file(file: &Path, text: &str) -> Vec<String> {
    let lines = source::lines(text);
    let mut problems: Vec<_> = [opening(text), length(file, &lines), name(file)]
        .into_iter()
        .flatten()
        .collect();
    for (number, line) in (1..).zip(&lines) {
        problems.extend(reminder(&line.comment).map(|problem| format!("{problem} (line {number})")));
    }
    if !SQL_BUILDERS.iter().any(|(path, _)| file == Path::new(path)) {
        problems.extend(built_sql(text, &lines));
    }
    problems
        .into_iter()
        .map(|problem| format!("{}: {problem}", file.display()))
        .collect()
}

fn opening(text: &str) -> Option<String> {
    (!text.starts_with("//!")).then(|| "does not open with `//!` and what it is".to_owned())
}

fn length(file: &Path, lines: &[source::Line]) -> Option<String> {
    let listed = LONGER.iter().find(|(path, _, _)| file == Path::new(path));
    let max = listed.map_or(LINES_MAX, |(_, max, _)| *max);
    (lines.len() > max).then(|| {
        format!(
            "has {} lines, {max} are the most: split it by meaning",
            lines.len()
        )
    })
}

fn name(file: &Path) -> Option<String> {
    let empty = |part: &str| EMPTY_NAMES.contains(&part.strip_suffix(".rs").unwrap_or(part));
    let part = file
        .iter()
        .filter_map(|part| part.to_str())
        .find(|part| empty(part))?;
    Some(format!("`{part}` says nothing; name it after what it is for"))
}

/// A reminder must say why it is still there: `TODO(reason): what`.
fn reminder(comment: &str) -> Option<String> {
    ["TODO", "FIXME", "XXX"].into_iter().find_map(|mark| {
        let (before, after) = comment.split_once(mark)?;
        let quoted = before.ends_with(['`', '"']);
        let reasoned = after
            .strip_prefix('(')
            .and_then(|rest| rest.find(')'))
            .is_some_and(|chars| chars >= 3);
        (!quoted && !reasoned).then(|| format!("`{mark}` without a reason: write `{mark}(reason): what`"))
    })
}

/// SQL made with `format!`: a value in it would be a hole.
fn built_sql(text: &str, lines: &[source::Line]) -> Vec<String> {
    let mut problems = Vec::new();
    let raw: Vec<_> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let Some((_, same)) = line
            .raw
            .split_once("format!(")
            .filter(|_| line.code.contains("format!("))
        else {
            continue;
        };
        // The text may stand on the next line.
        let next = raw.get(index.saturating_add(1)).copied().unwrap_or_default();
        let first = if same.trim().is_empty() { next } else { same };
        if begins_as_sql(first) {
            problems.push(format!(
                "SQL built with `format!` (line {}): bind values instead",
                index.saturating_add(1)
            ));
        }
    }
    problems
}

fn begins_as_sql(argument: &str) -> bool {
    let text = argument.trim().trim_start_matches(['r', '#']);
    let Some(text) = text.strip_prefix('"') else {
        return false;
    };
    SQL.iter().any(|verb| text.trim_start().starts_with(verb))
}

/// Entries that are no longer needed.
fn stale(root: &Path) -> Vec<String> {
    let needed = |path: &str, max: usize| {
        repository::read(root, Path::new(path))
            .is_ok_and(|text| (LINES_MAX..=max).contains(&text.lines().count()))
    };
    let unneeded = LONGER.iter().filter(|(path, max, _)| !needed(path, *max));
    unneeded
        .map(|(path, _, _)| format!("{path}: is listed as long and is not; take it off the list"))
        .collect()
}
