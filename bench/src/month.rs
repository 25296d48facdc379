//! A month of made-up traffic in a gate's embedded store: for demonstrations, and for questions to a ledger that has
//! something to say. The same seed makes the same calls. Nothing of it was ever sent anywhere.

mod people;
mod traffic;

use std::time::Instant;

use domain::{Money, NodeId, TenantScope, UnixMillis};
use ledger::Catalog;
use store::{Directory, EntryLog, Shipment};
use store_sqlite::SqliteStore;

use crate::cli::MonthOptions;
use crate::failure::{Failure, Outcome};
use crate::parts::failed;
use people::Company;
use traffic::Traffic;

/// Entries that are appended at once.
const BATCH: usize = 500;

/// Writes the month into the store of `--data-dir`, which a gate has made.
pub fn main(options: &MonthOptions) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(write(options))
}

async fn write(options: &MonthOptions) -> Outcome<()> {
    let database = options.data_dir.join("bartizan.db");
    if !database.exists() {
        let why = format!(
            "`{}` is not there: start a gate with this data folder once",
            database.display()
        );
        return Err(Failure::new(why));
    }
    let store = SqliteStore::open(&database).await.map_err(failed)?;
    let dump = store.load().await.map_err(failed)?;
    let tenant = dump
        .tenants
        .first()
        .ok_or_else(|| failed("the gate has no tenant yet"))?
        .id;
    let scope = TenantScope::operator(tenant);
    let company = Company::found(&store, &scope, &dump).await?;
    let catalog = Catalog::builtin().map_err(failed)?;
    let node = NodeId::from_u128(u128::from(options.seed));
    let traffic = Traffic::new(&company, &catalog, (tenant, node), options.seed);
    let (began, mut count, mut cost) = (Instant::now(), 0_u64, Money::ZERO);
    for day in 0..options.days {
        let entries = traffic.day(
            last_midnight(options.days - day),
            (day, options.days),
            options.calls_per_day,
        )?;
        cost = cost.plus(entries.iter().map(|entry| entry.cost).sum());
        for batch in entries.chunks(BATCH) {
            let shipments: Vec<Shipment> = batch.iter().map(Shipment::from).collect();
            count += store.append(&scope, node, &shipments).await.map_err(failed)?;
        }
        if (day + 1).is_multiple_of(10) {
            println!("{} of {} days, {count} calls", day + 1, options.days);
        }
    }
    store.close().await;
    println!(
        "{count} calls in {} days, ${cost}, written in {:.1} s",
        options.days,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The beginning of the day that was so many days ago, UTC.
fn last_midnight(days_ago: u32) -> UnixMillis {
    let day = 24 * 3600 * 1000;
    let today = UnixMillis::now().0 / day;
    UnixMillis((today - i64::from(days_ago)) * day)
}
