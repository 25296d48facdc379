//! `bartizan prices rerate`: what calls that were made cost by other prices, and the entries that correct it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use control::rerate::{self, By, RerateError, RerateRow, Rerated, Which};
use control::sheets;
use domain::{Money, Permission, TenantId, TenantScope, UnixMillis};
use ledger::Sheet;
use serde::Serialize;
use store::StoreError;

use crate::command::arguments::Since;
use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table};
use crate::failure::{Failure, Hint};
use crate::pricing::Priced;

use super::sheet::no_version;

/// What is reckoned again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan prices rerate --tenant acme --from 2026-10-01 --until 2026-11-01
  bartizan prices rerate --tenant acme --from 7d --prices corrected.json --model gpt-4o
  bartizan prices rerate --tenant acme --from 2026-10-01 --until 2026-11-01 --sheet 3 --apply
  bartizan prices rerate --tenant acme --from 30d --sheet 0       what it would be by the list alone

Without --apply it is only reckoned. With it the ledger gets an entry for each call whose cost is another: the difference,
with the time of now. What is in the ledger stays as it is, and so do final statements and what budgets have counted. Doing
it again does nothing again.")]
pub struct RerateArgs {
    /// Calls that ended since then: a day (2026-10-01), a time, or how long ago (7d)
    #[arg(long, value_name = "WHEN")]
    from: Since,
    /// And before then; now when left out
    #[arg(long, value_name = "WHEN")]
    until: Option<Since>,
    /// Only of this model, by the name that was asked for or as `provider/upstream-model`
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// By the list in force with this one laid over it, in the catalog's own form
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// And by this version of the tenant's price sheet, 0 for none; the newest when left out
    #[arg(long, value_name = "NUMBER")]
    sheet: Option<u64>,
    /// Whose; the only tenant, or `default`, when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Correct them
    #[arg(long)]
    apply: bool,
}

/// Does it.
pub async fn run(args: RerateArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let store = instance.store.as_ref();
    let names = Names::read(store).await?;
    let tenant = names.tenant(args.tenant.as_deref())?.id;
    let now = UnixMillis::now();
    let which = Which {
        from: args.from.seen_from(now),
        until: args.until.map_or(now, |until| until.seen_from(now)),
        model: args.model.as_deref(),
        calls_max: u64::MAX,
    };
    let by = By {
        list: Arc::new(Priced::with(&instance.config, args.prices.as_deref())?),
        sheet: sheet(instance, tenant, args.sheet).await?,
    };
    let scope = TenantScope::operator(tenant);
    let planned = rerate::reckon(store, &scope, &which, &by).await.map_err(failed)?;
    if !args.apply {
        return show.say(&View(planned));
    }
    let said = serde_json::json!({
        "from": which.from, "until": which.until, "model": args.model, "price_version": planned.price_version,
        "total": planned.total,
    });
    let act = Permission::PricesRerate;
    instance
        .act_saying(tenant, act, (tenant.to_string(), Some(said)), &[])
        .await?;
    let done = rerate::apply(store, &scope, (&which, &by), now).await;
    show.say(&View(done.map_err(failed)?))
}

async fn sheet(
    instance: &Instance,
    tenant: TenantId,
    number: Option<u64>,
) -> Result<Option<(u64, Sheet)>, Failure> {
    let store = instance.store.as_ref();
    let kept = match number {
        Some(0) => None,
        None => sheets::newest(store, tenant).await?.1,
        Some(number) => match sheets::version(store, tenant, number).await {
            Err(StoreError::NotFound) => return Err(no_version(number)),
            kept => Some(kept?),
        },
    };
    Ok(kept.map(|kept| (kept.number, kept.sheet)))
}

fn failed(error: RerateError) -> Failure {
    match error {
        RerateError::Store(error) => error.into(),
        other => Failure::usage(other.to_string()).hint("`--from` is when it begins, `--until` when it ends"),
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct View(Rerated);

impl Shown for View {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Rerated {
            price_version,
            rows,
            total,
            at_their_bound,
            unpriced,
            corrected,
        } = &self.0;
        writeln!(out, "by price list {price_version}")?;
        let mut table = Table::new(&[
            Column::Text("day"),
            Column::Text("model"),
            Column::Number("calls"),
            Column::Number("changed"),
            Column::Number("now $"),
            Column::Number("then $"),
            Column::Number("difference $"),
        ]);
        rows.iter().for_each(|row| table.row(cells(row, &row.day)));
        table.row(cells(total, "all"));
        table.write(out)?;
        if *at_their_bound > 0 {
            writeln!(
                out,
                "{at_their_bound} calls were billed at their bound and stay so"
            )?;
        }
        if *unpriced > 0 {
            writeln!(
                out,
                "{unpriced} calls have no price by this list and stay as they are"
            )?;
        }
        match corrected {
            Some(count) => writeln!(out, "{count} corrections came into the ledger"),
            None if total.changed > 0 => writeln!(out, "nothing is changed: `--apply` corrects them"),
            None => writeln!(out, "there is nothing to correct"),
        }
    }
}

fn cells(row: &RerateRow, day: &str) -> [String; 7] {
    let dollars = |nanos: i64| Money::from_nanos(nanos).to_string();
    [
        day.to_owned(),
        row.model.clone(),
        row.calls.to_string(),
        row.changed.to_string(),
        dollars(row.now_nanos),
        dollars(row.then_nanos),
        dollars(row.difference_nanos),
    ]
}
