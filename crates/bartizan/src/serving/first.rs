//! The first start: a tenant, a team and a virtual key, so that the first call needs no reading.

use credential::{KeyRecord, KeyState, Limits, ModelAccess, VirtualKey};
use domain::{BudgetId, KeyId, Money, Operation, Secret, TeamId, TenantId, TenantScope, UnixMillis};
use ledger::{Budget, BudgetScope, Terms, Window};
use store::{Store, StoreError, Team, Tenant};

use crate::failure::Failure;
use crate::home::Home;

/// What the first tenant may spend a month, until somebody decides otherwise.
const FIRST_BUDGET: Money = Money::from_dollars(10);

/// Names of the first tenant and team.
pub const FIRST: &str = "default";

/// Operations a new key may ask for, unless told otherwise.
pub const OPERATIONS: [Operation; 5] = [
    Operation::Chat,
    Operation::TextCompletion,
    Operation::Embeddings,
    Operation::CountTokens,
    Operation::ListModels,
];

/// Makes them if the store has no tenant at all; the key is returned once and stored only as a hash.
///
/// Of several replicas starting at once, one makes them and the others find them.
// threat: CTX-T3
pub async fn run(store: &dyn Store, home: &Home, limits: Limits) -> Result<Option<Secret>, Failure> {
    if !store.load().await?.tenants.is_empty() {
        return Ok(None);
    }
    let tenant = Tenant {
        id: TenantId::generate(),
        name: FIRST.to_owned(),
        limits: Limits::default(),
        state: store::TenantState::default(),
        history: ledger::Keeping::NONE,
    };
    match store.create_tenant(&tenant).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let scope = TenantScope::operator(tenant.id);
    let team = Team {
        id: TeamId::generate(),
        tenant: tenant.id,
        name: FIRST.to_owned(),
        limits: Limits::default(),
    };
    store.create_team(&scope, &team).await?;
    let budget = Budget {
        id: BudgetId::generate(),
        tenant: tenant.id,
        scope: BudgetScope::Tenant,
        name: "first month".to_owned(),
        limit: FIRST_BUDGET,
        window: Window::Month,
        terms: Terms::default(),
    };
    store.put_budget(&scope, &budget).await?;
    let key = VirtualKey::generate().map_err(|e| Failure::new(e.to_string()))?;
    let record = KeyRecord {
        id: KeyId::generate(),
        tenant: tenant.id,
        team: team.id,
        project: None,
        owner: None,
        name: "first key".to_owned(),
        digest: key.digest(&home.master.pepper()),
        hint: key.hint(),
        predecessor: None,
        state: KeyState::Active,
        created: UnixMillis::now(),
        expires: None,
        models: ModelAccess::All,
        operations: OPERATIONS.to_vec(),
        networks: Vec::new(),
        limits,
        signing_key: None,
        bindings: Vec::new(),
        honey: false,
        receipts: false,
        suspended: None,
        marks: credential::Marks::default(),
    };
    store.create_key(&scope, &record).await?;
    Ok(Some(key.to_secret()))
}
