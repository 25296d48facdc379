//! From what is there to what is the matter. Looks at values only: no store, no clock.

use std::collections::HashMap;

use credential::{KeyRecord, KeyState};
use domain::{ActorId, UnixMillis};

use super::{Finding, Matter, Patience, Survey, earlier};
use crate::offboarding::is_ending;
use crate::record::UserState;

/// Everything that is the matter, in a stable order.
// threat: ANP-0016
// threat: AGP-S1
// threat: CTX-T3
pub fn judge(survey: &Survey, patience: &Patience, now: UnixMillis) -> Vec<Finding> {
    let mut found = Vec::new();
    let owners = owners(survey);
    for key in &survey.directory.keys {
        of_key(survey, &owners, key, (patience, now), &mut found);
    }
    if !survey
        .directory
        .tenants
        .iter()
        .any(|tenant| is_ending(tenant.state))
    {
        of_people(survey, patience, now, &mut found);
        of_services(survey, &mut found);
    }
    found.sort();
    found
}

fn owners(survey: &Survey) -> HashMap<String, UserState> {
    let users = survey.users.iter().map(|user| (user.id.to_string(), user.state));
    let services = survey.services.iter();
    users
        .chain(services.map(|service| (service.id.to_string(), service.state)))
        .collect()
}

fn of_key(
    survey: &Survey,
    owners: &HashMap<String, UserState>,
    key: &KeyRecord,
    (patience, now): (&Patience, UnixMillis),
    found: &mut Vec<Finding>,
) {
    if key.state != KeyState::Active {
        return;
    }
    let mut add = |matter, at| {
        found.push(Finding {
            matter,
            id: key.id.to_string(),
            name: key.name.clone(),
            at,
        });
    };
    if survey
        .directory
        .tenants
        .iter()
        .any(|tenant| is_ending(tenant.state))
    {
        return add(Matter::KeyOutlivesTenant, key.created);
    }
    match key.expires {
        Some(end) if end <= now => add(Matter::KeyExpired, end),
        Some(end) if end <= now.plus(patience.warn) => add(Matter::KeyExpiring, end),
        _ => {}
    }
    let unused_since = earlier(now, patience.unused);
    if !key.honey && key.created <= unused_since && !survey.used.contains(&key.id.to_string()) {
        add(Matter::KeyUnused, unused_since);
    }
    match key.owner.map(|owner| owners.get(&owner.to_string())) {
        Some(None) => add(Matter::KeyOwnerGone, now),
        Some(Some(UserState::Disabled)) => add(Matter::KeyOwnerDisabled, now),
        _ => {}
    }
    if !survey.directory.teams.iter().any(|team| team.id == key.team) {
        add(Matter::KeyTeamGone, now);
    }
    if key
        .project
        .is_some_and(|project| !survey.projects.contains(&project.to_string()))
    {
        add(Matter::KeyProjectGone, now);
    }
    if let Some(old) = key.predecessor.filter(|old| old.valid_until <= now) {
        add(Matter::PredecessorPastGrace, old.valid_until);
    }
}

fn of_people(survey: &Survey, patience: &Patience, now: UnixMillis, found: &mut Vec<Finding>) {
    let idle_since = earlier(now, patience.idle);
    for user in survey.users.iter().filter(|user| user.state == UserState::Active) {
        let mut add = |matter, at| {
            found.push(Finding {
                matter,
                id: user.id.to_string(),
                name: user.email.clone(),
                at,
            });
        };
        let login = survey.logins.iter().find(|login| login.user == user.id);
        let lapsed = login
            .and_then(|login| login.setup.as_ref())
            .map(|setup| setup.expires);
        if let Some(end) = lapsed.filter(|end| *end <= now) {
            add(Matter::InvitationLapsed, end);
        }
        if user.created <= idle_since && !survey.busy.contains(&user.id.to_string()) {
            add(Matter::UserIdle, idle_since);
        }
    }
}

fn of_services(survey: &Survey, found: &mut Vec<Finding>) {
    for service in survey
        .services
        .iter()
        .filter(|service| service.state == UserState::Active)
    {
        let owner = Some(ActorId::Service(service.id));
        let holds = |key: &KeyRecord| key.owner == owner && key.state == KeyState::Active;
        if !survey.directory.keys.iter().any(holds) {
            found.push(Finding {
                matter: Matter::ServiceWithoutKeys,
                id: service.id.to_string(),
                name: service.name.clone(),
                at: service.created,
            });
        }
    }
}
