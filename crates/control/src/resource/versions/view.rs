//! Versions of policies as they are given and as they are shown.

use domain::ApprovalId;
use policy::{Found, Plane, PolicyTexts, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::problem::{Code, Problem};
use crate::resource::words::{name, time};
use crate::shapes;
use crate::versions::{Standing, Version};

/// How many files and tests a version may have.
const FILES_MAX: usize = 100;
/// All its texts together.
const TEXTS_BYTES_MAX: usize = 256 << 10;
/// The longest name of a file.
const FILE_NAME_CHARS_MAX: usize = 120;
/// The longest reason, and the longest name of a commit.
const REASON_CHARS_MAX: usize = 500;
const COMMIT_CHARS_MAX: usize = 64;

/// A file of policies or tests.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileText {
    /// What errors and explanations call it.
    name: String,
    /// What is in it.
    text: String,
}

/// A version to be stored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVersion {
    /// `calls` or `control`.
    plane: String,
    /// Cedar policies.
    files: Vec<FileText>,
    /// Tests of them, as `bartizan check` runs them.
    #[serde(default)]
    tests: Vec<FileText>,
    /// Why.
    reason: String,
    /// The Git commit they came from.
    #[serde(default)]
    commit: Option<String>,
}

/// Which plane.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfPlane {
    /// `calls` or `control`.
    pub(super) plane: String,
}

/// A version as it is listed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VersionLine {
    /// Its number.
    pub number: u64,
    /// `calls` or `control`.
    pub plane: &'static str,
    /// `draft`, `shadow`, `active` or `retired`.
    pub state: &'static str,
    /// Who made it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// The Git commit it came from, as its author says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// Who put it in force, if it is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activated_by: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activated: Option<String>,
    /// The approval by which it was, if that took two people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub approval: Option<ApprovalId>,
    /// Who gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// A version with its texts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VersionText {
    /// What it is.
    #[serde(flatten)]
    pub version: VersionLine,
    /// Its policies.
    pub files: Vec<FileText>,
    /// Its tests.
    pub tests: Vec<FileText>,
}

/// What a version that is tried out would have answered otherwise, as this node has seen it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferencesView {
    /// Which version.
    pub version: u64,
    /// Questions that were asked of both sets.
    pub compared: u64,
    /// Questions that were not, because too many came at once.
    pub skipped: u64,
    /// Questions that the version could not be asked.
    pub failed: u64,
    /// Those that differ, newest first; one line for each question.
    pub items: Vec<DifferenceView>,
}

/// A question that two sets answer differently.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferenceView {
    /// What was asked.
    pub question: String,
    /// The tenant of whoever asked.
    pub tenant: String,
    /// What was answered: `permit` or `deny`, and by which policies.
    pub active: String,
    /// What the version would have answered.
    pub shadow: String,
    /// How often it came up.
    pub count: u64,
    /// When it last did, RFC 3339.
    pub last: String,
}

shapes! { given: NewVersion, OfPlane ; shown: VersionLine, VersionText, DifferencesView }

impl DifferencesView {
    /// What was found about a version.
    pub(super) fn of(version: u64, found: Found) -> Self {
        let items = found.differences.into_iter().map(|one| DifferenceView {
            question: one.question,
            tenant: one.tenant,
            active: answered(&one.active),
            shadow: answered(&one.shadow),
            count: one.count,
            last: time(one.last),
        });
        Self {
            version,
            compared: found.compared,
            skipped: found.skipped,
            failed: found.failed,
            items: items.collect(),
        }
    }
}

impl VersionLine {
    pub(super) fn of(version: &Version, standing: &Standing) -> Self {
        let of = standing.of(version.plane);
        let number = Some(version.number);
        let state = if of.active == number {
            "active"
        } else if of.shadow == number {
            "shadow"
        } else if of.previous.contains(&number) {
            "retired"
        } else {
            "draft"
        };
        let activated = of.activated.as_ref().filter(|_| of.active == number);
        let approval = activated.and_then(|by| by.approval.as_ref());
        Self {
            number: version.number,
            plane: version.plane.as_str(),
            state,
            author: version.author_name.clone(),
            reason: version.reason.clone(),
            commit: version.commit.clone(),
            created: time(version.created),
            activated_by: activated.map(|by| by.name.clone()),
            activated: activated.map(|by| time(by.at)),
            approval: approval.map(|approval| approval.id),
            approved_by: approval.map(|approval| approval.name.clone()),
        }
    }
}

impl VersionText {
    pub(super) fn of(version: &Version, standing: &Standing) -> Self {
        let shown = |texts: &[Text]| {
            let shown = texts.iter().map(|text| FileText {
                name: text.name.clone(),
                text: text.text.clone(),
            });
            shown.collect()
        };
        Self {
            version: VersionLine::of(version, standing),
            files: shown(&version.texts.files),
            tests: shown(&version.texts.tests),
        }
    }
}

/// Which plane is meant.
pub(super) fn plane(text: &str) -> Result<Plane, Problem> {
    let found = Plane::ALL.into_iter().find(|plane| plane.as_str() == text);
    found.ok_or_else(|| Problem::new(Code::Invalid, "a plane is `calls` or `control`").at("/plane"))
}

/// Texts within their bounds, each under a name of its own that is no file's of ours.
fn texts(given: Vec<FileText>, pointer: &str) -> Result<Vec<Text>, Problem> {
    let wrong = |detail: String| Err(Problem::new(Code::Invalid, detail).at(pointer));
    if given.len() > FILES_MAX {
        return wrong(format!("a version has at most {FILES_MAX} files"));
    }
    let mut taken: Vec<Text> = Vec::with_capacity(given.len());
    for FileText { name: file, text } in given {
        let called = name(&file, pointer)?;
        let is_taken = taken.iter().any(|other| other.name == called);
        if is_taken || called.contains('/') || called.chars().count() > FILE_NAME_CHARS_MAX {
            return wrong("each file has a name of its own, without folders".to_owned());
        }
        taken.push(Text { name: called, text });
    }
    Ok(taken)
}

fn short(text: &str, chars_max: usize, pointer: &str) -> Result<String, Problem> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= chars_max && !text.chars().any(char::is_control);
    if fits {
        return Ok(text.to_owned());
    }
    let detail = format!("this has 1 to {chars_max} characters, on one line");
    Err(Problem::new(Code::Invalid, detail).at(pointer))
}

impl NewVersion {
    /// Its parts, each within its bounds.
    pub(super) fn read(self) -> Result<(Plane, PolicyTexts, String, Option<String>), Problem> {
        let texts = PolicyTexts {
            files: texts(self.files, "/files")?,
            tests: texts(self.tests, "/tests")?,
        };
        let bytes: usize = texts
            .files
            .iter()
            .chain(&texts.tests)
            .map(|text| text.text.len())
            .sum();
        if bytes > TEXTS_BYTES_MAX || texts.files.is_empty() {
            let detail =
                format!("a version has at least one file, and at most {TEXTS_BYTES_MAX} bytes in all");
            return Err(Problem::new(Code::Invalid, detail).at("/files"));
        }
        let commit = self.commit.map(|text| short(&text, COMMIT_CHARS_MAX, "/commit"));
        let reason = short(&self.reason, REASON_CHARS_MAX, "/reason")?;
        Ok((plane(&self.plane)?, texts, reason, commit.transpose()?))
    }
}

fn answered(answered: &policy::Answered) -> String {
    let word = if answered.permit { "permit" } else { "deny" };
    if answered.policies.is_empty() {
        return word.to_owned();
    }
    format!("{word} by {}", answered.policies.join(", "))
}
