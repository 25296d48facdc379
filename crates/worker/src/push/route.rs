//! Which records a sink is told of: by act, tenant, team, budget and how bad they are. A list that is empty means all.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Money, TeamId, TenantId};
use ledger::{AuditRecord, BudgetScope};
use store::{DirectoryDump, Store, StoreError};
use tokio::sync::Mutex;

use super::alert::Severity;

/// What one sink is told of.
#[derive(Debug, Clone)]
pub struct Route {
    /// Names of acts, or their beginnings with `*`.
    pub acts: Vec<String>,
    /// Names or ids of tenants; `platform` is the instance's own log.
    pub tenants: Vec<String>,
    /// Names or ids of teams. Records that are about no team are left out then.
    pub teams: Vec<String>,
    /// Names or ids of budgets. Records that are about no budget are left out then.
    pub budgets: Vec<String>,
    /// Nothing that is less bad.
    pub severity_min: Severity,
}

/// Whom records are about, as of the last look at the directory.
#[derive(Debug, Default)]
pub(super) struct Directory {
    tenants: HashMap<TenantId, String>,
    /// By the id of a key or budget, as text.
    teams: HashMap<String, TeamId>,
    team_names: HashMap<TeamId, String>,
    limits: HashMap<String, Money>,
    budget_names: HashMap<String, String>,
}

/// Has the newest directory, read again when it has changed and not for each who asks. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Guide {
    store: Arc<dyn Store>,
    newest: Arc<Mutex<Option<Newest>>>,
}

/// At which revision of the store, and what it was.
type Newest = (u64, Arc<Directory>);

impl Guide {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            newest: Arc::default(),
        }
    }

    pub(super) async fn newest(&self) -> Result<Arc<Directory>, StoreError> {
        let revision = self.store.revision().await?;
        let mut newest = self.newest.lock().await;
        if let Some((known, directory)) = newest.as_ref()
            && *known == revision
        {
            return Ok(directory.clone());
        }
        let dump = self.store.load().await?;
        let directory = Arc::new(Directory::of(&dump));
        *newest = Some((dump.revision, directory.clone()));
        Ok(directory)
    }
}

impl Directory {
    pub(super) fn of(dump: &DirectoryDump) -> Self {
        let of_keys = dump.keys.iter().map(|key| (key.id.to_string(), key.team));
        let of_budgets = dump.budgets.iter().filter_map(|budget| match budget.scope {
            BudgetScope::Team(team) => Some((budget.id.to_string(), team)),
            _ => None,
        });
        let tenants = dump.tenants.iter().map(|tenant| (tenant.id, tenant.name.clone()));
        let budgets = || dump.budgets.iter().map(|budget| (budget.id.to_string(), budget));
        Self {
            tenants: tenants
                .chain([(TenantId::PLATFORM, "platform".to_owned())])
                .collect(),
            teams: of_keys.chain(of_budgets).collect(),
            team_names: dump
                .teams
                .iter()
                .map(|team| (team.id, team.name.clone()))
                .collect(),
            limits: budgets().map(|(id, budget)| (id, budget.limit)).collect(),
            budget_names: budgets().map(|(id, budget)| (id, budget.name.clone())).collect(),
        }
    }

    #[cfg(test)]
    pub(super) fn of_limits(limits: impl IntoIterator<Item = (String, Money)>) -> Self {
        Self {
            limits: limits.into_iter().collect(),
            ..Self::default()
        }
    }

    /// All logs.
    pub(super) fn logs(&self) -> Vec<TenantId> {
        let mut all: Vec<_> = self.tenants.keys().copied().collect();
        all.sort_unstable();
        all
    }

    /// What people call a tenant.
    pub(super) fn tenant(&self, id: TenantId) -> &str {
        self.tenants.get(&id).map_or("", String::as_str)
    }

    /// A budget's limit, if it is there.
    pub(super) fn limit(&self, budget: &str) -> Option<Money> {
        self.limits.get(budget).copied()
    }

    /// The team that a record is about: of what was acted on, or of the key that it names.
    fn team(&self, record: &AuditRecord) -> Option<TeamId> {
        let after = |name| record.after.as_ref()?.get(name)?.as_str().map(ToOwned::to_owned);
        if let Some(team) = [record.target.clone(), after("team")]
            .into_iter()
            .flatten()
            .find_map(|id| id.parse().ok())
        {
            return Some(team);
        }
        let about = [record.target.clone(), after("key")];
        about
            .into_iter()
            .flatten()
            .find_map(|id| self.teams.get(&id).copied())
    }
}

impl Route {
    /// Whether no record of this log is asked for.
    pub(super) fn leaves_out(&self, tenant: TenantId, directory: &Directory) -> bool {
        let name = directory.tenant(tenant);
        !any(&self.tenants, &[name, &tenant.to_string()])
    }

    /// Whether a record is asked for.
    // threat: AGP-I1
    pub(super) fn asks_for(&self, record: &AuditRecord, severity: Severity, directory: &Directory) -> bool {
        severity >= self.severity_min && is_meant(&record.act, &self.acts) && self.is_about(record, directory)
    }

    /// Whether a record is about what is asked for, whatever it says of it.
    pub(super) fn is_about(&self, record: &AuditRecord, directory: &Directory) -> bool {
        !self.leaves_out(record.tenant, directory)
            && self.team_fits(record, directory)
            && self.budget_fits(record, directory)
    }

    fn team_fits(&self, record: &AuditRecord, directory: &Directory) -> bool {
        if self.teams.is_empty() {
            return true;
        }
        directory.team(record).is_some_and(|team| {
            let name = directory.team_names.get(&team).map_or("", String::as_str);
            any(&self.teams, &[name, &team.to_string()])
        })
    }

    fn budget_fits(&self, record: &AuditRecord, directory: &Directory) -> bool {
        if self.budgets.is_empty() {
            return true;
        }
        let target = record.target.as_deref().unwrap_or_default();
        let name = directory.budget_names.get(target).map_or("", String::as_str);
        target.starts_with("bgt_") && any(&self.budgets, &[name, target])
    }
}

/// Whether a list is empty, or holds one of these names.
fn any(list: &[String], names: &[&str]) -> bool {
    list.is_empty()
        || list
            .iter()
            .any(|one| !one.is_empty() && names.contains(&one.as_str()))
}

/// Whether one of the patterns means the act.
pub(super) fn is_meant(act: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => act.starts_with(beginning),
        None => act == pattern,
    })
}

#[cfg(test)]
mod tests {
    use super::super::alert::tests::mark;
    use super::*;
    use domain::BudgetId;

    fn route() -> Route {
        Route {
            acts: vec!["budgets.*".to_owned()],
            tenants: Vec::new(),
            teams: Vec::new(),
            budgets: Vec::new(),
            severity_min: Severity::Info,
        }
    }

    fn directory() -> Directory {
        let (team, budget) = (TeamId::from_u128(4), BudgetId::from_u128(9).to_string());
        Directory {
            tenants: [(TenantId::from_u128(2), "acme".to_owned())].into(),
            teams: [(budget.clone(), team), ("key_1".to_owned(), team)].into(),
            team_names: [(team, "search".to_owned())].into(),
            budget_names: [(budget, "month".to_owned())].into(),
            ..Directory::default()
        }
    }

    fn asks(route: &Route) -> bool {
        route.asks_for(&mark(), Severity::Warning, &directory())
    }

    #[test]
    fn what_is_empty_means_all_and_what_is_not_means_what_it_names() {
        assert!(asks(&route()));
        let list = |text: &str| vec![text.to_owned()];
        for (name, other) in [("acme", "globex"), ("tnt_00000000000000000000000000000002", "")] {
            assert!(asks(&Route {
                tenants: list(name),
                ..route()
            }));
            assert!(!asks(&Route {
                tenants: list(other),
                ..route()
            }));
        }
        assert!(asks(&Route {
            teams: list("search"),
            ..route()
        }));
        assert!(!asks(&Route {
            teams: list("ads"),
            ..route()
        }));
        assert!(asks(&Route {
            budgets: list("month"),
            ..route()
        }));
        assert!(!asks(&Route {
            budgets: list("year"),
            ..route()
        }));
        assert!(!asks(&Route {
            severity_min: Severity::Error,
            ..route()
        }));
        assert!(!asks(&Route {
            acts: list("keys.*"),
            ..route()
        }));
    }

    #[test]
    fn agp_i1_a_record_about_nobody_does_not_pass_for_a_team() {
        let nobody = AuditRecord {
            target: None,
            after: None,
            act: "budgets.x".to_owned(),
            ..mark()
        };
        let search = Route {
            teams: vec!["search".to_owned()],
            ..route()
        };
        assert!(!search.asks_for(&nobody, Severity::Warning, &directory()));
        let by_key = AuditRecord {
            after: Some(serde_json::json!({"key": "key_1"})),
            ..nobody
        };
        assert!(search.asks_for(&by_key, Severity::Warning, &directory()));
    }
}
