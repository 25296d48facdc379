//! People and service accounts with their roles, as policies know them.

use domain::{ActorId, RoleGrant, TenantId};
use policy::Actor;
use store::{RecordKind, RecordQuery, StoreError};

use super::Scene;
use crate::problem::Problem;
use crate::record::{Document, Grant, Service, User, UserState, read};

/// How many are read at once.
const READ_AT_ONCE: u64 = 200;

/// A person or service account.
#[derive(Debug, Clone)]
pub struct Person {
    /// Which.
    pub id: ActorId,
    /// Where they live.
    pub tenant: TenantId,
    /// An e-mail address or a service's name.
    pub name: String,
    /// Whether they get in at all.
    pub is_active: bool,
    /// For a service account, its team.
    pub service: Option<Service>,
    /// Their roles.
    pub grants: Vec<RoleGrant>,
}

impl Person {
    /// As policies know them.
    pub fn actor(&self) -> Actor<'_> {
        Actor {
            id: self.id,
            tenant: self.tenant,
            grants: &self.grants,
        }
    }
}

/// Whoever is meant by an id, an e-mail address or a service's name.
pub async fn find(scene: &Scene<'_>, wanted: &str) -> Result<Person, Problem> {
    for kind in [RecordKind::User, RecordKind::Service] {
        let by_id = scene.store.record(&scene.scope(), kind, wanted).await;
        let found = match by_id {
            Err(StoreError::NotFound) => scene.store.record_named(&scene.scope(), kind, wanted).await,
            other => other,
        };
        match found {
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
            Ok(record) if kind == RecordKind::User => return of_user(scene, read(&record)?).await,
            Ok(record) => return of_service(scene, read(&record)?).await,
        }
    }
    Err(Problem::not_found())
}

/// Everybody in the tenant, at most so many.
pub async fn all(scene: &Scene<'_>, count_max: usize) -> Result<Vec<Person>, Problem> {
    let mut people = Vec::new();
    for user in of_kind::<User>(scene, count_max).await? {
        people.push(of_user(scene, user).await?);
    }
    for service in of_kind::<Service>(scene, count_max).await? {
        people.push(of_service(scene, service).await?);
    }
    people.retain(|person| person.is_active);
    people.truncate(count_max);
    Ok(people)
}

async fn of_kind<T: Document>(scene: &Scene<'_>, count_max: usize) -> Result<Vec<T>, Problem> {
    let (mut all, mut after): (Vec<T>, Option<String>) = (Vec::new(), None);
    loop {
        let query = RecordQuery {
            kind: T::KIND,
            parent: None,
            after: after.as_deref(),
            count: READ_AT_ONCE,
        };
        let records = scene.store.records(&scene.scope(), &query).await?;
        for record in &records {
            all.push(read(record)?);
        }
        if (records.len() as u64) < READ_AT_ONCE || all.len() >= count_max {
            return Ok(all);
        }
        after = records.last().map(|record| record.id.clone());
    }
}

async fn of_user(scene: &Scene<'_>, user: User) -> Result<Person, Problem> {
    let id = ActorId::User(user.id);
    Ok(Person {
        id,
        tenant: scene.tenant,
        name: user.email,
        is_active: user.state == UserState::Active,
        service: None,
        grants: grants(scene, id).await?,
    })
}

async fn of_service(scene: &Scene<'_>, service: Service) -> Result<Person, Problem> {
    let id = ActorId::Service(service.id);
    Ok(Person {
        id,
        tenant: scene.tenant,
        name: service.name.clone(),
        is_active: service.state == UserState::Active,
        service: Some(service),
        grants: grants(scene, id).await?,
    })
}

async fn grants(scene: &Scene<'_>, holder: ActorId) -> Result<Vec<RoleGrant>, Problem> {
    let holder = holder.to_string();
    let query = RecordQuery {
        kind: RecordKind::Grant,
        parent: Some(&holder),
        after: None,
        count: READ_AT_ONCE,
    };
    let records = scene.store.records(&scene.scope(), &query).await?;
    let grants = records
        .iter()
        .map(|record| read::<Grant>(record).map(|grant| grant.role_grant()));
    grants.collect()
}
