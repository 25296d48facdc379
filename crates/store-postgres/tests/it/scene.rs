//! Two tenants with rows in every table, and raw connections to attack them from.

use credential::{Binding, KeyRecord, KeyState, Limits, ModelAccess};
use domain::{
    AuditId, BudgetId, KeyId, Money, NodeId, Operation, RequestId, TeamId, TenantId, TenantScope, UnixMillis,
};
use ledger::{AuditActor, AuditRecord, Budget, BudgetScope, Entry, Terms, UsageSource, Window};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{
    AuditEntry, Budgets, Change, EntryLog, ExchangeRow, Exchanges, LeaseWish, LogKind, MerkleLogs, Nonces,
    Record, RecordKind, Registry, SealedExchange, Shipment, StoredCheckpoint, Team,
};
use store_postgres::{Bounds, PostgresStore};
use testkit::postgres::TestPostgres;

use super::{Login, tenant};

/// A migrated database in which two tenants have rows in every table.
pub(super) struct Scene {
    server: TestPostgres,
    pub(super) login: Login,
    pub(super) owner_url: String,
    pub(super) a: TenantId,
    pub(super) b: TenantId,
}

impl Scene {
    pub(super) async fn set() -> Self {
        let server = TestPostgres::start().await;
        let login = Login::make(&server).await;
        let owner_url = server.fresh_database().await;
        PostgresStore::migrate(&owner_url).await.unwrap();
        let store = PostgresStore::connect(&login.url(&owner_url), Bounds::default())
            .await
            .unwrap();
        let (a, b) = (furnish(&store, "a").await, furnish(&store, "b").await);
        store.close().await;
        Self {
            server,
            login,
            owner_url,
            a,
            b,
        }
    }

    /// A connection of the ordinary login, which has switched to nothing yet.
    pub(super) async fn raw(&self) -> PgConnection {
        PgConnection::connect(&self.login.url(&self.owner_url))
            .await
            .unwrap()
    }

    /// A connection as `bartizan_feed`.
    pub(super) async fn as_node(&self) -> PgConnection {
        let mut connection = self.raw().await;
        let role = sqlx::query("SET ROLE bartizan_feed");
        role.execute(&mut connection).await.unwrap();
        connection
    }

    /// A connection as `bartizan_app`, with the tenant that is named.
    pub(super) async fn as_tenant(&self, tenant: Option<TenantId>) -> PgConnection {
        let mut connection = self.raw().await;
        sqlx::query("SET ROLE bartizan_app")
            .execute(&mut connection)
            .await
            .unwrap();
        if let Some(tenant) = tenant {
            let set = sqlx::query("SELECT set_config('app.tenant', $1, false)").bind(tenant.to_string());
            set.execute(&mut connection).await.unwrap();
        }
        connection
    }

    /// Every table of ours with a column `tenant`, from the catalog.
    pub(super) async fn tables(&self) -> Vec<String> {
        let select = "SELECT c.relname::text FROM pg_class AS c
                      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant'
                      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace NOT IN
                          (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema'))
                      ORDER BY 1";
        let mut owner = PgConnection::connect(&self.owner_url).await.unwrap();
        let tables: Vec<String> = sqlx::query_scalar(select).fetch_all(&mut owner).await.unwrap();
        assert!(tables.len() >= 13, "{tables:?}");
        tables
    }

    /// How many rows of `tenant` are in `table`, as the superuser sees it.
    pub(super) async fn count(&self, table: &str, tenant: TenantId) -> i64 {
        let select = format!("SELECT count(*) FROM bartizan.{table} WHERE tenant = '{tenant}'");
        let mut owner = PgConnection::connect(&self.owner_url).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(select))
            .fetch_one(&mut owner)
            .await
            .unwrap()
    }

    pub(super) async fn end(self) {
        let Self { server, login, .. } = self;
        login.remove().await;
        drop(server);
    }
}

/// Gives a new tenant a row in every table.
async fn furnish(store: &PostgresStore, name: &str) -> TenantId {
    let (tenant, scope) = tenant(name);
    store.create_tenant(&tenant).await.unwrap();
    let team = Team {
        id: TeamId::generate(),
        tenant: tenant.id,
        name: "team".into(),
        limits: Limits::default(),
    };
    store.create_team(&scope, &team).await.unwrap();
    let key = key(&scope, team.id);
    store.create_key(&scope, &key).await.unwrap();
    assert!(
        store
            .spend_nonce(&scope, &[1; 32], UnixMillis(i64::MAX))
            .await
            .unwrap()
    );
    let budget = Budget {
        id: BudgetId::generate(),
        tenant: tenant.id,
        scope: BudgetScope::Tenant,
        name: "all".into(),
        limit: Money::from_dollars(1),
        window: Window::Total,
        terms: Terms::default(),
    };
    store.put_budget(&scope, &budget).await.unwrap();
    let (node, amount) = (NodeId::generate(), Money::from_nanos(5));
    let (window_start, expires) = (UnixMillis(0), UnixMillis(1));
    let wish = LeaseWish {
        budget: budget.id,
        window_start,
        node,
        at_least: amount,
        wanted: amount,
        at: window_start,
        expires,
    };
    store.grow_lease(&scope, &wish).await.unwrap();
    store
        .append(&scope, node, &[shipment(&scope, &key, node)])
        .await
        .unwrap();
    let kept = SealedExchange {
        row: ExchangeRow {
            id: RequestId::generate(),
            started: UnixMillis(1),
            key: key.id,
            model: None,
            kept: ledger::Kept::Full,
            data_class: domain::DataClass::Internal,
            status: 200,
            request_bytes: 1,
            answer_bytes: 1,
        },
        sealed: vec![1],
    };
    store.keep_exchanges(&scope, &[kept]).await.unwrap();
    let checkpoint = StoredCheckpoint {
        size: 1,
        signed: UnixMillis(1),
        note: "note\n".into(),
    };
    for log in LogKind::ALL {
        store
            .put_log_checkpoint(&scope, log, &checkpoint, 0)
            .await
            .unwrap();
    }
    let kinds = [
        RecordKind::User,
        RecordKind::Login,
        RecordKind::Session,
        RecordKind::ServiceToken,
        RecordKind::Replay,
        RecordKind::TenantGuards,
        RecordKind::TenantGuardsVersion,
        RecordKind::Consents,
        RecordKind::ConsentsVersion,
        RecordKind::Sample,
        RecordKind::SampleVersion,
        RecordKind::Prompt,
        RecordKind::PromptVersion,
        RecordKind::PromptInUse,
    ];
    let records = kinds.map(|kind| Change::Create(record(kind, name)));
    store
        .commit(&scope, &records, Some(&audit(&scope)))
        .await
        .unwrap();
    let removed = [Change::RemoveAudits { from: 0, below: 1 }];
    store
        .commit(&scope, &removed, Some(&audit(&scope)))
        .await
        .unwrap();
    tenant.id
}

fn record(kind: RecordKind, of: &str) -> Record {
    Record {
        kind,
        id: "id_1".into(),
        parent: None,
        name: Some(format!("{of}'s {}", kind.as_str())),
        created: UnixMillis(1),
        document: "{}".into(),
    }
}

fn audit(scope: &TenantScope) -> AuditEntry {
    let actor = AuditActor::Gate("scene".into());
    let whose = (AuditId::generate(), scope.tenant());
    AuditEntry::from(AuditRecord::done(whose, UnixMillis(1), actor, "users.create"))
}

fn key(scope: &TenantScope, team: TeamId) -> KeyRecord {
    let id = KeyId::generate();
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(id.as_bytes());
    KeyRecord {
        id,
        tenant: scope.tenant(),
        team,
        project: None,
        owner: None,
        name: "key".into(),
        digest,
        hint: "btz_…".into(),
        predecessor: None,
        state: KeyState::Active,
        created: UnixMillis(1),
        expires: None,
        models: ModelAccess::All,
        operations: vec![Operation::Chat],
        networks: Vec::new(),
        limits: Limits::default(),
        signing_key: None,
        bindings: vec![Binding::jwt("corp", &id.to_string()).unwrap()],
        honey: false,
        receipts: false,
        suspended: None,
        marks: credential::Marks::default(),
    }
}

fn shipment(scope: &TenantScope, key: &KeyRecord, node: NodeId) -> Shipment {
    let entry = Entry {
        team: key.team,
        key: key.id,
        node,
        started: UnixMillis(1),
        finished: UnixMillis(2),
        model: None,
        target: None,
        usage_source: UsageSource::None,
        cost: Money::ZERO,
        price_version: "1".into(),
        ..Entry::sample(RequestId::generate(), scope.tenant())
    };
    Shipment::from(&entry)
}

/// How many rows a statement touched: none as well if the role may not run it at all.
pub(super) async fn touched(connection: &mut PgConnection, sql: String) -> u64 {
    match sqlx::query(AssertSqlSafe(sql.clone())).execute(connection).await {
        Ok(done) => done.rows_affected(),
        Err(error) => {
            let code = error
                .as_database_error()
                .and_then(|inner| inner.code())
                .map(|code| code.into_owned());
            assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error}");
            0
        }
    }
}

pub(super) async fn is_denied(connection: &mut PgConnection, sql: &str) -> bool {
    let result = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await;
    let error = result.err().and_then(|error| error.into_database_error());
    error.is_some_and(|error| error.code().as_deref() == Some("42501"))
}

impl Scene {
    pub(super) async fn raw_owner(&self) -> PgConnection {
        PgConnection::connect(&self.owner_url).await.unwrap()
    }
}
