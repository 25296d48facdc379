//! The register of threats: `threats/threats.toml`, read strictly.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, repository};

/// Where the register is.
pub const FILE: &str = "threats/threats.toml";

/// What is done about a threat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Code stops it.
    Prevent,
    /// Code shows that it happened.
    Detect,
    /// The environment has to stop it.
    Deploy,
    /// Nothing is done, for a stated reason.
    Accept,
}

impl Disposition {
    /// The word in the register.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prevent => "prevent",
            Self::Detect => "detect",
            Self::Deploy => "deploy",
            Self::Accept => "accept",
        }
    }
}

/// One threat.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threat {
    /// The id with its model's prefix: `AGP-D1`.
    pub id: String,
    /// In our own short words.
    pub title: String,
    /// File and section of the threat model.
    pub source: String,
    /// The STRIDE category, where the model gives one.
    #[serde(default)]
    pub stride: Option<String>,
    /// What is done about it.
    pub disposition: Disposition,
    /// Why it is not simply prevented. Required unless it is.
    #[serde(default)]
    pub reason: Option<String>,
    /// Stages, crates or folders that hold (or will hold) what is done.
    #[serde(rename = "where")]
    pub place: Vec<String>,
    /// How, where the place alone does not say it.
    #[serde(default)]
    pub note: Option<String>,
}

impl Threat {
    /// How test names begin: `agp_cred_1_1_1`.
    pub fn snake(&self) -> String {
        self.id.to_lowercase().replace(['-', '.'], "_")
    }

    /// The name of the enum's variant: `AgpCred111`. A risk says that it is one, because `AGP-R1` and
    /// `AGP-R-001` are two threats.
    pub fn variant(&self) -> String {
        let named = self.id.replacen("AGP-R-", "AGP-Risk-", 1);
        named.split(['-', '.']).map(capitalised).collect()
    }
}

fn capitalised(part: &str) -> String {
    let mut letters = part.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first
        .into_iter()
        .chain(letters.map(|letter| letter.to_ascii_lowercase()))
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    threat: Vec<Threat>,
}

/// Reads the register of the repository at `root`.
pub fn load(root: &Path) -> Result<Vec<Threat>, Error> {
    parse(&repository::read(root, Path::new(FILE))?).map_err(|reason| Error::Content {
        path: PathBuf::from(FILE),
        reason,
    })
}

/// The register's threats in its own order; refuses two of one name, and a missing reason or place.
pub fn parse(text: &str) -> Result<Vec<Threat>, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let (mut ids, mut variants) = (BTreeSet::new(), BTreeSet::new());
    for threat in &file.threat {
        check(threat)?;
        if !ids.insert(threat.snake()) || !variants.insert(threat.variant()) {
            return Err(format!("`{}` is there twice", threat.id));
        }
    }
    Ok(file.threat)
}

fn check(threat: &Threat) -> Result<(), String> {
    let id = &threat.id;
    let known = ["AGP-", "CTX-", "ANP-"]
        .iter()
        .any(|prefix| id.starts_with(prefix));
    if !known
        || !id
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-.".contains(&b))
    {
        return Err(format!("`{id}` is not an id of the form `AGP-D1`"));
    }
    if threat.title.is_empty() || threat.source.is_empty() || threat.place.is_empty() {
        return Err(format!("`{id}` needs a title, a source and a place"));
    }
    if threat.disposition != Disposition::Prevent && threat.reason.as_deref().is_none_or(str::is_empty) {
        return Err(format!("`{id}` needs a reason: it is not simply prevented"));
    }
    Ok(())
}
