//! From what people write, an id or a name, to the one thing that is meant.

use credential::KeyRecord;
use domain::{BudgetId, KeyId, TeamId, TenantId};
use ledger::{Budget, BudgetScope};
use store::{DirectoryDump, Store, Team, Tenant};

use crate::failure::{Failure, Hint};

use super::arguments::quoted;

/// The tenant and team that are meant when nobody says.
pub const DEFAULT: &str = "default";
/// How many candidates an error lists.
const CANDIDATES_MAX: usize = 8;

/// Everything with a name, at one moment.
#[derive(Debug)]
pub struct Names(DirectoryDump);

/// What kind of thing is sought, and which command lists them.
struct Kind {
    name: &'static str,
    list: &'static str,
}

impl Names {
    /// Reads them.
    pub async fn read(store: &dyn Store) -> Result<Self, Failure> {
        Ok(Self(store.load().await?))
    }

    /// All of it.
    pub const fn all(&self) -> &DirectoryDump {
        &self.0
    }

    /// The tenant of that id or name; without either the only one, or the one called `default`.
    pub fn tenant(&self, wanted: Option<&str>) -> Result<&Tenant, Failure> {
        let tenants = &self.0.tenants;
        if let ([only], None) = (tenants.as_slice(), wanted) {
            return Ok(only);
        }
        let kind = Kind {
            name: "tenant",
            list: "bartizan tenants list",
        };
        one(tenants, wanted.unwrap_or(DEFAULT), &kind, |tenant| {
            (tenant.id.to_string(), tenant.name.clone(), None)
        })
    }

    /// The same where every tenant is meant when none is named.
    pub fn tenant_if_named(&self, wanted: Option<&str>) -> Result<Option<TenantId>, Failure> {
        wanted
            .map(|wanted| self.tenant(Some(wanted)).map(|tenant| tenant.id))
            .transpose()
    }

    /// The tenant's team of that id or name.
    pub fn team(&self, tenant: TenantId, wanted: &str) -> Result<&Team, Failure> {
        let kind = Kind {
            name: "team",
            list: "bartizan teams list",
        };
        let teams = self.0.teams.iter().filter(|team| team.tenant == tenant);
        one(teams, wanted, &kind, |team| {
            (team.id.to_string(), team.name.clone(), None)
        })
    }

    /// The key of that id, name or hint.
    pub fn key(&self, tenant: Option<TenantId>, wanted: &str) -> Result<&KeyRecord, Failure> {
        let kind = Kind {
            name: "key",
            list: "bartizan keys list",
        };
        let keys = self
            .0
            .keys
            .iter()
            .filter(|key| tenant.is_none_or(|tenant| key.tenant == tenant));
        one(keys, wanted, &kind, |key| {
            (key.id.to_string(), key.name.clone(), Some(key.hint.clone()))
        })
    }

    /// The budget of that id or name.
    pub fn budget(&self, tenant: Option<TenantId>, wanted: &str) -> Result<&Budget, Failure> {
        let kind = Kind {
            name: "budget",
            list: "bartizan budgets list",
        };
        let budgets = self
            .0
            .budgets
            .iter()
            .filter(|budget| tenant.is_none_or(|tenant| budget.tenant == tenant));
        one(budgets, wanted, &kind, |budget| {
            (budget.id.to_string(), budget.name.clone(), None)
        })
    }

    /// What a tenant is called.
    pub fn tenant_name(&self, id: TenantId) -> String {
        let found = self.0.tenants.iter().find(|tenant| tenant.id == id);
        found.map_or_else(|| id.to_string(), |tenant| tenant.name.clone())
    }

    /// What a team is called.
    pub fn team_name(&self, id: TeamId) -> String {
        let found = self.0.teams.iter().find(|team| team.id == id);
        found.map_or_else(|| id.to_string(), |team| team.name.clone())
    }

    /// What a key is called.
    pub fn key_name(&self, id: KeyId) -> String {
        let found = self.0.keys.iter().find(|key| key.id == id);
        found.map_or_else(|| id.to_string(), |key| key.name.clone())
    }

    /// What a budget limits: `tenant acme`, `team research`.
    pub fn scope_name(&self, budget: &Budget) -> String {
        let whose = match budget.scope {
            BudgetScope::Tenant => format!("tenant {}", self.tenant_name(budget.tenant)),
            BudgetScope::Team(team) => format!("team {}", self.team_name(team)),
            BudgetScope::Project(project) => format!("project {project}"),
            BudgetScope::Key(key) => format!("key {}", self.key_name(key)),
            BudgetScope::User(user) => format!("user {user}"),
            BudgetScope::Service(service) => format!("service {service}"),
        };
        let only = budget.terms.only.conditions();
        only.fold(whose, |said, (what, name)| format!("{said}, {what} {name}"))
    }

    /// Whether the tenant has a budget of that name.
    pub fn has_budget(&self, tenant: TenantId, name: &str) -> Option<BudgetId> {
        let found = self
            .0
            .budgets
            .iter()
            .find(|budget| budget.tenant == tenant && budget.name == name);
        found.map(|budget| budget.id)
    }
}

/// The one that `wanted` names: by id, else by name or hint.
fn one<'a, T>(
    all: impl IntoIterator<Item = &'a T>,
    wanted: &str,
    kind: &Kind,
    called: impl Fn(&T) -> (String, String, Option<String>),
) -> Result<&'a T, Failure> {
    let mut found = Vec::new();
    for thing in all {
        let (id, name, hint) = called(thing);
        if id == wanted {
            return Ok(thing);
        }
        if name == wanted || hint.is_some_and(|hint| begins_with_hint(wanted, &hint)) {
            found.push((thing, id, name));
        }
    }
    let Kind { name: kind, list } = kind;
    match found.as_slice() {
        [(thing, _, _)] => Ok(thing),
        [] => Err(
            Failure::not_found(format!("there is no {kind} {}", quoted(wanted)))
                .hint(format!("`{list}` shows all")),
        ),
        several => {
            let shown = several
                .iter()
                .take(CANDIDATES_MAX)
                .map(|(_, id, name)| format!("{id} ({name})"));
            let more = if several.len() > CANDIDATES_MAX {
                ", …"
            } else {
                ""
            };
            let candidates = shown.collect::<Vec<_>>().join(", ");
            Err(Failure::usage(format!(
                "{} {kind}s answer to {}: {candidates}{more}",
                several.len(),
                quoted(wanted)
            ))
            .hint("say which by its id"))
        }
    }
}

/// Whether a text is a key's hint, with or without its ellipsis, or the key itself.
fn begins_with_hint(wanted: &str, hint: &str) -> bool {
    let bare = hint.trim_end_matches('…');
    !bare.is_empty() && wanted.starts_with(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use credential::Limits;

    fn tenant(number: u128, name: &str) -> Tenant {
        Tenant {
            id: TenantId::from_u128(number),
            name: name.to_owned(),
            limits: Limits::default(),
            state: store::TenantState::default(),
            history: ledger::Keeping::NONE,
        }
    }

    fn team(number: u128, tenant: u128, name: &str) -> Team {
        Team {
            id: TeamId::from_u128(number),
            tenant: TenantId::from_u128(tenant),
            name: name.to_owned(),
            limits: Limits::default(),
        }
    }

    fn names() -> Names {
        Names(DirectoryDump {
            tenants: vec![tenant(1, "default"), tenant(2, "acme")],
            teams: vec![team(1, 1, "ops"), team(2, 1, "ops"), team(3, 2, "ops")],
            ..DirectoryDump::default()
        })
    }

    #[test]
    fn things_are_found_by_id_and_by_name() {
        let names = names();
        assert_eq!(names.tenant(Some("acme")).unwrap().id, TenantId::from_u128(2));
        assert_eq!(
            names
                .tenant(Some(&TenantId::from_u128(2).to_string()))
                .unwrap()
                .name,
            "acme"
        );
        assert_eq!(names.tenant(None).unwrap().name, "default");
        assert_eq!(
            names.team(TenantId::from_u128(2), "ops").unwrap().id,
            TeamId::from_u128(3)
        );
    }

    #[test]
    fn the_only_tenant_needs_no_name() {
        let names = Names(DirectoryDump {
            tenants: vec![tenant(2, "acme")],
            ..DirectoryDump::default()
        });
        assert_eq!(names.tenant(None).unwrap().name, "acme");
    }

    #[test]
    fn an_ambiguous_name_lists_the_candidates() {
        let failure = names().team(TenantId::from_u128(1), "ops").unwrap_err();
        let text = failure.to_string();
        assert!(
            text.contains(&TeamId::from_u128(1).to_string())
                && text.contains(&TeamId::from_u128(2).to_string())
        );
        assert_eq!(failure.exit(), 2);
    }

    #[test]
    fn what_is_not_there_is_said_with_the_command_that_lists() {
        let failure = names().tenant(Some("nobody")).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "error: there is no tenant `nobody`\nhint: `bartizan tenants list` shows all"
        );
        assert_eq!(failure.exit(), 3);
    }

    #[test]
    fn ids_of_one_kind_or_tenant_do_not_name_another() {
        assert!(
            names()
                .team(TenantId::from_u128(2), &TeamId::from_u128(1).to_string())
                .is_err()
        );
        assert!(names().tenant(Some(&TeamId::from_u128(1).to_string())).is_err());
    }

    #[test]
    fn a_hint_names_its_key() {
        assert!(begins_with_hint("btz_3fQ9", "btz_3fQ9…"));
        assert!(begins_with_hint("btz_3fQ9…", "btz_3fQ9…"));
        assert!(begins_with_hint("btz_3fQ9andtherest", "btz_3fQ9…"));
        assert!(!begins_with_hint("btz_", "btz_3fQ9…"));
        assert!(!begins_with_hint("anything", ""));
    }
}
