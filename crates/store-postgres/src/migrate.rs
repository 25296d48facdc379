//! The schema's history, applying what is missing of it, and refusing a database that is not as it should be.

use std::time::Duration;

use sqlx::{Connection as _, Row};
use store::StoreError;
use store::migration::{Applied, Migration, due};

use crate::PostgresStore;
use crate::connection::{Connection, fault, options};

/// All migrations, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_initial.sql",
        sql: include_str!("../../../migrations/postgres/0001_initial.sql"),
    },
    Migration {
        version: 2,
        name: "0002_master_key.sql",
        sql: include_str!("../../../migrations/postgres/0002_master_key.sql"),
    },
    Migration {
        version: 3,
        name: "0003_control_plane.sql",
        sql: include_str!("../../../migrations/postgres/0003_control_plane.sql"),
    },
    Migration {
        version: 4,
        name: "0004_machines.sql",
        sql: include_str!("../../../migrations/postgres/0004_machines.sql"),
    },
    Migration {
        version: 5,
        name: "0005_policies.sql",
        sql: include_str!("../../../migrations/postgres/0005_policies.sql"),
    },
    Migration {
        version: 6,
        name: "0006_service_tokens.sql",
        sql: include_str!("../../../migrations/postgres/0006_service_tokens.sql"),
    },
    Migration {
        version: 7,
        name: "0007_log_keys.sql",
        sql: include_str!("../../../migrations/postgres/0007_log_keys.sql"),
    },
    Migration {
        version: 8,
        name: "0008_retention.sql",
        sql: include_str!("../../../migrations/postgres/0008_retention.sql"),
    },
    Migration {
        version: 9,
        name: "0009_sorting.sql",
        sql: include_str!("../../../migrations/postgres/0009_sorting.sql"),
    },
    Migration {
        version: 10,
        name: "0010_budget_terms.sql",
        sql: include_str!("../../../migrations/postgres/0010_budget_terms.sql"),
    },
    Migration {
        version: 11,
        name: "0011_rollups.sql",
        sql: include_str!("../../../migrations/postgres/0011_rollups.sql"),
    },
    Migration {
        version: 12,
        name: "0012_carried_over.sql",
        sql: include_str!("../../../migrations/postgres/0012_carried_over.sql"),
    },
    Migration {
        version: 13,
        name: "0013_entries_by_end.sql",
        sql: include_str!("../../../migrations/postgres/0013_entries_by_end.sql"),
    },
    Migration {
        version: 14,
        name: "0014_exchanges.sql",
        sql: include_str!("../../../migrations/postgres/0014_exchanges.sql"),
    },
    Migration {
        version: 15,
        name: "0015_sessions.sql",
        sql: include_str!("../../../migrations/postgres/0015_sessions.sql"),
    },
    Migration {
        version: 16,
        name: "0016_entries_by_month.sql",
        sql: include_str!("../../../migrations/postgres/0016_entries_by_month.sql"),
    },
    Migration {
        version: 17,
        name: "0017_tenants_delivery.sql",
        sql: include_str!("../../../migrations/postgres/0017_tenants_delivery.sql"),
    },
    Migration {
        version: 18,
        name: "0018_tenants_documents.sql",
        sql: include_str!("../../../migrations/postgres/0018_tenants_documents.sql"),
    },
    Migration {
        version: 19,
        name: "0019_apps.sql",
        sql: include_str!("../../../migrations/postgres/0019_apps.sql"),
    },
    Migration {
        version: 20,
        name: "0020_exchanges_by_class.sql",
        sql: include_str!("../../../migrations/postgres/0020_exchanges_by_class.sql"),
    },
];

const ROLES: &str = include_str!("../../../migrations/postgres/roles.sql");
const LOGIN: &str = include_str!("../../../migrations/postgres/login.sql");
/// Held while migrating: `bartizan` in ASCII.
const LOCK: i64 = 0x6261_7274_697a_616e;

/// The longest a replica waits for the database and for another replica that migrates: a large ledger is carried over whole.
const MIGRATE: Duration = Duration::from_secs(1_800);

/// Gives up on `work` when it takes too long; its transaction is rolled back.
pub(crate) async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = || StoreError::Unavailable(format!("not migrated within {MIGRATE:?}"));
    tokio::time::timeout(MIGRATE, work)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// Makes the roles, then applies what is due in one transaction, one replica at a time. Returns the names of what it
/// applied.
pub(crate) async fn run(owner_url: &str, migrations: &[Migration]) -> Result<Vec<&'static str>, StoreError> {
    let mut connection = Connection::connect_with(&options(owner_url)?)
        .await
        .map_err(fault)?;
    sqlx::raw_sql(ROLES)
        .execute(&mut connection)
        .await
        .map_err(fault)?;
    let mut transaction = connection.begin().await.map_err(fault)?;
    lock(&mut transaction).await?;
    let applied = prepared(&mut transaction).await?;
    let due = due(migrations, &applied)?;
    for migration in &due {
        apply(&mut transaction, migration).await?;
    }
    transaction.commit().await.map_err(fault)?;
    connection.close().await.map_err(fault)?;
    Ok(due.iter().map(|migration| migration.name).collect())
}

async fn lock(connection: &mut Connection) -> Result<(), StoreError> {
    sqlx::query("SET LOCAL lock_timeout = '60s'")
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

/// What was applied, after making the place where that is written down.
async fn prepared(connection: &mut Connection) -> Result<Vec<Applied>, StoreError> {
    let table = "CREATE SCHEMA IF NOT EXISTS bartizan;
        CREATE TABLE IF NOT EXISTS bartizan.schema_migrations (
            version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL)";
    sqlx::raw_sql(table)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    applied(connection).await
}

async fn applied(connection: &mut Connection) -> Result<Vec<Applied>, StoreError> {
    let select = "SELECT version, checksum FROM bartizan.schema_migrations ORDER BY version";
    let rows = sqlx::query(select).fetch_all(connection).await.map_err(fault)?;
    let read = |row: sqlx::postgres::PgRow| {
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
    sqlx::query("INSERT INTO bartizan.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)")
        .bind(migration.version)
        .bind(migration.name)
        .bind(migration.checksum())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Lets a login switch to the two roles.
pub(crate) async fn admit(owner_url: &str, login: &str) -> Result<(), StoreError> {
    let mut connection = Connection::connect_with(&options(owner_url)?)
        .await
        .map_err(fault)?;
    let name = sqlx::query("SELECT set_config('bartizan.login', $1, false)").bind(login);
    name.execute(&mut connection).await.map_err(fault)?;
    sqlx::raw_sql(LOGIN)
        .execute(&mut connection)
        .await
        .map_err(fault)?;
    connection.close().await.map_err(fault)
}

/// Refuses a schema that this program does not know, and a database that would not hold tenants apart.
// threat: AGP-E1
// threat: ANP-0007
pub(crate) async fn check(store: &PostgresStore) -> Result<(), StoreError> {
    let mut transaction = store.as_node().await?;
    if !due(MIGRATIONS, &applied(&mut transaction).await?)?.is_empty() {
        return Err(StoreError::Unavailable(
            "the schema is not up to date: migrate it first".to_owned(),
        ));
    }
    let mighty = "SELECT rolname::text FROM pg_catalog.pg_roles
                  WHERE rolname IN ('bartizan_app', 'bartizan_feed') AND (rolsuper OR rolbypassrls)";
    if let Some(role) = named(&mut transaction, mighty).await? {
        return Err(StoreError::Conflict(format!(
            "the role `{role}` can bypass row-level security"
        )));
    }
    let open = "SELECT c.relname::text FROM pg_catalog.pg_class AS c
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'bartizan'
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant'
                WHERE c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)";
    if let Some(table) = named(&mut transaction, open).await? {
        return Err(StoreError::Conflict(format!(
            "row-level security is off for the table `{table}`"
        )));
    }
    Ok(())
}

async fn named(connection: &mut Connection, select: &'static str) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(select)
        .fetch_optional(connection)
        .await
        .map_err(fault)
}
