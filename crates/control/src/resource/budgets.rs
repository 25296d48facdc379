//! Budgets: how much may be spent, over what, in what time; and how they stand.

pub mod amounts;
mod increases;
mod pausing;
pub mod stops;
mod times;

use domain::{ActorId, BudgetId, KeyId, Money, Permission, ProjectId, TeamId, UnixMillis};
use ledger::{Budget, BudgetScope, Only, Terms, Unit, Window};
use policy::{BudgetLevel, Resource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::Change;

use super::words::{name, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered, Stop, Weight, id_in_body};
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::record::{Project, Service, User};
use crate::shapes;

pub use increases::{IncreaseView, NewIncrease, increase, revoke};
pub use pausing::{NewPause, PauseView, pause, resume};
pub use times::DuringView;

/// Which calls of those that a budget limits it counts: those for which all of this holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnlyView {
    /// Calls for this model, by the name that callers use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Calls that this provider serves, by its name in `bartizan.yaml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Calls of keys with this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Calls of this session, as their callers name it in `bartizan-session`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl OnlyView {
    /// Whether it leaves nothing out.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Only> for OnlyView {
    fn from(only: Only) -> Self {
        let Only {
            model,
            provider,
            tag,
            session,
        } = only;
        Self {
            model,
            provider,
            tag,
            session,
        }
    }
}

impl From<OnlyView> for Only {
    fn from(only: OnlyView) -> Self {
        let OnlyView {
            model,
            provider,
            tag,
            session,
        } = only;
        Self {
            model,
            provider,
            tag,
            session,
        }
    }
}

/// A budget as it is shown. Money is in nano-dollars: 1,000,000,000 are one dollar.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BudgetView {
    /// Its id.
    #[schemars(with = "String")]
    pub id: BudgetId,
    /// What people call it.
    pub name: String,
    /// `tenant`, `team`, `project`, `key`, `user` or `service`.
    pub level: &'static str,
    /// The id of the team, project, key, user or service account it limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Which of their calls it counts; all when it is not there.
    #[serde(skip_serializing_if = "OnlyView::is_everything")]
    pub only: OnlyView,
    /// How much may be spent in a window, of a budget of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_nanos: Option<i64>,
    /// How many LLM tokens may be used in a window, of a budget of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_tokens: Option<i64>,
    /// Percentages of the limit at which it is told that so much is spent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<u8>,
    /// Since when and why nothing is spent from it, until it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<PauseView>,
    /// `total`, `minute`, `hour`, `day`, `week`, `month` or `year`.
    #[schemars(with = "String")]
    pub window: Window,
    /// What else is to be said of its time.
    #[serde(skip_serializing_if = "DuringView::is_usual")]
    pub during: DuringView,
    /// By how much more it holds for a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub increases: Vec<IncreaseView>,
}

/// How a budget stands now. Not part of its tag: it changes with every call.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BudgetStanding {
    /// The budget.
    #[serde(flatten)]
    pub budget: BudgetView,
    /// When the window began, RFC 3339; of a rolling one, its newest bucket.
    pub window_start: String,
    /// When it ends, if ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_end: Option<String>,
    /// What may still be spent, of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_nanos: Option<i64>,
    /// Carried in from the window before, less what was carried out into the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried_nanos: Option<i64>,
    /// What may still be spent, of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_tokens: Option<i64>,
    /// Carried in from the window before, less what was carried out into the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carried_tokens: Option<i64>,
    /// Spent in it, of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent_nanos: Option<i64>,
    /// Held by nodes for calls to come and under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leased_nanos: Option<i64>,
    /// Held by nodes that have not been heard of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexplained_nanos: Option<i64>,
    /// The same three of tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent_tokens: Option<i64>,
    /// Held by nodes for calls to come and under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leased_tokens: Option<i64>,
    /// Held by nodes that have not been heard of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexplained_tokens: Option<i64>,
}

/// A budget to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBudget {
    /// What people call it.
    name: String,
    /// How much may be spent in a window, in nano-dollars. Either this or `limit_tokens`.
    #[serde(default)]
    limit_nanos: Option<i64>,
    /// How many LLM tokens, prompt and output, may be used in a window.
    #[serde(default)]
    limit_tokens: Option<i64>,
    /// `total`, `minute`, `hour`, `day`, `week`, `month` or `year`.
    #[schemars(with = "String")]
    window: Window,
    /// What else is to be said of its time. Never changes.
    #[serde(default)]
    during: DuringView,
    /// The team, project, key, user or service account it limits; the whole tenant when left out.
    #[serde(default)]
    of: Option<String>,
    /// Which of their calls it counts; all when left out. Never changes.
    #[serde(default)]
    only: OnlyView,
    /// Percentages of the limit at which it is told that so much is spent; up to 8.
    #[serde(default)]
    marks: Vec<u8>,
}

/// What to change of a budget; what is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetChange {
    /// Another name.
    #[serde(default)]
    name: Option<String>,
    /// Another limit, of a budget of money.
    #[serde(default)]
    limit_nanos: Option<i64>,
    /// Another limit, of a budget of tokens.
    #[serde(default)]
    limit_tokens: Option<i64>,
    /// Other marks. Those that were told of this window already are not told again.
    #[serde(default)]
    marks: Option<Vec<u8>>,
}

shapes! { given: NewBudget, BudgetChange, OnlyView ; shown: BudgetView, BudgetStanding }

impl From<&Budget> for BudgetView {
    fn from(budget: &Budget) -> Self {
        let (level, of) = match budget.scope {
            BudgetScope::Tenant => ("tenant", None),
            BudgetScope::Team(id) => ("team", Some(id.to_string())),
            BudgetScope::Project(id) => ("project", Some(id.to_string())),
            BudgetScope::Key(id) => ("key", Some(id.to_string())),
            BudgetScope::User(id) => ("user", Some(id.to_string())),
            BudgetScope::Service(id) => ("service", Some(id.to_string())),
        };
        let (limit_nanos, limit_tokens) = amounts::shown(budget.limit, budget.terms.unit);
        let increases = budget.terms.increases.iter();
        Self {
            id: budget.id,
            name: budget.name.clone(),
            level,
            of,
            only: budget.terms.only.clone().into(),
            limit_nanos,
            limit_tokens,
            marks: budget.terms.marks.clone(),
            paused: budget.terms.paused.as_ref().map(PauseView::from),
            window: budget.window,
            during: DuringView::from(&budget.terms),
            increases: increases
                .map(|it| IncreaseView::of(it, budget.terms.unit))
                .collect(),
        }
    }
}

/// Terms that can be taken.
pub fn tidied(terms: Terms, window: Window, at: &str) -> Result<Terms, Problem> {
    let tidied = terms.tidied(window);
    tidied.map_err(|error| Problem::new(Code::Invalid, error.to_string()).at(at))
}

/// Where a budget is: what policies need of what it limits.
pub async fn resource(call: &Call, entered: &Entered, budget: &Budget) -> Result<Resource, Stop> {
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
        BudgetScope::User(id) => (BudgetLevel::User, None, Some(ActorId::User(id))),
        BudgetScope::Service(id) => {
            let service = call.find::<Service>(entered, &id).await;
            let team = service.ok().map(|(_, service)| service.team);
            (BudgetLevel::Service, team, Some(ActorId::Service(id)))
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
    let detail = "no team, project, key, user or service account here has that id";
    let nothing = || Problem::new(Code::Invalid, detail).at("/of");
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
    match text.parse() {
        Ok(ActorId::User(user)) => {
            call.find::<User>(entered, &user).await.map_err(|_| nothing())?;
            return Ok(BudgetScope::User(user));
        }
        Ok(ActorId::Service(service)) => {
            let found = call.find::<Service>(entered, &service).await;
            found.map_err(|_| nothing())?;
            return Ok(BudgetScope::Service(service));
        }
        Err(_) => {}
    }
    let project: ProjectId = id_in_body(text, "/of").map_err(|_| nothing())?;
    call.find::<Project>(entered, &project)
        .await
        .map_err(|_| nothing())?;
    Ok(BudgetScope::Project(project))
}

/// Whether so much more money, or so many more tokens, want a second person: by the most that a window may hold, with
/// what raises it for a time and what may be carried into it.
// threat: ANP-0014
// threat: AGP-D1
pub fn is_weighty(call: &Call, before: Option<&Budget>, after: &Budget) -> bool {
    let had = before.map_or(Money::ZERO, |budget| budget.most_at(call.now));
    let has = after.most_at(call.now);
    let two_people = &call.control.two_people;
    let mark = match after.terms.unit {
        Unit::Money => two_people.budgets_above,
        Unit::Tokens => two_people.token_budgets_above,
    };
    has > had && mark.is_some_and(|mark| has > mark)
}

/// `POST …/budgets`.
// threat: AGP-D1
pub async fn create(call: Call, body: NewBudget) -> Done {
    let entered = call.enter().await?;
    let (limit, unit) = amounts::limit(body.limit_nanos, body.limit_tokens, "")?;
    let mut terms = Terms {
        only: body.only.into(),
        unit,
        marks: body.marks,
        ..Terms::default()
    };
    body.during.put(&mut terms, call.now)?;
    let budget = Budget {
        id: BudgetId::generate(),
        tenant: entered.tenant(),
        scope: scope(&call, &entered, body.of.as_deref()).await?,
        name: name(&body.name, "/name")?,
        limit,
        window: body.window,
        terms: tidied(terms, body.window, "")?,
    };
    let asked = resource(&call, &entered, &budget).await?;
    let is_weighty = is_weighty(&call, None, &budget);
    let permitted = call
        .permit_weighed(&entered, asked, Weight::of(is_weighty))
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
    let (start, end) = budget.period(call.now);
    let standing = call
        .control
        .store
        .standing(entered.scope(), budget.id, start)
        .await?;
    let view = BudgetView::from(&budget);
    let etag = crate::etag::of(&view);
    let shown = |amount| amounts::shown(amount, budget.terms.unit);
    let (spent_nanos, spent_tokens) = shown(standing.spent);
    let (leased_nanos, leased_tokens) = shown(standing.leased);
    let (unexplained_nanos, unexplained_tokens) = shown(standing.unexplained);
    let shut = budget.shut(call.now).is_some();
    let limit = if shut {
        Money::ZERO
    } else {
        budget.limit_at(call.now)
    };
    let (remaining_nanos, remaining_tokens) = shown(standing.remaining(limit));
    let carries = budget.terms.rollover.map(|_| shown(standing.carried));
    let (carried_nanos, carried_tokens) = carries.unwrap_or_default();
    let shown = BudgetStanding {
        budget: view,
        window_start: time(start),
        window_end: end.map(time),
        remaining_nanos,
        carried_nanos,
        remaining_tokens,
        carried_tokens,
        spent_nanos,
        leased_nanos,
        unexplained_nanos,
        spent_tokens,
        leased_tokens,
        unexplained_tokens,
    };
    Ok(Answer {
        etag: Some(etag),
        ..Answer::view(&shown)?
    })
}

fn replace(before: Budget, after: Budget) -> Change {
    Change::ReplaceBudget {
        before: Box::new(before),
        after: Box::new(after),
    }
}

/// `PATCH …/budgets/{budget}`.
// threat: AGP-D1
pub async fn update(call: Call, body: BudgetChange) -> Done {
    let (entered, before, resource) = found(&call).await?;
    let raised = body.limit_nanos.or(body.limit_tokens).map(Money::from_nanos);
    let raised = Budget {
        limit: raised.unwrap_or(before.limit),
        ..before.clone()
    };
    let is_weighty = is_weighty(&call, Some(&before), &raised);
    let permitted = call
        .permit_weighed(&entered, resource, Weight::of(is_weighty))
        .await?;
    let old = BudgetView::from(&before);
    call.must_match(&old)?;
    let mut after = before.clone();
    if let Some(text) = &body.name {
        after.name = name(text, "/name")?;
    }
    if body.limit_nanos.is_some() || body.limit_tokens.is_some() {
        let (limit, unit) = amounts::limit(body.limit_nanos, body.limit_tokens, "")?;
        if unit != before.terms.unit {
            let detail = format!(
                "this budget counts {}, and always will",
                before.terms.unit.as_str()
            );
            return Err(Problem::new(Code::Invalid, detail).at("/limit_nanos").into());
        }
        after.limit = limit;
    }
    if let Some(marks) = body.marks {
        after.terms.marks = marks;
        after.terms = tidied(after.terms, before.window, "/marks")?;
    }
    let new = BudgetView::from(&after);
    let deed = Deed::changed(before.id, &old, &new);
    call.done(
        &permitted,
        deed,
        vec![replace(before, after)],
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
