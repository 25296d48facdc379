//! Acts on what a tenant says of the content of its calls: how it is guarded, and where it may go. Each is asked for as it is
//! singly, and checked by the same rules.

use domain::Permission;
use guard::Profiles;
use policy::{Consents, Resource};

use super::super::Part;
use super::super::plan::Step;
use super::{Act, Maker};
use crate::call::Weight;
use crate::documents::{self, Newest, Versioned};
use crate::problem::Problem;
use crate::resource::{consents, guards};

/// What is wrong with a document, by its place in the whole.
fn placed(problem: Problem, step: &Step) -> Problem {
    let within = problem.pointer.clone().unwrap_or_default();
    problem.at(format!("{}{within}", step.pointer))
}

impl Maker<'_> {
    /// The next version; of what is removed one that says nothing.
    pub(super) fn guards(&mut self, step: &Step) -> Result<Act, Problem> {
        let document = match &step.after {
            Some(Part::Guards(document)) => Profiles::clone(document),
            _ => Profiles::default(),
        };
        let known = guards::Known::of_world(&self.world);
        guards::checked(&known, &document, guards::problems(&document))
            .map_err(|problem| placed(problem, step))?;
        let before = self.world.guards.take();
        self.versioned(Permission::GuardsUpdate, before, document)
    }

    /// The next version; of what is removed one that says nothing. Whoever runs the instance consents for nobody: policies are
    /// asked as if it stood alone.
    // threat: ANP-0017
    pub(super) fn consents(&mut self, step: &Step) -> Result<Act, Problem> {
        let before = self.world.consents.take();
        let document = match &step.after {
            Some(Part::Consents(document)) => {
                let was = before.as_ref().map(|(_, kept)| kept.document.clone());
                consents::checked(document, &was.unwrap_or_default())
                    .map_err(|problem| placed(problem, step))?;
                Consents::clone(document)
            }
            _ => Consents::default(),
        };
        self.versioned(Permission::ConsentsUpdate, before, document)
    }

    fn versioned<T: Versioned>(
        &self,
        permission: Permission,
        before: Newest<T>,
        document: T,
    ) -> Result<Act, Problem> {
        let tenant = self.entered.tenant();
        let by = (self.call.caller()?.audited(), self.call.now);
        let (_, changes) = documents::next(before, document, by)?;
        Ok(Act {
            asked: vec![(permission, Resource::Tenant(tenant), Weight::Configured)],
            target: tenant.to_string(),
            changes,
            secret: None,
        })
    }
}
