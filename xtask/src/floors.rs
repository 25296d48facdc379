//! The floors: a crate is built only from crates below it. The one table of who stands where.

use std::collections::BTreeSet;
use std::path::Path;

use crate::Error;
use crate::manifest::{self, Manifest};

/// Every crate and its floor.
const FLOORS: &[(&str, u8)] = &[
    ("domain", 0),
    ("apps", ENGINE),
    ("config", ENGINE),
    ("credential", ENGINE),
    ("dialect", ENGINE),
    ("finops", ENGINE),
    ("exports", ENGINE),
    ("guard", ENGINE),
    ("guard-wasm", ENGINE),
    ("habit", ENGINE),
    ("identity", ENGINE),
    ("ledger", ENGINE),
    ("limit", ENGINE),
    ("passkey", ENGINE),
    ("policy", ENGINE),
    ("tokenizer", ENGINE),
    ("journal", 2),
    ("secrets", 2),
    ("store", 2),
    ("telemetry", 2),
    ("upstream", 2),
    ("inspector", ADAPTER),
    ("secrets-vault", ADAPTER),
    ("store-postgres", ADAPTER),
    ("store-sqlite", ADAPTER),
    ("control", 4),
    ("data", 4),
    ("worker", 4),
    ("bartizan", 5),
    ("bench", TOOL),
    ("sim", TOOL),
    ("testkit", TOOL),
    ("xtask", TOOL),
];

/// Pure: values and a time in, values out.
const ENGINE: u8 = 1;
/// Implementations of a port.
const ADAPTER: u8 = 3;
/// Beside the product, which is never built from them.
const TOOL: u8 = 9;

/// Edges within a floor, each because the first one's values contain the second one's.
const SIDEWAYS: &[(&str, &str)] = &[
    ("apps", "guard"),
    ("config", "credential"),
    ("config", "guard"),
    ("config", "ledger"),
    ("config", "limit"),
    ("config", "policy"),
    ("exports", "ledger"),
    ("guard-wasm", "guard"),
    ("identity", "credential"),
    ("policy", "credential"),
];

/// What an adapter sees of us: its port, the words and values that the port speaks in, and the one way out.
const ADAPTERS_SEE: &[&str] = &[
    "domain",
    "store",
    "secrets",
    "credential",
    "guard",
    "ledger",
    "limit",
    "upstream",
];

/// What nothing pure is built with: an async runtime, the network, a database.
const NEVER_IN_ENGINES: &[&str] = &[
    "tokio",
    "tokio-rustls",
    "hyper",
    "hyper-util",
    "hyper-rustls",
    "rustls",
    "sqlx",
    "moka",
    "tracing",
    "reqwest",
];

/// Pairs of which the first may not reach the second by any way.
const NEVER_REACHES: &[(&str, &str)] = &[("data", "control"), ("control", "data"), ("data", "worker")];

/// What is wrong with the crates of the repository at `root`; nothing when all stand where they should.
pub fn check(root: &Path) -> Result<Vec<String>, Error> {
    let crates = manifest::load(root)?;
    let mut problems = check_crates(&crates);
    // The table may not name crates that are gone.
    let gone = FLOORS
        .iter()
        .filter(|(name, _)| !crates.iter().any(|one| one.name == *name));
    problems
        .extend(gone.map(|(name, _)| format!("`{name}` is in the table of floors and not in the workspace")));
    Ok(problems)
}

/// What is wrong with these crates, by the table.
pub fn check_crates(crates: &[Manifest]) -> Vec<String> {
    let mut problems = Vec::new();
    for one in crates {
        match floor(&one.name) {
            Some(own) => problems.extend(
                one.dependencies
                    .iter()
                    .filter_map(|to| objection(&one.name, own, to)),
            ),
            None => problems.push(format!(
                "`{}` has no floor; give it one in xtask/src/floors.rs",
                one.name
            )),
        }
    }
    let forbidden = NEVER_REACHES
        .iter()
        .filter(|(from, to)| reaches(crates, from, to));
    problems.extend(forbidden.map(|(from, to)| format!("`{from}` reaches `{to}`, by whatever way")));
    problems
}

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, floor)| *floor)
}

/// Why `from` may not be built with `to`, if it may not.
fn objection(from: &str, own: u8, to: &str) -> Option<String> {
    let Some(other) = floor(to) else {
        return (own <= ENGINE && NEVER_IN_ENGINES.contains(&to))
            .then(|| format!("`{from}` is pure and may not depend on `{to}`"));
    };
    if own == TOOL {
        return None;
    }
    if other == TOOL {
        return Some(format!(
            "`{from}` is product and may not depend on the tool `{to}`"
        ));
    }
    if other > own {
        return Some(format!(
            "`{from}` (floor {own}) depends on `{to}` (floor {other}): up"
        ));
    }
    if other == own && !SIDEWAYS.contains(&(from, to)) {
        return Some(format!(
            "`{from}` depends on `{to}` on its own floor {own}; declare the edge or move a type down"
        ));
    }
    (own == ADAPTER && !ADAPTERS_SEE.contains(&to))
        .then(|| format!("`{from}` is an adapter and may not see `{to}`"))
}

/// Whether `from` is built with `to`, directly or through others.
fn reaches(crates: &[Manifest], from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(name) = next.pop() {
        let of = crates.iter().find(|one| one.name == name).into_iter();
        for dependency in of.flat_map(|one| &one.dependencies) {
            if dependency == to {
                return true;
            }
            if seen.insert(dependency.as_str()) {
                next.push(dependency);
            }
        }
    }
    false
}
