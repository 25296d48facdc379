//! The schema's history, and applying what is missing of it.

use sqlx::Row;
use store::StoreError;
use store::migration::{Applied, Migration, due};

use crate::SqliteStore;
use crate::connection::{Connection, commit, fault};

/// All migrations, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_initial.sql",
        sql: include_str!("../../../migrations/sqlite/0001_initial.sql"),
    },
    Migration {
        version: 2,
        name: "0002_master_key.sql",
        sql: include_str!("../../../migrations/sqlite/0002_master_key.sql"),
    },
    Migration {
        version: 3,
        name: "0003_control_plane.sql",
        sql: include_str!("../../../migrations/sqlite/0003_control_plane.sql"),
    },
    Migration {
        version: 4,
        name: "0004_machines.sql",
        sql: include_str!("../../../migrations/sqlite/0004_machines.sql"),
    },
    Migration {
        version: 5,
        name: "0005_policies.sql",
        sql: include_str!("../../../migrations/sqlite/0005_policies.sql"),
    },
    Migration {
        version: 6,
        name: "0006_service_tokens.sql",
        sql: include_str!("../../../migrations/sqlite/0006_service_tokens.sql"),
    },
    Migration {
        version: 7,
        name: "0007_log_keys.sql",
        sql: include_str!("../../../migrations/sqlite/0007_log_keys.sql"),
    },
    Migration {
        version: 8,
        name: "0008_retention.sql",
        sql: include_str!("../../../migrations/sqlite/0008_retention.sql"),
    },
    Migration {
        version: 9,
        name: "0009_sorting.sql",
        sql: include_str!("../../../migrations/sqlite/0009_sorting.sql"),
    },
    Migration {
        version: 10,
        name: "0010_budget_terms.sql",
        sql: include_str!("../../../migrations/sqlite/0010_budget_terms.sql"),
    },
    Migration {
        version: 11,
        name: "0011_rollups.sql",
        sql: include_str!("../../../migrations/sqlite/0011_rollups.sql"),
    },
    Migration {
        version: 12,
        name: "0012_carried_over.sql",
        sql: include_str!("../../../migrations/sqlite/0012_carried_over.sql"),
    },
    Migration {
        version: 13,
        name: "0013_entries_by_end.sql",
        sql: include_str!("../../../migrations/sqlite/0013_entries_by_end.sql"),
    },
    Migration {
        version: 14,
        name: "0014_exchanges.sql",
        sql: include_str!("../../../migrations/sqlite/0014_exchanges.sql"),
    },
    Migration {
        version: 15,
        name: "0015_sessions.sql",
        sql: include_str!("../../../migrations/sqlite/0015_sessions.sql"),
    },
    Migration {
        version: 16,
        name: "0016_entries_removed.sql",
        sql: include_str!("../../../migrations/sqlite/0016_entries_removed.sql"),
    },
    Migration {
        version: 17,
        name: "0017_tenants_delivery.sql",
        sql: include_str!("../../../migrations/sqlite/0017_tenants_delivery.sql"),
    },
    Migration {
        version: 18,
        name: "0018_tenants_documents.sql",
        sql: include_str!("../../../migrations/sqlite/0018_tenants_documents.sql"),
    },
    Migration {
        version: 19,
        name: "0019_apps.sql",
        sql: include_str!("../../../migrations/sqlite/0019_apps.sql"),
    },
    Migration {
        version: 20,
        name: "0020_exchanges_by_class.sql",
        sql: include_str!("../../../migrations/sqlite/0020_exchanges_by_class.sql"),
    },
];

/// Applies what is due, all in one transaction that holds the write lock. Returns the names of what it applied.
pub(crate) async fn run(
    store: &SqliteStore,
    migrations: &[Migration],
) -> Result<Vec<&'static str>, StoreError> {
    let mut transaction = store.write().await?;
    let applied = applied(&mut transaction).await?;
    let due = due(migrations, &applied)?;
    for migration in &due {
        apply(&mut transaction, migration).await?;
    }
    commit(transaction).await?;
    Ok(due.iter().map(|migration| migration.name).collect())
}

async fn applied(connection: &mut Connection) -> Result<Vec<Applied>, StoreError> {
    let table = "CREATE TABLE IF NOT EXISTS schema_migrations (
        version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT";
    sqlx::query(table)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let select = "SELECT version, checksum FROM schema_migrations ORDER BY version";
    let rows = sqlx::query(select).fetch_all(connection).await.map_err(fault)?;
    let read = |row: sqlx::sqlite::SqliteRow| {
        Ok(Applied {
            version: row.try_get("version")?,
            checksum: row.try_get("checksum")?,
        })
    };
    rows.into_iter().map(|row| read(row).map_err(fault)).collect()
}

async fn apply(connection: &mut Connection, migration: &Migration) -> Result<(), StoreError> {
    let failed =
        |error: sqlx::Error| StoreError::Unavailable(format!("migration `{}`: {error}", migration.name));
    sqlx::raw_sql(migration.sql)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query("INSERT INTO schema_migrations (version, name, checksum) VALUES (?, ?, ?)")
        .bind(migration.version)
        .bind(migration.name)
        .bind(migration.checksum())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn opened(folder: &tempfile::TempDir) -> SqliteStore {
        SqliteStore::open(&folder.path().join("store.db")).await.unwrap()
    }

    #[tokio::test]
    async fn a_changed_migration_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder).await;
        store.migrate().await.unwrap();
        let changed = [Migration {
            sql: "SELECT 1",
            ..MIGRATIONS[0]
        }];
        let error = run(&store, &changed).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`0001_initial.sql`) has changed since"),
            "{error}"
        );
        assert!(
            run(&store, &[])
                .await
                .unwrap_err()
                .to_string()
                .contains("does not know")
        );
        store.migrate().await.unwrap();
    }

    #[tokio::test]
    async fn what_was_applied_is_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder).await;
        let names: Vec<_> = MIGRATIONS.iter().map(|migration| migration.name).collect();
        assert_eq!(store.migrate().await.unwrap(), names);
        assert_eq!(store.migrate().await.unwrap(), Vec::<&str>::new());
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(&folder).await;
        let broken = [Migration {
            version: 1,
            name: "0001_broken.sql",
            sql: "CREATE TABLE a (b); nonsense",
        }];
        let error = run(&store, &broken).await.unwrap_err();
        assert!(
            error.to_string().contains("migration `0001_broken.sql`"),
            "{error}"
        );
        store.migrate().await.unwrap();
    }

    #[test]
    fn versions_count_from_one_and_match_their_files() {
        for (migration, version) in MIGRATIONS.iter().zip(1_i64..) {
            assert_eq!(migration.version, version);
            assert!(
                migration.name.starts_with(&format!("{version:04}_")),
                "{}",
                migration.name
            );
        }
    }
}
