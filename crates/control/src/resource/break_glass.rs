//! Broken glass: in an emergency somebody of the platform's security acts for a while without a second
//! person. It is logged as a warning, and every act in that time names it.

use std::time::Duration;

use domain::{ActorId, BreakGlassId};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;

use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done};
use crate::problem::{Code, Problem};
use crate::record::{BreakGlass, Document};
use crate::shapes;

/// The longest time.
const MINUTES_MAX: u32 = 60;
/// How much must be said.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 10..=500;

/// A time in which somebody acts without a second person.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BreakGlassView {
    /// Its id; every act in that time names it.
    #[schemars(with = "String")]
    pub id: BreakGlassId,
    /// Who.
    #[schemars(with = "String")]
    pub who: ActorId,
    /// What they are called.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Since when, RFC 3339.
    pub opened: String,
    /// Until when, RFC 3339.
    pub until: String,
}

/// An emergency.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBreakGlass {
    /// What has happened, and what you will do about it: 10 to 500 characters.
    reason: String,
    /// For how long: 1 to 60.
    minutes: u32,
}

shapes! { given: NewBreakGlass ; shown: BreakGlassView }

impl From<&BreakGlass> for BreakGlassView {
    fn from(time_of: &BreakGlass) -> Self {
        Self {
            id: time_of.id,
            who: time_of.who,
            name: time_of.name.clone(),
            reason: time_of.reason.clone(),
            opened: time(time_of.opened),
            until: time(time_of.until),
        }
    }
}

/// `GET /break-glass`. Times that are over are in the audit log.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.platform()?;
    call.permit(&entered, Resource::Platform).await?;
    let now = call.now;
    let is_open = |time_of: &BreakGlass| Ok(now < time_of.until);
    let page = call.page_of_records(&entered, None, is_open, |time_of| BreakGlassView::from(&time_of));
    Ok(Answer::json(http::StatusCode::OK, &page.await?)?)
}

/// `POST /break-glass`.
// threat: CTX-T2
pub async fn open(call: Call, body: NewBreakGlass) -> Done {
    let entered = call.platform()?;
    let permitted = call.permit(&entered, Resource::Platform).await?;
    let reason = body.reason.trim().to_owned();
    if !REASON_CHARS.contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        let detail = "say in 10 to 500 characters, on one line, what has happened";
        return Err(Problem::new(Code::Invalid, detail).at("/reason").into());
    }
    if body.minutes == 0 || body.minutes > MINUTES_MAX {
        let detail = format!("1 to {MINUTES_MAX} minutes; open it again if that was not enough");
        return Err(Problem::new(Code::Invalid, detail).at("/minutes").into());
    }
    let caller = call.caller()?;
    let own = caller.id.to_string();
    let mut changes = Vec::new();
    for (record, earlier) in call.all_of::<BreakGlass>(entered.scope(), Some(&own)).await? {
        if call.now < earlier.until {
            let detail = format!("you have broken it already, until {}", time(earlier.until));
            return Err(Problem::new(Code::Conflict, detail).into());
        }
        changes.push(Change::Remove(record));
    }
    let opened = BreakGlass {
        id: BreakGlassId::generate(),
        who: caller.id,
        name: caller.name.clone(),
        reason,
        opened: call.now,
        until: call.now.plus(Duration::from_secs(60 * u64::from(body.minutes))),
    };
    let view = BreakGlassView::from(&opened);
    changes.push(Change::Create(opened.to_record()?));
    let answer = Answer::created(&view, format!("/api/v1/break-glass/{}", opened.id))?;
    let done = call
        .done(&permitted, Deed::made(opened.id, &view), changes, answer)
        .await?;
    if done.status == http::StatusCode::CREATED.as_u16() && !done.is_dry_run {
        tracing::warn!(id = %opened.id, who = opened.name, until = view.until, reason = opened.reason, "somebody has broken the glass");
    }
    Ok(done)
}

/// `POST /break-glass/{time}/close`.
pub async fn close(call: Call, _: Nothing) -> Done {
    let entered = call.platform()?;
    let permitted = call.permit(&entered, Resource::Platform).await?;
    let id: BreakGlassId = call.id("time")?;
    let (before, open) = call.find::<BreakGlass>(&entered, &id).await?;
    if open.until <= call.now {
        return Err(Problem::new(Code::Conflict, "that time is over").into());
    }
    let closed = BreakGlass {
        until: call.now,
        ..open.clone()
    };
    let views = (BreakGlassView::from(&open), BreakGlassView::from(&closed));
    let after = closed.to_record()?;
    let deed = Deed::changed(id, &views.0, &views.1);
    let answer = Answer::view(&views.1)?;
    call.done(&permitted, deed, vec![Change::Replace { before, after }], answer)
        .await
}
