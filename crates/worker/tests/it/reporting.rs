//! Reports over replicas, restarts and time: each time once, none left out, whoever is there to deliver it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use domain::{NodeId, TenantId, TenantScope, UnixMillis};
use exports::{Every, Time};
use jiff::tz::TimeZone;
use store::exported::{Exported, exported};
use store::{AuditQuery, MemoryStore, Registry, Tenant, TenantState};
use telemetry::Metrics;
use tokio::sync::watch;
use worker::{Due, Goal, Made, MakeError, Maker, ReportOptions, Reporter};

const DAY_MS: i64 = 86_400_000;
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the time's name, and fails as often as it is told to.
#[derive(Debug, Default)]
struct Printer {
    made: AtomicU64,
    failures: AtomicU64,
    /// How long one takes, in milliseconds.
    takes: AtomicU64,
}

#[async_trait]
impl Maker for Printer {
    async fn make(&self, _: &TenantScope, time: &Time) -> Result<Made, MakeError> {
        self.made.fetch_add(1, Ordering::SeqCst);
        // So slow that another replica would come by.
        let takes = self.takes.load(Ordering::SeqCst).max(20);
        tokio::time::sleep(Duration::from_millis(takes)).await;
        let left = self
            .failures
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Err(MakeError::Not("the press is jammed".to_owned())),
            Err(_) => Ok(Made {
                extension: "txt".to_owned(),
                media_type: "text/plain",
                file: Bytes::from(time.name.clone()),
                manifest: "{}".to_owned(),
                letter: None,
            }),
        }
    }
}

fn scope() -> TenantScope {
    TenantScope::operator(TenantId::from_u128(1))
}

async fn store() -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::new());
    let tenant = Tenant {
        id: TenantId::from_u128(1),
        name: "acme".to_owned(),
        limits: Default::default(),
        state: TenantState::default(),
        history: ledger::Keeping::NONE,
    };
    store.create_tenant(&tenant).await.unwrap();
    store
}

/// Days back to which reports go.
fn since(days: i64) -> Option<UnixMillis> {
    Some(UnixMillis(UnixMillis::now().0 - days * DAY_MS))
}

fn reporter(
    (store, node): (&Arc<MemoryStore>, u128),
    folder: &Path,
    (maker, since, give_up_after): (&Arc<Printer>, Option<UnixMillis>, Duration),
) -> Reporter {
    let options = ReportOptions {
        name: "daily".to_owned(),
        folder: "daily".to_owned(),
        to: "share".to_owned(),
        goal: Goal::Folder(folder.to_owned()),
        tenants: vec!["acme".to_owned()],
        due: Due {
            every: Every::Day,
            zone: TimeZone::UTC,
            since,
            settle: Duration::ZERO,
        },
        every: Duration::from_millis(10),
        turn: Duration::from_millis(600),
        give_up_after,
    };
    let counted = Metrics::new("test").gauges().sink("export daily");
    let place: (Arc<dyn store::Store>, NodeId) = (store.clone(), NodeId::from_u128(node));
    Reporter::new(place, options, (maker.clone(), counted)).unwrap()
}

async fn until_there(store: &MemoryStore, many: usize) -> Vec<Exported> {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = exported(store, &scope(), Some("daily")).await.unwrap();
        if found.len() >= many {
            return found;
        }
        assert!(Instant::now() < end, "only {} of {many}", found.len());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn acts(store: &MemoryStore, act: &str) -> usize {
    let query = AuditQuery {
        act: Some(act.to_owned()),
        count: 1_000,
        ..AuditQuery::default()
    };
    store.audit(&scope(), &query).await.unwrap().len()
}

fn is_whole(all: &[Exported], folder: &Path) {
    for two in all.windows(2) {
        assert_eq!(two[0].until, two[1].from, "none is left out");
    }
    for one in all {
        let file = one.file.as_ref().unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.join(&file.name)).unwrap(),
            one.name
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r2_three_replicas_deliver_each_time_once_and_leave_none_out() {
    let (store, folder) = (store().await, tempfile::tempdir().unwrap());
    let maker = Arc::new(Printer::default());
    let (stop, stopping) = watch::channel(false);
    let day = Duration::from_secs(86_400);
    let replicas = [1, 2, 3].map(|node| {
        let one = reporter((&store, node), folder.path(), (&maker, since(20), day));
        tokio::spawn(one.run(stopping.clone()))
    });
    let all = until_there(&store, 20).await;
    stop.send(true).unwrap();
    for replica in replicas {
        replica.await.unwrap();
    }
    is_whole(&all, folder.path());
    assert_eq!(
        acts(&store, "exports.deliver").await,
        all.len(),
        "each on record, once"
    );
    assert_eq!(
        maker.made.load(Ordering::SeqCst),
        all.len() as u64,
        "and made once"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r2_a_restart_goes_on_where_it_was_and_a_new_schedule_begins_with_the_present() {
    let (store, folder) = (store().await, tempfile::tempdir().unwrap());
    let (maker, day) = (Arc::new(Printer::default()), Duration::from_secs(86_400));
    for _ in 0..3 {
        let (stop, stopping) = watch::channel(false);
        let before = exported(store.as_ref(), &scope(), None).await.unwrap().len();
        let one = reporter((&store, 1), folder.path(), (&maker, since(9), day));
        let running = tokio::spawn(one.run(stopping));
        until_there(&store, (before + 3).min(9)).await;
        stop.send(true).unwrap();
        running.await.unwrap();
    }
    let all = exported(store.as_ref(), &scope(), None).await.unwrap();
    is_whole(&all, folder.path());
    assert_eq!(acts(&store, "exports.deliver").await, all.len());

    let fresh = self::store().await;
    let (stop, stopping) = watch::channel(false);
    let one = reporter((&fresh, 1), folder.path(), (&maker, None, day));
    let running = tokio::spawn(one.run(stopping));
    let end = Instant::now() + PATIENCE;
    let id = store::exported::kept_as("daily");
    while fresh
        .record(&scope(), store::RecordKind::Delivery, &id)
        .await
        .is_err()
    {
        assert!(Instant::now() < end, "where it begins is not kept");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    assert!(
        exported(fresh.as_ref(), &scope(), None).await.unwrap().is_empty(),
        "nothing is over since"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_what_cannot_be_made_is_given_up_on_record_and_the_next_is_delivered() {
    let (store, folder) = (store().await, tempfile::tempdir().unwrap());
    let maker = Arc::new(Printer::default());
    maker.failures.store(2, Ordering::SeqCst);
    let (stop, stopping) = watch::channel(false);
    // The first try begins the time, the second is beyond it.
    let patience = Duration::from_millis(1);
    let one = reporter((&store, 1), folder.path(), (&maker, since(2), patience));
    let running = tokio::spawn(one.run(stopping));
    let all = until_there(&store, 2).await;
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(
        (all[0].file.is_none(), all[0].why.as_deref()),
        (true, Some("the press is jammed"))
    );
    assert!(all[1].file.is_some(), "{all:?}");
    assert_eq!(acts(&store, "exports.failed").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r2_who_dies_in_mid_delivery_is_followed_soon_and_who_is_slow_is_left_alone() {
    let (store, folder) = (store().await, tempfile::tempdir().unwrap());
    let day = Duration::from_secs(86_400);
    let (first, second) = (Arc::new(Printer::default()), Arc::new(Printer::default()));
    let (stop, stopping) = watch::channel(false);
    // Far longer than a turn.
    first.takes.store(2_500, Ordering::SeqCst);
    let slow = reporter((&store, 1), folder.path(), (&first, since(2), day));
    let slow = tokio::spawn(slow.run(stopping.clone()));
    let end = Instant::now() + PATIENCE;
    while first.made.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < end, "the first never begins");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let other = reporter((&store, 2), folder.path(), (&second, since(2), day));
    let other = tokio::spawn(other.run(stopping.clone()));
    until_there(&store, 1).await;
    assert_eq!(
        second.made.load(Ordering::SeqCst),
        0,
        "it had its turn all the time"
    );
    // It begins with the next, if the other was not faster, and is gone before it is done.
    first.takes.store(600_000, Ordering::SeqCst);
    slow.abort();
    assert!(slow.await.unwrap_err().is_cancelled());
    let all = until_there(&store, 2).await;
    stop.send(true).unwrap();
    other.await.unwrap();
    is_whole(&all, folder.path());
    assert_eq!(acts(&store, "exports.deliver").await, all.len(), "each once");
    assert_eq!(second.made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn agp_i1_a_folder_is_not_written_through_a_link_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let (store, folder, elsewhere) = (
        store().await,
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let (maker, day) = (Arc::new(Printer::default()), Duration::from_secs(86_400));
    let one = reporter((&store, 1), folder.path(), (&maker, None, day));
    let time = Every::Day.over_at(UnixMillis::now(), &TimeZone::UTC).unwrap();
    let parent = folder
        .path()
        .join(TenantId::from_u128(1).to_string())
        .join("daily");
    std::fs::create_dir_all(&parent).unwrap();
    let (name, bait) = (format!("{}.txt", time.name), elsewhere.path().join("bait"));
    std::fs::write(&bait, "mine").unwrap();
    for link in [
        name.clone(),
        format!("{name}.part"),
        format!("{name}.manifest.part"),
    ] {
        std::os::unix::fs::symlink(&bait, parent.join(link)).unwrap();
    }
    let actor = ledger::AuditActor::Operator("uid 0".to_owned());
    for _ in 0..2 {
        let done = one
            .deliver_now(TenantId::from_u128(1), &time, actor.clone())
            .await
            .unwrap();
        assert_eq!(done.file.unwrap().bytes, 10);
    }
    assert_eq!(std::fs::read_to_string(&bait).unwrap(), "mine");
    let left: Vec<_> = std::fs::read_dir(&parent)
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
    for entry in left {
        let found = entry.path().symlink_metadata().unwrap();
        assert!(found.is_file());
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(
        exported(store.as_ref(), &scope(), None).await.unwrap().len(),
        1,
        "one, however often"
    );
}
