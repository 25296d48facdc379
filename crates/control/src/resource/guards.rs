//! How a tenant guards its own calls beyond what the instance asks of all: profiles, and exceptions from them. It only
//! tightens: what a tenant's document says is laid over the instance's, and the strictest wins, whoever wrote it.

use std::collections::BTreeSet;

use domain::{TenantId, UnixMillis};
use guard::{Exception, INSTANCE, Profile, Profiles, When};
use ledger::AuditActor;
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;
use store::{RecordKind, StoreError};

use super::differences;
use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::configuration::world::World;
use crate::documents::{self, Kept};
use crate::etag;
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::shapes;

/// How a tenant guards its own calls.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "TenantGuards")]
pub struct GuardsView {
    /// The version in force. 0 before there is any.
    pub number: u64,
    /// Since when, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Guards for some of the tenant's calls, beyond the instance's.
    pub profiles: Vec<Profile>,
    /// What these profiles let pass for a while.
    pub exceptions: Vec<Exception>,
    /// Places in `exceptions`, from 0, of those whose time is over: they let nothing pass any more.
    pub exceptions_over: Vec<usize>,
    /// The instance's profiles that calls of the tenant may meet. They apply whatever the tenant's say.
    pub instance: Vec<InstanceProfile>,
}

/// A profile of the instance's.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InstanceProfile {
    /// What it is called in records and refusals.
    pub name: String,
    /// Whether it is only tried out.
    pub shadow: bool,
}

/// A version of how a tenant guards its own calls.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GuardsVersion {
    /// Which, from 1.
    pub number: u64,
    /// Since when it was in force, RFC 3339.
    pub made: String,
    /// Who made it.
    pub by: String,
    /// What it says.
    #[serde(flatten)]
    pub document: Profiles,
}

shapes! { given: Profiles ; shown: GuardsView, GuardsVersion }

/// Who made a version, as people call them.
pub fn maker(by: &AuditActor) -> String {
    match by {
        AuditActor::User(_, name)
        | AuditActor::Service(_, name)
        | AuditActor::Operator(name)
        | AuditActor::Gate(name)
        | AuditActor::Stranger(name) => name.clone(),
    }
}

impl From<Kept<Profiles>> for GuardsVersion {
    fn from(kept: Kept<Profiles>) -> Self {
        Self {
            number: kept.number,
            made: time(kept.made),
            by: maker(&kept.by),
            document: kept.document,
        }
    }
}

/// A tenant that makes calls: the platform's own makes none.
pub(super) async fn entered(call: &Call) -> Result<(Entered, Resource), Stop> {
    let entered = call.enter().await?;
    match entered.tenant() {
        TenantId::PLATFORM => Err(Problem::not_found().into()),
        tenant => Ok((entered, Resource::Tenant(tenant))),
    }
}

/// What is tagged: the version, whatever time has done to it since.
#[derive(Debug, Default, Serialize)]
struct Tagged<'a> {
    number: u64,
    document: Option<&'a Profiles>,
}

fn tagged(kept: Option<&Kept<Profiles>>) -> Tagged<'_> {
    Tagged {
        number: kept.map_or(0, |kept| kept.number),
        document: kept.map(|kept| &kept.document),
    }
}

fn is_over(exception: &Exception, now: UnixMillis) -> bool {
    now >= exception.until_ms
}

fn view(call: &Call, entered: &Entered, kept: Option<Kept<Profiles>>) -> Result<Answer, Problem> {
    let tag = etag::of(&tagged(kept.as_ref()));
    let (number, made, by) = kept.as_ref().map_or((0, None, None), |kept| {
        (kept.number, Some(time(kept.made)), Some(maker(&kept.by)))
    });
    let Profiles { profiles, exceptions } = kept.map(|kept| kept.document).unwrap_or_default();
    let over = exceptions
        .iter()
        .enumerate()
        .filter(|(_, one)| is_over(one, call.now));
    let shown = GuardsView {
        number,
        made,
        by,
        exceptions_over: over.map(|(at, _)| at).collect(),
        profiles,
        exceptions,
        instance: of_instance(call, entered.tenant()),
    };
    Ok(Answer {
        etag: Some(tag),
        ..Answer::json(http::StatusCode::OK, &shown)?
    })
}

/// The instance's profiles, but for those that are about other tenants alone: their names are nobody else's to know.
// threat: AGP-I1
fn of_instance(call: &Call, tenant: TenantId) -> Vec<InstanceProfile> {
    let name = call.names.tenant(tenant).map(|tenant| tenant.name);
    let (id, name) = (tenant.to_string(), name.unwrap_or_default());
    let concerns =
        |when: &When| when.tenants.is_empty() || when.tenants.iter().any(|one| *one == id || *one == name);
    let all = call.control.serving.guard_profiles().into_iter();
    all.filter(|profile| concerns(&profile.when))
        .map(|profile| InstanceProfile {
            name: profile.name,
            shadow: profile.shadow,
        })
        .collect()
}

/// `GET …/guards`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let newest = documents::newest::<Profiles>(call.control.store.as_ref(), entered.scope()).await?;
    Ok(view(&call, &entered, newest.map(|(_, kept)| kept))?)
}

/// `PUT …/guards`: in force on every gate within a second.
// threat: ANP-0017 ANP-0020 ANP-0011
pub async fn put(call: Call, body: Profiles) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let (body, problems) = judged(body).await?;
    checked(&Known::of(&call, &entered, &body).await?, &body, problems)?;
    let before = documents::replaced::<Profiles>(call.control.store.as_ref(), entered.scope()).await?;
    call.must_match(&tagged(before.as_ref().map(|(_, kept)| kept)))?;
    let was = before
        .as_ref()
        .map(|(_, kept)| kept.document.clone())
        .unwrap_or_default();
    let by = (call.caller()?.audited(), call.now);
    let (kept, changes) = documents::next(before, body, by)?;
    let deed = Deed::changed(entered.tenant(), &was, &kept.document);
    let answer = view(&call, &entered, Some(kept))?;
    call.done(&permitted, deed, changes, answer).await
}

/// `DELETE …/guards`: the instance's alone are left. It is one more version, which says nothing.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let before = documents::replaced::<Profiles>(call.control.store.as_ref(), entered.scope()).await?;
    let was = before.as_ref().map(|(_, kept)| kept.document.clone());
    let was = was
        .filter(|was| *was != Profiles::default())
        .ok_or_else(Problem::not_found)?;
    let by = (call.caller()?.audited(), call.now);
    let (_, changes) = documents::next(before, Profiles::default(), by)?;
    let deed = Deed::removed(entered.tenant(), &was);
    call.done(&permitted, deed, changes, Answer::nothing()).await
}

/// `GET …/guards/versions/{number}/diff`.
pub async fn diff(call: Call, _: Nothing) -> Done {
    differences::told::<Profiles>(&call).await
}

/// `GET …/guards/versions`.
pub async fn history(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let all = documents::history::<Profiles>(call.control.store.as_ref(), entered.scope()).await?;
    let page = call.page_of(
        all,
        |kept: &Kept<Profiles>, _| Place::by_id(format!("{:010}", kept.number)),
        GuardsVersion::from,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// A place such as `profiles[0].name` as a JSON pointer.
pub(super) fn pointer(place: &str) -> String {
    let steps = place.split(['.', '[', ']']).filter(|step| !step.is_empty());
    steps.fold(String::new(), |at, step| format!("{at}/{step}"))
}

/// The one thing that is wrong, at its place.
pub(super) fn wrong((place, what): (String, String)) -> Problem {
    Problem::new(Code::Invalid, format!("{place} {what}")).at(pointer(&place))
}

/// All that is wrong at once, at the place of the first.
pub(super) fn invalid(problems: &[(String, String)]) -> Result<(), Problem> {
    let Some((first, _)) = problems.first() else {
        return Ok(());
    };
    let all: Vec<String> = problems
        .iter()
        .map(|(place, what)| format!("{place} {what}"))
        .collect();
    Err(Problem::new(Code::Invalid, all.join("; ")).at(pointer(first)))
}

/// Files are the instance's: a tenant names an extension that the instance has, and gives words as a list.
// threat: ANP-D0005
fn files(document: &Profiles) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (number, profile) in document.profiles.iter().enumerate() {
        let Some(custom) = &profile.guards.custom else {
            continue;
        };
        let at = |list: &str, place: usize| format!("profiles[{number}].guards.custom.{list}[{place}].file");
        let rules = custom.rules.iter().map(|it| it.file.is_some()).enumerate();
        let rules = rules.map(|(place, has)| (at("rules", place), has));
        let extensions = custom.extensions.iter().map(|it| it.file.is_some()).enumerate();
        let extensions = extensions.map(|(place, has)| (at("extensions", place), has));
        let named = rules.chain(extensions).filter(|(_, has)| *has);
        found.extend(named.map(|(place, _)| (place, "is the instance's to name: leave it out".to_owned())));
    }
    found
}

/// Names and ids that a tenant's profiles may be about.
#[derive(Debug)]
pub struct Known {
    tenants: BTreeSet<String>,
    teams: BTreeSet<String>,
    /// By id alone.
    projects: BTreeSet<String>,
    keys: BTreeSet<String>,
}

impl Known {
    /// As it is now, for this document.
    pub async fn of(call: &Call, entered: &Entered, document: &Profiles) -> Result<Self, StoreError> {
        let tenant = entered.tenant();
        let named = call.names.tenant(tenant).map(|tenant| tenant.name);
        let teams = call.names.teams(tenant);
        let keys = call.names.keys(tenant);
        Ok(Self {
            tenants: named.into_iter().chain([tenant.to_string()]).collect(),
            teams: teams
                .flat_map(|team| [team.name.clone(), team.id.to_string()])
                .collect(),
            projects: projects(call, entered, document).await?,
            keys: keys
                .flat_map(|key| [key.name.clone(), key.id.to_string()])
                .collect(),
        })
    }

    /// As it will be.
    pub fn of_world(world: &World) -> Self {
        let (tenant, teams, keys) = (&world.tenant, world.teams.values(), world.keys.values());
        Self {
            tenants: [tenant.name.clone(), tenant.id.to_string()].into(),
            teams: teams
                .flat_map(|team| [team.name.clone(), team.id.to_string()])
                .collect(),
            projects: world
                .projects
                .values()
                .map(|(record, _)| record.id.clone())
                .collect(),
            keys: keys
                .flat_map(|key| [key.name.clone(), key.id.to_string()])
                .collect(),
        }
    }
}

/// Those of the projects that a document names which are the tenant's.
async fn projects(
    call: &Call,
    entered: &Entered,
    document: &Profiles,
) -> Result<BTreeSet<String>, StoreError> {
    let profiles = document.profiles.iter().map(|it| &it.when);
    let named = profiles.chain(document.exceptions.iter().map(|it| &it.when));
    let named: BTreeSet<&String> = named.flat_map(|when| &when.projects).collect();
    let (store, mut own) = (call.control.store.as_ref(), BTreeSet::new());
    for id in named {
        match store.record(entered.scope(), RecordKind::Project, id).await {
            Ok(_) => drop(own.insert(id.clone())),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(own)
}

/// What of a document cannot be done; of one that is too heavy that alone, at once.
pub fn problems(document: &Profiles) -> Vec<(String, String)> {
    match document.too_heavy() {
        Some(problem) => vec![problem],
        None => document.problems(),
    }
}

/// The same. Patterns are compiled for it, which takes its time and no thread that others wait for.
// threat: AGP-D2
async fn judged(document: Profiles) -> Result<(Profiles, Vec<(String, String)>), Problem> {
    let judged = tokio::task::spawn_blocking(move || {
        let problems = problems(&document);
        (document, problems)
    });
    judged.await.map_err(|error| Problem {
        internal: Some(error.to_string()),
        ..Problem::new(Code::Internal, "the profiles could not be checked")
    })
}

/// What cannot be done is refused with its place; and so is what would never apply, for whoever wrote it believes it does.
pub fn checked(
    known: &Known,
    document: &Profiles,
    mut problems: Vec<(String, String)>,
) -> Result<(), Problem> {
    problems.extend(files(document));
    let mut look = |at: &str, when: &When| {
        let mut nobody = |list: &str, names: &[String], own: &BTreeSet<String>| {
            for (number, name) in names.iter().enumerate().filter(|(_, name)| !own.contains(*name)) {
                let what = format!("`{name}` is none of the tenant's: nothing would be guarded by it");
                problems.push((format!("{at}.when.{list}[{number}]"), what));
            }
        };
        nobody("tenants", &when.tenants, &known.tenants);
        nobody("teams", &when.teams, &known.teams);
        nobody("projects", &when.projects, &known.projects);
        nobody("keys", &when.keys, &known.keys);
    };
    for (number, profile) in document.profiles.iter().enumerate() {
        look(&format!("profiles[{number}]"), &profile.when);
    }
    for (number, exception) in document.exceptions.iter().enumerate() {
        look(&format!("exceptions[{number}]"), &exception.when);
    }
    for (number, profile) in document.profiles.iter().enumerate() {
        if profile.name == INSTANCE {
            let what = "is what the instance's own guards are called: take another".to_owned();
            problems.push((format!("profiles[{number}].name"), what));
        }
    }
    invalid(&problems)
}
