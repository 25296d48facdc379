//! Versions of policies: stored once they are checked and their tests pass, tried out beside those in force, put
//! in force, and taken back. They are of the whole instance.

use std::sync::Arc;

use domain::{Permission, Role, TenantId, TenantScope};
use policy::{Actor, Configured, Desk, Failed, Found, Plane, PolicyTexts, Resource, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, StoreError};

use super::words::{name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Permitted, Stop};
use crate::page::Page;
use crate::problem::{Code, Problem};
use crate::record::{Document, User, UserState, read};
use crate::shapes;
use crate::versions::{self, Activated, Standing, Version};

/// How many files and tests a version may have.
const FILES_MAX: usize = 100;
/// All its texts together.
const TEXTS_BYTES_MAX: usize = 256 << 10;
/// The longest name of a file.
const FILE_NAME_CHARS_MAX: usize = 120;
/// The longest reason, and the longest name of a commit.
const REASON_CHARS_MAX: usize = 500;
const COMMIT_CHARS_MAX: usize = 64;
/// How many failed tests an error lists.
const FAILED_SHOWN_MAX: usize = 10;
/// Where versions are asked about: the platform's own policies.
const RESOURCE: Resource = Resource::Policies {
    tenant: TenantId::PLATFORM,
};

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
    plane: String,
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

impl VersionLine {
    fn of(version: &Version, standing: &Standing) -> Self {
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
        }
    }
}

impl VersionText {
    fn of(version: &Version, standing: &Standing) -> Self {
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

fn plane(text: &str) -> Result<Plane, Problem> {
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
    fn read(self) -> Result<(Plane, PolicyTexts, String, Option<String>), Problem> {
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

/// Puts a set together as it would answer, on top of what is configured, and runs its tests. Returns the desk
/// of a control-plane set.
// threat: ANP-B0001
// threat: ANP-0002
async fn tried(call: &Call, plane: Plane, texts: Option<PolicyTexts>) -> Result<Option<Desk>, Problem> {
    let configured = call.control.rules.configured();
    let task = tokio::task::spawn_blocking(move || try_out(&configured, plane, texts.as_ref()));
    task.await.map_err(|error| Problem {
        internal: Some(error.to_string()),
        ..Problem::new(Code::Internal, "the policies could not be checked")
    })?
}

fn try_out(
    configured: &Arc<Configured>,
    plane: Plane,
    texts: Option<&PolicyTexts>,
) -> Result<Option<Desk>, Problem> {
    let refused = |error: policy::PolicyError| Problem::new(Code::Invalid, error.to_string()).at("/files");
    let failed = |run: &dyn Fn(&PolicyTexts) -> Vec<Failed>| match texts.map(run) {
        Some(failed) if !failed.is_empty() => Err(of_tests(&failed)),
        _ => Ok(()),
    };
    match plane {
        Plane::Calls => {
            let engine = configured.engine(texts).map_err(refused)?;
            failed(&|texts| texts.failed_on_calls(&engine))?;
            Ok(None)
        }
        Plane::Control => {
            let desk = configured.desk(texts).map_err(refused)?;
            failed(&|texts| texts.failed_on_control(&desk))?;
            Ok(Some(desk))
        }
    }
}

fn of_tests(failed: &[Failed]) -> Problem {
    let shown: Vec<_> = failed
        .iter()
        .take(FAILED_SHOWN_MAX)
        .map(ToString::to_string)
        .collect();
    let detail = format!("{} policy tests failed: {}", failed.len(), shown.join("; "));
    Problem::new(Code::Invalid, detail).at("/tests")
}

/// That a set leaves a way back: some platform admin who is there may still put another in force. Asked of the
/// very desk that would answer.
// threat: ANP-0014
// threat: CTX-T2
async fn leaves_a_way_back(call: &Call, desk: &Desk) -> Result<(), Stop> {
    let scope = TenantScope::operator(TenantId::PLATFORM);
    let mut admins = Vec::new();
    for (record, _) in call.all_of::<User>(&scope, None).await? {
        let user: User = read(&record)?;
        let id = domain::ActorId::User(user.id);
        let grants = crate::caller::grants_of(&call.control, &scope, id).await?;
        let is_admin = grants.iter().any(|grant| grant.role == Role::PlatformAdmin);
        if is_admin && user.state == UserState::Active {
            admins.push((id, grants));
        }
    }
    let actors: Vec<_> = admins
        .iter()
        .map(|(id, grants)| Actor {
            id: *id,
            tenant: TenantId::PLATFORM,
            grants,
        })
        .collect();
    let posture = call.control.posture;
    if desk.somebody_may(Permission::PoliciesActivate, RESOURCE, &actors, posture) {
        return Ok(());
    }
    let detail =
        "with these policies no platform admin could put others in force: nobody could take them back";
    Err(Problem::new(Code::Conflict, detail).into())
}

async fn found(call: &Call) -> Result<Version, Problem> {
    let number: u64 = call.id("version")?;
    match versions::version(call.control.store.as_ref(), number).await {
        Err(StoreError::NotFound) => Err(Problem::not_found()),
        found => Ok(found?),
    }
}

/// Leave to act on the platform's own policies.
async fn permitted(call: &Call) -> Result<(Entered, Permitted), Stop> {
    let entered = call.platform()?;
    let permitted = call.permit(&entered, RESOURCE).await?;
    Ok((entered, permitted))
}

fn by(call: &Call) -> Result<Activated, Problem> {
    let caller = call.caller()?;
    Ok(Activated {
        by: caller.id,
        name: caller.name.clone(),
        at: call.now,
    })
}

/// The change from one standing to another: made only if nobody else made one meanwhile.
fn replaced(before: Option<store::Record>, after: &Standing) -> Result<Change, Problem> {
    let after = after.to_record()?;
    Ok(match before {
        Some(before) => Change::Replace { before, after },
        None => Change::Create(after),
    })
}

/// `GET …/policies/versions`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, _) = permitted(&call).await?;
    let standing = versions::standing(call.control.store.as_ref()).await?;
    let line = |version: Version| VersionLine::of(&version, &standing);
    let page: Page<VersionLine> = call
        .page_of_records(&entered, call.query("plane"), |_: &Version| Ok(true), line)
        .await?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `POST …/policies/versions`.
pub async fn create(call: Call, body: NewVersion) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let (plane, texts, reason, commit) = body.read()?;
    tried(&call, plane, Some(texts.clone())).await?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    if record.is_none() {
        standing.created = call.now;
    }
    standing.last += 1;
    let caller = call.caller()?;
    let version = Version {
        number: standing.last,
        plane,
        texts,
        author: caller.id,
        author_name: caller.name.clone(),
        reason,
        commit,
        created: call.now,
    };
    let view = VersionText::of(&version, &standing);
    let at = format!("/api/v1/policies/versions/{}", version.number);
    let changes = vec![Change::Create(version.to_record()?), replaced(record, &standing)?];
    let deed = Deed::made(format!("policies/{}", version.number), &view);
    call.done(&permitted, deed, changes, Answer::created(&view.version, at)?)
        .await
}

/// `GET …/policies/versions/{version}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    permitted(&call).await?;
    let version = found(&call).await?;
    let standing = versions::standing(call.control.store.as_ref()).await?;
    Ok(Answer::view(&VersionText::of(&version, &standing))?)
}

/// `POST …/policies/versions/{version}/activate`.
// threat: ANP-0002
pub async fn activate(call: Call, _: Nothing) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let version = found(&call).await?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    let before = VersionLine::of(&version, &standing);
    if before.state == "active" {
        return Err(Problem::new(Code::Conflict, "this version is in force already").into());
    }
    if let Some(desk) = tried(&call, version.plane, Some(version.texts.clone())).await? {
        leaves_a_way_back(&call, &desk).await?;
    }
    standing
        .of_mut(version.plane)
        .activate(version.number, by(&call)?);
    done(&call, &permitted, (record, standing), (version, before)).await
}

/// `POST …/policies/rollback`.
pub async fn rollback(call: Call, body: OfPlane) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let plane = plane(&body.plane)?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    let Some(active) = standing.of(plane).active else {
        return Err(Problem::new(
            Code::Conflict,
            "no version is in force: there is nothing to take back",
        )
        .into());
    };
    let version = versions::version(call.control.store.as_ref(), active).await?;
    let before = VersionLine::of(&version, &standing);
    if !standing.of_mut(plane).roll_back(by(&call)?) {
        return Err(Problem::new(Code::Conflict, "what was in force before is not known any more").into());
    }
    let texts = match standing.of(plane).active {
        Some(number) => Some(
            versions::version(call.control.store.as_ref(), number)
                .await?
                .texts,
        ),
        None => None,
    };
    if let Some(desk) = tried(&call, plane, texts).await? {
        leaves_a_way_back(&call, &desk).await?;
    }
    done(&call, &permitted, (record, standing), (version, before)).await
}

/// `POST …/policies/versions/{version}/shadow`.
pub async fn shadow(call: Call, _: Nothing) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let version = found(&call).await?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    let before = VersionLine::of(&version, &standing);
    if before.state == "active" {
        return Err(Problem::new(Code::Conflict, "this version is in force already").into());
    }
    tried(&call, version.plane, Some(version.texts.clone())).await?;
    standing.of_mut(version.plane).shadow = Some(version.number);
    done(&call, &permitted, (record, standing), (version, before)).await
}

/// `DELETE …/policies/versions/{version}/shadow`.
pub async fn end_shadow(call: Call, _: Nothing) -> Done {
    let (_, permitted) = permitted(&call).await?;
    let version = found(&call).await?;
    let (record, mut standing) = versions::stored_standing(call.control.store.as_ref()).await?;
    let before = VersionLine::of(&version, &standing);
    if before.state != "shadow" {
        return Err(Problem::new(Code::Conflict, "this version is not tried out").into());
    }
    standing.of_mut(version.plane).shadow = None;
    done(&call, &permitted, (record, standing), (version, before)).await
}

async fn done(
    call: &Call,
    permitted: &Permitted,
    (record, standing): (Option<store::Record>, Standing),
    (version, before): (Version, VersionLine),
) -> Done {
    let view = VersionLine::of(&version, &standing);
    let deed = Deed::changed(format!("policies/{}", version.number), &before, &view);
    let changes = vec![replaced(record, &standing)?];
    call.done(permitted, deed, changes, Answer::view(&view)?).await
}

/// `GET …/policies/versions/{version}/differences`.
pub async fn differences(call: Call, _: Nothing) -> Done {
    permitted(&call).await?;
    let version = found(&call).await?;
    let Found {
        compared,
        skipped,
        failed,
        differences,
    } = call.control.rules.differences().of(version.plane, version.number);
    let items = differences.into_iter().map(|one| DifferenceView {
        question: one.question,
        tenant: one.tenant,
        active: answered(&one.active),
        shadow: answered(&one.shadow),
        count: one.count,
        last: time(one.last),
    });
    Ok(Answer::view(&DifferencesView {
        version: version.number,
        compared,
        skipped,
        failed,
        items: items.collect(),
    })?)
}

fn answered(answered: &policy::Answered) -> String {
    let word = if answered.permit { "permit" } else { "deny" };
    if answered.policies.is_empty() {
        return word.to_owned();
    }
    format!("{word} by {}", answered.policies.join(", "))
}
