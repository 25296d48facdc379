//! From what there is and what shall be to the steps between. Pure: it asks nobody and changes nothing.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::document::{Configuration, KeyPart};
use super::things::{self, Name, Placed, somebody};
use super::{Fault, Kind, Part, Things};

/// What is done to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// Somebody may no longer act; sessions and keys end with it.
    Disable,
    /// It is removed; a key is revoked.
    Remove,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub verb: Verb,
    /// As it is.
    pub before: Option<Part>,
    /// As it shall be.
    pub after: Option<Part>,
    /// Where the document says so; empty for what it does not name.
    pub pointer: String,
}

impl Step {
    /// The thing, as it shall be or as it was.
    pub fn part(&self) -> Option<&Part> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// All steps, in the order in which they can be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// What whoever applies it should know.
    pub remarks: Vec<String>,
}

/// What there is.
#[derive(Debug, Clone, Default)]
pub struct Current {
    /// The things.
    pub things: Things,
    /// Projects that keys were ever made in: those stay.
    pub lasting_projects: BTreeSet<String>,
    /// People whom a directory added: it is the directory that ends them.
    pub people_of_directories: BTreeSet<String>,
}

/// The steps from `current` to `desired`. What `desired` does not name goes only with `prune`, and only in
/// sections that it has.
// threat: AGP-T3
pub fn plan(current: &Current, desired: &Configuration, prune: bool) -> Result<Plan, Fault> {
    let wanted = things::taken_apart(desired)?;
    let mut steps = Vec::new();
    let mut goal = Placed::new();
    for (place, (part, pointer)) in wanted {
        let before = current.things.get(&place);
        let after = match before {
            None => part,
            Some(before) => filled(part, before),
        };
        goal.insert(place, (after.clone(), pointer.clone()));
        steps.extend(towards(before, after, pointer)?);
    }
    let mut remarks = Vec::new();
    if prune {
        let goes = |(place, _): &(&(Kind, Name), &Part)| {
            things::speaks_of(desired, place.0) && !goal.contains_key(*place)
        };
        for (_, part) in current.things.iter().filter(goes).rev() {
            steps.extend(away(current, part, &mut remarks));
        }
        remarks.extend(renamed(&steps));
    }
    must_arrive(&applied(&current.things, &steps), &goal)?;
    Ok(Plan { steps, remarks })
}

/// What the document leaves open stays as it is.
fn filled(mut part: Part, before: &Part) -> Part {
    match (&mut part, before) {
        (Part::Tenant(part), Part::Tenant(before)) => {
            part.limits = part.limits.or(before.limits);
            part.history = part.history.or(before.history);
        }
        (Part::Key(part), Part::Key(before)) => {
            part.limits = part.limits.or(before.limits);
            let open = |part: &mut KeyPart| {
                part.owner = part.owner.take().or_else(|| before.owner.clone());
                part.operations = part.operations.take().or_else(|| before.operations.clone());
            };
            open(part);
        }
        _ => {}
    }
    part
}

fn towards(before: Option<&Part>, after: Part, pointer: String) -> Result<Option<Step>, Fault> {
    let Some(before) = before else {
        return Ok(Some(Step {
            verb: Verb::Create,
            before: None,
            after: Some(after),
            pointer,
        }));
    };
    if *before == after {
        return Ok(None);
    }
    if let Some(member) = fixed(before, &after) {
        let what = before.kind().word();
        let detail = format!("the {member} of a {what} stays: make another under a new name");
        return Err(Fault::new(format!("{pointer}/{member}"), detail));
    }
    let verb = if after.is_disabled() && !before.is_disabled() {
        Verb::Disable
    } else {
        Verb::Update
    };
    Ok(Some(Step {
        verb,
        before: Some(before.clone()),
        after: Some(after),
        pointer,
    }))
}

/// The member that differs and never changes, as it does not singly.
fn fixed(before: &Part, after: &Part) -> Option<&'static str> {
    match (before, after) {
        (Part::Project(a), Part::Project(b)) => (a.team != b.team).then_some("team"),
        (Part::Service(a), Part::Service(b)) => (a.team != b.team).then_some("team"),
        (Part::Key(a), Part::Key(b)) if a.owner != b.owner => Some("owner"),
        (Part::Key(a), Part::Key(b)) => (a.project != b.project).then_some("project"),
        (Part::Budget(a), Part::Budget(b)) if a.only != b.only => Some("only"),
        (Part::Budget(a), Part::Budget(b)) if a.limit_tokens.is_some() != b.limit_tokens.is_some() => {
            Some("limit_tokens")
        }
        (Part::Budget(a), Part::Budget(b)) if a.during != b.during => Some("during"),
        (Part::Budget(a), Part::Budget(b)) => (a.window != b.window).then_some("window"),
        _ => None,
    }
}

/// The end of what the document does not name; a remark where it has none.
fn away(current: &Current, part: &Part, remarks: &mut Vec<String>) -> Option<Step> {
    let step = |verb, after| {
        Some(Step {
            verb,
            before: Some(part.clone()),
            after,
            pointer: String::new(),
        })
    };
    match part {
        Part::Tenant(_) => None,
        Part::Team(team) => {
            remarks.push(format!("the team `{}` stays: teams are not removed", team.name));
            None
        }
        Part::Project(project) if current.lasting_projects.contains(&project.name) => {
            let why = "keys were made in it, and records name it";
            remarks.push(format!("the project `{}` stays: {why}", project.name));
            None
        }
        Part::Service(_) | Part::User(_) if part.is_disabled() => None,
        Part::User(user) if current.people_of_directories.contains(&user.email) => {
            let why = "a directory added them, and takes them away";
            remarks.push(format!("the user `{}` stays: {why}", user.email));
            None
        }
        Part::Service(_) | Part::User(_) => step(Verb::Disable, Some(part.disabled())),
        Part::Project(_)
        | Part::Grant(_)
        | Part::Key(_)
        | Part::Budget(_)
        | Part::Guards(_)
        | Part::Consents(_) => step(Verb::Remove, None),
    }
}

/// A name is what a thing is known by.
fn renamed(steps: &[Step]) -> Vec<String> {
    let kinds = |verb: Verb| -> BTreeSet<Kind> {
        let of = steps
            .iter()
            .filter(|step| step.verb == verb && (verb == Verb::Create || step.pointer.is_empty()));
        of.filter_map(Step::part).map(Part::kind).collect()
    };
    let made = kinds(Verb::Create);
    let gone: BTreeSet<Kind> = kinds(Verb::Remove)
        .union(&kinds(Verb::Disable))
        .copied()
        .collect();
    let both = made.intersection(&gone);
    both.map(|kind| {
        let section = kind.section();
        format!("{section}: a thing under another name is a new one; the old one ends")
    })
    .collect()
}

/// What there is after the steps, as the gate does them.
pub fn applied(things: &Things, steps: &[Step]) -> Things {
    let mut after = things.clone();
    for step in steps {
        if let Some(part) = &step.before {
            after.remove(&part.place());
        }
        if let Some(part) = &step.after {
            after.insert(part.place(), part.clone());
        }
        if matches!(step.verb, Verb::Disable | Verb::Remove)
            && let Some(part) = &step.before
        {
            take_along(&mut after, &part.place());
        }
    }
    after
}

/// Keys end with whom they are for, and the budgets of what is gone are nobody's. Who is disabled is not gone.
fn take_along(things: &mut Things, gone: &(Kind, Name)) {
    let is_of = |part: &Part| match part {
        Part::Key(key) => {
            let owner = key.owner.as_ref();
            owner
                .and_then(|owner| somebody(owner.user.as_ref(), owner.service.as_ref()))
                .is_some_and(|owner| owner == *gone)
        }
        Part::Budget(_) if matches!(gone.0, Kind::User | Kind::Service) => false,
        Part::Budget(_) => part.references().iter().any(|(_, place)| place == gone),
        _ => false,
    };
    let ends: Vec<_> = things.iter().filter(|(_, part)| is_of(part)).collect();
    let ends: Vec<_> = ends.into_iter().map(|(place, _)| place.clone()).collect();
    for place in &ends {
        things.remove(place);
    }
    for place in ends.iter().filter(|place| place.0 == Kind::Key) {
        take_along(things, place);
    }
}

/// That the steps lead to all that was asked for, and that it refers to what will be there.
fn must_arrive(after: &Things, goal: &Placed) -> Result<(), Fault> {
    for (place, (part, pointer)) in goal {
        for (member, reference) in part.references() {
            if !after.contains_key(&reference) {
                let what = reference.0.word();
                let name = reference.1.join("/");
                let detail = format!("there is no {what} `{name}`, nor will there be");
                return Err(Fault::new(format!("{pointer}/{member}"), detail));
            }
        }
        if after.get(place) != Some(part) {
            let detail = "it ends with somebody or something that this document disables or leaves out";
            return Err(Fault::new(pointer, detail));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
