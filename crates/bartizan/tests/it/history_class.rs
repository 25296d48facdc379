//! How long exchanges are kept by what they carry, on a real gate and on both databases: what is graver goes earlier, nothing of
//! it is left in any dump or file, the ledger tells it from what somebody took out, and what is not to be kept never is.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{ByClass, DataClass, RequestId, UnixMillis};
use ledger::Kept;
use serde_json::json;
use sqlx::Executor;
use telemetry::Metrics;
use testkit::{Client, Reply};
use worker::Historian;

use crate::history_people::{make, person, put, root, text};
use crate::history_stores::{Allowed, BOUND, Ground, NoSeals, files, stands_in};
use crate::scene::{Scene, call};

const CLASS: &str = "x-bartizan-data-class";
const DAY_MS: i64 = 86_400_000;
const CARRIED: [DataClass; 3] = [
    DataClass::Internal,
    DataClass::Confidential,
    DataClass::Restricted,
];

async fn carrying(client: &Client, class: DataClass) -> RequestId {
    let client = client.header(CLASS, class.as_str());
    let answer = client.post("/v1/chat/completions", &call("m-oa")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-request-id").unwrap().parse().unwrap()
}

/// Everything that is written anywhere: the database's dump, or every file of the instance.
fn everything(ground: &Ground) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    match &ground.postgres {
        Some(postgres) => {
            let dump = Command::new("pg_dump")
                .arg(postgres.owner_url())
                .output()
                .unwrap();
            assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
            all.push(dump.stdout);
        }
        None => files(&ground.gate.data_dir(), &mut all),
    }
    all
}

/// Whether a row's sealed bytes stand there: as they are, or as a dump spells them.
fn stands(all: &[Vec<u8>], sealed: &[u8]) -> bool {
    // As much of it as stands on one page of a database.
    let sealed = &sealed[..64.min(sealed.len())];
    let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
    all.iter()
        .any(|bytes| stands_in(bytes, sealed) || stands_in(bytes, hex.as_bytes()))
}

/// What is kept goes by the shortest time of its class, is gone from the database, and the check knows why.
async fn graver_goes_earlier(on_postgres: bool) {
    let ground = Ground::with(on_postgres, "history: { days_max: { restricted: 2 } }\n").await;
    ground.keep(Kept::Full).await;
    let (code, said) = ground
        .run("history keep full --days 30 --days-max confidential=10")
        .await;
    assert!(
        code == 0 && said.contains("for 30 days, confidential data for 10"),
        "{said}"
    );
    let (code, said) = ground
        .run("history keep full --days 30 --days-max confidential=31")
        .await;
    assert!(code != 0 && said.contains("only shortens"), "{code} {said}");
    let client = ground.gate.data().bearer(&ground.key);
    let mut of = Vec::new();
    for class in CARRIED {
        let id = carrying(&client, class).await;
        ground.stored(id).await;
        assert_eq!(ground.entry(id).await.data_class, Some(class));
        let kept = ground.store.exchange(&ground.scope, id).await.unwrap();
        assert_eq!(kept.row.data_class, class);
        of.push((id, kept.sealed));
    }
    let all = everything(&ground);
    assert!(
        of.iter().all(|(_, sealed)| stands(&all, sealed)),
        "the look finds what is there"
    );

    let instance = ByClass {
        restricted: Some(2),
        ..ByClass::NONE
    };
    let historian = Historian::new(
        ground.store.clone(),
        Arc::new(NoSeals),
        Arc::new(Allowed(instance)),
        Arc::new(Metrics::new("test")),
    );
    let days = |days: i64| UnixMillis(UnixMillis::now().0 + days * DAY_MS);
    for (after, gone) in [(3, &of[2]), (11, &of[1])] {
        assert_eq!(historian.forget(days(after)).await.unwrap(), 1);
        assert!(ground.store.exchange(&ground.scope, gone.0).await.is_err());
        let (code, looked) = ground.checked().await;
        assert_eq!((code, &looked["missing"]), (0, &json!(0)), "{looked}");
    }
    let (_, looked) = ground.checked().await;
    let by: Vec<_> = looked["removals"].as_array().unwrap().iter().collect();
    let by: Vec<_> = by
        .iter()
        .map(|one| {
            (
                one["reason"].as_str().unwrap(),
                one["data_class"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        by,
        [("expired", "restricted"), ("expired", "confidential")],
        "{looked}"
    );
    let (code, shown) = ground.run(&format!("history show {}", of[2].0)).await;
    assert!(
        code == 3 && shown.contains("its days were over"),
        "{code} {shown}"
    );

    // What somebody takes out beside it is excused by no record of what was graver.
    ground.take_out(of[0].0).await;
    let (code, looked) = ground.checked().await;
    assert_eq!(
        (code, &looked["missing_requests"]),
        (4, &json!([of[0].0.to_string()])),
        "{looked}"
    );

    // Nothing of what is past its time is left: not in a dump, nor in the files once the gate has let go of them.
    let mut ground = ground;
    ground.gate.terminate().await;
    ground.gate.wait(Duration::from_secs(30)).await;
    if ground.postgres.is_none() {
        let mut database = ground.database().await;
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    }
    let all = everything(&ground);
    for (_, sealed) in &of[1..] {
        assert!(!stands(&all, sealed), "it is still there");
    }
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0020_what_is_graver_goes_earlier_and_wholly_from_sqlite() {
    graver_goes_earlier(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0020_what_is_graver_goes_earlier_and_wholly_from_postgresql() {
    graver_goes_earlier(true).await;
}

/// What nobody may keep is never captured, whoever says so: the instance or the tenant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0020_what_is_kept_for_no_day_is_never_kept() {
    let more = "history: { days_max: { restricted: 0 } }\ncache: { enabled: true, ttl_ms_max: { confidential: 0 } }\n";
    let scene = Scene::with(more).await;
    scene.provider.script("*", Reply::text("axolotl"));
    let root = root(&scene.gate).await;
    let id = text(
        &make(&root, "/api/v1/tenants", &json!({"name": "acme"})).await,
        "id",
    );
    let base = format!("/api/v1/tenants/{id}");
    let team = text(
        &make(&root, &format!("{base}/teams"), &json!({"name": "care"})).await,
        "id",
    );
    let key = json!({"name": "ci", "all_models": true});
    let key = make(&root, &format!("{base}/teams/{team}/keys"), &key).await;
    let client = scene.gate.data().bearer(&text(&key, "secret"));
    let admin = person(&scene.gate, &root, (&id, "acme"), "ann", Some("tenant_admin")).await;
    let level = format!("{base}/history");
    let longer = json!({"kept": "full", "days": 7, "days_max": {"internal": 8}});
    let refused = put(&admin, &level, &longer).await;
    assert_eq!(
        (refused.status, &refused.json()["pointer"]),
        (422, &json!("/days_max/internal")),
        "{}",
        refused.text()
    );
    let own = json!({"kept": "full", "days": 7, "days_max": {"confidential": 0}});
    let said = put(&admin, &level, &own).await;
    assert_eq!((said.status, said.json()), (200, own), "{}", said.text());

    let listed = async || {
        let page = admin.get(&format!("{base}/exchanges?limit=200")).await.json();
        let all = page["items"].as_array().unwrap().clone();
        all.into_iter()
            .map(|line| (text(&line, "request"), text(&line, "data_class")))
            .collect::<Vec<_>>()
    };
    let since = Instant::now();
    while listed().await.is_empty() {
        carrying(&client, DataClass::Internal).await;
        assert!(since.elapsed() < BOUND, "nothing is kept");
    }
    // The graver ones first: once a later one is stored, they would be, too.
    let graver = [
        carrying(&client, DataClass::Confidential).await,
        carrying(&client, DataClass::Restricted).await,
    ];
    let last = carrying(&client, DataClass::Internal).await.to_string();
    while !listed().await.iter().any(|(id, _)| *id == last) {
        assert!(since.elapsed() < BOUND, "the last one is not stored");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = listed().await;
    assert!(all.iter().all(|(_, class)| class == "internal"), "{all:?}");
    assert!(
        graver
            .iter()
            .all(|id| !all.iter().any(|(one, _)| *one == id.to_string()))
    );
    let (_, looked) = (0, admin.get(&format!("{base}/exchanges/check")).await.json());
    assert_eq!(
        looked["missing"], 0,
        "no entry promises what was not kept: {looked}"
    );

    // Nor is an answer kept for others to be given: what is graver asks the provider each time.
    for (class, asked) in [
        (DataClass::Internal, 0),
        (DataClass::Confidential, 2),
        (DataClass::Restricted, 2),
    ] {
        carrying(&client, class).await;
        scene.provider.forget_requests();
        for _ in 0..2 {
            carrying(&client, class).await;
        }
        assert_eq!(scene.provider.requests().len(), asked, "{class}");
    }
}
