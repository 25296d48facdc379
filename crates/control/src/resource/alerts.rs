//! How those who are told of acts stand, and what they did not take. Whom they are, the configuration says; no secret of
//! theirs is here, and nothing is sent from here.

use domain::{AuditId, TenantId, TenantScope};
use http::StatusCode;
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;
use store::delivery::{self, DeadLetter};

use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Stop};
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::shapes;

/// Somebody who is told of acts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SinkView {
    /// Its name in the configuration.
    pub name: String,
    /// `webhook`, `slack`, `pagerduty`, `mail` or `syslog`.
    pub kind: &'static str,
    /// Audit records of all logs that it has not come by yet.
    pub waiting: u64,
    /// Records that were given up and not sent again.
    pub dead: u64,
    /// When it took something last, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<String>,
    /// Since when it takes nothing of some log, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// Why, the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// An audit record that a sink did not take.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeadLetterView {
    /// The sink.
    pub sink: String,
    /// The record's place in the audit log.
    pub index: u64,
    /// The record's id.
    pub record: String,
    /// What it tells of.
    pub act: String,
    /// When it was given up, RFC 3339.
    pub at: String,
    /// Why.
    pub why: String,
}

/// Which dead letters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfSink {
    /// The sink's name; of those to be forgotten also one that is no more.
    sink: String,
    /// Only the one with this place in the log.
    #[serde(default)]
    index: Option<u64>,
}

/// How many are concerned.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Letters {
    /// The sink.
    pub sink: String,
    /// So many.
    pub letters: u64,
    /// How many are left: ask again.
    pub left: u64,
}

shapes! { given: OfSink ; shown: SinkView, DeadLetterView, Letters }

/// `GET /alerts/sinks`.
// threat: AGP-I1
// threat: AGP-R3
pub async fn sinks(call: Call, _: Nothing) -> Done {
    call.permit(&call.platform()?, Resource::Settings).await?;
    let store = call.control.store.as_ref();
    let tenants = store.load().await?.tenants.into_iter().map(|tenant| tenant.id);
    let logs: Vec<_> = tenants
        .chain([TenantId::PLATFORM])
        .map(TenantScope::operator)
        .collect();
    let mut views = Vec::new();
    for sink in call.control.serving.sinks() {
        let found = delivery::summary(store, &logs, &sink.name).await?;
        views.push(SinkView {
            name: sink.name,
            kind: sink.kind,
            waiting: found.waiting,
            dead: found.dead,
            last_success: found.taken.map(time),
            failing_since: found.failing.as_ref().map(|failing| time(failing.since)),
            last_error: found.failing.map(|failing| failing.why),
        });
    }
    views.sort_by(|a, b| a.name.cmp(&b.name));
    let page = call.page_of(views, |sink, _| Place::by_id(&sink.name), |sink| sink)?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET …/alerts/dead`: of one log.
// threat: AGP-I1
// threat: AGP-R3
pub async fn dead(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let tenant = entered.tenant();
    call.permit(&entered, Resource::AuditLog { tenant }).await?;
    let scope = TenantScope::operator(tenant);
    let sink = call.query("sink");
    let found = delivery::dead_letters(call.control.store.as_ref(), &scope, sink).await?;
    let place = |(sink, letter): &(String, DeadLetter), _| Place::by_id(DeadLetter::id(sink, letter.index));
    let page = call.page_of(found, place, |(sink, letter)| DeadLetterView {
        sink,
        index: letter.index,
        record: AuditId::to_string(&letter.record),
        act: letter.act,
        at: time(letter.at),
        why: letter.why,
    })?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// Forgotten at once, at most.
const FORGOTTEN_MAX: usize = 200;

/// Those that are asked for.
async fn asked_for(call: &Call, scope: &TenantScope, of: &OfSink) -> Result<Vec<DeadLetter>, Stop> {
    let found = delivery::dead_letters(call.control.store.as_ref(), scope, Some(&of.sink)).await?;
    let letters = found.into_iter().map(|(_, letter)| letter);
    let asked: Vec<_> = letters
        .filter(|letter| of.index.is_none_or(|index| index == letter.index))
        .collect();
    match asked.is_empty() {
        true => Err(Problem::not_found().into()),
        false => Ok(asked),
    }
}

fn must_be_a_sink(call: &Call, name: &str) -> Result<(), Problem> {
    let is_there = call.control.serving.sinks().iter().any(|sink| sink.name == name);
    is_there
        .then_some(())
        .ok_or_else(|| Problem::new(Code::Invalid, "no sink has that name").at("/sink"))
}

/// `POST …/alerts/dead/resend`: its audit record is what whoever pushes the log acts on.
// threat: AGP-R3
pub async fn resend(call: Call, of: OfSink) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, Resource::Settings).await?;
    must_be_a_sink(&call, &of.sink)?;
    let letters = asked_for(&call, entered.scope(), &of).await?.len() as u64;
    let deed = match of.index {
        Some(index) => Deed::made(&of.sink, &serde_json::json!({"index": index})),
        None => Deed::to(&of.sink),
    };
    let answer = Letters {
        sink: of.sink,
        letters,
        left: 0,
    };
    call.done(
        &permitted,
        deed,
        Vec::new(),
        Answer::json(StatusCode::ACCEPTED, &answer)?,
    )
    .await
}

/// `POST …/alerts/dead/drop`.
// threat: AGP-R3
pub async fn drop_letters(call: Call, of: OfSink) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, Resource::Settings).await?;
    let asked = asked_for(&call, entered.scope(), &of).await?;
    let mut changes = Vec::new();
    for letter in asked.iter().take(FORGOTTEN_MAX) {
        changes.push(Change::Remove(letter.to_record(&of.sink)?));
    }
    let first: Vec<u64> = asked
        .iter()
        .take(FORGOTTEN_MAX)
        .map(|letter| letter.index)
        .collect();
    let deed = Deed::removed(&of.sink, &serde_json::json!({"indices": first}));
    let letters = changes.len() as u64;
    let left = (asked.len() as u64).saturating_sub(letters);
    let answer = Letters {
        sink: of.sink,
        letters,
        left,
    };
    call.done(&permitted, deed, changes, Answer::json(StatusCode::OK, &answer)?)
        .await
}

/// `POST /alerts/sinks/{sink}/test`: a record like any other, which the sink is told of whatever else it asks for.
pub async fn test(call: Call, _: Nothing) -> Done {
    let platform = call.platform()?;
    let permitted = call.permit(&platform, Resource::Settings).await?;
    let sink: String = call.id("sink")?;
    let is_there = call
        .control
        .serving
        .sinks()
        .iter()
        .any(|known| known.name == sink);
    if !is_there {
        return Err(Problem::not_found().into());
    }
    call.done(&permitted, Deed::to(&sink), Vec::new(), Answer::nothing())
        .await
}
