//! How those who are told of acts stand, and what they did not take. Whom they are, the configuration says; no secret of
//! theirs is here, and nothing is sent from here.

use domain::{AuditId, TenantId, TenantScope};
use http::StatusCode;
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;
use store::delivery::{self, DeadLetter};

use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::page::Place;
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

shapes! { given: ; shown: SinkView, DeadLetterView }

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
