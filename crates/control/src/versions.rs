//! Versions of policies as they are stored, in the platform's scope: each is written once and never changed;
//! which of them is in force stands in one record beside them, whose every change reaches every replica.

use std::sync::Arc;

use domain::{ActorId, ApprovalId, TenantId, TenantScope, UnixMillis};
use policy::{Plane, PolicyTexts};
use serde::{Deserialize, Serialize};
use store::{Record, RecordKind, Store, StoreError};

use crate::record::Document;

/// How many versions before the one in force are known, to go back to.
const PREVIOUS_MAX: usize = 50;
/// The id of the one record.
const STANDING: &str = "policies";

/// One version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Which: counted over both planes, from 1.
    pub number: u64,
    /// What it is about.
    pub plane: Plane,
    /// Policies and tests.
    pub texts: PolicyTexts,
    /// Who made it.
    pub author: ActorId,
    /// And what they were called.
    pub author_name: String,
    /// Why.
    pub reason: String,
    /// The Git commit it came from, as its author says.
    #[serde(default)]
    pub commit: Option<String>,
    /// When.
    pub created: UnixMillis,
}

/// Which versions count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The newest version's number; 0 before there is any.
    pub last: u64,
    /// Of calls.
    pub calls: PlaneStanding,
    /// Of the control plane.
    pub control: PlaneStanding,
    /// When the first version was made.
    pub created: UnixMillis,
}

/// Which versions of one plane count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaneStanding {
    /// The one in force, on top of what is built in and configured; none: those alone.
    pub active: Option<u64>,
    /// The one that is tried out beside it.
    pub shadow: Option<u64>,
    /// What was in force before, oldest first.
    pub previous: Vec<Option<u64>>,
    /// Who put the one in force there, and when.
    pub activated: Option<Activated>,
}

/// Who put a version in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activated {
    /// Who.
    pub by: ActorId,
    /// What they were called.
    pub name: String,
    /// When.
    pub at: UnixMillis,
    /// Who let them, where it took two people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approved>,
}

/// A second person's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Which approval it was.
    pub id: ApprovalId,
    /// Who gave it.
    pub by: ActorId,
    /// What they were called.
    pub name: String,
}

/// The versions of one plane that count, with their texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Current {
    /// In force.
    pub active: Option<Arc<Version>>,
    /// Tried out.
    pub shadow: Option<Arc<Version>>,
}

impl Document for Version {
    const KIND: RecordKind = RecordKind::PolicyVersion;
    fn id(&self) -> String {
        id(self.number)
    }
    fn parent(&self) -> Option<String> {
        Some(self.plane.as_str().to_owned())
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

impl Document for Standing {
    const KIND: RecordKind = RecordKind::PolicyStanding;
    fn id(&self) -> String {
        STANDING.to_owned()
    }
    fn created(&self) -> UnixMillis {
        self.created
    }
}

impl Standing {
    /// Of one plane.
    pub const fn of(&self, plane: Plane) -> &PlaneStanding {
        match plane {
            Plane::Calls => &self.calls,
            Plane::Control => &self.control,
        }
    }

    /// Of one plane, to change it.
    pub const fn of_mut(&mut self, plane: Plane) -> &mut PlaneStanding {
        match plane {
            Plane::Calls => &mut self.calls,
            Plane::Control => &mut self.control,
        }
    }
}

impl PlaneStanding {
    /// Puts this version in force; it is no longer only tried out.
    pub fn activate(&mut self, version: u64, by: Activated) {
        self.previous.push(self.active);
        if self.previous.len() > PREVIOUS_MAX {
            self.previous.remove(0);
        }
        self.active = Some(version);
        self.shadow = self.shadow.filter(|shadow| *shadow != version);
        self.activated = Some(by);
    }

    /// Puts what was in force before in force again. `false` if there is nothing to go back to.
    pub fn roll_back(&mut self, by: Activated) -> bool {
        let Some(before) = self.previous.pop() else {
            return false;
        };
        self.active = before;
        self.shadow = self.shadow.filter(|shadow| Some(*shadow) != before);
        self.activated = Some(by);
        true
    }
}

/// A version's id: digits that sort as the numbers do.
pub fn id(number: u64) -> String {
    format!("{number:010}")
}

fn scope() -> TenantScope {
    TenantScope::operator(TenantId::PLATFORM)
}

fn read<T: Document>(record: &Record) -> Result<T, StoreError> {
    serde_json::from_str(&record.document).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// Which versions count, with the record as it must still be when it is changed.
pub async fn stored_standing(store: &dyn Store) -> Result<(Option<Record>, Standing), StoreError> {
    match store.record(&scope(), RecordKind::PolicyStanding, STANDING).await {
        Ok(record) => {
            let standing = read(&record)?;
            Ok((Some(record), standing))
        }
        Err(StoreError::NotFound) => Ok((None, Standing::default())),
        Err(error) => Err(error),
    }
}

/// Which versions count.
pub async fn standing(store: &dyn Store) -> Result<Standing, StoreError> {
    Ok(stored_standing(store).await?.1)
}

/// One version. `NotFound` if there is none of that number.
pub async fn version(store: &dyn Store, number: u64) -> Result<Version, StoreError> {
    let record = store
        .record(&scope(), RecordKind::PolicyVersion, &id(number))
        .await?;
    read(&record)
}

/// The versions of a plane that count, with their texts.
pub async fn current(store: &dyn Store, standing: &Standing, plane: Plane) -> Result<Current, StoreError> {
    let of = standing.of(plane);
    let get = async |number: Option<u64>| match number {
        Some(number) => version(store, number)
            .await
            .map(|version| Some(Arc::new(version))),
        None => Ok(None),
    };
    Ok(Current {
        active: get(of.active).await?,
        shadow: get(of.shadow).await?,
    })
}

impl Current {
    /// What is in force on top of the configuration.
    pub fn texts(&self) -> Option<&PolicyTexts> {
        self.active.as_deref().map(|version| &version.texts)
    }

    /// By number: which is in force and which is tried out.
    pub fn numbers(&self) -> (Option<u64>, Option<u64>) {
        let number = |version: &Option<Arc<Version>>| version.as_deref().map(|version| version.number);
        (number(&self.active), number(&self.shadow))
    }
}
