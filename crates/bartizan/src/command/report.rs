//! `bartizan report`: what spend looks like over time: trends, forecasts, days that stood out, budgets.

mod chart;
mod view;

use clap::{Args, Subcommand, ValueEnum};
use control::outlook::{self, Ahead, Asked, By, From};
use domain::{TenantScope, UnixMillis};
use finops::Day;

use crate::failure::{Failure, Hint};

use super::find::Names;
use super::instance::Instance;
use super::show::Show;

pub use view::{Named, dollars, percent};

/// What to report.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// How spend moves: the later half of the days against the earlier
    #[command(after_help = "\
Examples:
  bartizan report trend                       the last 30 days of the whole tenant
  bartizan report trend --by team --days 60
  bartizan report trend --by model --json | jq '.rows[] | {group, change_bp, is_clear}'

`up` and `down` are more than 10 %; `clear` is more than chance. Days are UTC, and today, which is not over, is not among
them. The line at the end shows the last days.")]
    Trend(TrendArgs),
    /// What will be spent by the end of the month, or in so many days, with bounds
    #[command(after_help = "\
Examples:
  bartizan report forecast                    this month, with a chart
  bartizan report forecast --days 14 --team research
  bartizan report forecast --by model --coverage 95

It takes 14 days of history, and says so where there are fewer. The method, and how well it did on made-up histories, are
in docs/finops.md.")]
    Forecast(ForecastArgs),
    /// Days on which spend stood out
    #[command(after_help = "\
Examples:
  bartizan report anomalies                   the last seven days, of the tenant and each team, key and model
  bartizan report anomalies --by key --days 31

A day is judged against those before it, weekdays taken out; it takes 28 of them. Of ordinary days less than one in 100
stands out. A serving instance looks at every day once it is over, and says `spend.anomaly` in the audit log.")]
    Anomalies(AnomalyArgs),
    /// How much of each budget is used, how fast it is spent, and when it is gone
    #[command(after_help = "\
Examples:
  bartizan report budgets --tenant acme
  bartizan report budgets --json | jq '.budgets[] | select(.exhaustion_chance_bp > 5000) | .budget.name'

`chance` is how likely it is gone before its window ends, by the days before; the days in brackets are those of one in ten
and nine in ten futures.")]
    Budgets {
        /// Whose; the only tenant, or `default`, when left out
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}

/// Which spend.
#[derive(Debug, Args)]
pub struct Of {
    /// One row for each of these
    #[arg(long, value_enum, default_value_t = Each::Total)]
    by: Each,
    /// Only this team's spend
    #[arg(long, value_name = "TEAM", conflicts_with = "by")]
    team: Option<String>,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// A trend.
#[derive(Debug, Args)]
pub struct TrendArgs {
    #[command(flatten)]
    of: Of,
    /// How many days up to yesterday
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(2..=400))]
    days: u32,
}

/// A forecast.
#[derive(Debug, Args)]
pub struct ForecastArgs {
    #[command(flatten)]
    of: Of,
    /// So many days instead of to the end of the month
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=92))]
    days: Option<u32>,
    /// How often in a hundred the bounds shall hold
    #[arg(long, value_name = "PERCENT", default_value_t = finops::COVERAGE, value_parser = clap::value_parser!(u8).range(50..=99))]
    coverage: u8,
}

/// Days that stood out.
#[derive(Debug, Args)]
pub struct AnomalyArgs {
    /// Only series of these
    #[arg(long, value_enum)]
    by: Option<Each>,
    /// How many days, today included
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=31))]
    days: u32,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

/// What rows are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Each {
    /// The whole tenant
    Total,
    /// The team that owns the key
    Team,
    /// The virtual key
    Key,
    /// The model the caller named
    Model,
}

impl Each {
    const fn by(self) -> By {
        match self {
            Self::Total => By::Total,
            Self::Team => By::Team,
            Self::Key => By::Key,
            Self::Model => By::Model,
        }
    }
}

/// Reports.
pub async fn run(command: ReportCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let now = UnixMillis::now();
    let named = match &command {
        ReportCommand::Trend(args) => &args.of.tenant,
        ReportCommand::Forecast(args) => &args.of.tenant,
        ReportCommand::Anomalies(args) => &args.tenant,
        ReportCommand::Budgets { tenant } => tenant,
    };
    let tenant = names.tenant(named.as_deref())?;
    let scope = TenantScope::operator(tenant.id);
    let from = From {
        store: instance.store.as_ref(),
        scope: &scope,
    };
    let shown = Shown {
        show,
        names: &names,
        tenant: tenant.name.clone(),
    };
    match &command {
        ReportCommand::Trend(args) => {
            let only = only(&args.of, &names, tenant.id)?;
            let asked = asked(&args.of, only.as_deref(), now);
            let most = outlook::DAYS_BY_MAX;
            if asked.by != By::Total && args.days > most {
                return Err(
                    Failure::usage(format!("at most {most} days of each {}", asked.by.as_str()))
                        .hint("leave `--by` out for up to 400 days of the whole tenant"),
                );
            }
            shown.say(outlook::trend(from, &asked, args.days).await?)
        }
        ReportCommand::Forecast(args) => {
            let only = only(&args.of, &names, tenant.id)?;
            let asked = asked(&args.of, only.as_deref(), now);
            let ahead = args.days.map_or(Ahead::Month, Ahead::Days);
            shown.say(outlook::forecast(from, &asked, (ahead, args.coverage)).await?)
        }
        ReportCommand::Anomalies(args) => {
            let until = Day::of(now).plus(1);
            let of = args.by.map_or_else(|| By::ALL.to_vec(), |each| vec![each.by()]);
            let time = (until.plus(-i64::from(args.days)), until);
            shown.say(outlook::anomalies(from, &of, time).await?)
        }
        ReportCommand::Budgets { .. } => {
            let own = names
                .all()
                .budgets
                .iter()
                .filter(|budget| budget.tenant == tenant.id);
            let own: Vec<_> = own.collect();
            shown.say(outlook::budgets(from, &own, (names.all(), now)).await?)
        }
    }
}

/// How to show a view.
struct Shown<'a> {
    show: Show,
    names: &'a Names,
    tenant: String,
}

impl<'a> Shown<'a> {
    fn say<T>(self, view: T) -> Result<(), Failure>
    where
        Named<'a, T>: super::show::Shown,
    {
        self.show.say(&Named {
            view,
            names: self.names,
            tenant: self.tenant,
        })
    }
}

/// The id of the one team that is meant.
fn only(of: &Of, names: &Names, tenant: domain::TenantId) -> Result<Option<String>, Failure> {
    let team = of.team.as_deref().map(|team| names.team(tenant, team));
    Ok(team.transpose()?.map(|team| team.id.to_string()))
}

const fn asked<'a>(of: &Of, only: Option<&'a str>, now: UnixMillis) -> Asked<'a> {
    let by = if only.is_some() { By::Team } else { of.by.by() };
    Asked { by, only, now }
}
