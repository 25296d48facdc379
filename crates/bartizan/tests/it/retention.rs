//! Old audit records are removed by a real gate: what is left verifies, what somebody else removes is found, and single
//! records are proved by command and by API.

use std::time::{Duration, Instant};

use domain::{AuditId, NodeId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::{AuditActor, AuditRecord, Entry};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, SqliteConnection};
use store::{EntryLog, Registry, Shipment, Tenant, TenantState};
use testkit::Gate;

use crate::administration::{PASSWORD, setup_token};
use crate::scene::{Scene, providers};

const TENANT: TenantId = TenantId::from_u128(0xacce);
const DAY_MS: i64 = 86_400_000;
const OFTEN: &str = "ledger: { checkpoint_every_ms: 1000 }\n";

async fn run(gate: &Gate, line: &str) -> (i32, String, String) {
    let done = gate.cli(&line.split(' ').collect::<Vec<_>>()).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = done.status.code().unwrap();
    (code, text(&done.stdout), text(&done.stderr))
}

fn write(gate: &Gate, name: &str, text: &str) {
    std::fs::write(gate.folder().join(name), text).unwrap();
}

fn read(gate: &Gate, name: &str) -> String {
    std::fs::read_to_string(gate.folder().join(name)).unwrap()
}

/// A tenant whose people acted long ago and lately; returns the records' ids.
async fn with_history(scene: &Scene, days_ago: &[i64]) -> Vec<AuditId> {
    let store = scene.store().await;
    let scope = TenantScope::operator(TENANT);
    let tenant = Tenant {
        id: TENANT,
        name: "acme".to_owned(),
        limits: Default::default(),
        state: TenantState::Active,
        history: ledger::Keeping::NONE,
    };
    store.create_tenant(&tenant).await.unwrap();
    let mut ids = Vec::new();
    for days in days_ago {
        let actor = AuditActor::User("usr_1".to_owned(), "ann@acme.example".to_owned());
        let at = UnixMillis(UnixMillis::now().0 - days * DAY_MS);
        let record = AuditRecord::done((AuditId::generate(), TENANT), at, actor, "keys.create");
        ids.push(record.id);
        store.commit(&scope, &[], Some(&record.into())).await.unwrap();
    }
    store.close().await;
    ids
}

async fn database(gate: &Gate) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(gate.data_dir().join("bartizan.db"));
    options
        .busy_timeout(Duration::from_secs(10))
        .connect()
        .await
        .unwrap()
}

/// Exports and verifies: the exit code and what was said.
async fn verified(gate: &Gate, more: &str) -> (i32, String) {
    let (code, _, err) = run(gate, "audit export --tenant acme --out log").await;
    assert_eq!(code, 0, "{err}");
    let (code, said, err) = run(gate, &format!("audit verify log --key ledger.key{more}")).await;
    (code, said + &err)
}

async fn until_removed(gate: &Gate) {
    let end = Instant::now() + Duration::from_secs(30);
    while !verified(gate, "").await.1.contains("by retention") {
        assert!(Instant::now() < end, "nothing was removed in time");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anp_0012_agp_r3_old_records_go_the_log_verifies_and_other_losses_are_found() {
    let scene = Scene::with(OFTEN).await;
    let gate = &scene.gate;
    let (_, public, _) = run(gate, "ledger key").await;
    write(gate, "ledger.key", &public);
    let ids = with_history(&scene, &[400, 300, 200, 100, 99, 5, 4, 3]).await;
    let (code, said) = verified(gate, "").await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("removed    nothing") || said.contains("nothing"),
        "{said}"
    );
    let last: Value = serde_json::from_str(read(gate, "log").lines().last().unwrap()).unwrap();
    write(gate, "then", last["checkpoint"].as_str().unwrap());
    assert!(read(gate, "log").contains("ann@acme.example"));

    // The rule takes effect without a new start.
    let rule = "audit: { keep_days: 90, sweep_every_ms: 1000 }\n";
    gate.write_config(&format!("{}{OFTEN}{rule}", providers(&scene.provider.base_url())));
    until_removed(gate).await;
    let (code, said) = verified(gate, " --since then").await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("records 0 to 4 by retention after 90 days (record 8)"),
        "{said}"
    );
    assert!(said.contains("only grew since the checkpoint at 8"), "{said}");
    let log = read(gate, "log");
    assert_eq!(log.matches("{\"removed\":{").count(), 5);
    assert!(log.contains("\"act\\\":\\\"audit.remove"), "{log}");

    // What is left is proved; what is gone is not, and a changed proof is none.
    let young = ids[6];
    let (code, _, err) = run(
        gate,
        &format!("audit proof {young} --out proof.json --since then"),
    )
    .await;
    assert_eq!(code, 0, "{err}");
    let (code, said, err) = run(
        gate,
        "audit verify-proof proof.json --key ledger.key --since then",
    )
    .await;
    assert_eq!(code, 0, "{err}");
    assert!(
        said.contains(&format!("verified: {young} is in the audit log")),
        "{said}"
    );
    assert!(said.contains("6 of 9 under a signed root"), "{said}");
    let (code, _, err) = run(gate, &format!("audit proof {}", ids[0])).await;
    assert_ne!(code, 0);
    assert!(err.contains("what retention removed cannot be proved"), "{err}");
    let good = read(gate, "proof.json");
    for (from, to) in [
        ("ann@", "bob@"),
        ("keys.create", "keys.revoke"),
        ("\"index\": 6", "\"index\": 7"),
    ] {
        write(gate, "bad.json", &good.replacen(from, to, 1));
        let (code, _, err) = run(gate, "audit verify-proof bad.json --key ledger.key").await;
        assert_eq!(code, 4, "{from}: {err}");
    }

    // Nobody simply deletes one.
    let mut raw = database(gate).await;
    for attack in [
        "DELETE FROM audits WHERE idx = 6",
        "DELETE FROM audits_removed",
        "UPDATE audits_removed SET leaf = zeroblob(32)",
        "INSERT INTO audits_removed SELECT log, idx, zeroblob(32) FROM audits WHERE idx = 6",
    ] {
        let refused = sqlx::query(attack).execute(&mut raw).await.unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains("append-only") || said.contains("nothing but the hash"),
            "{said}"
        );
    }
    // Whoever does as retention does, and is not it, is found.
    for steal in [
        "INSERT INTO audits_removed SELECT log, idx, leaf FROM audits
         WHERE idx = 5 AND log = (SELECT log FROM audit_logs WHERE tenant = ?)",
        "DELETE FROM audits WHERE idx = 5 AND log = (SELECT log FROM audit_logs WHERE tenant = ?)",
    ] {
        let done = sqlx::query(steal)
            .bind(TENANT.to_string())
            .execute(&mut raw)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1, "{steal}");
    }
    let (code, said) = verified(gate, "").await;
    assert_eq!(code, 4, "{said}");
    assert!(
        said.contains("entries 5 to 5: it was removed, and no record of the gate's says so"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_r3_a_record_is_proved_by_the_api_and_verified_offline() {
    let scene = Scene::with(OFTEN).await;
    let gate = &scene.gate;
    let body = json!({"token": setup_token(gate).await, "email": "root@example.com", "name": "Root", "password": PASSWORD});
    let session = gate.control().post("/api/v1/setup", &body).await.json();
    let root = gate.control().bearer(session["token"].as_str().unwrap());
    let (_, public, _) = run(gate, "ledger key").await;
    write(gate, "ledger.key", &public);
    let id = with_history(&scene, &[3, 2, 1]).await[1];
    let path = format!("/api/v1/tenants/{TENANT}/audit/{id}/proof");
    let end = Instant::now() + Duration::from_secs(30);
    let proof = loop {
        let answer = root.get(&path).await;
        if answer.status == 200 {
            break answer.text();
        }
        // Not signed yet.
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    write(gate, "proof.json", &proof);
    let (code, said, err) = run(gate, "audit verify-proof proof.json --key ledger.key").await;
    assert_eq!(code, 0, "{err}");
    assert!(said.contains(&id.to_string()), "{said}");
    let nothing = root
        .get(&path.replace(&id.to_string(), &AuditId::generate().to_string()))
        .await;
    assert_eq!(nothing.status, 404);
    let elsewhere = root.get(&path.replace(&TENANT.to_string(), "platform")).await;
    assert_eq!((elsewhere.status, elsewhere.text()), (404, nothing.text()));
}

/// Exports the ledger and verifies it: the exit code and what was said.
async fn ledger_verified(gate: &Gate) -> (i32, String) {
    let (code, _, err) = run(gate, "ledger export --tenant acme --out log").await;
    assert_eq!(code, 0, "{err}");
    let (code, said, err) = run(gate, "ledger verify log --key ledger.key").await;
    (code, said + &err)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agp_t4_anp_0012_old_entries_go_the_ledger_verifies_and_other_losses_are_found() {
    let rule = "ledger: { checkpoint_every_ms: 1000, keep_days: 90, sweep_every_ms: 1000 }\n";
    let scene = Scene::with(rule).await;
    let gate = &scene.gate;
    let (_, public, _) = run(gate, "ledger key").await;
    write(gate, "ledger.key", &public);
    with_history(&scene, &[]).await;
    let store = scene.store().await;
    let ended = |days: i64| Entry {
        finished: UnixMillis(UnixMillis::now().0 - days * DAY_MS),
        ..Entry::sample(RequestId::generate(), TENANT)
    };
    let entries = [400, 300, 200, 150, 130, 5, 4].map(ended);
    let shipments: Vec<Shipment> = entries.iter().map(Shipment::from).collect();
    let scope = TenantScope::operator(TENANT);
    store
        .append(&scope, NodeId::generate(), &shipments)
        .await
        .unwrap();
    store.close().await;
    let end = Instant::now() + Duration::from_secs(30);
    let said = loop {
        let (code, said) = ledger_verified(gate).await;
        assert_eq!(code, 0, "{said}");
        if said.contains("under retention") {
            break said;
        }
        assert!(Instant::now() < end, "nothing was removed in time: {said}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(
        said.contains("entries 0 to 4 under retention of 90 days, recorded 20"),
        "{said}"
    );
    assert!(said.contains("verified: all 7 entries"), "{said}");
    let log = read(gate, "log");
    assert_eq!(log.matches("{\"removed\":{").count(), 5);
    assert_eq!(log.matches("{\"retention\":{").count(), 1);
    // What is left is proved; what is gone is not, and costs are not made of what is left.
    let (code, _, err) = run(gate, &format!("ledger prove {} --out proof.json", entries[6].id)).await;
    assert_eq!(code, 0, "{err}");
    let (code, said, err) = run(gate, "ledger verify proof.json --key ledger.key").await;
    assert_eq!(code, 0, "{said} {err}");
    let (code, _, err) = run(gate, &format!("ledger prove {}", entries[0].id)).await;
    assert_ne!(code, 0);
    assert!(err.contains("`ledger.keep_days`"), "{err}");
    // Without the record's proof, or with one entry more gone than it names, it is tampering.
    let without: Vec<&str> = log
        .lines()
        .filter(|line| !line.starts_with("{\"retention\""))
        .collect();
    write(gate, "without", &without.join("\n"));
    let (code, _, err) = run(gate, "ledger verify without --key ledger.key").await;
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("no record of the gate's says so"), "{err}");
    let mut raw = database(gate).await;
    let refused = sqlx::query("DELETE FROM entries WHERE idx = 5")
        .execute(&mut raw)
        .await;
    assert!(refused.unwrap_err().to_string().contains("append-only"));
    let steal = sqlx::query("UPDATE logs SET removed = 6 WHERE tenant = ?").bind(TENANT.to_string());
    assert_eq!(steal.execute(&mut raw).await.unwrap().rows_affected(), 1);
    let (code, said) = ledger_verified(gate).await;
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("no record of the gate's says so"), "{said}");
}
