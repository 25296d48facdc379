//! Groups as SCIM knows them: a name and who is in it. What a group may do, the tenant's single sign-on says;
//! whoever comes or goes gets or loses those roles at once.

use std::collections::BTreeSet;

use domain::{GroupId, UserId};
use http::StatusCode;
use serde_json::{Value, json};
use store::{Change, Record, RecordKind};

use super::Asked;
use super::filter::Filter;
use super::patch::{Does, Step, steps};
use super::users::commit;
use super::wire::{No, Said, member, page, text};
use crate::call::{Deed, Own};
use crate::record::{Document, Group, read};
use crate::resource::words::time;
use crate::resource::{sso, sso_sign_in};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// What groups can be looked for by.
const FILTERS: [&str; 5] = ["displayname", "id", "externalid", "members", "members.value"];
const MEMBERS_MAX: usize = 5_000;
const GROUPS_MAX: usize = 1_000;

fn shown(asked: &Asked<'_>, group: &Group) -> Value {
    let members: Vec<Value> = group
        .members
        .iter()
        .map(|id| {
            let at = asked.address(&format!("Users/{id}"));
            json!({"value": id.to_string(), "$ref": at, "type": "User"})
        })
        .collect();
    let mut shown = json!({
        "schemas": [SCHEMA],
        "id": group.id.to_string(),
        "displayName": group.name,
        "members": members,
        "meta": {
            "resourceType": "Group",
            "created": time(group.created),
            "location": asked.address(&format!("Groups/{}", group.id)),
        },
    });
    if let (Some(external), Some(all)) = (&group.external_id, shown.as_object_mut()) {
        all.insert("externalId".to_owned(), external.clone().into());
    }
    shown
}

// threat: AGP-E1
async fn found(asked: &Asked<'_>, id: &str) -> Result<(Record, Group), No> {
    let id: GroupId = id.parse().map_err(|_| No::not_found())?;
    let record = asked.record(RecordKind::Group, &id.to_string()).await?;
    let group = read(&record)?;
    Ok((record, group))
}

/// `GET /Groups`.
pub async fn list(asked: &Asked<'_>) -> Result<Said, No> {
    let wanted = asked.filter(&FILTERS)?;
    let all = asked.call.all_of::<Group>(&asked.scope, None).await?;
    let is_it = |group: &Group, filter: &Filter| match filter.attribute.as_str() {
        "displayname" => group.name == filter.value,
        "id" => group.id.to_string() == filter.value,
        "externalid" => group.external_id.as_deref() == Some(filter.value.as_str()),
        _ => group.members.iter().any(|id| id.to_string() == filter.value),
    };
    let found = all
        .iter()
        .map(|(_, group)| group)
        .filter(|group| wanted.as_ref().is_none_or(|filter| is_it(group, filter)));
    let resources = found.map(|group| shown(asked, group)).collect();
    page(&asked.query, resources)
}

/// `GET /Groups/{id}`.
pub async fn show(asked: &Asked<'_>, id: &str) -> Result<Said, No> {
    let (_, group) = found(asked, id).await?;
    Ok(Said::of(StatusCode::OK, shown(asked, &group)))
}

/// Ids of people of this tenant, from `[{"value": "usr_…"}]`.
// threat: AGP-E1
async fn members(asked: &Asked<'_>, value: &Value) -> Result<Vec<UserId>, No> {
    let one = [value.clone()];
    let list = value.as_array().map_or(one.as_slice(), Vec::as_slice);
    if list.len() > MEMBERS_MAX {
        return Err(No::value(format!("at most {MEMBERS_MAX} members")));
    }
    let mut ids = Vec::new();
    for item in list {
        let id = member(item, "value").and_then(Value::as_str).unwrap_or_default();
        let (_, user) = super::users::found(asked, id)
            .await
            .map_err(|_| No::value("a member is the id of a user that is there"))?;
        ids.push(user.id);
    }
    Ok(ids)
}

async fn filled(asked: &Asked<'_>, body: &Value, group: &mut Group) -> Result<(), No> {
    let name = member(body, "displayName").ok_or_else(|| No::value("`displayName` is missing"))?;
    group.name = text(name, "displayName")?;
    let external = member(body, "externalId").map(|value| text(value, "externalId"));
    group.external_id = external.transpose()?;
    group.members = match member(body, "members") {
        Some(value) => members(asked, value).await?,
        None => Vec::new(),
    };
    Ok(())
}

/// `POST /Groups`.
pub async fn create(asked: &Asked<'_>, body: &Value) -> Result<Said, No> {
    let mut group = Group {
        id: GroupId::generate(),
        name: String::new(),
        external_id: None,
        members: Vec::new(),
        created: asked.call.now,
    };
    filled(asked, body, &mut group).await?;
    let all = asked.call.all_of::<Group>(&asked.scope, None).await?;
    if all.len() >= GROUPS_MAX {
        return Err(No::value(format!("at most {GROUPS_MAX} groups")));
    }
    if all.iter().any(|(_, other)| other.name == group.name) {
        return Err(No::uniqueness("there is a group of that name"));
    }
    let group = save(asked, "scim.create_group", None, Some(group)).await?;
    Ok(Said::created(
        group.map(|group| shown(asked, &group)).unwrap_or_default(),
    ))
}

/// `PUT /Groups/{id}`.
pub async fn replace(asked: &Asked<'_>, id: &str, body: &Value) -> Result<Said, No> {
    let before = found(asked, id).await?;
    let mut group = before.1.clone();
    filled(asked, body, &mut group).await?;
    let group = save(asked, "scim.replace_group", Some(before), Some(group)).await?;
    Ok(Said::of(
        StatusCode::OK,
        group.map(|group| shown(asked, &group)).unwrap_or_default(),
    ))
}

/// `PATCH /Groups/{id}`.
pub async fn patch(asked: &Asked<'_>, id: &str, body: &Value) -> Result<Said, No> {
    let before = found(asked, id).await?;
    let mut group = before.1.clone();
    for step in steps(body)? {
        take(asked, &mut group, &step).await?;
    }
    save(asked, "scim.patch_group", Some(before), Some(group)).await?;
    Ok(Said::nothing())
}

async fn take(asked: &Asked<'_>, group: &mut Group, step: &Step) -> Result<(), No> {
    let value = || step.value.as_ref().ok_or_else(|| No::value("`value` is missing"));
    match (step.path.as_str(), step.does) {
        ("members", Does::Remove) => {
            let gone: Option<Vec<String>> = match (&step.chosen, &step.value) {
                (Some(chosen), _) => Some(vec![chosen.clone()]),
                (None, Some(value)) => Some(named(value)),
                (None, None) => None,
            };
            match gone {
                Some(gone) => group.members.retain(|id| !gone.contains(&id.to_string())),
                None => group.members.clear(),
            }
        }
        ("members", Does::Add) => group.members.extend(members(asked, value()?).await?),
        ("members", Does::Replace) => group.members = members(asked, value()?).await?,
        ("displayname", Does::Add | Does::Replace) => group.name = text(value()?, "displayName")?,
        ("externalid", Does::Remove) => group.external_id = None,
        ("externalid", _) => group.external_id = Some(text(value()?, "externalId")?),
        ("displayname", Does::Remove) => return Err(No::value("a group has a name")),
        _ => {}
    }
    Ok(())
}

/// Ids as they stand in a list of members, whether or not they are anybody's.
fn named(value: &Value) -> Vec<String> {
    let one = [value.clone()];
    let list = value.as_array().map_or(one.as_slice(), Vec::as_slice);
    let ids = list.iter().filter_map(|item| member(item, "value")?.as_str());
    ids.map(str::to_owned).collect()
}

/// `DELETE /Groups/{id}`.
pub async fn remove(asked: &Asked<'_>, id: &str) -> Result<Said, No> {
    let before = found(asked, id).await?;
    save(asked, "scim.remove_group", Some(before), None).await?;
    Ok(Said::nothing())
}

/// Puts one in the place of the other, and renews the roles of everybody whom that concerns.
// threat: ANP-0014
async fn save(
    asked: &Asked<'_>,
    act: &'static str,
    before: Option<(Record, Group)>,
    mut after: Option<Group>,
) -> Result<Option<Group>, No> {
    if let Some(group) = &mut after {
        let unique: BTreeSet<UserId> = group.members.iter().copied().collect();
        group.members = unique.into_iter().collect();
        if group.members.len() > MEMBERS_MAX {
            return Err(No::value(format!("at most {MEMBERS_MAX} members")));
        }
    }
    let old = before.as_ref().map(|(_, group)| group.clone());
    let mut changes = match (before, &after) {
        (None, Some(group)) => vec![Change::Create(group.to_record()?)],
        (Some((before, _)), None) => vec![Change::Remove(before)],
        (Some((before, _)), Some(group)) => {
            let after = group.to_record()?;
            let is_same = before == after;
            if is_same {
                Vec::new()
            } else {
                vec![Change::Replace { before, after }]
            }
        }
        (None, None) => Vec::new(),
    };
    changes.extend(roles(asked, old.as_ref(), after.as_ref()).await?);
    let own = Own::provisioning(asked.tenant, act);
    let target = after.as_ref().or(old.as_ref()).map(|group| group.id.to_string());
    let deed = match (&old, &after) {
        (Some(old), Some(new)) => Deed::changed(target.unwrap_or_default(), old, new),
        (None, Some(new)) => Deed::made(target.unwrap_or_default(), new),
        (Some(old), None) => Deed::removed(target.unwrap_or_default(), old),
        (None, None) => Deed::default(),
    };
    commit(asked, &own, deed, changes).await?;
    Ok(after)
}

async fn roles(asked: &Asked<'_>, old: Option<&Group>, new: Option<&Group>) -> Result<Vec<Change>, No> {
    let Some((_, sso)) = sso::found(asked.call, &asked.scope).await? else {
        return Ok(Vec::new());
    };
    let mut groups: Vec<Group> = asked
        .call
        .all_of::<Group>(&asked.scope, None)
        .await?
        .into_iter()
        .map(|(_, group)| group)
        .filter(|group| Some(group.id) != old.map(|old| old.id))
        .collect();
    groups.extend(new.cloned());
    let all = |group: Option<&Group>| group.map(|group| group.members.clone()).unwrap_or_default();
    let is_renamed = old.map(|group| &group.name) != new.map(|group| &group.name);
    let (before, after): (BTreeSet<UserId>, BTreeSet<UserId>) =
        (all(old).into_iter().collect(), all(new).into_iter().collect());
    let concerned: Vec<UserId> = match is_renamed {
        true => before.union(&after).copied().collect(),
        false => before.symmetric_difference(&after).copied().collect(),
    };
    let mut changes = Vec::new();
    for user in concerned {
        let of_theirs = groups.iter().filter(|group| group.members.contains(&user));
        let names: Vec<String> = of_theirs.map(|group| group.name.clone()).collect();
        let had = sso::grants(asked.call, &asked.scope, user).await?;
        let (renewed, _) = sso_sign_in::renewed(asked.call, asked.tenant, &sso, &names, (user, &had))?;
        changes.extend(renewed);
    }
    Ok(changes)
}
