//! Row-level security, attacked by raw SQL as the roles themselves: what stands between tenants when a query
//! of ours has forgotten its tenant.

use std::collections::BTreeSet;

use domain::{TenantId, TenantScope};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use store::{Directory, Registry};
use store_postgres::{Bounds, PostgresStore};

use super::scene::{Scene, is_denied, touched};

#[tokio::test]
async fn anp_0007_every_table_of_tenants_has_forced_row_security_and_a_policy() {
    let scene = Scene::set().await;
    let select = "SELECT c.relrowsecurity AND c.relforcerowsecurity AS forced,
                         EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polcmd = '*'
                                 AND p.polroles = ARRAY['bartizan_app'::regrole::oid]) AS guarded
                  FROM pg_class AS c WHERE c.oid = ('bartizan.' || $1)::regclass";
    let mut owner = scene.raw_owner().await;
    for table in scene.tables().await {
        let row = sqlx::query(select)
            .bind(&table)
            .fetch_one(&mut owner)
            .await
            .unwrap();
        assert!(row.get::<bool, _>("forced"), "{table}");
        assert!(row.get::<bool, _>("guarded"), "{table}");
        assert!(
            scene.count(&table, scene.a).await > 0,
            "the scene has no row in `{table}`"
        );
        assert!(
            scene.count(&table, scene.b).await > 0,
            "the scene has no row in `{table}`"
        );
    }
    scene.end().await;
}

#[tokio::test]
async fn agp_t4_neither_role_owns_anything_or_may_bypass_row_security() {
    let scene = Scene::set().await;
    let select = "SELECT rolname::text, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin AS mighty,
                         EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) AS owns,
                         EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS member
                  FROM pg_roles AS r WHERE rolname IN ('bartizan_app', 'bartizan_feed')";
    let mut owner = scene.raw_owner().await;
    let rows = sqlx::query(select).fetch_all(&mut owner).await.unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let name: String = row.get("rolname");
        for trait_of_power in ["mighty", "owns", "member"] {
            assert!(!row.get::<bool, _>(trait_of_power), "{name} {trait_of_power}");
        }
    }
    scene.end().await;
}

#[tokio::test]
async fn anp_0007_without_a_tenant_nothing_is_there() {
    let scene = Scene::set().await;
    let mut nobody = scene.as_tenant(None).await;
    for table in scene.tables().await {
        for setting in [None, Some("''"), Some("'%'"), Some("'tnt_'")] {
            if let Some(setting) = setting {
                let set = format!("SELECT set_config('app.tenant', {setting}, false)");
                sqlx::raw_sql(AssertSqlSafe(set))
                    .execute(&mut nobody)
                    .await
                    .unwrap();
            }
            let seen = format!("SELECT * FROM bartizan.{table}");
            assert_eq!(touched(&mut nobody, seen).await, 0, "{table} {setting:?}");
            assert_eq!(
                touched(
                    &mut nobody,
                    format!("UPDATE bartizan.{table} SET tenant = tenant")
                )
                .await,
                0
            );
            assert_eq!(
                touched(&mut nobody, format!("DELETE FROM bartizan.{table}")).await,
                0
            );
        }
        assert!(scene.count(&table, scene.a).await > 0, "{table}");
    }
    scene.end().await;
}

#[tokio::test]
async fn agp_e1_one_tenant_cannot_read_write_or_remove_anothers_rows() {
    let scene = Scene::set().await;
    let (a, b) = (scene.a, scene.b);
    let mut attacker = scene.as_tenant(Some(a)).await;
    for table in scene.tables().await {
        let before = scene.count(&table, b).await;
        let select = format!("SELECT DISTINCT tenant FROM bartizan.{table}");
        let seen: Vec<String> = sqlx::query_scalar(AssertSqlSafe(select))
            .fetch_all(&mut attacker)
            .await
            .unwrap();
        assert_eq!(seen, [a.to_string()], "{table}");
        for attack in [
            format!("SELECT * FROM bartizan.{table} WHERE tenant = '{b}'"),
            format!("UPDATE bartizan.{table} SET tenant = '{a}' WHERE tenant = '{b}'"),
            format!("UPDATE bartizan.{table} SET tenant = '{b}' WHERE tenant = '{a}'"),
            format!("DELETE FROM bartizan.{table} WHERE tenant = '{b}'"),
            format!("TRUNCATE bartizan.{table} CASCADE"),
        ] {
            assert_eq!(touched(&mut attacker, attack.clone()).await, 0, "{attack}");
        }
        assert!(
            is_denied(
                &mut attacker,
                &planting(&mut scene.raw_owner().await, &table, a, b).await
            )
            .await,
            "{table}"
        );
        assert_eq!(scene.count(&table, b).await, before, "{table}");
    }
    scene.end().await;
}

/// A statement that copies a row of `a`'s into `b`'s name.
async fn planting(owner: &mut PgConnection, table: &str, a: TenantId, b: TenantId) -> String {
    let select = "SELECT attname::text FROM pg_attribute
                  WHERE attrelid = ('bartizan.' || $1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
    let columns: Vec<String> = sqlx::query_scalar(select)
        .bind(table)
        .fetch_all(owner)
        .await
        .unwrap();
    let values = columns.iter().map(|column| {
        if column == "tenant" {
            format!("'{b}'")
        } else {
            column.clone()
        }
    });
    let values = values.collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO bartizan.{table} ({}) SELECT {values} FROM bartizan.{table} WHERE tenant = '{a}'",
        columns.join(", ")
    )
}

#[tokio::test]
async fn agp_t4_entries_cannot_be_changed_even_by_their_tenant_or_the_owner() {
    let scene = Scene::set().await;
    let mut tenant = scene.as_tenant(Some(scene.a)).await;
    for statement in [
        "UPDATE bartizan.entries SET cost_nanos = 0",
        "DELETE FROM bartizan.entries",
        "TRUNCATE bartizan.entries",
        "UPDATE bartizan.checkpoints SET note = ''",
        "DELETE FROM bartizan.checkpoints",
        "UPDATE bartizan.audit_checkpoints SET note = ''",
        "DELETE FROM bartizan.audit_checkpoints",
        "DELETE FROM bartizan.audit_logs",
        "UPDATE bartizan.directory_revision SET revision = 0",
        "INSERT INTO bartizan.schema_migrations VALUES (9, '', '')",
    ] {
        assert!(is_denied(&mut tenant, statement).await, "{statement}");
    }
    let mut owner = scene.raw_owner().await;
    for statement in [
        "UPDATE bartizan.entries SET cost_nanos = 0",
        "DELETE FROM bartizan.entries",
    ] {
        let error = sqlx::query(statement).execute(&mut owner).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
    scene.end().await;
}

#[tokio::test]
async fn agp_e1_switching_roles_or_settings_opens_nothing() {
    let scene = Scene::set().await;
    let mut plain = scene.raw().await;
    for table in scene.tables().await {
        assert!(
            is_denied(&mut plain, &format!("SELECT * FROM bartizan.{table}")).await,
            "{table}"
        );
    }
    for attempt in [
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER TABLE bartizan.keys DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE bartizan.keys NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY own_tenant ON bartizan.keys",
        "CREATE POLICY mine ON bartizan.keys USING (true)",
        "ALTER ROLE bartizan_app BYPASSRLS",
        "CREATE TABLE bartizan.mine (tenant text)",
        "CREATE FUNCTION bartizan.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ] {
        for role in ["bartizan_app", "bartizan_feed", "NONE"] {
            sqlx::raw_sql(AssertSqlSafe(format!("SET ROLE {role}")))
                .execute(&mut plain)
                .await
                .unwrap();
            let result = sqlx::query(AssertSqlSafe(attempt.to_owned()))
                .execute(&mut plain)
                .await;
            let message = result.expect_err(attempt).to_string();
            let refused = ["permission denied", "must be owner", "must be superuser"];
            assert!(
                refused.iter().any(|words| message.contains(words)),
                "{role}: {attempt}: {message}"
            );
        }
    }
    let mut tenant = scene.as_tenant(Some(scene.a)).await;
    sqlx::raw_sql("SET row_security = off")
        .execute(&mut tenant)
        .await
        .unwrap();
    assert!(
        is_denied(&mut tenant, "SELECT * FROM bartizan.keys").await,
        "an error, not everyone's rows"
    );
    scene.end().await;
}

#[tokio::test]
async fn agp_e1_the_nodes_role_sees_no_entry_and_writes_no_directory() {
    let scene = Scene::set().await;
    let mut feed = scene.as_node().await;
    let mut readable = BTreeSet::new();
    for table in scene.tables().await {
        let denied = is_denied(&mut feed, &format!("SELECT * FROM bartizan.{table}")).await;
        if !denied {
            readable.insert(table.clone());
        }
        let leases = ["leases", "budget_windows"].contains(&table.as_str());
        for (verb, allowed) in [
            (format!("UPDATE bartizan.{table} SET tenant = tenant"), leases),
            (
                format!("DELETE FROM bartizan.{table} WHERE tenant = 'x'"),
                // Of windows only silent sessions', by the policy `node_forgets`: the conformance suite has it.
                ["leases", "records", "budget_windows"].contains(&table.as_str()),
            ),
            (
                format!("INSERT INTO bartizan.{table} SELECT * FROM bartizan.{table} LIMIT 0"),
                false,
            ),
            (format!("TRUNCATE bartizan.{table}"), false),
        ] {
            assert_eq!(!is_denied(&mut feed, &verb).await, allowed, "{verb}");
        }
    }
    let expected = [
        "budget_windows",
        "budgets",
        "keys",
        "leases",
        "records",
        "teams",
        "tenants",
    ];
    assert_eq!(readable, expected.map(str::to_owned).into());
    scene.end().await;
}

#[tokio::test]
async fn agp_e1_a_connection_that_served_one_tenant_keeps_nothing_of_it() {
    let scene = Scene::set().await;
    let bounds = Bounds {
        connections_max: 1,
        ..Bounds::default()
    };
    let store = PostgresStore::connect(&scene.login.url(&scene.owner_url), bounds)
        .await
        .unwrap();
    let (a, b) = (TenantScope::operator(scene.a), TenantScope::operator(scene.b));
    for _ in 0..3 {
        for (scope, other) in [(a, b), (b, a)] {
            let keys = store.keys(&scope).await.unwrap();
            assert!(keys.len() == 1 && keys[0].tenant == scope.tenant());
            assert_eq!(
                store.load().await.unwrap().keys.len(),
                2,
                "the node's own role again"
            );
            let mut foreign = keys[0].clone();
            foreign.tenant = other.tenant();
            assert!(store.replace_key(&scope, &keys[0], &foreign).await.is_err());
        }
    }
    scene.end().await;
}
