//! Crates that are never part of the product, and where crates may come from. `deny.toml` says the same
//! to cargo-deny; this runs where only cargo is.
// threat: ANP-B0003
// threat: CTX-T7
// threat: AGP-R-005

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::{Error, repository};

/// Each, and what is used in its place.
const BANNED: &[(&str, &str)] = &[
    ("openssl", "rustls with aws-lc-rs"),
    ("openssl-sys", "rustls with aws-lc-rs"),
    ("native-tls", "rustls with aws-lc-rs"),
    ("ring", "aws-lc-rs; two cryptography libraries are two to watch"),
];

/// The only source of crates.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// What is wrong with what the product is built from.
pub fn check(root: &Path) -> Result<Vec<String>, Error> {
    let file = PathBuf::from("Cargo.lock");
    let lock = repository::read(root, &file)?;
    let mut problems = check_lock(&lock).map_err(|reason| Error::Content { path: file, reason })?;
    problems.extend(check_tree(&tree(root)?));
    Ok(problems)
}

/// Crates of a lock file that come from elsewhere or without a checksum.
pub fn check_lock(text: &str) -> Result<Vec<String>, String> {
    let lock: Lock = toml::from_str(text).map_err(|error| error.to_string())?;
    let foreign = lock.package.iter().filter_map(|package| {
        let source = package.source.as_deref()?;
        let known = source == REGISTRY && package.checksum.is_some();
        (!known).then(|| format!("`{} {}` comes from `{source}`", package.name, package.version))
    });
    Ok(foreign.collect())
}

/// Banned crates in a list with one crate a line, name first. A crate that the lock file knows only as
/// somebody's switched-off option is not in the list.
pub fn check_tree(tree: &str) -> Vec<String> {
    let names: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let found = BANNED.iter().filter(|(name, _)| names.contains(name));
    found
        .map(|(name, instead)| format!("`{name}` is built into the product; use {instead}"))
        .collect()
}

/// What the product is resolved to, on every platform cargo would build it for here.
fn tree(root: &Path) -> Result<String, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = [
        "tree",
        "--package",
        "bartizan",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--offline",
    ];
    let command = format!("cargo {}", arguments.join(" "));
    let failed = |reason: String| Error::Command {
        command: command.clone(),
        reason,
    };
    let output = Command::new(cargo).args(arguments).current_dir(root).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && !text.is_empty() {
        return Ok(text);
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
}
