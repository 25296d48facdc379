//! A stop for what runs away: nothing is spent from a paused budget, on any replica, until somebody resumes it.

use ledger::{Budget, Pause, Terms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BudgetView, found, replace, tidied};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done};
use crate::resource::words::time;
use crate::shapes;

/// Why nothing is spent from a budget.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PauseView {
    /// Since when, RFC 3339.
    pub since: String,
    /// Why, in the words of who paused it.
    pub why: String,
}

/// Why a budget is paused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPause {
    /// For whoever looks at the budget, and for the audit log. Callers are not told.
    why: String,
}

shapes! { given: NewPause ; shown: PauseView }

impl From<&Pause> for PauseView {
    fn from(pause: &Pause) -> Self {
        Self {
            since: time(pause.since),
            why: pause.why.clone(),
        }
    }
}

/// `POST …/budgets/{budget}/pause`. What is under way is not stopped; nothing new begins.
// threat: AGP-D1
pub async fn pause(call: Call, body: NewPause) -> Done {
    let pause = Pause {
        since: call.now,
        why: body.why.trim().to_owned(),
    };
    turn(call, Some(pause)).await
}

/// `POST …/budgets/{budget}/resume`.
pub async fn resume(call: Call, _: Nothing) -> Done {
    turn(call, None).await
}

/// One that is so already is left as it is.
async fn turn(call: Call, pause: Option<Pause>) -> Done {
    let (entered, before, resource) = found(&call).await?;
    let permitted = call.permit(&entered, resource).await?;
    let terms = Terms {
        paused: pause,
        ..before.terms.clone()
    };
    let after = Budget {
        terms: tidied(terms, before.window, "/why")?,
        ..before.clone()
    };
    if before.terms.paused.is_some() == after.terms.paused.is_some() {
        return Ok(Answer::view(&BudgetView::from(&before))?);
    }
    let (old, new) = (BudgetView::from(&before), BudgetView::from(&after));
    let deed = Deed::changed(before.id, &old, &new);
    call.done(
        &permitted,
        deed,
        vec![replace(before, after)],
        Answer::view(&new)?,
    )
    .await
}
