//! The child handling, tried on a stand-in gate: a small python3 server beside this file.

use super::*;

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/gate/stand_in.py");

#[tokio::test]
async fn starts_speaks_restarts_and_stops() {
    let mut gate = Gate::builder(STAND_IN)
        .config("providers: []\n")
        .env("MARK", "port @health_port@")
        .start()
        .await;
    gate.lines().wait_for("listening", Duration::from_secs(2)).await;
    assert_eq!(gate.health().get("/readyz").await.status, 200);
    let said = gate.cli_json(&["keys", "list"]).await;
    assert_eq!(said["args"], "keys list");
    assert_eq!(said["env"], format!("port {}", gate.ports().health));

    gate.kill9().await;
    assert!(gate.pid().is_none() && !gate.is_ready().await);
    gate.restart().await;
    gate.terminate().await;
    assert!(gate.wait(Duration::from_secs(5)).await.success());
    gate.lines().wait_for("stopping", Duration::from_secs(1)).await;
    let path = gate.folder().to_owned();
    drop(gate);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_gate_that_refuses_to_start_is_quoted() {
    let said = Gate::builder(STAND_IN).config("port: 1\n").refuses().await;
    assert!(said.contains("error: bad port"), "{said}");
}

#[test]
fn configurations_are_completed_only_where_silent() {
    let own = "data_dir: /x\nlisten: { data: 1 }\n";
    assert_eq!(builder::completed(own), own);
    let completed = builder::completed("providers:\n  - listen: no\n");
    assert!(completed.starts_with("data_dir: \"@data_dir@\"\nlisten:\n  data: 127.0.0.1:@data_port@\n"));
    assert!(completed.ends_with("@health_port@\nproviders:\n  - listen: no\n"));
}
