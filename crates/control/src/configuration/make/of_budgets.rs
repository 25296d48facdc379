//! Steps about budgets.

use credential::KeyRecord;
use domain::{ActorId, BudgetId, Permission};
use ledger::{Budget, BudgetScope, Terms};
use policy::{BudgetLevel, Resource};
use store::Change;

use super::{Act, Maker, gone};
use crate::call::Weight;
use crate::configuration::Part;
use crate::configuration::document::BudgetPart;
use crate::configuration::things::Name;
use crate::problem::Problem;
use crate::resource::budgets::{self, amounts};

impl Maker<'_> {
    fn limited(&self, part: &BudgetPart) -> Result<BudgetScope, Problem> {
        let Some(of) = &part.of else {
            return Ok(BudgetScope::Tenant);
        };
        if let Some(user) = &of.user {
            let user = self.world.users.get(user);
            return Ok(BudgetScope::User(user.ok_or_else(|| gone("user"))?.1.id));
        }
        if let Some(service) = &of.service {
            let service = self.world.services.get(service);
            return Ok(BudgetScope::Service(service.ok_or_else(|| gone("service"))?.1.id));
        }
        match (&of.team, &of.project, &of.key) {
            (Some(team), _, Some(key)) => {
                let key = self.world.keys.get(&vec![team.clone(), key.clone()]);
                Ok(BudgetScope::Key(key.ok_or_else(|| gone("key"))?.id))
            }
            (Some(team), ..) => Ok(BudgetScope::Team(self.team_named(team)?.id)),
            (_, Some(project), _) => {
                let project = self.world.projects.get(project);
                Ok(BudgetScope::Project(project.ok_or_else(|| gone("project"))?.1.id))
            }
            _ => Ok(BudgetScope::Tenant),
        }
    }

    fn of_budget(&self, budget: &Budget) -> Resource {
        let key = |id| {
            self.world
                .keys
                .values()
                .find(move |key: &&KeyRecord| key.id == id)
        };
        let (level, team, owner) = match budget.scope {
            BudgetScope::Tenant => (BudgetLevel::Tenant, None, None),
            BudgetScope::Team(team) => (BudgetLevel::Team, Some(team), None),
            BudgetScope::Project(id) => {
                let mut all = self.world.projects.values();
                let found = all.find(|(_, project)| project.id == id);
                (BudgetLevel::Project, found.map(|(_, project)| project.team), None)
            }
            BudgetScope::Key(id) => {
                let found = key(id);
                (
                    BudgetLevel::Key,
                    found.map(|key| key.team),
                    found.and_then(|key| key.owner),
                )
            }
            BudgetScope::User(id) => (BudgetLevel::User, None, Some(ActorId::User(id))),
            BudgetScope::Service(id) => {
                let mut all = self.world.services.values();
                let found = all.find(|(_, service)| service.id == id);
                let team = found.map(|(_, service)| service.team);
                (BudgetLevel::Service, team, Some(ActorId::Service(id)))
            }
        };
        Resource::Budget {
            tenant: self.entered.tenant(),
            budget: budget.id,
            level,
            team,
            owner,
        }
    }

    // threat: AGP-D1
    pub(super) fn budget(&mut self, part: &BudgetPart) -> Result<Act, Problem> {
        let name = Part::Budget(part.clone()).place().1;
        let before = self.world.budgets.get(&name).cloned();
        let (limit, unit) = amounts::limit(part.limit_nanos, part.limit_tokens, "")?;
        let mut terms = Terms {
            only: part.only.clone().into(),
            unit,
            marks: part.marks.clone(),
            // No document says that a budget is paused: it stays as it is.
            paused: before.as_ref().and_then(|budget| budget.terms.paused.clone()),
            // Nor that it holds more for a time.
            increases: before
                .as_ref()
                .map_or_else(Vec::new, |budget| budget.terms.increases.clone()),
            ..Terms::default()
        };
        let had = before.as_ref().and_then(|budget| budget.terms.rollover);
        let since = had.map_or(self.call.now, |rollover| rollover.since);
        part.during.put(&mut terms, since)?;
        let after = Budget {
            id: before
                .as_ref()
                .map_or_else(BudgetId::generate, |budget| budget.id),
            tenant: self.entered.tenant(),
            scope: self.limited(part)?,
            name: part.name.clone(),
            limit,
            window: part.window,
            terms: budgets::tidied(terms, part.window, "")?,
        };
        let (resource, id) = (self.of_budget(&after), after.id);
        self.world.budgets.insert(name, after.clone());
        let is_weighty = budgets::is_weighty(self.call, before.as_ref(), &after);
        let mut act = match before {
            None => Act::new(Permission::BudgetsCreate, resource, id, Change::PutBudget(after)),
            Some(before) => {
                let change = Change::ReplaceBudget {
                    before: Box::new(before),
                    after: Box::new(after),
                };
                Act::new(Permission::BudgetsUpdate, resource, id, change)
            }
        };
        for (_, _, weight) in &mut act.asked {
            *weight = Weight::of(is_weighty);
        }
        Ok(act)
    }

    pub(super) fn remove_budget(&mut self, name: &Name) -> Result<Act, Problem> {
        let budget = self.world.budgets.remove(name).ok_or_else(|| gone("budget"))?;
        let resource = self.of_budget(&budget);
        let change = Change::DeleteBudget(budget.id);
        Ok(Act::new(Permission::BudgetsDelete, resource, budget.id, change))
    }
}
