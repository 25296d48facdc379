//! Steps about virtual keys.

use credential::{KeyRecord, KeyState, Marks, ModelAccess, VirtualKey};
use domain::{ActorId, KeyId, Permission, TeamId};
use policy::Resource;
use store::Change;

use super::{Act, Maker, gone};
use crate::call::Weight;
use crate::configuration::Part;
use crate::configuration::document::KeyPart;
use crate::configuration::things::Name;
use crate::problem::{Code, Problem};
use crate::record::UserState;
use crate::resource::keys;
use crate::resource::words::{marks, read_time};

impl Maker<'_> {
    /// For somebody of this tenant; a service account of this very team that works.
    fn owner(&self, part: &KeyPart, team: TeamId) -> Result<ActorId, Problem> {
        let Some(owner) = &part.owner else {
            return Ok(self.call.caller()?.id);
        };
        let id = self.actor(owner.user.as_ref(), owner.service.as_ref())?;
        let service = owner
            .service
            .as_ref()
            .and_then(|name| self.world.services.get(name));
        match service {
            Some((_, service)) if service.team != team || service.state != UserState::Active => {
                let detail = "a key's service account is one of its team, and active";
                Err(Problem::new(Code::Invalid, detail))
            }
            _ => Ok(id),
        }
    }

    pub(super) fn make_key(&mut self, part: &KeyPart) -> Result<Act, Problem> {
        let (tenant, team) = (self.entered.tenant(), self.team_named(&part.team)?.id);
        let secret = VirtualKey::generate().map_err(|_| {
            Problem::new(
                Code::Internal,
                "the system gave no randomness, so nothing was made",
            )
        })?;
        let project = part.project.as_ref().map(|name| self.world.projects.get(name));
        let project = project.map(|found| found.map(|(_, project)| project).ok_or_else(|| gone("project")));
        let project = project.transpose()?;
        if project.is_some_and(|project| project.team != team) {
            return Err(Problem::new(Code::Invalid, "a key's project is one of its team"));
        }
        let new_keys = &self.call.control.new_keys;
        let mut key = KeyRecord {
            id: KeyId::generate(),
            tenant,
            team,
            project: project.map(|project| project.id),
            owner: Some(self.owner(part, team)?),
            name: part.name.clone(),
            digest: secret.digest(&self.call.control.keys.pepper),
            hint: secret.hint(),
            predecessor: None,
            state: KeyState::Active,
            created: self.call.now,
            expires: None,
            models: ModelAccess::None,
            operations: new_keys.operations.clone(),
            networks: Vec::new(),
            limits: new_keys.limits,
            signing_key: None,
            bindings: Vec::new(),
            honey: false,
            receipts: false,
            suspended: None,
            marks: Marks::default(),
        };
        describe(&mut key, part)?;
        if key.expires.is_some_and(|end| end <= self.call.now) {
            return Err(Problem::new(
                Code::Invalid,
                "that key would be over already: leave it out",
            ));
        }
        let resource = keys::resource(&key);
        let change = Change::CreateKey(Box::new(key.clone()));
        let act = Act {
            // As for a single one: whoever may make keys, and tend this very key.
            asked: vec![
                (
                    Permission::KeysCreate,
                    Resource::Team { tenant, team },
                    Weight::Configured,
                ),
                (Permission::KeysUpdate, resource, Weight::Configured),
            ],
            target: key.id.to_string(),
            changes: vec![change],
            secret: Some(secret.expose().to_owned()),
        };
        self.world.keys.insert(Part::Key(part.clone()).place().1, key);
        Ok(act)
    }

    pub(super) fn change_key(&mut self, part: &KeyPart) -> Result<Act, Problem> {
        let name = Part::Key(part.clone()).place().1;
        let before = self.world.keys.get(&name).cloned().ok_or_else(|| gone("key"))?;
        let mut after = before.clone();
        describe(&mut after, part)?;
        self.world.keys.insert(name, after.clone());
        let resource = keys::resource(&before);
        let id = before.id;
        Ok(Act::new(
            Permission::KeysUpdate,
            resource,
            id,
            keys::replace(before, after),
        ))
    }

    // threat: CTX-T3
    pub(super) fn revoke_key(&mut self, name: &Name) -> Result<Act, Problem> {
        let before = self.world.keys.remove(name).ok_or_else(|| gone("key"))?;
        let (resource, id, after) = (keys::resource(&before), before.id, before.revoke());
        Ok(Act::new(
            Permission::KeysRevoke,
            resource,
            id,
            keys::replace(before, after),
        ))
    }

    /// The end of every key that somebody holds.
    pub(super) fn keys_end(&mut self, owner: ActorId) -> Vec<Change> {
        let held = self.world.keys.extract_if(.., |_, key| key.owner == Some(owner));
        held.map(|(_, key)| {
            let after = key.revoke();
            keys::replace(key, after)
        })
        .collect()
    }
}

/// What the document says a key may do.
fn describe(key: &mut KeyRecord, part: &KeyPart) -> Result<(), Problem> {
    let end = part.expires.as_deref().map(|text| read_time(text, "`expires`"));
    key.expires = end.transpose()?;
    key.models = match (part.all_models, part.models.is_empty()) {
        (true, _) => ModelAccess::All,
        (false, true) => ModelAccess::None,
        (false, false) => ModelAccess::Some(part.models.clone()),
    };
    key.networks.clone_from(&part.networks);
    key.receipts = part.receipts;
    key.marks = marks(part.tags.clone(), part.data_class, "/tags")?;
    if let Some(operations) = &part.operations {
        key.operations.clone_from(operations);
    }
    if let Some(limits) = part.limits {
        key.limits = limits.into();
    }
    Ok(())
}
