//! Who calls in the made-up month: four teams, their keys and their budgets.

use credential::{KeyRecord, KeyState, Limits, ModelAccess, Pepper, VirtualKey};
use domain::{BudgetId, KeyId, Money, Operation, TeamId, TenantScope, UnixMillis};
use ledger::{Budget, BudgetScope, Terms, Window};
use store::{DirectoryDump, Registry, Team};

use crate::failure::Outcome;
use crate::parts::failed;

/// A team: its name, its monthly budget in dollars, its share of all calls, and what it asks.
struct Plan {
    name: &'static str,
    dollars: i64,
    share: u32,
    model: (&'static str, &'static str),
    keys: [&'static str; 3],
}

const PLANS: [Plan; 4] = [
    Plan {
        name: "support",
        dollars: 12,
        share: 45,
        model: ("openai", "gpt-4o-mini"),
        keys: ["desk", "mail", "phone"],
    },
    Plan {
        name: "search",
        dollars: 150,
        share: 30,
        model: ("openai", "gpt-4o"),
        keys: ["ranker", "rewriter", "answers"],
    },
    Plan {
        name: "coding",
        dollars: 80,
        share: 15,
        model: ("anthropic", "claude-sonnet-4-5"),
        keys: ["editor", "review", "agent"],
    },
    Plan {
        name: "research",
        dollars: 25,
        share: 10,
        model: ("anthropic", "claude-haiku-4-5"),
        keys: ["digest", "notes", "crawler"],
    },
];

/// One team as it stands in the store.
pub struct Desk {
    pub team: TeamId,
    pub budget: BudgetId,
    pub keys: Vec<KeyRecord>,
    pub share: u32,
    pub provider: &'static str,
    pub model: &'static str,
}

/// All of them.
pub struct Company {
    pub desks: Vec<Desk>,
    /// The budget over all of them that the gate began with.
    pub shared: Option<BudgetId>,
}

/// What the budget over all of them is raised to.
const SHARED_DOLLARS: i64 = 250;

impl Company {
    /// Makes what is not there yet.
    pub async fn found(store: &dyn Registry, scope: &TenantScope, dump: &DirectoryDump) -> Outcome<Self> {
        let mut desks = Vec::new();
        for plan in &PLANS {
            let known = dump
                .teams
                .iter()
                .find(|team| team.name == plan.name && team.tenant == scope.tenant());
            desks.push(match known {
                Some(team) => plan.read(team.id, dump)?,
                None => plan.make(store, scope).await?,
            });
        }
        let is_shared =
            |budget: &&Budget| budget.tenant == scope.tenant() && budget.scope == BudgetScope::Tenant;
        let shared = dump.budgets.iter().find(is_shared).cloned();
        if let Some(mut budget) = shared.clone() {
            budget.limit = Money::from_nanos(SHARED_DOLLARS * 1_000_000_000);
            store.put_budget(scope, &budget).await.map_err(failed)?;
        }
        Ok(Self {
            desks,
            shared: shared.map(|budget| budget.id),
        })
    }
}

impl Plan {
    fn desk(&self, team: TeamId, budget: BudgetId, keys: Vec<KeyRecord>) -> Desk {
        let (provider, model) = self.model;
        Desk {
            team,
            budget,
            keys,
            share: self.share,
            provider,
            model,
        }
    }

    fn read(&self, team: TeamId, dump: &DirectoryDump) -> Outcome<Desk> {
        let budget = dump
            .budgets
            .iter()
            .find(|budget| budget.scope == BudgetScope::Team(team));
        let budget = budget.ok_or_else(|| failed(format!("team `{}` has lost its budget", self.name)))?;
        let keys = dump.keys.iter().filter(|key| key.team == team).cloned().collect();
        Ok(self.desk(team, budget.id, keys))
    }

    async fn make(&self, store: &dyn Registry, scope: &TenantScope) -> Outcome<Desk> {
        let (id, tenant) = (TeamId::generate(), scope.tenant());
        let team = Team {
            id,
            tenant,
            name: self.name.to_owned(),
            limits: Limits::default(),
        };
        store.create_team(scope, &team).await.map_err(failed)?;
        let budget = Budget {
            id: BudgetId::generate(),
            tenant,
            scope: BudgetScope::Team(id),
            name: format!("{} monthly", self.name),
            limit: Money::from_nanos(self.dollars * 1_000_000_000),
            window: Window::Month,
            terms: Terms::default(),
        };
        store.put_budget(scope, &budget).await.map_err(failed)?;
        let mut keys = Vec::new();
        for name in self.keys {
            let key = self.key(scope, (id, name))?;
            store.create_key(scope, &key).await.map_err(failed)?;
            keys.push(key);
        }
        Ok(self.desk(id, budget.id, keys))
    }

    /// A key that nobody holds: its text is forgotten at once.
    fn key(&self, scope: &TenantScope, (team, name): (TeamId, &str)) -> Outcome<KeyRecord> {
        let key = VirtualKey::generate().map_err(failed)?;
        Ok(KeyRecord {
            id: KeyId::generate(),
            tenant: scope.tenant(),
            team,
            project: None,
            owner: None,
            name: format!("{} {name}", self.name),
            digest: key.digest(&Pepper::new(&[0; 32])),
            hint: key.hint(),
            predecessor: None,
            state: KeyState::Active,
            created: UnixMillis::now(),
            expires: None,
            models: ModelAccess::All,
            operations: vec![Operation::Chat],
            networks: Vec::new(),
            limits: Limits::default(),
            signing_key: None,
            bindings: Vec::new(),
            honey: false,
            receipts: false,
            suspended: None,
            marks: credential::Marks::default(),
        })
    }
}
