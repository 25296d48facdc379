//! Manifests of the workspace's crates: who depends on whom.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Error, repository};

/// One crate.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Its name.
    pub name: String,
    /// What it is built with, for any target. Not what its tests are.
    pub dependencies: BTreeSet<String>,
}

#[derive(Deserialize)]
struct File {
    package: Package,
    #[serde(flatten)]
    tables: Tables,
    #[serde(default)]
    target: BTreeMap<String, Tables>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Tables {
    dependencies: toml::Table,
    build_dependencies: toml::Table,
}

impl Tables {
    /// Names of packages, also of those that are renamed.
    fn names(&self) -> impl Iterator<Item = String> {
        let all = self.dependencies.iter().chain(&self.build_dependencies);
        all.map(|(name, value)| {
            value
                .get("package")
                .and_then(toml::Value::as_str)
                .unwrap_or(name)
                .to_owned()
        })
    }
}

/// Folders whose crates are no part of the workspace: what people copy, and what looks for crashes.
const OUTSIDE: &[&str] = &["fuzz", "examples"];

/// The manifests of all crates under `root`, the workspace's own excepted.
pub fn load(root: &Path) -> Result<Vec<Manifest>, Error> {
    let files = repository::files(root)?.into_iter();
    let manifests = files.filter(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"));
    manifests
        .filter(|file| {
            file != Path::new("Cargo.toml") && !OUTSIDE.iter().any(|folder| file.starts_with(folder))
        })
        .map(|file| read(root, file))
        .collect()
}

fn read(root: &Path, file: PathBuf) -> Result<Manifest, Error> {
    let text = repository::read(root, &file)?;
    parse(&text).map_err(|reason| Error::Content { path: file, reason })
}

/// One manifest from its text.
pub fn parse(text: &str) -> Result<Manifest, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let dependencies = file
        .tables
        .names()
        .chain(file.target.values().flat_map(Tables::names))
        .collect();
    Ok(Manifest {
        name: file.package.name,
        dependencies,
    })
}
