//! PostgreSQL under a gate: a database with an ordinary login, and gates that share it.

use std::net::SocketAddr;
use std::sync::Arc;

use credential::{Limits, MasterKey};
use domain::NodeId;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store_postgres::{Bounds, PostgresStore};
use testkit::postgres::TestPostgres;
use testkit::{FaultyProxy, GateBuilder, ScriptedProvider};

use super::money_scene::{House, config, gate};

/// A migrated database, the login that gates use, and the master key they share.
pub struct Postgres {
    server: TestPostgres,
    owner_url: String,
    url: String,
    login: String,
    master: MasterKey,
}

impl Postgres {
    pub async fn start() -> Self {
        let server = TestPostgres::start().await;
        let owner_url = server.fresh_database().await;
        PostgresStore::migrate(&owner_url).await.unwrap();
        let login = NodeId::generate().to_string();
        run(
            &owner_url,
            &format!("CREATE ROLE {login} LOGIN PASSWORD 'sesame'"),
        )
        .await;
        PostgresStore::admit_login(&owner_url, &login).await.unwrap();
        let (scheme, rest) = owner_url.split_once("://").unwrap();
        let (_, host) = rest.rsplit_once('@').unwrap();
        let url = format!("{scheme}://{login}:sesame@{host}");
        Self {
            server,
            owner_url,
            url,
            login,
            master: MasterKey::generate().unwrap(),
        }
    }

    /// The gates' address of it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its owner's address of it.
    pub fn owner_url(&self) -> &str {
        &self.owner_url
    }

    /// Statements of whoever owns it.
    pub async fn run(&self, sql: &str) {
        run(&self.owner_url, sql).await;
    }

    /// A proxy in front of the server.
    pub async fn proxy(&self) -> FaultyProxy {
        FaultyProxy::start(self.address()).await
    }

    fn address(&self) -> SocketAddr {
        let host = self
            .url
            .rsplit_once('@')
            .unwrap()
            .1
            .split(['/', '?'])
            .next()
            .unwrap();
        host.replace("localhost", "127.0.0.1").parse().unwrap()
    }

    /// A gate of this database in front of `provider`; through `proxy` if there is one.
    pub fn gate(&self, provider: &ScriptedProvider, proxy: Option<&FaultyProxy>, more: &str) -> GateBuilder {
        let url = match proxy {
            Some(proxy) => self
                .url
                .replace(&self.address().to_string(), &proxy.address().to_string()),
            None => self.url.clone(),
        };
        let store = "data_dir: \"@folder@\"\nstore: { engine: postgres, url: \"env:MONEY_DATABASE\", refresh_every_ms: 50, \
                     acquire_timeout_ms: 500, statement_timeout_ms: 1000 }\n";
        gate()
            .config(config(provider, &format!("{store}{more}")))
            .env("MONEY_DATABASE", &url)
            .file("master.key", self.master.to_file(None).unwrap().as_bytes())
    }

    /// A tenant in this database, looked at past every proxy.
    pub async fn house(&self) -> House {
        let store = PostgresStore::connect(&self.url, Bounds::default())
            .await
            .unwrap();
        House::build(
            Arc::new(store),
            &self.master,
            (Limits::default(), Limits::default()),
        )
        .await
    }

    /// From now on the database counts how often more of a budget is asked for, also in vain.
    pub async fn count_questions(&self) {
        let count = "CREATE SEQUENCE bartizan.questions;
            CREATE FUNCTION bartizan.count_question() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
            BEGIN
                PERFORM nextval('bartizan.questions');
                RETURN NULL;
            END $$;
            CREATE TRIGGER count_question AFTER UPDATE OF last_grant ON bartizan.budget_windows
                FOR EACH STATEMENT EXECUTE FUNCTION bartizan.count_question();";
        run(&self.owner_url, count).await;
    }

    /// How often it was; once at least, also where it was never.
    pub async fn questions(&self) -> i64 {
        let mut connection = PgConnection::connect(&self.owner_url).await.unwrap();
        let last = sqlx::query_scalar("SELECT last_value FROM bartizan.questions");
        last.fetch_one(&mut connection).await.unwrap()
    }

    /// Takes the login away again.
    pub async fn remove(self) {
        run(&self.server.owner_url(), &format!("DROP ROLE {}", self.login)).await;
    }
}

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}
