//! From the journal into the store, and questions to what is there.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{NodeId, TenantScope, UnixMillis};
use journal::{Journal, JournalOptions, Record};
use store::usage::{Dimension, Grain, UsageQuery};
use store::{Store, Tenant, TenantState};
use store_sqlite::SqliteStore;
use telemetry::Metrics;
use worker::{ShipOptions, Shipper};

use super::paper::{self, TENANT};
use super::{Part, failed};
use crate::failure::Outcome;

/// Everything on a disk of its own folder, which is removed.
pub async fn measure(entries: u64) -> Outcome<Vec<Part>> {
    let folder = Folder::make()?;
    let parts = within(&folder.0, entries).await;
    drop(folder);
    parts
}

async fn within(folder: &Path, count: u64) -> Outcome<Vec<Part>> {
    let records: Vec<_> = (0..count)
        .map(paper::entry)
        .map(|entry| (entry.id, entry.to_record()))
        .collect();
    let plain = appended_plainly(folder, &records)?;
    let mut options = JournalOptions::new(folder.join("journal"));
    options.bytes_max = 64 << 30;
    let (journal, _) = Journal::open(options).map_err(failed)?;
    let from = Instant::now();
    for (id, bytes) in &records {
        journal.append(Record::Entry { id: *id, bytes }).map_err(failed)?;
    }
    let journaled = per_second(count, from);
    let database = folder.join("bartizan.db");
    let store = SqliteStore::open(&database).await.map_err(failed)?;
    store.migrate().await.map_err(failed)?;
    let store: Arc<dyn Store> = Arc::new(store);
    let tenant = Tenant {
        id: TENANT,
        name: "bench".to_owned(),
        limits: credential::Limits::default(),
        state: TenantState::Active,
    };
    store.create_tenant(&tenant).await.map_err(failed)?;
    for budget in (0..3).map(super::money::budget) {
        store
            .put_budget(&TenantScope::operator(TENANT), &budget)
            .await
            .map_err(failed)?;
    }
    let (options, metrics) = (
        ShipOptions::new(&folder.join("journal")),
        Arc::new(Metrics::new("bench")),
    );
    let shipper = Shipper::new(journal, store.clone(), NodeId::from_u128(1), metrics, options);
    let from = Instant::now();
    shipper.flush(Duration::from_secs(3600)).await.map_err(failed)?;
    let shipped = per_second(count, from);
    let bytes = on_disk(&database) as f64 / count as f64;
    let mut parts = vec![
        Part::alone("the journal takes", journaled, "entries/s")
            .beside("the same bytes appended to a file", plain),
        Part::alone("the shipper takes into SQLite", shipped, "entries/s"),
        Part::alone(
            "a million entries take in SQLite",
            bytes * 1e6 / f64::from(1 << 20),
            "MiB",
        ),
    ];
    let asked =
        |by: &[Dimension]| UsageQuery::over(UnixMillis(0), UnixMillis(i64::MAX)).by(by.iter().cloned());
    let queries = [
        ("model", asked(&[Dimension::Model])),
        (
            "team, key and model",
            asked(&[Dimension::Team, Dimension::Key, Dimension::Model]),
        ),
        ("day", asked(&[]).each(Grain::Day)),
    ];
    for (what, query) in queries {
        let from = Instant::now();
        let report = store
            .usage(&TenantScope::operator(TENANT), &query)
            .await
            .map_err(failed)?;
        assert_eq!(report.total.requests, count);
        let took = from.elapsed().as_secs_f64() * 1e3;
        parts.push(Part::alone(
            format!("usage of {count} entries by {what}"),
            took,
            "ms",
        ));
    }
    Ok(parts)
}

fn appended_plainly(folder: &Path, records: &[(domain::RequestId, Vec<u8>)]) -> Outcome<f64> {
    let mut file = File::create(folder.join("plain"))?;
    let from = Instant::now();
    for (_, bytes) in records {
        file.write_all(bytes)?;
    }
    Ok(per_second(records.len() as u64, from))
}

fn per_second(count: u64, from: Instant) -> f64 {
    count as f64 / from.elapsed().as_secs_f64()
}

/// The database with what is still in its log.
fn on_disk(database: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |about| about.len());
    size(database) + size(&database.with_extension("db-wal"))
}

struct Folder(PathBuf);

impl Folder {
    fn make() -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("bench-{}", NodeId::generate()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
