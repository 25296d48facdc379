//! Tests that documents name: each must exist. It does not look whether they pass.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{Error, repository};

/// The document that names tests.
const FILE: &str = "docs/incidents.md";

/// Names in it that no test has.
pub fn check(root: &Path) -> Result<Vec<String>, Error> {
    let mut tests = BTreeSet::new();
    for file in repository::files(root)? {
        if file.extension().is_some_and(|kind| kind == "rs") {
            tests.extend(functions(&repository::read(root, &file)?));
        }
    }
    Ok(missing(&repository::read(root, Path::new(FILE))?, &tests))
}

/// What a document names and nobody wrote.
pub fn missing(document: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let quoted = document.split('`').skip(1).step_by(2);
    let names = quoted.filter(|text| {
        ["agp_", "anp_", "ctx_"]
            .iter()
            .any(|start| text.starts_with(start))
    });
    names
        .filter(|name| !tests.contains(*name))
        .map(|name| format!("{FILE}: there is no test `{name}`"))
        .collect()
}

fn functions(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().filter_map(|line| {
        let (_, name) = line.split_once("fn ")?;
        Some(name.split_once('(')?.0.to_owned())
    })
}
