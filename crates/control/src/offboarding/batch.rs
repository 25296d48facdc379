//! What goes when a tenant ends: a bounded batch of it at a time, found anew each time, so that nothing is done
//! twice and nothing is left out. Changes nothing itself.

use credential::KeyState;
use domain::TenantScope;
use ledger::certificate::Revoked;
use store::{Change, Record, RecordKind, RecordQuery, Store};

use super::OffboardError;
use crate::content::destruction;
use crate::record::{Document, Login, Service, User, UserState, read};

/// Changes made in one transaction.
pub const CHANGES_MAX: usize = 200;
/// Documents read at once.
const READ_AT_ONCE: u64 = 200;

/// What becomes of the documents of a kind.
enum Fate {
    /// They are removed.
    Removed,
    /// They stay, and open nothing.
    Disabled,
    /// The key in it is destroyed.
    Destroyed,
    /// They stay as they are: they open nothing.
    Kept,
}

/// Every kind has one; a new kind does not compile without.
// threat: ANP-0016
const fn fate(kind: RecordKind) -> Fate {
    match kind {
        RecordKind::Login
        | RecordKind::Session
        | RecordKind::ServiceToken
        | RecordKind::Grant
        | RecordKind::Replay
        | RecordKind::Sso
        | RecordKind::Link
        | RecordKind::Scim
        | RecordKind::Group
        | RecordKind::Told
        | RecordKind::OwnSink
        | RecordKind::OwnSchedule
        | RecordKind::Sample
        | RecordKind::SampleVersion
        | RecordKind::Prompt
        | RecordKind::PromptVersion
        | RecordKind::PromptInUse
        | RecordKind::Habit => Fate::Removed,
        RecordKind::User | RecordKind::Service => Fate::Disabled,
        RecordKind::ContentKey => Fate::Destroyed,
        RecordKind::Project
        | RecordKind::Approval
        | RecordKind::BreakGlass
        | RecordKind::Offboarding
        | RecordKind::Findings
        | RecordKind::ChargebackRules
        | RecordKind::ChargebackStatement
        | RecordKind::PriceSheet
        | RecordKind::PriceSheetVersion
        | RecordKind::TenantGuards
        | RecordKind::TenantGuardsVersion
        | RecordKind::Consents
        | RecordKind::ConsentsVersion
        | RecordKind::PolicyVersion
        | RecordKind::PolicyStanding
        | RecordKind::Credential
        | RecordKind::Root
        | RecordKind::Succession
        | RecordKind::Delivery
        | RecordKind::DeadLetter
        | RecordKind::Exported
        | RecordKind::Reconciliation
        | RecordKind::IdentityKeys
        | RecordKind::Cosigned
        | RecordKind::Witness => Fate::Kept,
    }
}

/// Changes, and what they bring to an end.
#[derive(Default)]
pub struct Batch {
    pub changes: Vec<Change>,
    pub revoked: Revoked,
}

/// At most `room` of the changes that are left to be made. Content keys go last, when nothing needs them any more.
pub async fn gather(store: &dyn Store, scope: &TenantScope, room: usize) -> Result<Batch, OffboardError> {
    let mut batch = Batch::default();
    batch.take_keys(store, scope, room).await?;
    for kind in RecordKind::ALL.iter().copied() {
        if !matches!(fate(kind), Fate::Destroyed | Fate::Kept) {
            batch.take_records(store, scope, kind, room).await?;
        }
    }
    for kind in RecordKind::ALL.iter().copied() {
        if matches!(fate(kind), Fate::Destroyed) {
            batch.take_records(store, scope, kind, room).await?;
        }
    }
    Ok(batch)
}

impl Batch {
    async fn take_keys(
        &mut self,
        store: &dyn Store,
        scope: &TenantScope,
        room: usize,
    ) -> Result<(), OffboardError> {
        let keys = store.keys(scope).await?;
        let active = keys.into_iter().filter(|key| key.state == KeyState::Active);
        for before in active.take(room) {
            self.revoked.keys.push(before.id.to_string());
            self.changes.push(Change::ReplaceKey {
                after: Box::new(before.revoke()),
                before: Box::new(before),
            });
        }
        Ok(())
    }

    async fn take_records(
        &mut self,
        store: &dyn Store,
        scope: &TenantScope,
        kind: RecordKind,
        room: usize,
    ) -> Result<(), OffboardError> {
        let mut after: Option<String> = None;
        while self.changes.len() < room {
            let query = RecordQuery {
                kind,
                parent: None,
                after: after.as_deref(),
                count: READ_AT_ONCE,
            };
            let records = store.records(scope, &query).await?;
            let Some(last) = records.last() else {
                return Ok(());
            };
            after = Some(last.id.clone());
            for record in records {
                if self.changes.len() < room {
                    self.take(record)?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, record: Record) -> Result<(), OffboardError> {
        let change = match fate(record.kind) {
            Fate::Kept => None,
            Fate::Removed => {
                self.count(&record)?;
                Some(Change::Remove(record))
            }
            Fate::Disabled => self.disable(record)?,
            Fate::Destroyed => destruction(&record)?.map(|(change, fingerprint)| {
                self.revoked.content_key = Some(fingerprint);
                change
            }),
        };
        self.changes.extend(change);
        Ok(())
    }

    fn count(&mut self, record: &Record) -> Result<(), OffboardError> {
        let revoked = &mut self.revoked;
        match record.kind {
            RecordKind::Session => revoked.sessions.push(record.id.clone()),
            RecordKind::Grant => revoked.grants += 1,
            RecordKind::Replay => revoked.answers += 1,
            RecordKind::Login => {
                let login: Login = read(record)?;
                revoked.logins += 1;
                revoked.invitations += u64::from(login.setup.is_some());
            }
            _ => {}
        }
        Ok(())
    }

    /// The same account, closed; nothing if it is.
    fn disable(&mut self, before: Record) -> Result<Option<Change>, OffboardError> {
        let after = match before.kind {
            RecordKind::User => {
                let mut user: User = read(&before)?;
                if user.state == UserState::Active {
                    self.revoked.users.push(before.id.clone());
                }
                user.state = UserState::Disabled;
                user.to_record()?
            }
            _ => {
                let mut service: Service = read(&before)?;
                if service.state == UserState::Active {
                    self.revoked.services.push(before.id.clone());
                }
                service.state = UserState::Disabled;
                service.to_record()?
            }
        };
        Ok((before != after).then_some(Change::Replace { before, after }))
    }
}
