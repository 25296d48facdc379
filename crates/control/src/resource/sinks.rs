//! Whom a tenant has told of its own acts: set by its own people, seen by them alone. Secrets go in and never come out.

use domain::{NodeId, SinkId, TenantId, UnixMillis};
use http::StatusCode;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::delivery::{self, DeadLetter, Standing};
use store::{Change, LogKind, Record, RecordKind, StoreError};

use super::alerts::DeadLetterView;
use super::words::{name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::own::{self, Form, OWN_MAX, OwnSink, Place, Severity};
use crate::page;
use crate::problem::{Code, Problem};
use crate::record::{Document, read};
use crate::{shapes, silent};

const ACTS_MAX: usize = 100;
const ACT_CHARS_MAX: usize = 80;
const DAY_MS: u64 = 86_400_000;
/// Dead letters that go in one step.
const FORGOTTEN_MAX: usize = 200;

/// A sink of a tenant's own, without its secrets.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnSinkView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it is; of Slack how the address begins.
    pub place: Place,
    /// How many secrets it has; what they are is shown nowhere.
    pub secrets: usize,
    /// Which acts: names, or beginnings with `*`.
    pub acts: Vec<String>,
    /// Nothing that is less bad.
    pub severity_min: Severity,
    /// For how long the same act on the same thing is counted rather than told again; 0 tells each time.
    pub repeat_ms: u64,
    /// After how long what is not taken becomes a dead letter; what is refused for good becomes one at once.
    pub give_up_after_ms: u64,
}

/// The same, and how it stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnSinkLine {
    /// What it is.
    #[serde(flatten)]
    pub sink: OwnSinkView,
    /// Audit records of the tenant that it has not come by yet.
    pub waiting: u64,
    /// Records that were given up and not sent again.
    pub dead: u64,
    /// When it took something last, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<String>,
    /// Since when it takes nothing, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// Why, the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// A sink as it shall be, as a whole.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSink {
    /// What people call it; unique within the tenant.
    name: String,
    /// Where it is.
    place: Place,
    /// What requests are signed with, 24 bytes or more each, as they are or as `whsec_` and base64; of Slack the whole address;
    /// of PagerDuty the routing key. Left out of a change, those that are there stay, for the same place only.
    #[serde(default)]
    secrets: Option<Vec<String>>,
    /// Which acts: names, or beginnings with `*`; all when left out.
    #[serde(default)]
    acts: Option<Vec<String>>,
    /// Nothing that is less bad.
    #[serde(default)]
    severity_min: Severity,
    /// For how long the same is counted rather than told again: up to a day, 10 minutes when left out (0 for webhooks).
    #[serde(default)]
    repeat_ms: Option<u64>,
    /// After how long what is not taken is given up: a second to seven days, a day when left out.
    #[serde(default)]
    give_up_after_ms: Option<u64>,
}

/// Which of a sink's dead letters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WhichOwnLetters")]
pub struct Which {
    /// Only the one with this place in the log; all when left out.
    #[serde(default)]
    index: Option<u64>,
}

/// How many of a sink's dead letters are concerned.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OwnLetters")]
pub struct Concerned {
    /// So many.
    pub letters: u64,
    /// How many are left: ask again.
    pub left: u64,
}

silent! { NewSink }

shapes! { given: NewSink, Which ; shown: OwnSinkView, OwnSinkLine, Concerned }

impl From<&OwnSink> for OwnSinkView {
    fn from(sink: &OwnSink) -> Self {
        Self {
            id: sink.id.to_string(),
            name: sink.name.clone(),
            place: sink.place.clone(),
            secrets: sink.secrets.len(),
            acts: sink.acts.clone(),
            severity_min: sink.severity_min,
            repeat_ms: sink.repeat_ms,
            give_up_after_ms: sink.give_up_after_ms,
        }
    }
}

/// A tenant that may have something of its own: the platform's is in the configuration.
pub(super) async fn entered(call: &Call) -> Result<(Entered, Resource), Stop> {
    let entered = call.enter().await?;
    match entered.tenant() {
        TenantId::PLATFORM => Err(Problem::not_found().into()),
        tenant => Ok((entered, Resource::Tenant(tenant))),
    }
}

/// The sink in the path, once the caller may do what they ask of it.
async fn found(call: &Call, entered: &Entered) -> Result<(Record, OwnSink), Stop> {
    let id: SinkId = call.id("sink")?;
    let store = call.control.store.as_ref();
    match store
        .record(entered.scope(), RecordKind::OwnSink, &id.to_string())
        .await
    {
        Ok(record) => {
            let sink = read(&record)?;
            Ok((record, sink))
        }
        Err(StoreError::NotFound) => Err(Problem::not_found().into()),
        Err(error) => Err(error.into()),
    }
}

/// `GET …/sinks`.
// threat: AGP-I1
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let mut lines = Vec::new();
    for sink in call.all_records::<OwnSink>(&entered).await? {
        let id = sink.id.to_string();
        let stands = delivery::summary(
            call.control.store.as_ref(),
            std::slice::from_ref(entered.scope()),
            &id,
        )
        .await?;
        lines.push(OwnSinkLine {
            sink: OwnSinkView::from(&sink),
            waiting: stands.waiting,
            dead: stands.dead,
            last_success: stands.taken.map(time),
            failing_since: stands.failing.as_ref().map(|failing| time(failing.since)),
            last_error: stands.failing.map(|failing| failing.why),
        });
    }
    let page = call.page_of(lines, |line, _| page::Place::by_id(&line.sink.id), |line| line)?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET …/sinks/{sink}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let (_, sink) = found(&call, &entered).await?;
    Ok(Answer::view(&OwnSinkView::from(&sink))?)
}

/// `POST …/sinks`. It is told of what is done from now on, of its own making first.
pub async fn create(call: Call, body: NewSink) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    if call.all_records::<OwnSink>(&entered).await?.len() >= OWN_MAX {
        let why = format!("a tenant has {OWN_MAX} sinks at most: remove one that is not needed");
        return Err(Problem::new(Code::Invalid, why).into());
    }
    let (id, now) = (SinkId::generate(), call.now);
    let sink = checked(&call, (&entered, id, now), body, None).await?;
    let store = call.control.store.as_ref();
    let begins = Standing {
        next: store.log_size(entered.scope(), LogKind::Audit).await?,
        holder: NodeId::from_u128(0),
        until: UnixMillis(0),
        taken: None,
        failing: None,
        told: Vec::new(),
        open: Default::default(),
        again: None,
    };
    let cursor = Record {
        kind: RecordKind::Delivery,
        id: id.to_string(),
        parent: None,
        name: None,
        created: now,
        document: begins.document()?,
    };
    let changes = vec![Change::Create(sink.to_record()?), Change::Create(cursor)];
    let view = OwnSinkView::from(&sink);
    let answer = Answer::created(&view, format!("/api/v1/tenants/{}/sinks/{id}", entered.tenant()))?;
    call.done(&permitted, Deed::made(id, &view), changes, answer)
        .await
}

/// `PUT …/sinks/{sink}`.
pub async fn put(call: Call, body: NewSink) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let (before, old) = found(&call, &entered).await?;
    let was = OwnSinkView::from(&old);
    call.must_match(&was)?;
    let sink = checked(&call, (&entered, old.id, old.created), body, Some(&old)).await?;
    let (view, after) = (OwnSinkView::from(&sink), sink.to_record()?);
    let deed = Deed::changed(sink.id, &was, &view);
    let changes = vec![Change::Replace { before, after }];
    call.done(&permitted, deed, changes, Answer::view(&view)?).await
}

/// `DELETE …/sinks/{sink}`: with what it did not take.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let (record, sink) = found(&call, &entered).await?;
    let id = sink.id.to_string();
    let letters = letters(&call, &entered, &id).await?;
    if letters.len() > FORGOTTEN_MAX {
        let why = "there is much that it did not take: drop its dead letters first";
        return Err(Problem::new(Code::Conflict, why).into());
    }
    let mut changes = vec![Change::Remove(record)];
    for letter in &letters {
        changes.push(Change::Remove(letter.to_record(&id)?));
    }
    match call
        .control
        .store
        .record(entered.scope(), RecordKind::Delivery, &id)
        .await
    {
        Ok(cursor) => changes.push(Change::Remove(cursor)),
        Err(StoreError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let deed = Deed::removed(id, &OwnSinkView::from(&sink));
    call.done(&permitted, deed, changes, Answer::nothing()).await
}

/// `POST …/sinks/{sink}/test`: a record like any other, which the sink is told of whatever else it asks for.
pub async fn test(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let (_, sink) = found(&call, &entered).await?;
    call.done(&permitted, Deed::to(sink.id), Vec::new(), Answer::nothing())
        .await
}

async fn letters(call: &Call, entered: &Entered, sink: &str) -> Result<Vec<DeadLetter>, Stop> {
    let found = delivery::dead_letters(call.control.store.as_ref(), entered.scope(), Some(sink)).await?;
    Ok(found.into_iter().map(|(_, letter)| letter).collect())
}

/// `GET …/sinks/{sink}/dead`.
// threat: AGP-I1
pub async fn dead(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let (_, sink) = found(&call, &entered).await?;
    let id = sink.id.to_string();
    let all = letters(&call, &entered, &id).await?;
    let place = |letter: &DeadLetter, _| page::Place::by_id(DeadLetter::id(&id, letter.index));
    let page = call.page_of(all, place, |letter| DeadLetterView {
        sink: id.clone(),
        index: letter.index,
        record: letter.record.to_string(),
        act: letter.act,
        at: time(letter.at),
        why: letter.why,
    })?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// Those that are asked for; there is one at least.
async fn asked_for(
    call: &Call,
    entered: &Entered,
    (sink, which): (&str, &Which),
) -> Result<Vec<DeadLetter>, Stop> {
    let mut asked = letters(call, entered, sink).await?;
    asked.retain(|letter| which.index.is_none_or(|index| index == letter.index));
    match asked.is_empty() {
        true => Err(Problem::not_found().into()),
        false => Ok(asked),
    }
}

/// `POST …/sinks/{sink}/dead/resend`: its audit record is what whoever pushes the log acts on.
// threat: AGP-R3
pub async fn resend(call: Call, which: Which) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let (_, sink) = found(&call, &entered).await?;
    let id = sink.id.to_string();
    let letters = asked_for(&call, &entered, (&id, &which)).await?.len() as u64;
    let deed = match which.index {
        Some(index) => Deed::made(&id, &serde_json::json!({"index": index})),
        None => Deed::to(&id),
    };
    let answer = Answer::json(StatusCode::ACCEPTED, &Concerned { letters, left: 0 })?;
    call.done(&permitted, deed, Vec::new(), answer).await
}

/// `POST …/sinks/{sink}/dead/drop`.
// threat: AGP-R3
pub async fn drop_letters(call: Call, which: Which) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let (_, sink) = found(&call, &entered).await?;
    let id = sink.id.to_string();
    let asked = asked_for(&call, &entered, (&id, &which)).await?;
    let some = asked.get(..FORGOTTEN_MAX).unwrap_or(&asked);
    let mut changes = Vec::new();
    for letter in some {
        changes.push(Change::Remove(letter.to_record(&id)?));
    }
    let indices: Vec<u64> = some.iter().map(|letter| letter.index).collect();
    let deed = Deed::removed(&id, &serde_json::json!({"indices": indices}));
    let concerned = Concerned {
        letters: some.len() as u64,
        left: (asked.len() - some.len()) as u64,
    };
    call.done(
        &permitted,
        deed,
        changes,
        Answer::json(StatusCode::OK, &concerned)?,
    )
    .await
}

fn invalid(why: impl Into<String>, pointer: &str) -> Problem {
    Problem::new(Code::Invalid, why).at(pointer)
}

async fn checked(
    call: &Call,
    (entered, id, created): (&Entered, SinkId, UnixMillis),
    body: NewSink,
    old: Option<&OwnSink>,
) -> Result<OwnSink, Stop> {
    if body.place.form == Form::S3 {
        return Err(invalid(
            "storage takes reports and no alerts: set up a schedule",
            "/place/form",
        )
        .into());
    }
    let (place, secrets) = kept(
        call,
        (entered.tenant(), &id.to_string()),
        (body.place, body.secrets),
        old.map(|old| (&old.place, old.secrets.as_slice())),
    )
    .await?;
    let is_for_people = place.form != Form::Webhook;
    let repeat_ms = body.repeat_ms.unwrap_or(if is_for_people { 600_000 } else { 0 });
    let give_up_after_ms = body.give_up_after_ms.unwrap_or(DAY_MS);
    if repeat_ms > DAY_MS {
        return Err(invalid("a day at most", "/repeat_ms").into());
    }
    if !(1_000..=7 * DAY_MS).contains(&give_up_after_ms) {
        return Err(invalid("a second to seven days", "/give_up_after_ms").into());
    }
    Ok(OwnSink {
        id,
        name: name(&body.name, "/name")?,
        created,
        place,
        acts: acts(body.acts)?,
        severity_min: body.severity_min,
        repeat_ms,
        give_up_after_ms,
        secrets,
    })
}

fn acts(given: Option<Vec<String>>) -> Result<Vec<String>, Problem> {
    let acts = given.unwrap_or_else(|| vec!["*".to_owned()]);
    if !(1..=ACTS_MAX).contains(&acts.len()) {
        return Err(invalid(format!("1 to {ACTS_MAX} acts"), "/acts"));
    }
    for (at, act) in acts.iter().enumerate() {
        let stem = act.strip_suffix('*').unwrap_or(act);
        let is_plain = |c: char| c.is_ascii_lowercase() || "._".contains(c);
        if act.is_empty() || act.len() > ACT_CHARS_MAX || !stem.chars().all(is_plain) {
            let why = "an act is a name such as `budgets.mark`, or a beginning such as `budgets.*`";
            return Err(invalid(why, &format!("/acts/{at}")));
        }
    }
    Ok(acts)
}

/// Place and secrets as they will be stored. Secrets that are there stay where none are given, for the same place only: else
/// whoever may change where something goes would have them sent to a place of their own.
// threat: AGP-I1
pub(super) async fn kept(
    call: &Call,
    (tenant, of): (TenantId, &str),
    (place, given): (Place, Option<Vec<String>>),
    old: Option<(&Place, &[String])>,
) -> Result<(Place, Vec<String>), Stop> {
    let reach = call.control.serving.reach();
    let domains = call.control.serving.mail_domains();
    let as_before = old.filter(|(before, _)| place.is_as_before(before));
    let given = match (given, as_before) {
        (None, Some((before, secrets))) => {
            let mut place = place.checked((&reach, domains.as_deref()), None)?;
            if place.form == Form::Slack {
                place.address.clone_from(&before.address);
            }
            return Ok((place, secrets.to_vec()));
        }
        (given, _) => given.unwrap_or_default(),
    };
    let place = place.checked((&reach, domains.as_deref()), Some(&given))?;
    let secrets = own::seal(&call.control.content, (tenant, of), &given, call.now).await?;
    Ok((place, secrets))
}
