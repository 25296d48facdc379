//! Reports of spend over time: trends, forecasts, days that stood out, budgets.

use domain::{Permission, TeamId};
use policy::Resource;

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done, Entered, Stop};
use crate::outlook::{
    Ahead, AnomaliesView, Asked, BudgetsView, By, DAYS_BY_MAX, DAYS_MAX, ForecastView, From, TrendView,
};
use crate::problem::{Code, Problem};
use crate::resource::budgets;
use crate::{outlook, shapes};

const TREND_DAYS: u32 = 30;
const JUDGED_DAYS: u32 = 7;
const JUDGED_DAYS_MAX: u32 = 31;
const COVERAGES: std::ops::RangeInclusive<u8> = 50..=99;

shapes! { given: ; shown: TrendView, ForecastView, AnomaliesView, BudgetsView }

/// What is asked for, once that is permitted: of one team, or of the whole tenant by something.
struct Of {
    entered: Entered,
    by: By,
    only: Option<String>,
}

impl Of {
    /// Usage of a team is read by whoever may read that team's; any other wants the tenant's.
    // threat: AGP-E1
    async fn permitted(call: &Call) -> Result<Self, Stop> {
        let entered = call.enter().await?;
        let team: Option<TeamId> = call.query_as("team")?;
        let tenant = entered.tenant();
        call.permit(&entered, Resource::Usage { tenant, team }).await?;
        let by = call
            .query("by")
            .map(|name| By::named(name).ok_or_else(unknown_by))
            .transpose()?;
        match (team, by) {
            (Some(_), Some(_)) => {
                let detail = "`team` is that team's whole spend: leave `by` out";
                Err(Problem::new(Code::Malformed, detail).into())
            }
            (Some(team), None) => Ok(Self {
                entered,
                by: By::Team,
                only: Some(team.to_string()),
            }),
            (None, by) => Ok(Self {
                entered,
                by: by.unwrap_or(By::Total),
                only: None,
            }),
        }
    }

    fn asked(&self, call: &Call) -> Asked<'_> {
        Asked {
            by: self.by,
            only: self.only.as_deref(),
            now: call.now,
        }
    }

    fn from<'a>(&'a self, call: &'a Call) -> From<'a> {
        From {
            store: call.control.store.as_ref(),
            scope: self.entered.scope(),
        }
    }
}

fn unknown_by() -> Problem {
    Problem::new(Code::Malformed, "`by` is `total`, `team`, `key` or `model`")
}

/// A number of days within bounds.
fn days(call: &Call, fallback: Option<u32>, bounds: (u32, u32)) -> Result<Option<u32>, Problem> {
    let days = call.query_as("days")?.or(fallback);
    let (least, most) = bounds;
    match days {
        Some(days) if !(least..=most).contains(&days) => {
            let detail = format!("`days` is {least} to {most} here");
            Err(Problem::new(Code::Malformed, detail))
        }
        days => Ok(days),
    }
}

/// `GET …/reports/trend`.
pub async fn trend(call: Call, _: Nothing) -> Done {
    let of = Of::permitted(&call).await?;
    let most = if of.by == By::Total { DAYS_MAX } else { DAYS_BY_MAX };
    let days = days(&call, Some(TREND_DAYS), (2, most))?.unwrap_or(TREND_DAYS);
    let view = outlook::trend(of.from(&call), &of.asked(&call), days).await?;
    Ok(Answer::view(&view)?)
}

/// `GET …/reports/forecast`.
pub async fn forecast(call: Call, _: Nothing) -> Done {
    let of = Of::permitted(&call).await?;
    let most = u32::try_from(finops::HORIZON_MAX).unwrap_or(92);
    let ahead = days(&call, None, (1, most))?.map_or(Ahead::Month, Ahead::Days);
    let coverage = call.query_as("coverage")?.unwrap_or(finops::COVERAGE);
    if !COVERAGES.contains(&coverage) {
        return Err(Problem::new(Code::Malformed, "`coverage` is 50 to 99, in per cent").into());
    }
    let view = outlook::forecast(of.from(&call), &of.asked(&call), (ahead, coverage)).await?;
    Ok(Answer::view(&view)?)
}

/// `GET …/reports/anomalies`.
// threat: ANP-B0010
pub async fn anomalies(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let (tenant, team) = (entered.tenant(), None);
    call.permit(&entered, Resource::Usage { tenant, team }).await?;
    let by = call
        .query("by")
        .map(|name| By::named(name).ok_or_else(unknown_by))
        .transpose()?;
    let days = days(&call, Some(JUDGED_DAYS), (1, JUDGED_DAYS_MAX))?.unwrap_or(JUDGED_DAYS);
    let until = finops::Day::of(call.now).plus(1);
    let from = From {
        store: call.control.store.as_ref(),
        scope: entered.scope(),
    };
    let of = by.map_or_else(|| By::ALL.to_vec(), |by| vec![by]);
    let view = outlook::anomalies(from, &of, (until.plus(-i64::from(days)), until)).await?;
    Ok(Answer::view(&view)?)
}

/// `GET …/reports/budgets`. Of each budget it is asked whether the caller may read it.
pub async fn budgets(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let mut seen = Vec::new();
    for budget in call.names.budgets(entered.tenant()) {
        if call.may(
            Permission::BudgetsRead,
            budgets::resource(&call, &entered, budget).await?,
        )? {
            seen.push(budget);
        }
    }
    let from = From {
        store: call.control.store.as_ref(),
        scope: entered.scope(),
    };
    let directory = call.names.directory();
    let view = outlook::budgets(from, &seen, (directory, call.now)).await?;
    Ok(Answer::json(http::StatusCode::OK, &view)?)
}
