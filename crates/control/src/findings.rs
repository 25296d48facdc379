//! Credentials that somebody should look after: expired, expiring, unused, without an owner, never taken. Found and
//! reported, never changed: what is to be done about them, a person decides.
//!
//! When a key was last used is asked of the ledger, once a sweep: whatever a key does leaves an entry there, so that
//! a call writes nothing more for this.

mod judge;
mod sweep;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{TenantId, TenantScope, UnixMillis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::usage::{Dimension, HOUR_MS, UsageQuery, hour_of};
use store::{AuditQuery, DirectoryDump, Record, RecordKind, RecordQuery, Store, StoreError};

use crate::problem::Problem;
use crate::record::{Document, Login, Service, User, UserState, read};

pub use judge::judge;
pub use sweep::CredentialSweeper;

/// Documents read at once.
const READ_AT_ONCE: u64 = 500;

/// After how long something is worth a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// So long before a key expires.
    pub warn: Duration,
    /// A key that was not used for so long.
    pub unused: Duration,
    /// A user who did nothing here for so long.
    pub idle: Duration,
}

/// What is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// A key that has expired and was never revoked.
    KeyExpired,
    /// A key that expires soon.
    KeyExpiring,
    /// A key that nothing was called with for long, or ever.
    KeyUnused,
    /// A key whose owner is disabled.
    KeyOwnerDisabled,
    /// A key whose owner is not there any more.
    KeyOwnerGone,
    /// A key whose team is not there.
    KeyTeamGone,
    /// A key whose project is not there any more.
    KeyProjectGone,
    /// A key of a tenant that has ended.
    KeyOutlivesTenant,
    /// The text that a rotation replaced; its grace is over.
    PredecessorPastGrace,
    /// A one-time token that ran out before anybody used it.
    InvitationLapsed,
    /// A user who did nothing here for long.
    UserIdle,
    /// A service account that is active and has no key.
    ServiceWithoutKeys,
}

/// One credential and what is the matter with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub matter: Matter,
    /// The id of the key, user or service account.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Since when; for what is yet to come, when.
    pub at: UnixMillis,
}

impl Finding {
    /// What tells findings of one tenant apart.
    pub fn mark(&self) -> String {
        let matter = serde_json::to_value(self.matter).unwrap_or_default();
        format!("{} {}", matter.as_str().unwrap_or_default(), self.id)
    }
}

/// Everything that findings are made from, read at one moment.
#[derive(Debug)]
pub struct Survey {
    /// The tenant's part of the directory.
    pub directory: DirectoryDump,
    /// Ids of its projects.
    pub projects: HashSet<String>,
    /// Its people.
    pub users: Vec<User>,
    /// How they sign in.
    pub logins: Vec<Login>,
    /// Its service accounts.
    pub services: Vec<Service>,
    /// Ids of keys that were used lately.
    pub used: HashSet<String>,
    /// Ids of users who did something here lately.
    pub busy: HashSet<String>,
}

/// Why a tenant could not be looked through.
#[derive(Debug, thiserror::Error)]
pub enum FindingsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored document does not read.
    #[error("a document does not read: {0}")]
    Damaged(String),
}

impl From<Problem> for FindingsError {
    fn from(problem: Problem) -> Self {
        Self::Damaged(problem.internal.unwrap_or(problem.detail))
    }
}

impl From<FindingsError> for Problem {
    fn from(error: FindingsError) -> Self {
        match error {
            FindingsError::Store(error) => error.into(),
            FindingsError::Damaged(why) => StoreError::Damaged(why).into(),
        }
    }
}

/// Looks through tenants.
#[derive(Debug, Clone)]
pub struct Credentials {
    store: Arc<dyn Store>,
    patience: Patience,
}

impl Credentials {
    /// For the tenants of this store.
    pub const fn new(store: Arc<dyn Store>, patience: Patience) -> Self {
        Self { store, patience }
    }

    /// What is the matter with a tenant's credentials now.
    // threat: ANP-0016
    pub async fn look(
        &self,
        tenant: TenantId,
        directory: &DirectoryDump,
        now: UnixMillis,
    ) -> Result<Vec<Finding>, FindingsError> {
        let survey = self.survey(tenant, directory, now).await?;
        Ok(judge(&survey, &self.patience, now))
    }

    async fn survey(
        &self,
        tenant: TenantId,
        directory: &DirectoryDump,
        now: UnixMillis,
    ) -> Result<Survey, FindingsError> {
        let scope = TenantScope::operator(tenant);
        let users: Vec<User> = self.all(&scope).await?;
        let projects = self.records(&scope, RecordKind::Project).await?;
        Ok(Survey {
            directory: DirectoryDump {
                revision: directory.revision,
                tenants: directory
                    .tenants
                    .iter()
                    .filter(|it| it.id == tenant)
                    .cloned()
                    .collect(),
                teams: directory
                    .teams
                    .iter()
                    .filter(|it| it.tenant == tenant)
                    .cloned()
                    .collect(),
                keys: directory
                    .keys
                    .iter()
                    .filter(|it| it.tenant == tenant)
                    .cloned()
                    .collect(),
                budgets: Vec::new(),
            },
            projects: projects.into_iter().map(|record| record.id).collect(),
            logins: self.logins(&scope).await?,
            services: self.all(&scope).await?,
            used: self.used(&scope, now).await?,
            busy: self.busy(&scope, &users, now).await?,
            users,
        })
    }

    async fn used(&self, scope: &TenantScope, now: UnixMillis) -> Result<HashSet<String>, StoreError> {
        // Whole hours, which roll-ups know; an hour more or less is none to patience.
        let hour = hour_of(earlier(now, self.patience.unused));
        let from = UnixMillis(hour.saturating_mul(HOUR_MS));
        let query = UsageQuery::over(from, UnixMillis(i64::MAX)).by([Dimension::Key]);
        let report = self.store.usage(scope, &query).await?;
        Ok(report.rows.into_iter().flat_map(|row| row.group).collect())
    }

    /// Who signs in leaves a record.
    async fn busy(
        &self,
        scope: &TenantScope,
        users: &[User],
        now: UnixMillis,
    ) -> Result<HashSet<String>, StoreError> {
        let from = earlier(now, self.patience.idle);
        let mut busy = HashSet::new();
        let asked = |user: &&User| user.state == UserState::Active && user.created < from;
        for user in users.iter().filter(asked) {
            let query = AuditQuery {
                from: Some(from),
                actor: Some(user.id.to_string()),
                count: 1,
                ..AuditQuery::default()
            };
            if !self.store.audit(scope, &query).await?.is_empty() {
                busy.insert(user.id.to_string());
            }
        }
        Ok(busy)
    }

    /// Ways to sign in; not the mark of the first start, which is kept among them.
    async fn logins(&self, scope: &TenantScope) -> Result<Vec<Login>, FindingsError> {
        let records = self.records(scope, RecordKind::Login).await?;
        let logins = records.iter().filter(|record| record.document != "{}");
        Ok(logins.map(read).collect::<Result<_, _>>()?)
    }

    async fn all<T: Document>(&self, scope: &TenantScope) -> Result<Vec<T>, FindingsError> {
        let records = self.records(scope, T::KIND).await?;
        Ok(records.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn records(&self, scope: &TenantScope, kind: RecordKind) -> Result<Vec<Record>, StoreError> {
        let mut all: Vec<Record> = Vec::new();
        loop {
            let after = all.last().map(|last| last.id.clone());
            let query = RecordQuery {
                kind,
                parent: None,
                after: after.as_deref(),
                count: READ_AT_ONCE,
            };
            let page = self.store.records(scope, &query).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

/// So long before.
fn earlier(now: UnixMillis, by: Duration) -> UnixMillis {
    UnixMillis(
        now.0
            .saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
    )
}
