//! Budgets: how much may be spent, over what, in what time; and how they stand.

use domain::{ActorId, BudgetId, KeyId, Money, Permission, ProjectId, TeamId, UnixMillis};
use ledger::{Budget, BudgetScope, Window};
use policy::{BudgetLevel, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;

use super::words::{name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop, id_in_body};
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::record::Project;
use crate::shapes;

/// A budget as it is shown. Money is in nano-dollars: 1,000,000,000 are one dollar.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BudgetView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: BudgetId,
    /// What people call it.
    pub name: String,
    /// `tenant`, `team`, `project` or `key`.
    pub level: &'static str,
    /// The id of the team, project or key it limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// How much may be spent in a window.
    pub limit_nanos: i64,
    /// `total`, `minute`, `hour`, `day`, `week`, `month` or `year`.
    #[schemars(with = "String")]
    pub window: Window,
}

/// How a budget stands now. Not part of its tag: it changes with every call.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BudgetStanding {
    /// The budget.
    #[serde(flatten)]
    pub budget: BudgetView,
    /// When the window began, RFC 3339.
    pub window_start: String,
    /// Spent in it.
    pub spent_nanos: i64,
    /// Held by nodes for calls to come and under way.
    pub leased_nanos: i64,
    /// Held by nodes that have not been heard of.
    pub unexplained_nanos: i64,
}

/// A budget to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    /// What people call it.
    name: String,
    /// How much may be spent in a window, in nano-dollars.
    limit_nanos: i64,
    /// `total`, `minute`, `hour`, `day`, `week`, `month` or `year`.
    #[schemars(with = "String")]
    window: Window,
    /// The team, project or key it limits; the whole tenant when left out.
    #[serde(default)]
    of: Option<String>,
}

/// What to change of a budget; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetChange {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// Another limit.
    #[serde(default)]
    limit_nanos: Option<i64>,
}

shapes! { given: NewBudget, BudgetChange ; shown: BudgetView, BudgetStanding }

impl From<&Budget> for BudgetView {
    fn from(budget: &Budget) -> Self {
        let (level, of) = match budget.scope {
            BudgetScope::Tenant => ("tenant", None),
            BudgetScope::Team(id) => ("team", Some(id.to_string())),
            BudgetScope::Project(id) => ("project", Some(id.to_string())),
            BudgetScope::Key(id) => ("key", Some(id.to_string())),
        };
        Self {
            id: budget.id,
            name: budget.name.clone(),
            level,
            of,
            limit_nanos: budget.limit.nanos(),
            window: budget.window,
        }
    }
}

/// Where a budget is: what policies need of what it limits.
async fn resource(call: &Call, entered: &Entered, budget: &Budget) -> Result<Resource, Stop> {
    let tenant = entered.tenant();
    let (level, team, owner): (_, Option<TeamId>, Option<ActorId>) = match budget.scope {
        BudgetScope::Tenant => (BudgetLevel::Tenant, None, None),
        BudgetScope::Team(team) => (BudgetLevel::Team, Some(team), None),
        BudgetScope::Project(id) => match call.find::<Project>(entered, &id).await {
            Ok((_, project)) => (BudgetLevel::Project, Some(project.team), None),
            Err(_) => (BudgetLevel::Project, None, None),
        },
        BudgetScope::Key(id) => {
            let key = call.names.key(tenant, id);
            (
                BudgetLevel::Key,
                key.map(|key| key.team),
                key.and_then(|key| key.owner),
            )
        }
    };
    Ok(Resource::Budget {
        tenant,
        budget: budget.id,
        level,
        team,
        owner,
    })
}

async fn found(call: &Call) -> Result<(Entered, Budget, Resource), Stop> {
    let entered = call.enter().await?;
    let budget = call.names.budget(entered.tenant(), call.id("budget")?).cloned();
    let budget = budget.ok_or_else(Problem::not_found)?;
    let resource = resource(call, &entered, &budget).await?;
    Ok((entered, budget, resource))
}

/// `GET …/budgets`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let mut seen = Vec::new();
    for budget in call.names.budgets(entered.tenant()) {
        if call.may(Permission::BudgetsRead, resource(&call, &entered, budget).await?)? {
            seen.push(budget);
        }
    }
    let page = call.page_of(
        seen,
        |budget, by| Place::of(by, budget.id, &budget.name, UnixMillis(0)),
        BudgetView::from,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// What the budget shall limit: something of this tenant.
async fn scope(call: &Call, entered: &Entered, of: Option<&str>) -> Result<BudgetScope, Stop> {
    let nothing = || Problem::new(Code::Invalid, "no team, project or key here has that id").at("/of");
    let Some(text) = of else {
        return Ok(BudgetScope::Tenant);
    };
    let tenant = entered.tenant();
    if let Ok(team) = text.parse::<TeamId>() {
        call.names.team(tenant, team).ok_or_else(nothing)?;
        return Ok(BudgetScope::Team(team));
    }
    if let Ok(key) = text.parse::<KeyId>() {
        call.names.key(tenant, key).ok_or_else(nothing)?;
        return Ok(BudgetScope::Key(key));
    }
    let project: ProjectId = id_in_body(text, "/of").map_err(|_| nothing())?;
    call.find::<Project>(entered, &project)
        .await
        .map_err(|_| nothing())?;
    Ok(BudgetScope::Project(project))
}

/// Whether so much more wants a second person.
pub fn is_weighty(call: &Call, before: Money, after: Option<i64>) -> bool {
    let raised = after.map(Money::from_nanos).filter(|after| *after > before);
    let mark = call.control.two_people.budgets_above;
    mark.zip(raised).is_some_and(|(mark, raised)| raised > mark)
}

fn limit(nanos: i64) -> Result<Money, Problem> {
    if nanos >= 0 {
        return Ok(Money::from_nanos(nanos));
    }
    Err(Problem::new(Code::Invalid, "a limit is not negative").at("/limit_nanos"))
}

/// `POST …/budgets`.
// threat: AGP-D1
pub async fn create(call: Call, body: NewBudget) -> Done {
    let entered = call.enter().await?;
    let budget = Budget {
        id: BudgetId::generate(),
        tenant: entered.tenant(),
        scope: scope(&call, &entered, body.of.as_deref()).await?,
        name: name(&body.name, "/name")?,
        limit: limit(body.limit_nanos)?,
        window: body.window,
    };
    let asked = resource(&call, &entered, &budget).await?;
    let permitted = call
        .permit_weighed(
            &entered,
            asked,
            is_weighty(&call, Money::ZERO, Some(body.limit_nanos)),
        )
        .await?;
    let view = BudgetView::from(&budget);
    let at = format!("/api/v1/tenants/{}/budgets/{}", budget.tenant, budget.id);
    let deed = Deed::made(budget.id, &view);
    call.done(
        &permitted,
        deed,
        vec![Change::PutBudget(budget)],
        Answer::created(&view, at)?,
    )
    .await
}

/// `GET …/budgets/{budget}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, budget, resource) = found(&call).await?;
    call.permit(&entered, resource).await?;
    let start = budget.window.start(call.now);
    let standing = call
        .control
        .store
        .standing(entered.scope(), budget.id, start)
        .await?;
    let view = BudgetView::from(&budget);
    let etag = crate::etag::of(&view);
    let shown = BudgetStanding {
        budget: view,
        window_start: time(start),
        spent_nanos: standing.spent.nanos(),
        leased_nanos: standing.leased.nanos(),
        unexplained_nanos: standing.unexplained.nanos(),
    };
    Ok(Answer {
        etag: Some(etag),
        ..Answer::view(&shown)?
    })
}

/// `PATCH …/budgets/{budget}`.
// threat: AGP-D1
pub async fn update(call: Call, body: BudgetChange) -> Done {
    let (entered, before, resource) = found(&call).await?;
    let is_weighty = is_weighty(&call, before.limit, body.limit_nanos);
    let permitted = call.permit_weighed(&entered, resource, is_weighty).await?;
    let old = BudgetView::from(&before);
    call.must_match(&old)?;
    let mut after = before.clone();
    if let Some(text) = &body.name {
        after.name = name(text, "/name")?;
    }
    if let Some(nanos) = body.limit_nanos {
        after.limit = limit(nanos)?;
    }
    let new = BudgetView::from(&after);
    let deed = Deed::changed(before.id, &old, &new);
    call.done(
        &permitted,
        deed,
        vec![Change::ReplaceBudget { before, after }],
        Answer::view(&new)?,
    )
    .await
}

/// `DELETE …/budgets/{budget}`.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, budget, resource) = found(&call).await?;
    let permitted = call.permit(&entered, resource).await?;
    let deed = Deed::removed(budget.id, &BudgetView::from(&budget));
    call.done(
        &permitted,
        deed,
        vec![Change::DeleteBudget(budget.id)],
        Answer::nothing(),
    )
    .await
}
