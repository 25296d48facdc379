//! Which budgets the calls of a key spend from: found when the directory is built, so that a call looks up and
//! searches nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::BudgetId;
use ledger::{Budget, Spender};

use crate::book::Cell;

type Cells = Vec<Arc<Cell>>;

/// The budgets of one key's calls.
#[derive(Debug, Default)]
pub struct Covering {
    /// Whoever serves the call.
    by_anyone: ByModel,
    /// For calls that a provider serves.
    by_provider: HashMap<String, ByModel>,
    /// For calls of a session.
    by_session: HashMap<String, Self>,
}

/// For calls for any model, and for calls for one.
#[derive(Debug, Default)]
struct ByModel {
    always: Cells,
    of_models: HashMap<String, Cells>,
}

impl ByModel {
    /// Those of the model. Where no budget is of a model, no name is hashed.
    fn of<'a>(&'a self, model: &str) -> impl Iterator<Item = &'a Arc<Cell>> + use<'a> {
        let cells = if self.of_models.is_empty() {
            None
        } else {
            self.of_models.get(model)
        };
        cells.into_iter().flatten()
    }
}

/// A target, by all the names that a budget may know it by.
#[derive(Debug, Clone, Copy)]
pub struct Serving<'a> {
    /// The provider's name in the configuration.
    pub provider: &'a str,
    /// The provider's own name of the model.
    pub model: &'a str,
    /// Both.
    pub label: &'a str,
}

impl Covering {
    /// Those of `budgets` that calls of `spender` may spend from.
    pub fn of<'a>(
        spender: &Spender<'_>,
        budgets: impl IntoIterator<Item = &'a Budget>,
        cells: &BTreeMap<BudgetId, Arc<Cell>>,
    ) -> Self {
        let mut all = Self::default();
        for budget in budgets.into_iter().filter(|budget| budget.covers(spender)) {
            if let Some(cell) = cells.get(&budget.id) {
                let only = &budget.terms.only;
                let place = match &only.session {
                    None => &mut all,
                    Some(session) => all.by_session.entry(session.clone()).or_default(),
                };
                place
                    .place(only.provider.as_ref(), only.model.as_ref())
                    .push(cell.clone());
            }
        }
        all
    }

    fn place(&mut self, provider: Option<&String>, model: Option<&String>) -> &mut Cells {
        let by_model = match provider {
            None => &mut self.by_anyone,
            Some(provider) => self.by_provider.entry(provider.clone()).or_default(),
        };
        match model {
            None => &mut by_model.always,
            Some(model) => by_model.of_models.entry(model.clone()).or_default(),
        }
    }

    /// Those of a session alone, and then those of every call.
    fn with<'a>(&'a self, session: Option<&str>) -> impl Iterator<Item = &'a Self> + use<'a> {
        let of_session = session.filter(|_| !self.by_session.is_empty());
        let of_session = of_session.and_then(|session| self.by_session.get(session));
        of_session.into_iter().chain(std::iter::once(self))
    }

    /// The budgets of a call that names `model` and is a part of this session, whoever serves it. Those of the session
    /// come first: where it is paused, nothing is held.
    pub fn of_call<'a, 'm>(
        &'a self,
        model: &'m str,
        session: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Cell>> + use<'a, 'm> {
        let parts = self.with(session).map(|part| &part.by_anyone);
        parts.flat_map(|part| part.always.iter().chain(part.of(model)))
    }

    /// Whether it may matter at all who serves a call.
    pub fn asks_targets(&self, session: Option<&str>) -> bool {
        let asks = |part: &Self| !(part.by_anyone.of_models.is_empty() && part.by_provider.is_empty());
        self.with(session).any(asks)
    }

    /// The budgets of a call that names `model` and that this target serves, beside [`Covering::of_call`]. A model is
    /// known by the name that the caller uses, by the provider's own, and by that with the provider's: whoever calls
    /// it by another name spends from the same budget.
    // threat: AGP-D1
    pub fn of_target<'a>(
        &'a self,
        (model, session): (&str, Option<&str>),
        target: &Serving<'_>,
    ) -> Vec<&'a Arc<Cell>> {
        let mut names = vec![model];
        for name in [target.model, target.label] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut cells = Vec::new();
        for part in self.with(session) {
            cells.extend(names.iter().skip(1).flat_map(|name| part.by_anyone.of(name)));
            if let Some(provided) = part.by_provider.get(target.provider) {
                cells.extend(&provided.always);
                cells.extend(names.iter().flat_map(|name| provided.of(name)));
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use domain::{ActorId, KeyId, Money, ProjectId, ServiceId, TeamId, TenantId, UnixMillis, UserId};
    use ledger::{BudgetScope, Only, Terms, Window};
    use proptest::prelude::*;

    use super::*;

    /// A key, as few kinds of it as meet each other.
    #[derive(Debug, Clone)]
    struct Who {
        ids: (u128, u128, Option<u128>),
        owner: Option<ActorId>,
        tags: Vec<String>,
    }

    impl Who {
        fn spender(&self) -> Spender<'_> {
            Spender {
                key: KeyId::from_u128(self.ids.0),
                team: TeamId::from_u128(self.ids.1),
                project: self.ids.2.map(ProjectId::from_u128),
                owner: self.owner,
                tags: &self.tags,
            }
        }
    }

    const WORDS: [&str; 3] = ["a", "b", "a/b"];

    fn word() -> impl Strategy<Value = String> {
        prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
    }

    fn owner() -> impl Strategy<Value = ActorId> {
        (0u128..2, any::<bool>()).prop_map(|(id, user)| match user {
            true => ActorId::User(UserId::from_u128(id)),
            false => ActorId::Service(ServiceId::from_u128(id)),
        })
    }

    prop_compose! {
        fn who()(
            ids in (0u128..2, 0u128..2, prop::option::of(0u128..2)),
            owner in prop::option::of(owner()),
            tags in prop::collection::vec(word(), 0..3),
        ) -> Who {
            Who { ids, owner, tags }
        }
    }

    fn scope() -> impl Strategy<Value = BudgetScope> {
        (0u8..6, 0u128..2).prop_map(|(kind, id)| match kind {
            0 => BudgetScope::Tenant,
            1 => BudgetScope::Team(TeamId::from_u128(id)),
            2 => BudgetScope::Project(ProjectId::from_u128(id)),
            3 => BudgetScope::Key(KeyId::from_u128(id)),
            4 => BudgetScope::User(UserId::from_u128(id)),
            _ => BudgetScope::Service(ServiceId::from_u128(id)),
        })
    }

    prop_compose! {
        fn budget()(
            id: u128, scope in scope(),
            (model, provider, tag) in (prop::option::of(word()), prop::option::of(word()), prop::option::of(word())),
            session in prop::option::of(word()),
        ) -> Budget {
            Budget {
                id: BudgetId::from_u128(id),
                tenant: TenantId::from_u128(1),
                scope,
                name: "b".to_owned(),
                limit: Money::from_dollars(1),
                window: Window::Total,
                terms: Terms { only: Only { model, provider, tag, session }, ..Terms::default() },
            }
        }
    }

    /// What a budget says, said again in one sentence.
    fn counts(budget: &Budget, who: &Who, (names, session): (&[&str], &str), provider: &str) -> bool {
        let (key, team, project) = who.ids;
        let in_scope = match budget.scope {
            BudgetScope::Tenant => true,
            BudgetScope::Team(id) => id.as_u128() == team,
            BudgetScope::Project(id) => project == Some(id.as_u128()),
            BudgetScope::Key(id) => id.as_u128() == key,
            BudgetScope::User(id) => matches!(who.owner, Some(ActorId::User(user)) if user == id),
            BudgetScope::Service(id) => matches!(who.owner, Some(ActorId::Service(own)) if own == id),
        };
        let Only {
            model,
            provider: by,
            tag,
            session: of,
        } = &budget.terms.only;
        in_scope
            && model.as_ref().is_none_or(|model| names.contains(&&**model))
            && by.as_ref().is_none_or(|by| by == provider)
            && tag.as_ref().is_none_or(|tag| who.tags.contains(tag))
            && of.as_ref().is_none_or(|of| of == session)
    }

    proptest! {
        /// Whoever calls whatever by whatever name: it spends from each budget all of whose conditions hold, once, and
        /// from no other.
        #[test]
        fn agp_d1_a_call_spends_from_exactly_the_budgets_that_count_it(
            who in who(), budgets in prop::collection::vec(budget(), 0..12),
        ) {
            let cell = |budget: &Budget| (budget.id, Arc::new(Cell::new(budget.clone(), UnixMillis(0))));
            let cells: BTreeMap<_, _> = budgets.iter().map(cell).collect();
            prop_assume!(cells.len() == budgets.len());
            let covering = Covering::of(&who.spender(), &budgets, &cells);
            for (named, model, provider, session) in [
                ("a", "a", "a", ""), ("a", "b", "b", "a"), ("a/b", "b", "a", "c"), ("b", "a", "b", "b"),
            ] {
                let of = Some(session).filter(|name| !name.is_empty());
                let label = format!("{provider}/{model}");
                let serving = Serving { provider, model, label: &label };
                let spent = covering.of_call(named, of).chain(covering.of_target((named, of), &serving));
                let mut spent: Vec<_> = spent.map(|cell| cell.id()).collect();
                let names = [named, model, &label];
                let counting = budgets.iter().filter(|budget| counts(budget, &who, (&names, session), provider));
                let mut counting: Vec<_> = counting.map(|budget| budget.id).collect();
                spent.sort();
                counting.sort();
                prop_assert_eq!(spent, counting);
            }
            let asks = |b: &Budget| {
                let Only { provider, model, session, .. } = &b.terms.only;
                session.as_ref().is_none_or(|of| of == "a") && (provider.is_some() || model.is_some())
            };
            let asks = budgets.iter().any(|b| asks(b) && b.covers(&who.spender()));
            prop_assert_eq!(covering.asks_targets(Some("a")), asks);
        }
    }
}
