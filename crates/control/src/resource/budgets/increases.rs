//! More for a while: an increase of a budget's limit that ends by itself. Weighed like a raise of the limit.

use domain::{Money, UnixMillis};
use ledger::{Budget, Increase, Terms, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BudgetView, amounts, found, is_weighty, replace, tidied};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Stop, Weight};
use crate::problem::{Code, Problem};
use crate::resource::words::{read_time, time};
use crate::shapes;

/// So much more may be spent until a time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IncreaseView {
    /// Which of the budget's.
    pub number: u32,
    /// How much more, of a budget of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_nanos: Option<i64>,
    /// How much more, of a budget of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_tokens: Option<i64>,
    /// Since when, RFC 3339.
    pub since: String,
    /// Until when. The limit is by itself what it was after that.
    pub until: String,
    /// Why, in the words of who asked for it.
    pub why: String,
}

/// An increase to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIncrease {
    /// How much more, of a budget of money, in nano-dollars.
    #[serde(default)]
    amount_nanos: Option<i64>,
    /// How much more, of a budget of tokens.
    #[serde(default)]
    amount_tokens: Option<i64>,
    /// Until when, RFC 3339.
    until: String,
    /// Why, for whoever looks at the budget or approves, and for the audit log.
    why: String,
}

shapes! { given: NewIncrease ; shown: IncreaseView }

impl IncreaseView {
    /// An increase of a budget that counts so.
    pub fn of(increase: &Increase, unit: Unit) -> Self {
        let (amount_nanos, amount_tokens) = amounts::shown(increase.amount, unit);
        Self {
            number: increase.number,
            amount_nanos,
            amount_tokens,
            since: time(increase.since),
            until: time(increase.until),
            why: increase.why.clone(),
        }
    }
}

/// `POST …/budgets/{budget}/increases`.
// threat: AGP-D1
// threat: ANP-0014
pub async fn increase(call: Call, body: NewIncrease) -> Done {
    let (entered, before, resource) = found(&call).await?;
    let said = body.amount_nanos.or(body.amount_tokens).unwrap_or(i64::MAX);
    let mut more = before.clone();
    more.terms.increases.push(Increase {
        number: 0,
        amount: Money::from_nanos(said),
        since: call.now,
        until: UnixMillis(i64::MAX),
        why: String::new(),
    });
    let is_weighty = is_weighty(&call, Some(&before), &more);
    let permitted = call
        .permit_weighed(&entered, resource, Weight::of(is_weighty))
        .await?;
    let after = increased(&call, &before, &body)?;
    let (old, new) = (BudgetView::from(&before), BudgetView::from(&after));
    let deed = Deed::changed(before.id, &old, &new);
    let answer = Answer::view(&new)?;
    call.done(&permitted, deed, vec![replace(before, after)], answer)
        .await
}

/// The budget with one more increase; those that have ended are forgotten.
fn increased(call: &Call, before: &Budget, body: &NewIncrease) -> Result<Budget, Stop> {
    let wrong = |detail: &str, at: &str| Problem::new(Code::Invalid, detail).at(at);
    let amount = match (before.terms.unit, body.amount_nanos, body.amount_tokens) {
        (Unit::Money, Some(amount), None) | (Unit::Tokens, None, Some(amount)) => Money::from_nanos(amount),
        _ => {
            let detail = "say how much more, in what the budget counts: `amount_nanos` or `amount_tokens`";
            return Err(wrong(detail, "/amount_nanos").into());
        }
    };
    let until = read_time(&body.until, "`until`").map_err(|problem| problem.at("/until"))?;
    if until <= call.now {
        return Err(wrong("an increase ends in the future", "/until").into());
    }
    let mut terms = before.terms.clone();
    let number = terms.increases.iter().map(|it| it.number).max().unwrap_or(0);
    terms.increases.retain(|it| call.now < it.until);
    terms.increases.push(Increase {
        number: number.saturating_add(1),
        amount,
        since: call.now,
        until,
        why: body.why.trim().to_owned(),
    });
    Ok(Budget {
        terms: tidied(terms, before.window, "")?,
        ..before.clone()
    })
}

/// `DELETE …/budgets/{budget}/increases/{increase}`. What was spent stays spent; one that is gone stays gone.
pub async fn revoke(call: Call, _: Nothing) -> Done {
    let (entered, before, resource) = found(&call).await?;
    let number: u32 = call.id("increase")?;
    let permitted = call.permit(&entered, resource).await?;
    let mut increases = before.terms.increases.clone();
    increases.retain(|it| it.number != number);
    if increases.len() == before.terms.increases.len() {
        return Ok(Answer::view(&BudgetView::from(&before))?);
    }
    let terms = Terms {
        increases,
        ..before.terms.clone()
    };
    let after = Budget {
        terms,
        ..before.clone()
    };
    let (old, new) = (BudgetView::from(&before), BudgetView::from(&after));
    let deed = Deed::changed(before.id, &old, &new);
    let answer = Answer::view(&new)?;
    call.done(&permitted, deed, vec![replace(before, after)], answer)
        .await
}
