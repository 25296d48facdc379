//! What the cases start from: tenants with a team and a key, budgets, entries.

use std::sync::Arc;

use credential::{KeyRecord, KeyState, Limits, ModelAccess, Predecessor};
use domain::{
    BudgetId, KeyId, Money, NodeId, Operation, RequestId, TeamId, TenantId, TenantScope, UnixMillis, Usage,
};
use ledger::{Budget, BudgetScope, Charge, Entry, Lease, Standing, Terms, Window};

use crate::{LeaseAnswer, LeaseWish, Shipment, Store, Team, Tenant, TenantState};

/// The engine under test.
pub(super) type Engine = Arc<dyn Store>;

/// 2026-11-22T00:00:00Z.
pub(super) const MIDNIGHT: UnixMillis = UnixMillis(1_795_305_600_000);
/// The window most cases count in.
pub(super) const WINDOW: UnixMillis = MIDNIGHT;
/// When leases expire unless a case says otherwise.
pub(super) const EXPIRES: UnixMillis = UnixMillis(MIDNIGHT.0 + 30_000);

pub(super) const fn nanos(amount: i64) -> Money {
    Money::from_nanos(amount)
}

/// A tenant with one team and one key.
#[derive(Debug, Clone)]
pub(super) struct House {
    pub(super) tenant: Tenant,
    pub(super) scope: TenantScope,
    pub(super) team: Team,
    pub(super) key: KeyRecord,
}

impl House {
    /// Writes a new one to the store.
    pub(super) async fn build(store: &Engine) -> Self {
        let house = Self::plan();
        store.create_tenant(&house.tenant).await.unwrap();
        store.create_team(&house.scope, &house.team).await.unwrap();
        store.create_key(&house.scope, &house.key).await.unwrap();
        house
    }

    /// One that is stored nowhere yet.
    pub(super) fn plan() -> Self {
        let id = TenantId::generate();
        let limits = Limits {
            requests_per_minute: Some(60),
            ..Limits::default()
        };
        let team = Team {
            id: TeamId::generate(),
            tenant: id,
            name: "research".to_owned(),
            limits,
        };
        let key = new_key(id, team.id);
        let tenant = Tenant {
            id,
            name: format!("house {id}"),
            limits: Limits::default(),
            state: TenantState::default(),
            history: ledger::Keeping::NONE,
        };
        Self {
            tenant,
            scope: TenantScope::operator(id),
            team,
            key,
        }
    }

    /// A key that is stored nowhere yet.
    pub(super) fn new_key(&self) -> KeyRecord {
        new_key(self.tenant.id, self.team.id)
    }

    /// A budget that is stored nowhere yet.
    pub(super) fn new_budget(&self, limit: i64) -> Budget {
        Budget {
            id: BudgetId::generate(),
            tenant: self.tenant.id,
            scope: BudgetScope::Team(self.team.id),
            name: "monthly".to_owned(),
            limit: nanos(limit),
            window: Window::Month,
            terms: Terms::default(),
        }
    }

    /// A stored budget of `limit` nano-dollars.
    pub(super) async fn budget(&self, store: &Engine, limit: i64) -> BudgetId {
        let budget = self.new_budget(limit);
        store.put_budget(&self.scope, &budget).await.unwrap();
        budget.id
    }

    /// An entry that charges `amount` on each of `budgets`.
    pub(super) fn shipment(&self, node: NodeId, budgets: &[BudgetId], amount: i64) -> Shipment {
        let charge = |&budget| Charge {
            budget,
            window_start: WINDOW,
            amount: nanos(amount),
        };
        self.shipment_of(node, |entry| {
            entry.cost = nanos(amount);
            entry.charges = budgets.iter().map(charge).collect();
        })
    }

    /// An entry that `change` has made what the case needs.
    pub(super) fn shipment_of(&self, node: NodeId, change: impl FnOnce(&mut Entry)) -> Shipment {
        let mut entry = self.plain_entry(node);
        change(&mut entry);
        Shipment::from(&entry)
    }

    fn plain_entry(&self, node: NodeId) -> Entry {
        Entry {
            team: self.team.id,
            key: self.key.id,
            node,
            started: MIDNIGHT,
            finished: MIDNIGHT,
            model: Some("small".into()),
            target: Some("local/small".into()),
            usage: Usage {
                input: 10,
                output: 5,
                ..Usage::default()
            },
            cost: Money::ZERO,
            price_version: "1".into(),
            ..Entry::sample(RequestId::generate(), self.tenant.id)
        }
    }

    /// Grows the node's lease by exactly `amount`, which must be there.
    pub(super) async fn lease(&self, store: &Engine, budget: BudgetId, node: NodeId, amount: i64) -> Lease {
        match store
            .grow_lease(&self.scope, &wish(budget, node, amount, amount))
            .await
            .unwrap()
        {
            LeaseAnswer::Granted { lease, .. } => lease,
            LeaseAnswer::Exhausted { remaining, .. } => panic!("only {remaining:?} left"),
        }
    }

    /// The budget's standing as `(spent, leased, unexplained)` in nano-dollars.
    pub(super) async fn standing(&self, store: &Engine, budget: BudgetId) -> (i64, i64, i64) {
        let Standing {
            spent,
            leased,
            unexplained,
            ..
        } = store.standing(&self.scope, budget, WINDOW).await.unwrap();
        (spent.nanos(), leased.nanos(), unexplained.nanos())
    }

    /// Ships one entry that charges `amount` on `budget`.
    pub(super) async fn spend(&self, store: &Engine, node: NodeId, budget: BudgetId, amount: i64) -> u64 {
        store
            .append(&self.scope, node, &[self.shipment(node, &[budget], amount)])
            .await
            .unwrap()
    }
}

/// A wish in [`WINDOW`].
pub(super) fn wish(budget: BudgetId, node: NodeId, at_least: i64, wanted: i64) -> LeaseWish {
    let (at_least, wanted) = (nanos(at_least), nanos(wanted));
    LeaseWish {
        budget,
        window_start: WINDOW,
        node,
        at_least,
        wanted,
        at: WINDOW,
        expires: EXPIRES,
    }
}

fn new_key(tenant: TenantId, team: TeamId) -> KeyRecord {
    let id = KeyId::generate();
    let mut digest = [7; 32];
    digest[..16].copy_from_slice(id.as_bytes());
    KeyRecord {
        signing_key: None,
        bindings: Vec::new(),
        honey: false,
        receipts: false,
        suspended: None,
        marks: credential::Marks::default(),
        id,
        tenant,
        team,
        project: None,
        owner: None,
        name: "ci `quoted` \u{2713}".to_owned(),
        digest,
        hint: "btz_3fQ9…".to_owned(),
        predecessor: Some(Predecessor {
            digest: [9; 32],
            valid_until: MIDNIGHT,
        }),
        state: KeyState::Active,
        created: MIDNIGHT,
        expires: Some(EXPIRES),
        models: ModelAccess::Some(vec!["small".to_owned()]),
        operations: vec![Operation::Chat, Operation::Embeddings],
        networks: vec!["10.0.0.0/8".parse().unwrap()],
        limits: Limits {
            tokens_per_minute: Some(1000),
            ..Limits::default()
        },
    }
}
