//! From the journal into a store, and questions to what is there: as many entries as are asked for, none of them held in
//! memory for longer than it takes to write it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use credential::MasterKey;
use domain::{NodeId, TenantScope, UnixMillis};
use journal::{Journal, JournalOptions, Record};
use ledger::bundle::{ExportLine, verify_export};
use ledger::merkle::Frontier;
use ledger::note::{Checkpoint, Signer};
use store::usage::{Dimension, Grain, UsageQuery};
use store::{LogKind, Paths, Signing, Store, Tenant, TenantState};
use store_postgres::{Bounds, PostgresStore};
use store_sqlite::SqliteStore;
use telemetry::Metrics;
use tokio::runtime::Handle;
use worker::{Checkpointer, ShipOptions, Shipper};

use super::paper::{self, TENANT};
use super::{Part, failed};
use crate::failure::Outcome;

/// Entries that are journaled before they are shipped.
const AT_ONCE: u64 = 50_000;
/// Entries that are exported and verified at most: the rate is the same for more.
const VERIFIED_MAX: u64 = 1_000_000;
/// Entries that are read at once.
const READ_AT_ONCE: u64 = 512;
/// How often a question is asked again.
const AGAIN: usize = 5;

/// Into SQLite in a folder of its own, which is removed; and into the empty database of PostgreSQL at `postgres`.
pub async fn measure(entries: u64, postgres: Option<&str>) -> Outcome<Vec<Part>> {
    let folder = Folder::make()?;
    let database = folder.0.join("bartizan.db");
    let store = SqliteStore::open(&database).await.map_err(failed)?;
    store.migrate().await.map_err(failed)?;
    let mut parts = filled(&folder.0, ("SQLite", Arc::new(store.clone())), entries).await?;
    store.close().await;
    let bytes = on_disk(&database) as f64 / entries as f64;
    parts.push(size("a million entries take in SQLite, with all of it", bytes));
    let store = SqliteStore::open(&database).await.map_err(failed)?;
    parts.extend(asked(("SQLite", Arc::new(store.clone())), entries).await?);
    store.close().await;
    drop(folder);
    if let Some(url) = postgres {
        parts.extend(in_postgres(url, entries).await?);
    }
    Ok(parts)
}

async fn in_postgres(url: &str, entries: u64) -> Outcome<Vec<Part>> {
    let folder = Folder::make()?;
    PostgresStore::migrate(url).await.map_err(failed)?;
    let bounds = Bounds {
        statement: Duration::from_secs(600),
        operation: Duration::from_secs(600),
        ..Bounds::default()
    };
    let store = PostgresStore::connect(url, bounds).await.map_err(failed)?;
    let mut parts = filled(&folder.0, ("PostgreSQL", Arc::new(store.clone())), entries).await?;
    store.close().await;
    parts.extend(sizes(url, entries).await?);
    let store = PostgresStore::connect(url, bounds).await.map_err(failed)?;
    parts.extend(asked(("PostgreSQL", Arc::new(store.clone())), entries).await?);
    store.close().await;
    Ok(parts)
}

/// Entries into the journal and from there into the store, in turns, each timed for itself.
async fn filled(folder: &Path, (engine, store): (&str, Arc<dyn Store>), count: u64) -> Outcome<Vec<Part>> {
    prepared(store.as_ref()).await?;
    let mut options = JournalOptions::new(folder.join("journal"));
    options.bytes_max = 64 << 30;
    let (journal, _) = Journal::open(options).map_err(failed)?;
    let metrics = Arc::new(Metrics::new("bench"));
    let options = ShipOptions::new(&folder.join("journal"));
    let shipper = Shipper::new(journal.clone(), store, NodeId::from_u128(1), metrics, options);
    let mut plain = File::create(folder.join("plain"))?;
    let every_ms = paper::apart(count);
    let (mut appended, mut journaled, mut shipped) = <(Duration, Duration, Duration)>::default();
    for from in (0..count).step_by(AT_ONCE as usize) {
        let records: Vec<_> = (from..count.min(from + AT_ONCE))
            .map(|number| paper::entry_at(number, every_ms))
            .map(|entry| (entry.id, entry.to_record()))
            .collect();
        let began = Instant::now();
        for (_, bytes) in &records {
            plain.write_all(bytes)?;
        }
        appended += began.elapsed();
        plain.set_len(0)?;
        let began = Instant::now();
        for (id, bytes) in &records {
            journal.append(Record::Entry { id: *id, bytes }).map_err(failed)?;
        }
        journaled += began.elapsed();
        let began = Instant::now();
        shipper.flush(Duration::from_secs(3600)).await.map_err(failed)?;
        shipped += began.elapsed();
        if (from + AT_ONCE).is_multiple_of(1_000_000) {
            let rate = (from + AT_ONCE) as f64 / shipped.as_secs_f64();
            println!("{engine}: {} entries, {rate:.0} entries/s", from + AT_ONCE);
        }
    }
    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    Ok(vec![
        Part::alone("the journal takes", rate(journaled), "entries/s")
            .beside("the same bytes appended to a file", rate(appended)),
        Part::alone(
            format!("the shipper takes into {engine}"),
            rate(shipped),
            "entries/s",
        ),
    ])
}

async fn prepared(store: &dyn Store) -> Outcome<()> {
    let tenant = Tenant {
        id: TENANT,
        name: "bench".to_owned(),
        limits: credential::Limits::default(),
        state: TenantState::Active,
        history: ledger::Keeping::NONE,
    };
    store.create_tenant(&tenant).await.map_err(failed)?;
    for budget in (0..3).map(super::money::budget) {
        let scope = TenantScope::operator(TENANT);
        store.put_budget(&scope, &budget).await.map_err(failed)?;
    }
    Ok(())
}

/// Reports, paths and heads. The first time of each is with nothing remembered but what the system has cached.
async fn asked((engine, store): (&str, Arc<dyn Store>), count: u64) -> Outcome<Vec<Part>> {
    let mut parts = Vec::new();
    let over = |from, by: &[Dimension]| {
        UsageQuery::over(UnixMillis(from), UnixMillis(i64::MAX)).by(by.iter().cloned())
    };
    let last = paper::entry_at(count.saturating_sub(1), paper::apart(count))
        .finished
        .0;
    // Neither end is that of an hour: what lies in part of one is read from the entries.
    let day = UsageQuery::over(UnixMillis(last - 86_400_001), UnixMillis(last - 1)).by([Dimension::Model]);
    let queries = [
        ("model", over(0, &[Dimension::Model]), true),
        (
            "team, key and model",
            over(0, &[Dimension::Team, Dimension::Key, Dimension::Model]),
            true,
        ),
        ("day", over(0, &[]).each(Grain::Day), true),
        ("model, of a day up to the millisecond", day, false),
    ];
    for (what, query, is_all) in queries {
        let name = format!("usage of {count} entries in {engine} by {what}");
        let (first, again) = timed(async || {
            let report = store
                .usage(&TenantScope::operator(TENANT), &query)
                .await
                .map_err(failed)?;
            assert!(!is_all || report.total.requests == count);
            Ok(())
        })
        .await?;
        parts.push(Part::alone(name, first, "ms").beside("asked again", again));
    }
    parts.extend(proved((engine, store.clone()), count).await?);
    parts.push(verified((engine, store), count.min(VERIFIED_MAX)).await?);
    Ok(parts)
}

/// Milliseconds the first time, and at best after that.
async fn timed(mut work: impl AsyncFnMut() -> Outcome<()>) -> Outcome<(f64, f64)> {
    let (mut first, mut best) = (None, f64::INFINITY);
    for _ in 0..=AGAIN {
        let began = Instant::now();
        work().await?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        match first {
            None => first = Some(took),
            Some(_) => best = best.min(took),
        }
    }
    Ok((first.unwrap_or_default(), best))
}

async fn proved((engine, store): (&str, Arc<dyn Store>), count: u64) -> Outcome<Vec<Part>> {
    let scope = TenantScope::operator(TENANT);
    let paths = Paths::new(store.clone());
    let (first, again) = timed(async || {
        let path = paths.inclusion(&scope, LogKind::Ledger, (count / 3, count)).await;
        path.map(drop).map_err(failed)
    })
    .await?;
    let root = MasterKey::generate().map_err(failed)?;
    let signing = Arc::new(Signing::new(store.clone(), "bench", &root).map_err(failed)?);
    let metrics = Arc::new(Metrics::new("bench"));
    let mut checkpointer = Checkpointer::new(store, signing, Duration::ZERO, metrics);
    let began = Instant::now();
    let signed = checkpointer
        .checkpoint(TENANT, LogKind::Ledger, UnixMillis::now())
        .await;
    signed.map_err(failed)?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    Ok(vec![
        Part::alone(
            format!("a path to one of {count} in {engine}, the first"),
            first,
            "ms",
        )
        .beside("another", again),
        Part::alone(
            format!("{engine}: the first head of {count} after a start"),
            took,
            "ms",
        ),
    ])
}

/// The first so many entries, read out of the store, exported and verified as an auditor would.
async fn verified((engine, store): (&str, Arc<dyn Store>), count: u64) -> Outcome<Part> {
    let scope = TenantScope::operator(TENANT);
    let signer = Signer::from_seed("bench", &[7; 32]).map_err(failed)?;
    let origin = ledger::bundle::origin_of("bench", TENANT);
    let (runtime, mut frontier, mut next) = (Handle::current(), Frontier::new(), 0);
    let header = ExportLine::header(&origin, signer.verifier()).to_line();
    let began = Instant::now();
    let mut is_over = false;
    let lines = std::iter::once(vec![header]).chain(std::iter::from_fn(|| {
        if next == count {
            let (size, root) = (count, frontier.root());
            let head = Checkpoint {
                origin: origin.clone(),
                size,
                root,
            }
            .sign(&signer)
            .ok()?;
            return (!std::mem::replace(&mut is_over, true))
                .then(|| vec![ExportLine::checkpoint(&head).to_line()]);
        }
        let read = store.entries(&scope, next, READ_AT_ONCE.min(count - next));
        let read = tokio::task::block_in_place(|| runtime.block_on(read)).ok()?;
        next += read.len() as u64;
        let line = |entry: &store::StoredEntry| {
            frontier.append(&entry.bytes);
            ExportLine::entry(entry.index, &entry.bytes).map(|line| line.to_line())
        };
        read.iter()
            .map(line)
            .collect::<Option<Vec<_>>>()
            .filter(|lines| !lines.is_empty())
    }));
    let report = verify_export(lines.flatten(), signer.verifier(), None).map_err(failed)?;
    assert_eq!(report.entries, count);
    let rate = count as f64 / began.elapsed().as_secs_f64();
    let name = format!("{count} entries out of {engine}, exported and verified");
    Ok(Part::alone(name, rate, "entries/s"))
}

fn size(name: &str, bytes_each: f64) -> Part {
    Part::alone(name, bytes_each * 1e6 / f64::from(1 << 20), "MiB")
}

/// What PostgreSQL says that its tables and their indexes take.
async fn sizes(url: &str, count: u64) -> Outcome<Vec<Part>> {
    use sqlx::Connection as _;
    let mut connection = sqlx::PgConnection::connect(url).await.map_err(failed)?;
    let mut parts = Vec::new();
    for (what, statement) in [
        (
            "a million entries take in PostgreSQL, with all of it",
            "SELECT pg_database_size(current_database())",
        ),
        (
            "of it, entries",
            "SELECT sum(pg_table_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relname LIKE 'entries%'",
        ),
        (
            "of it, their indexes",
            "SELECT sum(pg_indexes_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relname LIKE 'entries%'",
        ),
        (
            "of it, roll-ups",
            "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relkind = 'r' AND relname LIKE 'usage%'",
        ),
    ] {
        let bytes: i64 = sqlx::query_scalar(statement)
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        parts.push(size(what, bytes as f64 / count as f64));
    }
    connection.close().await.map_err(failed)?;
    Ok(parts)
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
