//! The threat matrix: the register joined with what the repository says about each threat. A threat
//! that nothing names is open, whatever its disposition promises.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::citations::{self, Citations};
use crate::register::{self, Threat};
use crate::{Error, repository};

/// Where the matrix is published.
pub const FILE: &str = "docs/threats.md";

/// What there is about a threat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Code that names it and a test that does.
    Covered,
    /// Code names it, no test does.
    CodeOnly,
    /// A test names it, no code does.
    TestOnly,
    /// Neither.
    Open,
}

impl State {
    const ALL: [Self; 4] = [Self::Covered, Self::CodeOnly, Self::TestOnly, Self::Open];

    /// How people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::CodeOnly => "code only",
            Self::TestOnly => "test only",
            Self::Open => "OPEN",
        }
    }
}

/// One threat's line.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The id.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// The disposition's word.
    pub disposition: &'static str,
    /// What there is.
    pub state: State,
    /// Where it is or will be dealt with.
    pub place: Vec<String>,
    /// Files whose code names it.
    pub code: BTreeSet<String>,
    /// Tests that name it.
    pub tests: BTreeSet<String>,
}

/// All of it.
#[derive(Debug, Serialize)]
pub struct Matrix {
    /// A line for each threat, in the register's order.
    pub rows: Vec<Row>,
    /// Names that are no threat's.
    pub problems: Vec<String>,
}

/// Reads the register and the repository at `root`.
pub fn load(root: &Path) -> Result<Matrix, Error> {
    let threats = register::load(root)?;
    let citations = citations::collect(root, &threats)?;
    Ok(join(&threats, citations))
}

/// Joins them.
pub fn join(threats: &[Threat], citations: Citations) -> Matrix {
    let rows = threats.iter().map(|threat| row(threat, &citations)).collect();
    Matrix {
        rows,
        problems: citations.problems,
    }
}

fn row(threat: &Threat, citations: &Citations) -> Row {
    let sites = || citations.sites.iter().filter(|site| site.id == threat.id);
    let code: BTreeSet<_> = sites()
        .filter(|site| site.test.is_none())
        .map(|site| site.file.display().to_string())
        .collect();
    let tests: BTreeSet<_> = sites().filter_map(|site| site.test.clone()).collect();
    let state = match (code.is_empty(), tests.is_empty()) {
        (false, false) => State::Covered,
        (false, true) => State::CodeOnly,
        (true, false) => State::TestOnly,
        (true, true) => State::Open,
    };
    Row {
        id: threat.id.clone(),
        title: threat.title.clone(),
        disposition: threat.disposition.as_str(),
        state,
        place: threat.place.clone(),
        code,
        tests,
    }
}

impl Matrix {
    /// `12 covered, 3 code only, …`.
    pub fn summary(&self) -> String {
        let count = |state| self.rows.iter().filter(|row| row.state == state).count();
        let counts: Vec<_> = State::ALL
            .iter()
            .map(|state| format!("{} {}", count(*state), state.as_str().to_lowercase()))
            .collect();
        format!("{} threats: {}", self.rows.len(), counts.join(", "))
    }

    /// For a terminal: aligned columns, then the counts.
    pub fn text(&self) -> String {
        let width = |cell: fn(&Row) -> &str| {
            self.rows
                .iter()
                .map(|row| cell(row).chars().count())
                .max()
                .unwrap_or(0)
        };
        let (ids, titles) = (width(|row| &row.id), width(|row| &row.title));
        let mut text = format!(
            "{:ids$}  {:titles$}  disposition  state      code  tests\n",
            "id", "threat"
        );
        for row in &self.rows {
            let (state, code, tests) = (row.state.as_str(), row.code.len(), row.tests.len());
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "{:ids$}  {:titles$}  {:11}  {state:9}  {code:4}  {tests:5}",
                row.id, row.title, row.disposition
            );
        }
        text + "\n" + &self.summary() + "\n"
    }

    /// For the documentation.
    pub fn markdown(&self) -> String {
        let mut text = format!("{HEAD}{}.\n\n{TABLE}", self.summary());
        for row in &self.rows {
            let state = if row.state == State::Open {
                "**open**"
            } else {
                row.state.as_str()
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                row.id,
                row.title,
                row.disposition,
                state,
                row.place.join(", "),
                cell(&row.code),
                cell(&row.tests)
            );
        }
        text
    }
}

fn cell(names: &BTreeSet<String>) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join("<br>")
}

/// Writes the published matrix; says whether it changed.
pub fn write(root: &Path, matrix: &Matrix) -> Result<bool, Error> {
    repository::write(root, Path::new(FILE), &matrix.markdown())
}

const HEAD: &str = "\
<!-- Generated by `cargo xtask threats` from `threats/threats.toml` and the sources; do not edit. -->

# Threats

Every threat of the three threat models that Bartizan is built from, and what the repository holds about
it. *Covered*: code names it and a test named after it attacks it. *Code only*, *test only*: one of the two.
*Open*: nothing names it yet, whatever is planned. The disposition says what is meant to be done: prevent,
detect, leave to the deployment, or accept; reasons are in `threats/threats.toml`.

";

const TABLE: &str = "\
| id | threat | disposition | state | where | code | tests |
|---|---|---|---|---|---|---|
";
