//! A document as it is compared: names trimmed, addresses in lower case, times in one spelling, lists in one order.
//! What no thing may be called is refused with its place.

use std::str::FromStr;

use domain::{Role, UnixMillis};
use ledger::Terms;

use super::Fault;
use super::document::{BudgetPart, Configuration, GrantPart, KeyPart, REDACTED};
use crate::problem::Problem;
use crate::resource::budgets::{amounts, tidied};
use crate::resource::words::{email, marks, name, read_time, time};

type Checked = Result<(), Problem>;

fn wrong(detail: impl Into<String>, pointer: String) -> Problem {
    Fault::new(pointer, detail).into()
}

/// Puts every word of it into the one spelling.
pub fn in_one_spelling(document: &mut Configuration) -> Checked {
    tidy_name(&mut document.tenant.name, "/tenant/name")?;
    for (at, team) in document.teams.iter_mut().flatten().enumerate() {
        tidy_name(&mut team.name, &format!("/teams/{at}/name"))?;
    }
    for (at, project) in document.projects.iter_mut().flatten().enumerate() {
        tidy_name(&mut project.name, &format!("/projects/{at}/name"))?;
        tidy_name(&mut project.team, &format!("/projects/{at}/team"))?;
    }
    for (at, service) in document.services.iter_mut().flatten().enumerate() {
        tidy_name(&mut service.name, &format!("/services/{at}/name"))?;
        tidy_name(&mut service.team, &format!("/services/{at}/team"))?;
    }
    for (at, user) in document.users.iter_mut().flatten().enumerate() {
        user.email = email(&user.email, &format!("/users/{at}/email"))?;
        tidy_name(&mut user.name, &format!("/users/{at}/name"))?;
    }
    for (at, grant) in document.grants.iter_mut().flatten().enumerate() {
        tidy_grant(grant, &format!("/grants/{at}"))?;
    }
    for (at, key) in document.keys.iter_mut().flatten().enumerate() {
        tidy_key(key, &format!("/keys/{at}"))?;
    }
    for (at, budget) in document.budgets.iter_mut().flatten().enumerate() {
        tidy_budget(budget, &format!("/budgets/{at}"))?;
    }
    Ok(())
}

fn tidy_name(text: &mut String, pointer: &str) -> Checked {
    *text = name(text, pointer)?;
    Ok(())
}

fn tidy_some(text: &mut Option<String>, pointer: &str) -> Checked {
    text.as_mut().map_or(Ok(()), |text| tidy_name(text, pointer))
}

/// One of a person and a service account.
fn tidy_somebody(user: &mut Option<String>, service: &mut Option<String>, at: &str) -> Checked {
    if user.is_some() == service.is_some() {
        return Err(wrong("name a `user` or a `service`, one of both", at.to_owned()));
    }
    if let Some(user) = user.as_mut() {
        *user = email(user, &format!("{at}/user"))?;
    }
    tidy_some(service, &format!("{at}/service"))
}

fn tidy_grant(grant: &mut GrantPart, at: &str) -> Checked {
    tidy_somebody(&mut grant.user, &mut grant.service, at)?;
    tidy_some(&mut grant.team, &format!("{at}/team"))?;
    let role = Role::from_str(&grant.role).map_err(|error| wrong(error.to_string(), format!("{at}/role")))?;
    role.as_str().clone_into(&mut grant.role);
    Ok(())
}

fn tidy_key(key: &mut KeyPart, at: &str) -> Checked {
    tidy_name(&mut key.name, &format!("{at}/name"))?;
    tidy_name(&mut key.team, &format!("{at}/team"))?;
    tidy_some(&mut key.project, &format!("{at}/project"))?;
    if let Some(owner) = key.owner.as_mut() {
        tidy_somebody(&mut owner.user, &mut owner.service, &format!("{at}/owner"))?;
    }
    // threat: CTX-T4
    if key.secret.as_deref().is_some_and(|secret| secret != REDACTED) {
        let detail = "a key's secret is made and shown once, never given: leave it out";
        return Err(wrong(detail, format!("{at}/secret")));
    }
    key.secret = Some(REDACTED.to_owned());
    if let Some(text) = &key.expires {
        let end = read_time(text, "`expires`").map_err(|problem| problem.at(format!("{at}/expires")))?;
        key.expires = Some(time(end));
    }
    if key.all_models && !key.models.is_empty() {
        let detail = "say `all_models` or list `models`, not both";
        return Err(wrong(detail, format!("{at}/models")));
    }
    let tags = std::mem::take(&mut key.tags);
    key.tags = marks(tags, key.data_class, &format!("{at}/tags"))?.tags;
    super::world::in_order(key);
    for (count, member) in [(key.models.len(), "models"), (key.networks.len(), "networks")] {
        if count > crate::resource::keys::LISTED_MAX {
            let detail = format!("at most {}", crate::resource::keys::LISTED_MAX);
            return Err(wrong(detail, format!("{at}/{member}")));
        }
    }
    Ok(())
}

fn tidy_budget(budget: &mut BudgetPart, at: &str) -> Checked {
    tidy_name(&mut budget.name, &format!("{at}/name"))?;
    amounts::limit(budget.limit_nanos, budget.limit_tokens, at)?;
    let mut terms = Terms {
        only: budget.only.clone().into(),
        marks: std::mem::take(&mut budget.marks),
        ..Terms::default()
    };
    let during = budget.during.put(&mut terms, UnixMillis(0));
    during.map_err(|problem| problem.at(format!("{at}/during")))?;
    let terms = tidied(terms, budget.window, at)?;
    budget.during = (&terms).into();
    budget.marks = terms.marks;
    let Some(of) = budget.of.as_mut() else {
        return Ok(());
    };
    tidy_some(&mut of.team, &format!("{at}/of/team"))?;
    tidy_some(&mut of.project, &format!("{at}/of/project"))?;
    tidy_some(&mut of.key, &format!("{at}/of/key"))?;
    if let Some(user) = &mut of.user {
        *user = email(user, &format!("{at}/of/user"))?;
    }
    tidy_some(&mut of.service, &format!("{at}/of/service"))?;
    match (&of.team, &of.project, &of.key, &of.user, &of.service) {
        (Some(_), None, _, None, None)
        | (None, Some(_), None, None, None)
        | (None, None, None, Some(_), None)
        | (None, None, None, None, Some(_)) => Ok(()),
        _ => Err(wrong(
            "a budget is of a `team`, a `project`, a `user`, a `service`, or a `key` with its `team`; of the whole tenant without `of`",
            format!("{at}/of"),
        )),
    }
}
