//! A stop for one session of an agent: a budget of its calls alone that holds nothing and is paused, made by pausing the
//! session and removed by resuming it. So it reaches every replica as budgets do, and no call of the session begins.

use domain::{BudgetId, Money, Permission, UnixMillis};
use ledger::{Budget, BudgetScope, Only, Pause, Terms, Window};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;

use super::{resource, tidied};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done};
use crate::page::Place;
use crate::problem::Problem;
use crate::resource::words::time;
use crate::shapes;

/// A session that is paused.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StopView {
    /// The id of the stop, which is a budget.
    #[schemars(with = "String")]
    pub id: BudgetId,
    /// The session, as its callers name it in `bartizan-session`.
    pub session: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Why, in the words of who paused it.
    pub why: String,
}

/// The session to pause.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStop {
    /// As its callers name it in `bartizan-session`: 1 to 128 visible ASCII characters.
    session: String,
    /// For whoever looks at it, and for the audit log. Callers are not told.
    why: String,
}

shapes! { given: NewStop ; shown: StopView }

impl From<&Budget> for StopView {
    fn from(stop: &Budget) -> Self {
        let paused = stop.terms.paused.as_ref();
        Self {
            id: stop.id,
            session: stop.terms.only.session.clone().unwrap_or_default(),
            since: paused.map(|pause| time(pause.since)).unwrap_or_default(),
            why: paused.map(|pause| pause.why.clone()).unwrap_or_default(),
        }
    }
}

/// `GET …/stops`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let mut seen = Vec::new();
    for stop in call.names.stops(entered.tenant()) {
        if call.may(Permission::BudgetsRead, resource(&call, &entered, stop).await?)? {
            seen.push(stop);
        }
    }
    let page = call.page_of(
        seen,
        |stop, by| {
            let since = stop.terms.paused.as_ref().map(|pause| pause.since);
            Place::of(by, stop.id, &stop.name, since.unwrap_or(UnixMillis(0)))
        },
        StopView::from,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `POST …/stops`. What is under way is not stopped; nothing new begins. One that is there already is left as it is.
// threat: AGP-D1
// threat: ANP-B0010
pub async fn pause(call: Call, body: NewStop) -> Done {
    let entered = call.enter().await?;
    let terms = Terms {
        only: Only {
            session: Some(body.session),
            ..Only::default()
        },
        paused: Some(Pause {
            since: call.now,
            why: body.why.trim().to_owned(),
        }),
        ..Terms::default()
    };
    let stop = Budget {
        id: BudgetId::generate(),
        tenant: entered.tenant(),
        scope: BudgetScope::Tenant,
        name: "a paused session".to_owned(),
        limit: Money::ZERO,
        window: Window::Total,
        terms: tidied(terms, Window::Total, "")?,
    };
    let permitted = call
        .permit(&entered, resource(&call, &entered, &stop).await?)
        .await?;
    let same = |it: &&Budget| it.terms.only == stop.terms.only;
    if let Some(known) = call.names.stops(entered.tenant()).find(same) {
        return Ok(Answer::view(&StopView::from(known))?);
    }
    let view = StopView::from(&stop);
    let at = format!("/api/v1/tenants/{}/stops/{}", stop.tenant, stop.id);
    let deed = Deed::made(stop.id, &view);
    let answer = Answer::created(&view, at)?;
    call.done(&permitted, deed, vec![Change::PutBudget(stop)], answer)
        .await
}

/// `DELETE …/stops/{stop}`: the session goes on.
pub async fn resume(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let id: BudgetId = call.id("stop")?;
    let stop = call.names.stops(entered.tenant()).find(|stop| stop.id == id);
    let stop = stop.cloned().ok_or_else(Problem::not_found)?;
    let permitted = call
        .permit(&entered, resource(&call, &entered, &stop).await?)
        .await?;
    let deed = Deed::removed(stop.id, &StopView::from(&stop));
    call.done(
        &permitted,
        deed,
        vec![Change::DeleteBudget(stop.id)],
        Answer::nothing(),
    )
    .await
}
