//! From a request to leave to act: the tenant is entered, the policy asked. What the caller may not even
//! see is not there.

use std::str::FromStr;

use domain::{AuditId, Threat};
use domain::{Permission, Reach, TenantId, TenantScope};
use ledger::{AuditActor, AuditOutcome, AuditRecord};
use policy::{Act, ActContext, Resource, Verdict};

use super::{Call, Second, Stop};
use crate::offboarding::is_ending;
use crate::problem::{Code, Problem};
use crate::record::Approval;
use crate::shadow;

/// Leave to look for things in one tenant: not yet to see or change any of them.
#[derive(Debug, Clone, Copy)]
pub struct Entered {
    scope: TenantScope,
}

impl Entered {
    /// One's own, where a token stands for the whole tenant and no policy is asked.
    pub(super) const fn alone(scope: TenantScope) -> Self {
        Self { scope }
    }

    /// The tenant.
    pub const fn tenant(&self) -> TenantId {
        self.scope.tenant()
    }

    /// Its scope.
    pub const fn scope(&self) -> &TenantScope {
        &self.scope
    }
}

/// Whether an act wants a second person, beside what policies say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weight {
    /// Where that is configured.
    #[default]
    Configured,
    /// Whatever is configured.
    Always,
    /// Not by configuration: it only takes away.
    Never,
}

impl Weight {
    /// That of an act that wants one if `is_weighty`, whatever else is configured.
    pub const fn of(is_weighty: bool) -> Self {
        match is_weighty {
            true => Self::Always,
            false => Self::Configured,
        }
    }

    /// Whether it wants one, where `is_configured`.
    pub const fn wants(self, is_configured: bool) -> bool {
        match self {
            Self::Configured => is_configured,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Leave to do one act in one tenant, by policy.
#[derive(Debug, Clone)]
pub struct Permitted {
    pub(super) scope: TenantScope,
    pub(super) act: Permission,
    pub(super) actor: AuditActor,
    pub(super) policies: Vec<String>,
    pub(super) second: Second,
}

impl Permitted {
    /// The scope of the act's tenant.
    pub const fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// The second person's yes, where it takes two and there is one.
    pub fn approval(&self) -> Option<&Approval> {
        match &self.second {
            Second::Given(given) => Some(&given.1),
            Second::NotWanted | Second::Wanted(_) => None,
        }
    }

    /// Whether the act is only asked for, and waits for a second person.
    pub const fn waits(&self) -> bool {
        matches!(self.second, Second::Wanted(_))
    }
}

impl Call {
    /// Enters the tenant in the path: the caller's own, or any, for those whose roles reach over the platform.
    // threat: AGP-E1
    // threat: ANP-0006
    pub async fn enter(&self) -> Result<Entered, Stop> {
        let caller = self.caller()?;
        let tenant = self.tenant_id()?;
        let reaches = caller.grants.iter().any(|grant| grant.reach == Reach::Platform);
        let is_there = self.names.tenant(tenant).is_some();
        if tenant != caller.tenant && !(reaches && caller.tenant == TenantId::PLATFORM) {
            self.tell_of(Some(Threat::AgpE1)).await;
            return Err(Problem::not_found().into());
        }
        if !is_there {
            return Err(Problem::not_found().into());
        }
        Ok(Entered {
            scope: TenantScope::operator(tenant),
        })
    }

    /// The platform's own scope, for acts on tenants as such.
    pub fn platform(&self) -> Result<Entered, Stop> {
        self.caller()?;
        Ok(Entered {
            scope: TenantScope::operator(TenantId::PLATFORM),
        })
    }

    /// Asks whether the endpoint's act may be done to this. A "no" is recorded; and of what the caller may
    /// not see it is only said that it is not there.
    // threat: ANP-0014
    pub async fn permit(&self, entered: &Entered, resource: Resource) -> Result<Permitted, Stop> {
        self.permit_weighed(entered, resource, Weight::Configured).await
    }

    /// The same for an act of this weight.
    // threat: ANP-0014
    pub async fn permit_weighed(
        &self,
        entered: &Entered,
        resource: Resource,
        weight: Weight,
    ) -> Result<Permitted, Stop> {
        let act = self.endpoint.permission.ok_or_else(Problem::not_found)?;
        let wants = weight.wants(self.control.two_people.acts.contains(&act));
        let alone = self.ask_with(act, resource, (wants, false))?;
        let (verdict, second) = if alone.permit {
            (alone, Second::NotWanted)
        } else {
            // What an approval would open wants one: by configuration, or by a policy that reads it.
            let together = self.ask_with(act, resource, (wants, true))?;
            if !together.permit {
                if !act.is_read() {
                    self.tell_of(Some(Threat::Anp0014)).await;
                }
                return Err(self.refusal(act, resource, together)?.into());
            }
            (together, self.second(entered, act, resource).await?)
        };
        self.must_not_have_ended(entered.tenant(), act)?;
        let mut permitted = Permitted {
            scope: entered.scope,
            act,
            actor: self.caller()?.audited(),
            policies: verdict.policies,
            second,
        };
        if let Some(answer) = self.replayed(&permitted).await? {
            return Err(Stop::Replayed(Box::new(answer)));
        }
        if act.is_read() {
            self.read_by_two(&permitted).await?;
            // An approval is used up by now: recording what was taken out wants no other.
            permitted.second = Second::NotWanted;
        }
        Ok(permitted)
    }

    /// A tenant that has ended, or is about to, is read and nothing else: nothing in it is made or let work again.
    // threat: ANP-0016
    fn must_not_have_ended(&self, tenant: TenantId, act: Permission) -> Result<(), Problem> {
        let state = self.names.tenant(tenant).map(|tenant| tenant.state);
        match state.filter(|state| is_ending(*state)) {
            Some(state) if !act.is_read() && act != Permission::TenantsOffboard => Err(Problem::new(
                Code::Conflict,
                format!("the tenant is {}, and stays so", state.as_str()),
            )),
            _ => Ok(()),
        }
    }

    /// Whether the caller may see this: for leaving out of lists what it may not.
    pub fn may(&self, act: Permission, resource: Resource) -> Result<bool, Problem> {
        Ok(self.ask(act, resource)?.permit)
    }

    /// Whether the caller might do this act: what is asked of the second person.
    pub fn might(&self, act: Permission, resource: Resource) -> Result<bool, Problem> {
        Ok(self.ask_with(act, resource, (false, true))?.permit)
    }

    /// Whether this act, a part of another one, is what that one must have a second person for.
    // threat: ANP-0014
    pub fn wants_second(&self, act: Permission, resource: Resource) -> Result<bool, Problem> {
        let wants = self.control.two_people.acts.contains(&act);
        let alone = self.ask_with(act, resource, (wants, false))?;
        Ok(!alone.permit && self.ask_with(act, resource, (wants, true))?.permit)
    }

    /// Whether the caller may do this act as a part of one that is permitted: its second person saw both.
    // threat: ANP-0014
    pub fn may_within(
        &self,
        permitted: &Permitted,
        act: Permission,
        resource: Resource,
    ) -> Result<bool, Problem> {
        let wants = self.control.two_people.acts.contains(&act);
        let has_second = !matches!(permitted.second, Second::NotWanted);
        Ok(self.ask_with(act, resource, (wants, has_second))?.permit)
    }

    fn ask(&self, act: Permission, resource: Resource) -> Result<Verdict, Problem> {
        self.ask_with(act, resource, (false, false))
    }

    pub(super) fn ask_with(
        &self,
        act: Permission,
        resource: Resource,
        (wants_second_person, approved): (bool, bool),
    ) -> Result<Verdict, Problem> {
        let caller = self.caller()?;
        let context = ActContext {
            wants_second_person,
            approved,
            ..caller.context(&self.control, self.now)
        };
        let verdict = self.desk.decide(&Act {
            actor: &caller.actor(),
            permission: act,
            resource,
            context,
        });
        if let Some(shadow) = &self.shadow {
            let asked = shadow::Asked {
                actor: caller.id,
                name: caller.name.clone(),
                tenant: caller.tenant,
                grants: caller.grants.clone(),
                permission: act,
                resource,
                context,
            };
            shadow.compare(asked, &verdict);
        }
        if let Some(error) = &verdict.error {
            tracing::error!(%act, error, "a policy could not be asked, so the answer is no");
        }
        Ok(verdict)
    }

    pub(super) fn refusal(
        &self,
        act: Permission,
        resource: Resource,
        verdict: Verdict,
    ) -> Result<Problem, Problem> {
        let sees = match reading(act) {
            Some(read) if read != act => self.ask(read, resource)?.permit,
            _ => false,
        };
        if !sees && verdict.reason.is_none() {
            return Ok(Problem::not_found());
        }
        let detail = verdict
            .reason
            .unwrap_or_else(|| format!("none of your roles permits `{act}` here"));
        Ok(Problem::new(Code::Forbidden, detail))
    }

    /// Records a "no" in the caller's own audit log. The "no" stands whether or not it can be recorded.
    // threat: AGP-R3
    pub(crate) async fn tell_of(&self, threat: Option<Threat>) {
        let Ok((caller, scope)) = self.caller().and_then(|caller| Ok((caller, self.own_scope()?))) else {
            return;
        };
        let act = self.endpoint.permission.map_or("-", Permission::as_str);
        let whose = (AuditId::generate(), caller.tenant);
        let record = AuditRecord {
            address: Some(self.address),
            outcome: AuditOutcome::Refused(Code::Forbidden.as_str().to_owned()),
            threat,
            ..AuditRecord::done(whose, self.now, caller.audited(), act)
        };
        self.tell_restrained(scope, caller.id.to_string(), record).await;
    }
}

/// The act of seeing what `act` is done to: `teams.read` for `teams.update`.
fn reading(act: Permission) -> Option<Permission> {
    let (thing, _) = act.as_str().split_once('.')?;
    let name = format!("{thing}.read");
    Permission::ALL.iter().copied().find(|read| read.as_str() == name)
}

/// An id that the caller names in a body: what is no id of the kind is said to be so, with its place.
pub fn id_in_body<T: FromStr>(text: &str, pointer: &str) -> Result<T, Problem>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: T::Err| Problem::new(Code::Invalid, error.to_string()).at(pointer))
}
