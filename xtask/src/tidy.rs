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

/// Files whose SQL the driver may take on our word that it is safe, and why. The driver takes texts that are
/// written in the source without a word.
const TRUSTED_SQL: &[(&str, &str)] = &[];

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
    if !repository::is_for_tests(file) {
        problems.extend(built_sql(&lines));
        problems.extend(trusted_sql(file, &lines));
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
fn built_sql(lines: &[source::Line]) -> Vec<String> {
    let mut problems = Vec::new();
    // The text may stand on the line below.
    let below = lines
        .iter()
        .skip(1)
        .map(|line| line.raw.as_str())
        .chain(std::iter::once(""));
    for ((number, line), below) in (1..).zip(lines).zip(below) {
        let code = !line.test && line.code.contains("format!(");
        let Some((_, same)) = line.raw.split_once("format!(").filter(|_| code) else {
            continue;
        };
        if begins_as_sql(if same.trim().is_empty() { below } else { same }) {
            problems.push(format!(
                "SQL built with `format!` (line {number}): bind values instead"
            ));
        }
    }
    problems
}

/// SQL that was put together by other means, and vouched for.
fn trusted_sql(file: &Path, lines: &[source::Line]) -> Vec<String> {
    if TRUSTED_SQL.iter().any(|(path, _)| file == Path::new(path)) {
        return Vec::new();
    }
    let vouched = (1..)
        .zip(lines)
        .filter(|(_, line)| !line.test && line.code.contains("AssertSqlSafe"));
    vouched
        .map(|(number, _)| format!("vouches for SQL that is not written out (line {number})"))
        .collect()
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
