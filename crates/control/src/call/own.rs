//! Acts on one's own account, and attempts at it: no policy is asked, for nobody else is concerned; they
//! are recorded all the same.

use domain::{AuditId, TenantId, TenantScope};
use ledger::{AuditActor, AuditOutcome, AuditRecord};
use store::{AuditEntry, Change};

use super::{Call, Deed, Done, Entered};
use crate::answer::Answer;
use crate::problem::Code;
use crate::record::User;

/// Who does what to their own account.
#[derive(Debug, Clone)]
pub struct Own {
    scope: TenantScope,
    actor: AuditActor,
    act: &'static str,
}

impl Own {
    /// A person.
    pub fn user(tenant: TenantId, user: &User, act: &'static str) -> Self {
        Self {
            scope: TenantScope::operator(tenant),
            actor: AuditActor::User(user.id.to_string(), user.email.clone()),
            act,
        }
    }

    /// Whoever provisions the tenant's people, by its token.
    pub fn provisioning(tenant: TenantId, act: &'static str) -> Self {
        Self {
            scope: TenantScope::operator(tenant),
            actor: AuditActor::Service("scim".to_owned(), "provisioning by SCIM".to_owned()),
            act,
        }
    }

    /// The tenant whose own it is, to look for things in.
    pub const fn entered(&self) -> Entered {
        Entered::alone(self.scope)
    }

    /// Somebody who shows nothing that is known, and what they typed.
    pub fn stranger(tenant: TenantId, typed: String, act: &'static str) -> Self {
        Self {
            scope: TenantScope::operator(tenant),
            actor: AuditActor::Stranger(typed),
            act,
        }
    }
}

impl Call {
    /// Does it: all of it, recorded, or nothing.
    pub async fn done_alone(&self, own: &Own, deed: Deed, changes: Vec<Change>, answer: Answer) -> Done {
        let entry = self.entry(own, AuditOutcome::Done, deed);
        self.control
            .store
            .commit(&own.scope, &changes, Some(&entry))
            .await?;
        Ok(answer)
    }

    /// Records that it was refused. The "no" stands whether or not that can be recorded.
    pub async fn tell(&self, own: &Own, code: Option<Code>) {
        let code = code.unwrap_or(Code::Forbidden);
        // Half a sign-in is no refusal; and whoever only waits may not fill the log.
        if matches!(code, Code::CodeRequired | Code::TooManyAttempts) {
            return;
        }
        self.tell_why(own, code.as_str()).await;
    }

    /// The same, with what is said to nobody outside.
    pub async fn tell_why(&self, own: &Own, why: &str) {
        let outcome = AuditOutcome::Refused(why.to_owned());
        let record = self.entry(own, outcome, Deed::default()).record;
        let caller = match &own.actor {
            AuditActor::User(id, _) | AuditActor::Service(id, _) => id.clone(),
            // Names are whatever one types; the address is not.
            _ => self.address.to_string(),
        };
        self.tell_restrained(own.scope, caller, record).await;
    }

    fn entry(&self, own: &Own, outcome: AuditOutcome, deed: Deed) -> AuditEntry {
        let whose = (AuditId::generate(), own.scope.tenant());
        AuditEntry::from(AuditRecord {
            address: Some(self.address),
            target: deed.target,
            before: deed.before,
            after: deed.after,
            outcome,
            ..AuditRecord::done(whose, self.now, own.actor.clone(), own.act)
        })
    }
}
