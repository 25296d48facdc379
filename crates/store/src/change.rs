//! What every engine asks before it makes a change: whether it is the scope's to make, and whether what it
//! replaces is still as it was read. Looks at values only; never at a store.

use std::collections::BTreeSet;

use credential::KeyRecord;
use domain::{TenantId, TenantScope};
use ledger::Budget;

use crate::{AuditEntry, Change, RecordKind, StoreError, must_own};

/// `NotFound` unless all changes and audit records are the scope's, and replacements keep their ids.
// threat: AGP-E1
// threat: ANP-0007
pub fn must_own_all(
    scope: &TenantScope,
    changes: &[Change],
    audits: &[AuditEntry],
) -> Result<(), StoreError> {
    audits
        .iter()
        .try_for_each(|audit| must_own(scope, audit.record.tenant))?;
    let removes =
        |change: &Change| matches!(change, Change::RemoveAudits { .. } | Change::RemoveEntries { .. });
    // threat: AGP-R3
    if audits.is_empty() && changes.iter().any(removes) {
        return Err(StoreError::Conflict(
            "audit records and entries are not removed without a record of it".to_owned(),
        ));
    }
    changes
        .iter()
        .try_for_each(|change| must_own_change(scope, change))
}

fn must_own_change(scope: &TenantScope, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::CreateTenant(tenant) => may_change(scope, tenant.id),
        Change::ReplaceTenant { before, after } => {
            may_change(scope, before.id)?;
            must_stay(before.id == after.id)
        }
        Change::CreateTeam(team) => must_own(scope, team.tenant),
        Change::ReplaceTeam { before, after } => {
            must_own(scope, before.tenant)?;
            must_own(scope, after.tenant)?;
            must_stay(before.id == after.id)
        }
        Change::CreateKey(key) => must_own(scope, key.tenant),
        Change::ReplaceKey { before, after } => {
            must_own(scope, before.tenant)?;
            must_own(scope, after.tenant)?;
            must_stay(before.id == after.id)
        }
        Change::PutBudget(budget) => must_own(scope, budget.tenant),
        Change::ReplaceBudget { before, after } => {
            must_own(scope, before.tenant)?;
            must_own(scope, after.tenant)?;
            let fixed = |budget: &Budget| (budget.id, budget.scope, budget.window);
            must_stay(fixed(before) == fixed(after) && before.terms.fixed() == after.terms.fixed())
        }
        Change::Replace { before, after } => {
            must_stay((before.kind, &before.id) == (after.kind, &after.id))?;
            must_change(before.kind)
        }
        // What a tenant's texts said goes with the tenant.
        Change::Remove(record) if is_content(record.kind) => Ok(()),
        Change::Remove(record) => must_change(record.kind),
        Change::NextEpoch { .. } => must_own(scope, TenantId::PLATFORM),
        // What these name is looked for among the scope's own.
        Change::DeleteBudget(_)
        | Change::TellMarks { .. }
        | Change::Create(_)
        | Change::RemoveAudits { .. }
        | Change::RemoveEntries { .. } => Ok(()),
    }
}

/// Tenants are changed in their own scope or in the platform's.
fn may_change(scope: &TenantScope, tenant: TenantId) -> Result<(), StoreError> {
    if scope.tenant() == TenantId::PLATFORM {
        return Ok(());
    }
    must_own(scope, tenant)
}

/// `Conflict` for what stays as it is once it is there.
// threat: AGP-R2
fn must_change(kind: RecordKind) -> Result<(), StoreError> {
    let what = match kind {
        RecordKind::ChargebackStatement => "a final statement",
        RecordKind::PriceSheetVersion => "a version of a price sheet",
        RecordKind::TenantGuardsVersion => "a version of a tenant's guards",
        RecordKind::ConsentsVersion => "a version of a tenant's consents",
        RecordKind::SampleVersion => "a version of a sample",
        RecordKind::PromptVersion => "a version of a prompt",
        _ => return Ok(()),
    };
    Err(StoreError::Conflict(format!("{what} stays as it is")))
}

/// Whether versions of this kind are what a tenant wrote for its calls.
// threat: ANP-0016
const fn is_content(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::SampleVersion | RecordKind::PromptVersion)
}

const fn must_stay(same_id: bool) -> Result<(), StoreError> {
    if same_id {
        Ok(())
    } else {
        Err(StoreError::NotFound)
    }
}

/// `Conflict` if a key holds the same binding twice.
pub fn must_be_distinct(key: &KeyRecord) -> Result<(), StoreError> {
    let mut seen = BTreeSet::new();
    if key.bindings.iter().all(|binding| seen.insert(binding)) {
        return Ok(());
    }
    Err(StoreError::Conflict("the key holds a binding twice".to_owned()))
}

/// That what is stored is there (`NotFound`) and equals `before` (`Conflict`).
pub fn unchanged<T: PartialEq>(stored: Option<&T>, before: &T) -> Result<(), StoreError> {
    match stored {
        None => Err(StoreError::NotFound),
        Some(stored) if stored == before => Ok(()),
        Some(_) => Err(StoreError::Conflict("it changed meanwhile".to_owned())),
    }
}

/// `Conflict` unless records of this kind come and go by themselves. Nobody sweeps away people.
pub fn may_be_swept(kind: RecordKind) -> Result<(), StoreError> {
    match kind {
        RecordKind::Session | RecordKind::Replay => Ok(()),
        RecordKind::Project
        | RecordKind::User
        | RecordKind::Login
        | RecordKind::Service
        | RecordKind::ServiceToken
        | RecordKind::Grant
        | RecordKind::Approval
        | RecordKind::BreakGlass
        | RecordKind::ContentKey
        | RecordKind::Offboarding
        | RecordKind::Findings
        | RecordKind::PolicyVersion
        | RecordKind::PolicyStanding
        | RecordKind::Sso
        | RecordKind::Link
        | RecordKind::Scim
        | RecordKind::Group
        | RecordKind::Credential
        | RecordKind::Root
        | RecordKind::Succession
        | RecordKind::Delivery
        | RecordKind::Told
        | RecordKind::DeadLetter
        | RecordKind::Exported
        | RecordKind::OwnSink
        | RecordKind::OwnSchedule
        | RecordKind::Reconciliation
        | RecordKind::Habit
        | RecordKind::ChargebackRules
        | RecordKind::ChargebackStatement
        | RecordKind::PriceSheet
        | RecordKind::PriceSheetVersion
        | RecordKind::TenantGuards
        | RecordKind::TenantGuardsVersion
        | RecordKind::Consents
        | RecordKind::ConsentsVersion
        | RecordKind::Sample
        | RecordKind::SampleVersion
        | RecordKind::Prompt
        | RecordKind::PromptVersion
        | RecordKind::PromptInUse
        | RecordKind::IdentityKeys
        | RecordKind::Cosigned
        | RecordKind::Witness => Err(StoreError::Conflict(format!(
            "records of the kind `{}` are not swept",
            kind.as_str()
        ))),
    }
}

/// `Conflict` because the entries from `from` up to `below` are not all there to go.
pub fn entries_differ(from: u64, below: u64) -> StoreError {
    StoreError::Conflict(format!(
        "entries {from} up to {below} are not the next that can go"
    ))
}

/// `Conflict` unless all of the audit records that should go were there to go.
pub fn all_removed(from: u64, below: u64, removed: u64) -> Result<(), StoreError> {
    if from < below && removed == below - from {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "audit records {from} up to {below} are not all there"
    )))
}
