//! Acts that wait for a second person. Whoever decides may do the act themself, and is not the one who wants
//! it.

use domain::{ActorId, ApprovalId, Permission};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Change, Record};

use super::sso;
use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::problem::{Code, Problem};
use crate::record::{Approval, ApprovalState, Decided, Document};
use crate::shapes;

/// The longest reason.
const REASON_CHARS_MAX: usize = 500;

/// An act that waits, or waited, for a second person.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApprovalView {
    /// Its id: sent as `Approval` when the act is asked again.
    #[schemars(with = "String")]
    pub id: ApprovalId,
    /// How it stands.
    pub state: ApprovalState,
    /// The permission it wants.
    pub act: String,
    /// The id of what it is done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it looks like now, secrets left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it will look like, secrets left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Who wants it.
    #[schemars(with = "String")]
    pub requester: ActorId,
    /// What they are called.
    pub requester_name: String,
    /// Why, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked for, RFC 3339.
    pub created: String,
    /// From then on it is good for nothing, RFC 3339.
    pub expires: String,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// Why, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_reason: Option<String>,
}

/// A yes or a no.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Why; kept with the decision.
    #[serde(default)]
    reason: Option<String>,
}

shapes! { given: Decision ; shown: ApprovalView }

impl From<&Approval> for ApprovalView {
    fn from(approval: &Approval) -> Self {
        let decided = approval.decided.as_ref();
        Self {
            id: approval.id,
            state: approval.state,
            act: approval.act.clone(),
            target: approval.target.clone(),
            before: approval.before.clone(),
            after: approval.after.clone(),
            requester: approval.requester,
            requester_name: approval.requester_name.clone(),
            reason: approval.reason.clone(),
            created: time(approval.created),
            expires: time(approval.expires),
            decided_by: decided.map(|decided| decided.name.clone()),
            decided_at: decided.map(|decided| time(decided.at)),
            decision_reason: decided.and_then(|decided| decided.reason.clone()),
        }
    }
}

fn resource(entered: &Entered, approval: &Approval) -> Resource {
    Resource::Approval {
        tenant: entered.tenant(),
        approval: approval.id,
        requester: approval.requester,
    }
}

/// Whether the caller might do what waits. An act that this release does not know nobody may do.
fn might(call: &Call, approval: &Approval) -> Result<bool, Problem> {
    Permission::named(&approval.act).map_or(Ok(false), |act| call.might(act, approval.resource))
}

fn sees(call: &Call, entered: &Entered, approval: &Approval) -> Result<bool, Problem> {
    Ok(call.may(Permission::ApprovalsRead, resource(entered, approval))? || might(call, approval)?)
}

async fn found(call: &Call) -> Result<(Entered, Record, Approval), Stop> {
    let entered = call.enter().await?;
    let id: ApprovalId = call.id("approval")?;
    let (record, approval) = call.find::<Approval>(&entered, &id).await?;
    if !sees(call, &entered, &approval)? {
        return Err(Problem::not_found().into());
    }
    Ok((entered, record, approval))
}

/// `GET …/approvals`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let state = call.query("state").map(|text| {
        let state = serde_json::from_value(Value::String(text.to_owned()));
        state.map_err(|_| Problem::new(Code::Malformed, "`state` does not read"))
    });
    let state: Option<ApprovalState> = state.transpose()?;
    let seen = |approval: &Approval| {
        if state.is_some_and(|state| state != approval.state) {
            return Ok(false);
        }
        sees(&call, &entered, approval)
    };
    let page = call.page_of_records(&entered, None, seen, |approval| ApprovalView::from(&approval));
    Ok(Answer::json(http::StatusCode::OK, &page.await?)?)
}

/// `GET …/approvals/{approval}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (_, _, approval) = found(&call).await?;
    Ok(Answer::view(&ApprovalView::from(&approval))?)
}

/// `POST …/approve`.
pub async fn approve(call: Call, body: Decision) -> Done {
    decide(call, body, ApprovalState::Approved).await
}

/// `POST …/deny`.
pub async fn deny(call: Call, body: Decision) -> Done {
    decide(call, body, ApprovalState::Denied).await
}

// threat: ANP-0014
async fn decide(call: Call, body: Decision, state: ApprovalState) -> Done {
    let (entered, before, approval) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&entered, &approval)).await?;
    let gives = approval.act != Permission::SsoUpdate.as_str()
        || sso::might_give(&call, &entered, approval.after.as_ref())?;
    if !gives || !might(&call, &approval)? {
        let detail = format!(
            "whoever decides may do it themself, and none of your roles permits `{}` here",
            approval.act
        );
        return Err(Problem::new(Code::Forbidden, detail).into());
    }
    if approval.state != ApprovalState::Waiting || approval.expires <= call.now {
        return Err(Problem::new(Code::Conflict, "it waits no more").into());
    }
    if body
        .reason
        .as_ref()
        .is_some_and(|text| text.chars().count() > REASON_CHARS_MAX)
    {
        let detail = format!("a reason has at most {REASON_CHARS_MAX} characters");
        return Err(Problem::new(Code::Invalid, detail).at("/reason").into());
    }
    let caller = call.caller()?;
    let decided = Approval {
        state,
        expires: call.now.plus(call.control.two_people.lasts),
        decided: Some(Decided {
            by: caller.id,
            name: caller.name.clone(),
            at: call.now,
            reason: body.reason,
        }),
        ..approval.clone()
    };
    let views = (ApprovalView::from(&approval), ApprovalView::from(&decided));
    let after = decided.to_record()?;
    let deed = Deed::changed(approval.id, &views.0, &views.1);
    let answer = Answer::view(&views.1)?;
    call.done(&permitted, deed, vec![Change::Replace { before, after }], answer)
        .await
}
