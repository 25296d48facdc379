//! A serving gate puts its heads into a bucket of somebody else's: a store that is set back, or set back and grown anew, is
//! told against what is there; and nobody but the bucket's keeper can make the gate forget it.

use std::path::Path;
use std::time::{Duration, Instant};

use testkit::S3Server;
use testkit::s3::{KEY_ID, Mood, SECRET};

use crate::scene::{self, Scene};
use crate::witness::{copy, done, grow};
use crate::witnesses::{PATIENCE, stopped, told};

fn config(scene: &Scene, server: &S3Server) -> String {
    format!(
        "{}ledger:\n  checkpoint_every_ms: 1000\n  witnesses:\n    - name: bucket\n      kind: s3\n      every_ms: 1000\n      silent_after_ms: 1000\n      bucket:\n        address: s3://heads/of\n        endpoint: \"{}\"\n        secrets: [env:HEADS_ID, env:HEADS_SECRET]\n",
        scene::providers(&scene.provider.base_url()),
        server.endpoint()
    )
}

/// How many heads the bucket holds.
fn heads(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| if path.is_dir() { heads(&path) } else { 1 })
        .sum()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn set_back(data: &Path, old: &Path) {
    for name in ["bartizan.db-wal", "bartizan.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    std::fs::copy(old.join("bartizan.db"), data.join("bartizan.db")).unwrap();
}

#[tokio::test]
async fn anp_0012_agp_r1_a_store_that_is_set_back_is_told_against_a_bucket_of_heads() {
    let server = S3Server::start("heads").await;
    let mut scene = Scene::built("", |builder| {
        builder.env("HEADS_ID", KEY_ID).env("HEADS_SECRET", SECRET)
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    grow(&scene, 1).await;
    done(&scene.gate, &["ledger", "checkpoint"]).await;
    copy(&scene.gate.data_dir(), &folder.path().join("old")).await;
    scene.gate.write_config(&config(&scene, &server));
    stopped(&mut scene.gate).await;
    scene.gate.restart().await;
    let kept = server.file("heads", "of");
    until("the first head is in the bucket", || heads(&kept) > 0).await;
    let first = heads(&kept);
    grow(&scene, 4).await;
    until("a head of the longer ledger is there, beside the first", || {
        heads(&kept) > first
    })
    .await;

    stopped(&mut scene.gate).await;
    set_back(&scene.gate.data_dir(), &folder.path().join("old"));
    scene.gate.restart().await;
    let after = told(&scene.gate, "witness.disagrees", "bucket").await;
    assert!(after["why"].as_str().unwrap().contains("rolled back"), "{after}");
    assert!(after["seen"].as_u64() > after["size"].as_u64(), "{after}");
    let known = heads(&kept);
    assert!(known > first, "what was put there stays: {known}");
}

#[tokio::test]
async fn anp_0012_a_bucket_that_is_away_is_told_and_so_is_its_return() {
    let server = S3Server::start("heads").await;
    let mut scene = Scene::built("", |builder| {
        builder.env("HEADS_ID", KEY_ID).env("HEADS_SECRET", SECRET)
    })
    .await;
    scene.gate.write_config(&config(&scene, &server));
    stopped(&mut scene.gate).await;
    server.feel(Mood::Answers(http::StatusCode::SERVICE_UNAVAILABLE, None));
    scene.gate.restart().await;
    grow(&scene, 1).await;
    told(&scene.gate, "witness.silent", "bucket").await;
    assert_eq!(heads(&server.file("heads", "of")), 0);
    server.feel(Mood::Well);
    told(&scene.gate, "witness.heard", "bucket").await;
    let kept = server.file("heads", "of");
    until("the heads follow", || heads(&kept) > 0).await;
}
