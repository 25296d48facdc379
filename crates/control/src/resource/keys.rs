//! Virtual keys. A key's text is shown once, when it is made or rotated.

mod rotation;
mod suspension;

use credential::{BINDINGS_MAX, Binding, KeyRecord, KeyState, ModelAccess, PublicKey, VirtualKey};
use domain::{ActorId, DataClass, KeyId, Operation, Permission, ProjectId, ServiceId, TeamId, UserId};
use ipnet::IpNet;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, RecordKind, StoreError, Team};

use super::teams;
use super::words::{LimitsView, data_class, marks, name, read_time, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop, id_in_body};
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::record::{Service, UserState, read};
use crate::shapes;

pub use rotation::{Rotate, rotate};
pub use suspension::{SuspensionView, resume, suspend};
use suspension::{is_in, state};

/// How many names a list of models or networks may hold.
pub const LISTED_MAX: usize = 256;

/// A virtual key as it is shown: never its text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyView {
    /// Its id, the same after a rotation.
    #[schemars(with = "String")]
    pub id: KeyId,
    /// The team it is in.
    #[schemars(with = "String")]
    pub team: TeamId,
    /// The project it belongs to.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The user or service account it was made for.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<ActorId>,
    /// What people call it.
    pub name: String,
    /// Its first characters.
    pub hint: String,
    /// `active`, `suspended`, `expired` or `revoked`.
    pub state: &'static str,
    /// Since when and why nothing that stands for it is taken, until it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended: Option<SuspensionView>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// When it ends, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Until when the key before the rotation works, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predecessor_until: Option<String>,
    /// It may use every model, also those added later.
    pub all_models: bool,
    /// The models it may use.
    pub models: Vec<String>,
    /// What it may ask for.
    #[schemars(with = "Vec<String>")]
    pub operations: Vec<Operation>,
    /// Networks it may be used from; anywhere when empty.
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<IpNet>,
    /// Its own limits.
    pub limits: LimitsView,
    /// Words of the house's own, which policies may decide by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What its calls carry at least; what the configuration says when it is not there.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_class: Option<DataClass>,
    /// The public key (a JWK) whose other half must sign every call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<String>,
    /// Other credentials that stand for it: `jwt:ISSUER:SUBJECT`, `rule:ISSUER:NAME`, `certificate:NAME`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<String>,
    /// It opens nothing, and its use raises an alarm. Shown only to who may change it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub honey: bool,
    /// Its answers carry the gate's signature, and `GET /v1/receipts/{request}` gives their receipts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub receipts: bool,
}

/// A key just made or rotated, with its text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyWithSecret {
    /// What a caller presents. Shown now and never again.
    #[schemars(with = "String")]
    pub secret: Shown,
    /// The key.
    #[serde(flatten)]
    pub key: KeyView,
}

/// Text that goes out once and is in no log.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Shown(pub(crate) String);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[shown once]")
    }
}

/// A key to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What people call it.
    name: String,
    /// The project it belongs to.
    #[serde(default)]
    project: Option<String>,
    /// The user or service account it is for; yourself when left out.
    #[serde(default)]
    owner: Option<String>,
    /// When it ends, RFC 3339; never when left out.
    #[serde(default)]
    expires: Option<String>,
    /// It may use every model, also those added later.
    #[serde(default)]
    all_models: bool,
    /// The models it may use.
    #[serde(default)]
    models: Vec<String>,
    /// What it may ask for; everything when left out.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    operations: Option<Vec<Operation>>,
    /// Networks it may be used from; anywhere when left out.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    networks: Vec<IpNet>,
    /// Its own limits; those the configuration has for new keys when left out.
    #[serde(default)]
    limits: Option<LimitsView>,
    /// Words of the house's own, which policies may decide by.
    #[serde(default)]
    tags: Vec<String>,
    /// What its calls carry at least: `public`, `internal`, `confidential` or `restricted`; what the
    /// configuration says when left out.
    #[serde(default)]
    data_class: Option<String>,
    /// The public key (a JWK, PEM or base64) whose other half must sign every call; calls need not be signed
    /// when left out.
    #[serde(default)]
    signing_key: Option<String>,
    /// Other credentials that stand for it: `jwt:ISSUER:SUBJECT` and `rule:ISSUER:NAME`, for who may add users;
    /// `certificate:spiffe://…` and `certificate:HOST`, for who may make tenants.
    #[serde(default)]
    bindings: Vec<String>,
    /// A bait: it opens nothing, and its use raises an alarm. It takes neither `signing_key` nor `bindings`.
    #[serde(default)]
    honey: bool,
    /// Its answers carry the gate's signature, and `GET /v1/receipts/{request}` gives their receipts.
    #[serde(default)]
    receipts: bool,
}

/// What to change of a key; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// When it ends, RFC 3339.
    #[serde(default)]
    expires: Option<String>,
    /// It may use every model, or only those listed.
    #[serde(default)]
    all_models: Option<bool>,
    /// The models it may use.
    #[serde(default)]
    models: Option<Vec<String>>,
    /// What it may ask for.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    operations: Option<Vec<Operation>>,
    /// Networks it may be used from.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    networks: Option<Vec<IpNet>>,
    /// Its own limits, as a whole.
    #[serde(default)]
    limits: Option<LimitsView>,
    /// Words of the house's own, as a whole.
    #[serde(default)]
    tags: Option<Vec<String>>,
    /// What its calls carry at least; an empty text leaves it to the configuration.
    #[serde(default)]
    data_class: Option<String>,
    /// Another public key whose other half must sign every call; an empty text takes it away.
    #[serde(default)]
    signing_key: Option<String>,
    /// Other credentials that stand for it, as a whole.
    #[serde(default)]
    bindings: Option<Vec<String>>,
    /// Whether its answers carry the gate's signature.
    #[serde(default)]
    receipts: Option<bool>,
}

shapes! { given: NewKey, KeyChange, Rotate ; shown: KeyView, SuspensionView, KeyWithSecret }

impl KeyView {
    fn of(key: &KeyRecord, call: &Call) -> Self {
        let predecessor = key.predecessor.filter(|old| old.valid_until > call.now);
        let (all_models, models) = match &key.models {
            ModelAccess::None => (false, Vec::new()),
            ModelAccess::Some(names) => (false, names.clone()),
            ModelAccess::All => (true, Vec::new()),
        };
        Self {
            id: key.id,
            team: key.team,
            project: key.project,
            owner: key.owner,
            name: key.name.clone(),
            hint: key.hint.clone(),
            state: state(key, call.now),
            suspended: key.suspended.as_ref().map(SuspensionView::of),
            created: time(key.created),
            expires: key.expires.map(time),
            predecessor_until: predecessor.map(|old| time(old.valid_until)),
            all_models,
            models,
            operations: key.operations.clone(),
            networks: key.networks.clone(),
            limits: key.limits.into(),
            tags: key.marks.tags.clone(),
            data_class: key.marks.data_class,
            signing_key: key.signing_key.as_ref().map(ToString::to_string),
            bindings: key.bindings.iter().map(ToString::to_string).collect(),
            // Who cannot be asked about is not told.
            // threat: AGP-S1
            honey: key.honey && call.may(Permission::KeysUpdate, resource(key)).unwrap_or(false),
            receipts: key.receipts,
        }
    }
}

/// Where a key is.
pub const fn resource(key: &KeyRecord) -> Resource {
    Resource::Key {
        tenant: key.tenant,
        team: key.team,
        key: key.id,
        owner: key.owner,
    }
}

async fn found(call: &Call) -> Result<(Entered, KeyRecord), Stop> {
    let entered = call.enter().await?;
    let key = call.names.key(entered.tenant(), call.id("key")?).cloned();
    Ok((entered, key.ok_or_else(Problem::not_found)?))
}

/// `GET …/keys`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let team: Option<TeamId> = call.query_as("team")?;
    let state = call.query("state");
    let mut seen = Vec::new();
    for key in call.names.keys(entered.tenant()) {
        let wanted = team.is_none_or(|team| team == key.team) && state.is_none_or(|state| is_in(key, state));
        if wanted && call.may(Permission::KeysRead, resource(key))? {
            seen.push(key);
        }
    }
    let page = call.page_of(
        seen,
        |key, by| Place::of(by, key.id, &key.name, key.created),
        |key| KeyView::of(key, &call),
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `POST …/teams/{team}/keys`.
pub async fn create(call: Call, body: NewKey) -> Done {
    let (entered, team) = teams::found(&call).await?;
    let permitted = call.permit(&entered, teams::resource(&team)).await?;
    let secret = VirtualKey::generate().map_err(|_| no_randomness())?;
    let owner = owner(&call, &entered, &team, body.owner.as_deref()).await?;
    let key = KeyRecord {
        id: KeyId::generate(),
        tenant: team.tenant,
        team: team.id,
        project: project(&call, &entered, &team, body.project.as_deref()).await?,
        owner: Some(owner),
        name: name(&body.name, "/name")?,
        digest: secret.digest(&call.control.keys.pepper),
        hint: secret.hint(),
        predecessor: None,
        state: KeyState::Active,
        created: call.now,
        expires: ends(&call, body.expires.as_deref())?,
        models: models(body.all_models, body.models)?,
        operations: body
            .operations
            .unwrap_or_else(|| call.control.new_keys.operations.clone()),
        networks: bounded(body.networks, "/networks")?,
        limits: body.limits.map_or(call.control.new_keys.limits, Into::into),
        signing_key: signing_key(body.signing_key.as_deref())?,
        bindings: bindings(&call, &entered, &[], &body.bindings)?,
        honey: body.honey,
        receipts: body.receipts,
        suspended: None,
        marks: marks(body.tags, data_class(body.data_class.as_deref())?, "/tags")?,
    };
    if key.honey && (key.signing_key.is_some() || !key.bindings.is_empty()) {
        let detail = "a honey key takes neither `signing_key` nor `bindings`: nothing else stands for a bait";
        return Err(Problem::new(Code::Invalid, detail).at("/honey").into());
    }
    // A key for somebody else wants leave to tend that very key: members make only their own.
    // threat: ANP-0014
    if !call.may(Permission::KeysUpdate, resource(&key))? {
        return Err(
            Problem::new(Code::Forbidden, "you may make keys for yourself only")
                .at("/owner")
                .into(),
        );
    }
    let view = KeyView::of(&key, &call);
    let deed = Deed::made(key.id, &view);
    let at = format!("/api/v1/tenants/{}/keys/{}", key.tenant, key.id);
    let answer = Answer::created(
        &KeyWithSecret {
            secret: Shown(secret.expose().to_owned()),
            key: view,
        },
        at,
    )?;
    call.done(&permitted, deed, vec![Change::CreateKey(Box::new(key))], answer)
        .await
}

fn no_randomness() -> Problem {
    Problem::new(
        Code::Internal,
        "the system gave no randomness, so nothing was made",
    )
}

/// Who the key is for: somebody of this tenant; a service account of this team that is active.
async fn owner(call: &Call, entered: &Entered, team: &Team, text: Option<&str>) -> Result<ActorId, Stop> {
    let Some(text) = text else {
        return Ok(call.caller()?.id);
    };
    let nobody = || {
        Problem::new(
            Code::Invalid,
            "no user or service account of this team has that id",
        )
        .at("/owner")
    };
    let id: ActorId = text.parse().map_err(|_| nobody())?;
    let (kind, id_text) = match id {
        ActorId::User(user) => (RecordKind::User, UserId::to_string(&user)),
        ActorId::Service(service) => (RecordKind::Service, ServiceId::to_string(&service)),
    };
    let record = match call.control.store.record(entered.scope(), kind, &id_text).await {
        Err(StoreError::NotFound) => return Err(nobody().into()),
        found => found?,
    };
    if kind == RecordKind::Service {
        let service: Service = read(&record)?;
        if service.team != team.id || service.state != UserState::Active {
            return Err(nobody().into());
        }
    }
    Ok(id)
}

async fn project(
    call: &Call,
    entered: &Entered,
    team: &Team,
    text: Option<&str>,
) -> Result<Option<ProjectId>, Stop> {
    let Some(text) = text else { return Ok(None) };
    let id: ProjectId = id_in_body(text, "/project")?;
    let found = call.find::<crate::record::Project>(entered, &id).await;
    match found {
        Ok((_, project)) if project.team == team.id => Ok(Some(id)),
        _ => Err(
            Problem::new(Code::Invalid, "there is no such project in this team")
                .at("/project")
                .into(),
        ),
    }
}

fn ends(call: &Call, text: Option<&str>) -> Result<Option<domain::UnixMillis>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let end = read_time(text, "`expires`").map_err(|problem| problem.at("/expires"))?;
    if end <= call.now {
        return Err(Problem::new(Code::Invalid, "that time is over").at("/expires"));
    }
    Ok(Some(end))
}

fn models(all: bool, listed: Vec<String>) -> Result<ModelAccess, Problem> {
    match (all, bounded(listed, "/models")?) {
        (true, listed) if !listed.is_empty() => {
            Err(Problem::new(Code::Invalid, "say `all_models` or list `models`, not both").at("/models"))
        }
        (true, _) => Ok(ModelAccess::All),
        (false, listed) if listed.is_empty() => Ok(ModelAccess::None),
        (false, listed) => Ok(ModelAccess::Some(listed)),
    }
}

fn signing_key(text: Option<&str>) -> Result<Option<PublicKey>, Problem> {
    let given = text.filter(|text| !text.is_empty());
    let key = given.map(str::parse).transpose();
    key.map_err(|e: credential::NotAPublicKey| Problem::new(Code::Invalid, e.to_string()).at("/signing_key"))
}

/// Who says which credential stands for a key says who somebody is: for tokens of a tenant's issuer whoever adds
/// its users, for certificates, which are the whole gate's, whoever makes tenants. What was there stays.
// threat: AGP-S1
// threat: ANP-0014
fn bindings(
    call: &Call,
    entered: &Entered,
    before: &[Binding],
    wanted: &[String],
) -> Result<Vec<Binding>, Problem> {
    if wanted.len() > BINDINGS_MAX {
        return Err(Problem::new(Code::Invalid, format!("at most {BINDINGS_MAX}")).at("/bindings"));
    }
    let mut bindings: Vec<Binding> = Vec::with_capacity(wanted.len());
    for (at, text) in wanted.iter().enumerate() {
        let place = || format!("/bindings/{at}");
        let binding: Binding = text
            .parse()
            .map_err(|e: credential::NotABinding| Problem::new(Code::Invalid, e.to_string()).at(place()))?;
        let may = match &binding {
            known if before.contains(known) => true,
            Binding::Jwt { .. } | Binding::Rule { .. } => {
                call.may(Permission::UsersCreate, Resource::Tenant(entered.tenant()))?
            }
            Binding::Certificate { .. } => call.may(Permission::TenantsCreate, Resource::Platform)?,
        };
        if !may {
            let detail = "you may not say which credential stands for a key";
            return Err(Problem::new(Code::Forbidden, detail).at(place()));
        }
        if bindings.contains(&binding) {
            return Err(Problem::new(Code::Invalid, "it is there twice").at(place()));
        }
        bindings.push(binding);
    }
    Ok(bindings)
}

fn bounded<T>(listed: Vec<T>, pointer: &str) -> Result<Vec<T>, Problem> {
    if listed.len() <= LISTED_MAX {
        return Ok(listed);
    }
    Err(Problem::new(Code::Invalid, format!("at most {LISTED_MAX}")).at(pointer))
}

/// `GET …/keys/{key}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, key) = found(&call).await?;
    call.permit(&entered, resource(&key)).await?;
    Ok(Answer::view(&KeyView::of(&key, &call))?)
}

/// `PATCH …/keys/{key}`.
pub async fn update(call: Call, body: KeyChange) -> Done {
    let (entered, before) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&before)).await?;
    let old = KeyView::of(&before, &call);
    call.must_match(&old)?;
    must_be_active(&before)?;
    let mut after = before.clone();
    if let Some(text) = &body.name {
        after.name = name(text, "/name")?;
    }
    if let Some(text) = body.expires.as_deref() {
        after.expires = ends(&call, Some(text))?;
    }
    if body.all_models.is_some() || body.models.is_some() {
        after.models = models(body.all_models.unwrap_or(false), body.models.unwrap_or_default())?;
    }
    if let Some(operations) = body.operations {
        after.operations = operations;
    }
    if let Some(networks) = body.networks {
        after.networks = bounded(networks, "/networks")?;
    }
    if let Some(limits) = body.limits {
        after.limits = limits.into();
    }
    let tags = body.tags.unwrap_or_else(|| before.marks.tags.clone());
    let class = match body.data_class.as_deref() {
        None => before.marks.data_class,
        said => data_class(said)?,
    };
    after.marks = marks(tags, class, "/tags")?;
    if body.signing_key.is_some() {
        after.signing_key = signing_key(body.signing_key.as_deref())?;
    }
    if let Some(wanted) = body.bindings {
        after.bindings = bindings(&call, &entered, &before.bindings, &wanted)?;
    }
    after.receipts = body.receipts.unwrap_or(before.receipts);
    let new = KeyView::of(&after, &call);
    let deed = Deed::changed(before.id, &old, &new);
    call.done(
        &permitted,
        deed,
        vec![replace(before, after)],
        Answer::view(&new)?,
    )
    .await
}

/// The change from one to the other.
pub fn replace(before: KeyRecord, after: KeyRecord) -> Change {
    Change::ReplaceKey {
        before: Box::new(before),
        after: Box::new(after),
    }
}

fn must_be_active(key: &KeyRecord) -> Result<(), Problem> {
    if key.state == KeyState::Active {
        return Ok(());
    }
    Err(Problem::new(
        Code::Conflict,
        "a revoked key stays revoked: make another",
    ))
}

/// `POST …/keys/{key}/revoke`.
// threat: CTX-T3
pub async fn revoke(call: Call, _: Nothing) -> Done {
    let (entered, before) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&before)).await?;
    let after = before.revoke();
    let (old, new) = (KeyView::of(&before, &call), KeyView::of(&after, &call));
    let answer = Answer::view(&new)?;
    if before == after {
        return Ok(answer);
    }
    let deed = Deed::changed(before.id, &old, &new);
    call.done(&permitted, deed, vec![replace(before, after)], answer)
        .await
}

/// The end of every key that somebody holds.
// threat: ANP-0016
pub(crate) fn revocations(call: &Call, entered: &Entered, owner: ActorId) -> Vec<Change> {
    let held = call.names.keys(entered.tenant());
    let held = held.filter(|key| key.owner == Some(owner) && key.state == KeyState::Active);
    held.map(|key| replace(key.clone(), key.revoke())).collect()
}
