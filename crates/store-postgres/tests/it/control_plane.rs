//! What the control plane keeps, attacked by raw SQL as the gate's roles: documents, and who did what.

use domain::{TenantId, UnixMillis};
use sqlx::{AssertSqlSafe, PgConnection};
use store::{RecordKind, Registry};
use store_postgres::{Bounds, PostgresStore};

use super::scene::{Scene, is_denied, touched};

async fn set(connection: &mut PgConnection, name: &str, value: &str) {
    let set = sqlx::query("SELECT set_config($1, $2, false)")
        .bind(name)
        .bind(value);
    set.execute(connection).await.unwrap();
}

async fn kinds(connection: &mut PgConnection) -> Vec<String> {
    let select = sqlx::query_scalar("SELECT kind FROM bartizan.records ORDER BY kind, tenant");
    select.fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn agp_e1_the_nodes_role_reads_sessions_tokens_and_what_it_answers_by_and_no_other_document() {
    let scene = Scene::set().await;
    let mut feed = scene.as_node().await;
    // Of both tenants: what is found before a tenant is known, and what calls are answered by.
    let found = [
        "consents",
        "prompt_in_use",
        "sample",
        "service_token",
        "session",
        "tenant_guards",
    ]
    .map(|kind| [kind, kind])
    .concat();
    assert_eq!(kinds(&mut feed).await, found);
    for setting in [
        scene.a.to_string(),
        TenantId::PLATFORM.to_string(),
        "login".to_owned(),
    ] {
        for name in ["app.tenant", "app.sweep_kind", "app.kind"] {
            set(&mut feed, name, &setting).await;
        }
        assert_eq!(kinds(&mut feed).await, found, "{setting}");
    }
    for kind in [
        "login",
        "user",
        "replay",
        "Session",
        "tenant_guards_version",
        "consents_version",
        "sample_version",
        "prompt",
        "prompt_version",
        "%",
    ] {
        let select = format!("SELECT * FROM bartizan.records WHERE kind = '{kind}'");
        assert_eq!(touched(&mut feed, select).await, 0, "{kind}");
    }
    for attack in [
        "UPDATE bartizan.records SET kind = 'session'",
        "UPDATE bartizan.records SET kind = 'service_token'",
        "UPDATE bartizan.records SET document = '{}'",
        "INSERT INTO bartizan.records VALUES ('t', 'session', 'i', NULL, 'n', 1, '{}')",
        "SELECT * FROM bartizan.records FOR UPDATE",
        "SELECT * FROM bartizan.audits",
        "SELECT * FROM bartizan.audits_removed",
        "DELETE FROM bartizan.audits",
        "SELECT * FROM bartizan.audit_logs",
        "SELECT * FROM bartizan.audit_checkpoints",
    ] {
        assert!(is_denied(&mut feed, attack).await, "{attack}");
    }
    scene.end().await;
}

#[tokio::test]
async fn agp_e1_the_nodes_role_removes_nothing_but_old_sessions_and_replays() {
    let scene = Scene::set().await;
    let mut feed = scene.as_node().await;
    let mut owner = scene.raw_owner().await;
    let all = "DELETE FROM bartizan.records";
    assert_eq!(touched(&mut feed, all.to_owned()).await, 0, "no setting is made");
    for (kind, until) in [
        ("login", "99"),
        ("user", "99"),
        ("service_token", "99"),
        ("", "99"),
        ("session", ""),
        ("replay", "1"),
        ("session", "-5"),
    ] {
        set(&mut feed, "app.sweep_kind", kind).await;
        set(&mut feed, "app.sweep_until", until).await;
        assert_eq!(touched(&mut feed, all.to_owned()).await, 0, "{kind} {until}");
    }
    assert_eq!(kinds(&mut owner).await.len(), 28);
    set(&mut feed, "app.sweep_kind", "replay").await;
    set(&mut feed, "app.sweep_until", "2").await;
    assert_eq!(touched(&mut feed, all.to_owned()).await, 2);
    let kept = [
        "consents",
        "consents_version",
        "login",
        "prompt",
        "prompt_in_use",
        "prompt_version",
        "sample",
        "sample_version",
        "service_token",
        "session",
        "tenant_guards",
        "tenant_guards_version",
        "user",
    ]
    .map(|kind| [kind, kind]);
    assert_eq!(kinds(&mut owner).await, kept.concat());
    scene.end().await;
}

/// The statement that sweeps leaves it to row security what goes: without it, nothing may.
#[tokio::test]
async fn agp_t4_a_sweep_without_row_security_removes_nothing() {
    let scene = Scene::set().await;
    let store = PostgresStore::connect(&scene.login.url(&scene.owner_url), Bounds::default())
        .await
        .unwrap();
    let mut owner = scene.raw_owner().await;
    for (security, gone) in [("DISABLE", 0), ("ENABLE", 2)] {
        let alter = format!("ALTER TABLE bartizan.records {security} ROW LEVEL SECURITY");
        let alter = sqlx::query(AssertSqlSafe(alter));
        alter.execute(&mut owner).await.unwrap();
        let swept = store.sweep(RecordKind::Replay, UnixMillis(i64::MAX)).await;
        assert_eq!(swept, Ok(gone), "{security}");
    }
    assert_eq!(kinds(&mut owner).await.len(), 26);
    scene.end().await;
}

/// In another order than the index's, a page would end elsewhere than the next begins. The conformance suite
/// cannot tell: the server of the tests speaks no language.
#[tokio::test]
async fn ids_are_compared_by_their_bytes_whatever_language_the_database_speaks() {
    let scene = Scene::set().await;
    let select = "SELECT a.attname::text, l.collname::text FROM pg_attribute AS a
                  JOIN pg_collation AS l ON l.oid = a.attcollation
                  WHERE a.attrelid = 'bartizan.records'::regclass AND a.attname IN ('id', 'name', 'parent')
                  ORDER BY 1";
    let columns: Vec<(String, String)> = sqlx::query_as(select)
        .fetch_all(&mut scene.raw_owner().await)
        .await
        .unwrap();
    let expected = ["id", "name", "parent"].map(|column| (column.to_owned(), "C".to_owned()));
    assert_eq!(columns, expected);
    scene.end().await;
}

#[tokio::test]
async fn agp_r3_audit_records_cannot_be_changed_even_by_their_tenant_or_the_owner() {
    let scene = Scene::set().await;
    let mut tenant = scene.as_tenant(Some(scene.a)).await;
    let attacks = [
        "UPDATE bartizan.audits SET act = 'nothing'",
        "DELETE FROM bartizan.audits",
        "TRUNCATE bartizan.audits",
    ];
    for attack in attacks {
        assert!(is_denied(&mut tenant, attack).await, "{attack}");
    }
    // Nor what is left of those that were removed.
    let hashes = [
        "UPDATE bartizan.audits_removed SET leaf = '\\x00'",
        "DELETE FROM bartizan.audits_removed",
        "TRUNCATE bartizan.audits_removed",
    ];
    for attack in hashes {
        assert!(is_denied(&mut tenant, attack).await, "{attack}");
    }
    for invented in [
        "INSERT INTO bartizan.audits_removed SELECT tenant, idx + 5, leaf FROM bartizan.audits",
        "INSERT INTO bartizan.audits_removed SELECT tenant, idx, '\\x00' FROM bartizan.audits",
    ] {
        assert!(is_denied(&mut tenant, invented).await, "{invented}");
    }
    let mut owner = scene.raw_owner().await;
    for attack in hashes {
        let error = sqlx::query(attack).execute(&mut owner).await.unwrap_err();
        assert!(
            error.to_string().contains("audits_removed are append-only"),
            "{error}"
        );
    }
    for attack in attacks {
        let error = sqlx::query(attack).execute(&mut owner).await.unwrap_err();
        assert!(error.to_string().contains("audits are append-only"), "{error}");
    }
    // What is there already cannot be written over either.
    let again = "INSERT INTO bartizan.audits SELECT * FROM bartizan.audits
                 ON CONFLICT (tenant, idx) DO UPDATE SET act = 'nothing'";
    assert!(is_denied(&mut tenant, again).await);
    scene.end().await;
}

#[tokio::test]
async fn agp_e1_a_tenant_moves_no_row_and_gives_no_other_tenant_a_state() {
    let scene = Scene::set().await;
    let (a, b) = (scene.a, scene.b);
    let mut attacker = scene.as_tenant(Some(a)).await;
    for attack in [
        format!("UPDATE bartizan.tenants SET tenant = '{b}' WHERE tenant = '{a}'"),
        format!("UPDATE bartizan.records SET tenant = '{b}'"),
        "UPDATE bartizan.records SET kind = 'login' WHERE kind = 'user'".to_owned(),
        "UPDATE bartizan.records SET id = 'id_2'".to_owned(),
        "UPDATE bartizan.teams SET tenant = tenant".to_owned(),
        "DELETE FROM bartizan.tenants".to_owned(),
    ] {
        assert!(is_denied(&mut attacker, &attack).await, "{attack}");
    }
    let suspend = format!("UPDATE bartizan.tenants SET state = 'suspended' WHERE tenant = '{b}'");
    assert_eq!(touched(&mut attacker, suspend).await, 0);
    let states = "SELECT state FROM bartizan.tenants";
    let mut owner = scene.raw_owner().await;
    let states: Vec<String> = sqlx::query_scalar(states).fetch_all(&mut owner).await.unwrap();
    assert_eq!(states, ["active", "active"]);
    // The platform has no rows of anybody's but its own, until the transaction is a tenant's.
    let mut platform = scene.as_tenant(Some(TenantId::PLATFORM)).await;
    for table in scene.tables().await {
        let seen = format!("SELECT * FROM bartizan.{table}");
        assert_eq!(touched(&mut platform, seen).await, 0, "{table}");
    }
    scene.end().await;
}
