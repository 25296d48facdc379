//! The PostgreSQL engine from outside: the conformance suite as an ordinary login, row-level security by raw
//! SQL, starting together, and a database that is slow or gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod bounds;
mod control_plane;
mod parts;
mod row_security;
mod scene;
mod starting;
mod upgrade;

use std::sync::Arc;

use credential::Limits;
use domain::{TenantId, TenantScope};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{Store, Tenant};
use store_postgres::{Bounds, PostgresStore};
use testkit::postgres::TestPostgres;
use uuid::Uuid;

/// A login that owns nothing and may only switch to the gate's roles.
struct Login {
    name: String,
    owner_url: String,
    password: String,
}

impl Login {
    async fn make(server: &TestPostgres) -> Self {
        let (name, password) = (
            format!("login_{}", Uuid::new_v4().simple()),
            Uuid::new_v4().to_string(),
        );
        let owner_url = server.owner_url();
        // The roles are the server's, not a database's: any migrated database has made them.
        PostgresStore::migrate(&server.fresh_database().await)
            .await
            .unwrap();
        run(
            &owner_url,
            &format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'"),
        )
        .await
        .unwrap();
        PostgresStore::admit_login(&owner_url, &name).await.unwrap();
        Self {
            name,
            owner_url,
            password,
        }
    }

    /// The same database as `url`, as this login.
    fn url(&self, url: &str) -> String {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (_, host) = rest.rsplit_once('@').unwrap();
        format!("{scheme}://{}:{}@{host}", self.name, self.password)
    }

    async fn remove(self) {
        run(&self.owner_url, &format!("DROP ROLE {}", self.name))
            .await
            .unwrap();
    }
}

/// An owner as a hosted database has one: it may make roles, and is no superuser.
struct Owner {
    name: String,
    url: String,
    super_url: String,
}

impl Owner {
    async fn make(server: &TestPostgres) -> Self {
        let super_url = server.fresh_database().await;
        let (name, password) = (
            format!("owner_{}", Uuid::new_v4().simple()),
            Uuid::new_v4().to_string(),
        );
        run(
            &super_url,
            &format!("CREATE ROLE {name} LOGIN CREATEROLE PASSWORD '{password}'"),
        )
        .await
        .unwrap();
        let database = super_url.rsplit_once('/').unwrap().1.split('?').next().unwrap();
        run(&super_url, &format!("ALTER DATABASE {database} OWNER TO {name}"))
            .await
            .unwrap();
        let login = Login {
            name,
            owner_url: String::new(),
            password,
        };
        Self {
            url: login.url(&super_url),
            name: login.name,
            super_url,
        }
    }

    async fn remove(self) {
        let name = &self.name;
        let hand_back = format!("REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}");
        run(&self.super_url, &hand_back).await.unwrap();
        run(&self.super_url, &format!("DROP ROLE {name}")).await.unwrap();
    }
}

async fn run(url: &str, sql: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

fn tenant(name: &str) -> (Tenant, TenantScope) {
    let id = TenantId::generate();
    (
        Tenant {
            id,
            name: name.to_owned(),
            limits: Limits::default(),
            state: store::TenantState::default(),
            history: ledger::Keeping::NONE,
        },
        TenantScope::operator(id),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn passes_the_conformance_suite_as_a_login_that_owns_nothing() {
    let server = TestPostgres::start().await;
    let login = Login::make(&server).await;
    let owner = Owner::make(&server).await;
    store::conformance::run(async || {
        // A new schema is as fresh as a new database, and much sooner there.
        run(&owner.url, "DROP SCHEMA IF EXISTS bartizan CASCADE")
            .await
            .unwrap();
        PostgresStore::migrate(&owner.url).await.unwrap();
        let store = PostgresStore::connect(&login.url(&owner.url), Bounds::default())
            .await
            .unwrap();
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
    login.remove().await;
    owner.remove().await;
}
