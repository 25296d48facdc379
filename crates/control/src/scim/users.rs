//! People as SCIM knows them: a name to sign in by, a name to be called by, and whether they are active.

use domain::{ActorId, UserId};
use http::StatusCode;
use serde_json::{Value, json};
use store::{Change, Record, RecordKind, StoreError};

use super::Asked;
use super::filter::Filter;
use super::patch::{Does, Step, steps};
use super::wire::{No, Said, member, page, text, truth};
use crate::call::{Deed, Own};
use crate::record::{Document, Grant, Group, Link, Login, User, UserState, read};
use crate::resource::users::{UserView, endings};
use crate::resource::words::{email, time};
use crate::resource::{keys, sso};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// What people can be looked for by.
const FILTERS: [&str; 7] = [
    "username",
    "emails",
    "emails.value",
    "externalid",
    "id",
    "displayname",
    "name.formatted",
];

/// What can be said of somebody.
struct Draft {
    user_name: String,
    name: String,
    external_id: Option<String>,
    active: bool,
}

impl Draft {
    fn of(user: &User) -> Self {
        Self {
            user_name: user.email.clone(),
            name: user.name.clone(),
            external_id: user.external_id.clone(),
            active: user.state == UserState::Active,
        }
    }

    /// Everything anew.
    // threat: ANP-0014
    fn read(body: &Value) -> Result<Self, No> {
        let user_name = member(body, "userName").ok_or_else(|| No::value("`userName` is missing"))?;
        let user_name = address(user_name)?;
        let external_id = member(body, "externalId").map(|value| text(value, "externalId"));
        let active = member(body, "active").map(|value| truth(value, "active"));
        Ok(Self {
            name: called(body)?.unwrap_or_else(|| user_name.clone()),
            external_id: external_id.transpose()?,
            active: active.transpose()?.unwrap_or(true),
            user_name,
        })
    }

    fn take(&mut self, step: &Step) -> Result<(), No> {
        let value = || step.value.as_ref().ok_or_else(|| No::value("`value` is missing"));
        match (step.path.as_str(), step.does) {
            ("externalid", Does::Remove) => self.external_id = None,
            ("displayname" | "name" | "name.formatted", Does::Remove) => self.name = self.user_name.clone(),
            ("username" | "active", Does::Remove) => {
                return Err(No::value("that can be changed, not taken away"));
            }
            (_, Does::Remove) => {}
            ("externalid", _) => self.external_id = Some(text(value()?, "externalId")?),
            ("username", _) => self.user_name = address(value()?)?,
            ("active", _) => self.active = truth(value()?, "active")?,
            ("displayname" | "name.formatted", _) => self.name = text(value()?, "displayName")?,
            ("name", _) => {
                if let Some(name) = called(&json!({"name": value()?}))? {
                    self.name = name;
                }
            }
            // What is not kept here is not changed here.
            _ => {}
        }
        Ok(())
    }
}

/// Accounts are known by an address.
fn address(value: &Value) -> Result<String, No> {
    let text = text(value, "userName")?;
    email(&text, "/userName").map_err(|_| No::value("`userName` is an e-mail address"))
}

/// `displayName`, or `name` put together.
fn called(body: &Value) -> Result<Option<String>, No> {
    if let Some(name) = member(body, "displayName") {
        return text(name, "displayName").map(Some);
    }
    let Some(name) = member(body, "name") else {
        return Ok(None);
    };
    if let Some(whole) = member(name, "formatted") {
        return text(whole, "name.formatted").map(Some);
    }
    let parts = [member(name, "givenName"), member(name, "familyName")];
    let parts: Vec<&str> = parts.into_iter().flatten().filter_map(Value::as_str).collect();
    if parts.is_empty() {
        return Ok(None);
    }
    text(&json!(parts.join(" ")), "name").map(Some)
}

fn shown(asked: &Asked<'_>, user: &User) -> Value {
    let mut shown = json!({
        "schemas": [SCHEMA],
        "id": user.id.to_string(),
        "userName": user.email,
        "active": user.state == UserState::Active,
        "emails": [{"value": user.email, "type": "work", "primary": true}],
        "meta": {
            "resourceType": "User",
            "created": time(user.created),
            "location": asked.address(&format!("Users/{}", user.id)),
        },
    });
    if let Some(members) = shown.as_object_mut() {
        // Who has no other name than their address was given none.
        if user.name != user.email {
            members.insert("displayName".to_owned(), user.name.clone().into());
            members.insert("name".to_owned(), json!({"formatted": user.name}));
        }
        if let Some(external) = &user.external_id {
            members.insert("externalId".to_owned(), external.clone().into());
        }
    }
    shown
}

/// Somebody of this tenant who is there for provisioning, and their record.
// threat: AGP-E1
pub(super) async fn found(asked: &Asked<'_>, id: &str) -> Result<(Record, User), No> {
    let id: UserId = id.parse().map_err(|_| No::not_found())?;
    let record = asked.record(RecordKind::User, &id.to_string()).await?;
    let user: User = read(&record)?;
    if user.left {
        return Err(No::not_found());
    }
    Ok((record, user))
}

/// `GET /Users`.
pub async fn list(asked: &Asked<'_>) -> Result<Said, No> {
    let wanted = asked.filter(&FILTERS)?;
    let all = asked.call.all_of::<User>(&asked.scope, None).await?;
    let is_it = |user: &User, filter: &Filter| match filter.attribute.as_str() {
        "externalid" => user.external_id.as_deref() == Some(filter.value.as_str()),
        "id" => user.id.to_string() == filter.value,
        "displayname" | "name.formatted" => user.name.to_lowercase() == filter.value.to_lowercase(),
        _ => user.email == filter.value.trim().to_lowercase(),
    };
    let found = all
        .iter()
        .map(|(_, user)| user)
        .filter(|user| !user.left && wanted.as_ref().is_none_or(|filter| is_it(user, filter)));
    let resources = found.map(|user| shown(asked, user)).collect();
    page(&asked.query, resources)
}

/// `GET /Users/{id}`.
pub async fn show(asked: &Asked<'_>, id: &str) -> Result<Said, No> {
    let (_, user) = found(asked, id).await?;
    Ok(Said::of(StatusCode::OK, shown(asked, &user)))
}

/// `POST /Users`. Somebody who was taken away and comes again is the same person.
pub async fn create(asked: &Asked<'_>, body: &Value) -> Result<Said, No> {
    let draft = Draft::read(body)?;
    let store = &asked.call.control.store;
    let taken = || No::uniqueness("somebody has that `userName`");
    match store
        .record_named(&asked.scope, RecordKind::User, &draft.user_name)
        .await
    {
        Err(StoreError::NotFound) => {}
        there => {
            let record = there.map_err(crate::problem::Problem::from)?;
            let user: User = read(&record)?;
            if !user.left {
                return Err(taken());
            }
            let user = save(asked, "scim.create_user", (record, user), draft, false).await?;
            return Ok(Said::created(shown(asked, &user)));
        }
    }
    let user = User {
        id: UserId::generate(),
        email: draft.user_name,
        name: draft.name,
        state: state(draft.active),
        created: asked.call.now,
        external_id: draft.external_id,
        left: false,
        by_directory: true,
    };
    let mut changes = vec![
        Change::Create(user.to_record()?),
        Change::Create(Login::empty(user.id, asked.call.now).to_record()?),
    ];
    changes.extend(renamed(asked, &user, None).await?);
    let own = Own::provisioning(asked.tenant, "scim.create_user");
    let deed = Deed::made(user.id, &UserView::from(&user));
    commit(asked, &own, deed, changes).await?;
    Ok(Said::created(shown(asked, &user)))
}

const fn state(active: bool) -> UserState {
    if active {
        UserState::Active
    } else {
        UserState::Disabled
    }
}

/// `PUT /Users/{id}`.
pub async fn replace(asked: &Asked<'_>, id: &str, body: &Value) -> Result<Said, No> {
    let before = found(asked, id).await?;
    let draft = Draft::read(body)?;
    let user = save(asked, "scim.replace_user", before, draft, false).await?;
    Ok(Said::of(StatusCode::OK, shown(asked, &user)))
}

/// `PATCH /Users/{id}`.
pub async fn patch(asked: &Asked<'_>, id: &str, body: &Value) -> Result<Said, No> {
    let before = found(asked, id).await?;
    let mut draft = Draft::of(&before.1);
    for step in steps(body)? {
        draft.take(&step)?;
    }
    let user = save(asked, "scim.patch_user", before, draft, false).await?;
    Ok(Said::of(StatusCode::OK, shown(asked, &user)))
}

/// `DELETE /Users/{id}`: disabled, and not there for provisioning any more. What they did stays written.
pub async fn remove(asked: &Asked<'_>, id: &str) -> Result<Said, No> {
    let before = found(asked, id).await?;
    let draft = Draft {
        active: false,
        external_id: None,
        ..Draft::of(&before.1)
    };
    save(asked, "scim.remove_user", before, draft, true).await?;
    Ok(Said::nothing())
}

/// Changes somebody. Whoever is disabled is signed out and loses the keys made for them, in one transaction.
// threat: ANP-0016
// threat: ANP-0014
async fn save(
    asked: &Asked<'_>,
    act: &'static str,
    (before, old): (Record, User),
    draft: Draft,
    left: bool,
) -> Result<User, No> {
    let own = Own::provisioning(asked.tenant, act);
    let grants = sso::grants(asked.call, &asked.scope, old.id).await?;
    let plain: Vec<Grant> = grants.iter().map(|(_, grant)| grant.clone()).collect();
    if sso::is_administrator(&plain) {
        asked.call.tell_why(&own, "forbidden").await;
        let detail = "an administrator by hand is changed by administrators, not by provisioning";
        return Err(No::forbidden(detail));
    }
    let user = User {
        email: draft.user_name,
        name: draft.name,
        state: state(draft.active),
        external_id: draft.external_id,
        left,
        // Whoever it changes it speaks for.
        by_directory: true,
        ..old.clone()
    };
    let mut changes = renamed(asked, &user, old.external_id.as_deref()).await?;
    let after = user.to_record()?;
    if after != before {
        changes.push(Change::Replace { before, after });
    }
    if user.state == UserState::Disabled {
        let entered = own.entered();
        changes.extend(keys::revocations(asked.call, &entered, ActorId::User(user.id)));
        changes.extend(endings(asked.call, &entered, user.id).await?);
    }
    if left {
        changes.extend(out_of_groups(asked, user.id).await?);
        let of_groups = grants.into_iter().filter(|(_, grant)| grant.by_sso);
        changes.extend(of_groups.map(|(record, _)| Change::Remove(record)));
    }
    let deed = Deed::changed(user.id, &UserView::from(&old), &UserView::from(&user));
    commit(asked, &own, deed, changes).await?;
    Ok(user)
}

async fn out_of_groups(asked: &Asked<'_>, user: UserId) -> Result<Vec<Change>, No> {
    let groups = asked.call.all_of::<Group>(&asked.scope, None).await?;
    let theirs = groups
        .into_iter()
        .filter(|(_, group)| group.members.contains(&user));
    let without = theirs.map(|(before, mut group)| {
        group.members.retain(|member| *member != user);
        let after = group.to_record()?;
        Ok(Change::Replace { before, after })
    });
    without.collect()
}

/// Keeps outside names apart: no two people have the same.
async fn renamed(asked: &Asked<'_>, user: &User, old: Option<&str>) -> Result<Vec<Change>, No> {
    if old == user.external_id.as_deref() {
        return Ok(Vec::new());
    }
    let store = &asked.call.control.store;
    let mut changes = Vec::new();
    if let Some(old) = old {
        let id = Link::id_of_external(old);
        if let Ok(record) = store.record(&asked.scope, RecordKind::Link, &id).await {
            changes.push(Change::Remove(record));
        }
    }
    if let Some(new) = &user.external_id {
        let link = Link {
            id: Link::id_of_external(new),
            user: user.id,
            issuer: "scim".to_owned(),
            subject: new.clone(),
            created: asked.call.now,
        };
        changes.push(Change::Create(link.to_record()?));
    }
    Ok(changes)
}

/// All of it, recorded, or nothing.
// threat: AGP-R3
pub(super) async fn commit(asked: &Asked<'_>, own: &Own, deed: Deed, changes: Vec<Change>) -> Result<(), No> {
    let done = asked
        .call
        .done_alone(own, deed, changes, crate::answer::Answer::nothing())
        .await;
    match done {
        Ok(_) => Ok(()),
        Err(crate::call::Stop::Problem(problem)) if problem.code == crate::problem::Code::Conflict => Err(
            No::uniqueness("something of that name is there, or it changed meanwhile"),
        ),
        Err(stop) => Err(stop.into()),
    }
}
