//! The second person: an act that wants one is written down with all it would change, and done when somebody
//! else, who might do it themself, has approved it. Never does anything on anybody's behalf: the one who wants
//! the act asks again, naming the approval.

use domain::{ApprovalId, AuditId, Permission};
use http::{HeaderName, StatusCode};
use ledger::AuditRecord;
use policy::Resource;
use store::{AuditEntry, Change, Record};

use super::{Call, Deed, Done, Entered, Permitted, Stop};
use crate::answer::Answer;
use crate::problem::{Code, Problem};
use crate::record::{Approval, ApprovalState, Document, read};
use crate::resource::approvals::ApprovalView;

/// Names the approval of a request that was approved.
pub const APPROVAL: HeaderName = HeaderName::from_static("approval");
/// Why the act is wanted, for whoever decides.
pub const APPROVAL_REASON: HeaderName = HeaderName::from_static("approval-reason");
/// The longest reason.
const REASON_CHARS_MAX: usize = 500;
/// How many wishes of one actor may wait in a tenant.
const WAITING_MAX: usize = 50;

/// What a permitted act has of a second person.
#[derive(Debug, Clone)]
pub enum Second {
    /// It wants none.
    NotWanted,
    /// It wants one and has none yet.
    Wanted(Resource),
    /// It has one.
    Given(Box<(Record, Approval)>),
}

impl Call {
    /// What names this request: the same act, asked again.
    fn request_digest(&self) -> String {
        let whole = (self.endpoint.method.as_str(), self.list_name(), &self.body_digest);
        let text = serde_json::to_vec(&whole).unwrap_or_default();
        blake3::hash(&text).to_hex().to_string()
    }

    /// The approval that the request names, when it is good for this very act.
    // threat: ANP-0014
    pub(super) async fn second(
        &self,
        entered: &Entered,
        act: Permission,
        resource: Resource,
    ) -> Result<Second, Stop> {
        let Some(named) = self.headers.get(APPROVAL) else {
            return Ok(Second::Wanted(resource));
        };
        let no = |why: &str| Problem::new(Code::ApprovalInvalid, why);
        let id = named
            .to_str()
            .ok()
            .and_then(|text| text.parse::<ApprovalId>().ok());
        let id = id.ok_or_else(|| no("`Approval` names an approval by its id: `apr_…`"))?;
        let unknown = |_| no("there is no such approval of yours here");
        let (record, approval) = self.find::<Approval>(entered, &id).await.map_err(unknown)?;
        if approval.requester != self.caller()?.id {
            return Err(no("there is no such approval of yours here").into());
        }
        if approval.act != act.as_str() || approval.request != self.request_digest() {
            return Err(no("it was approved for another request: send that one, unchanged").into());
        }
        match approval.state {
            _ if approval.expires <= self.now => Err(no("its time is over: ask again").into()),
            ApprovalState::Waiting => Err(no("nobody has decided yet").into()),
            ApprovalState::Denied => Err(no("it was denied").into()),
            ApprovalState::Used => Err(no("it was used: an approval is good once").into()),
            ApprovalState::Approved => Ok(Second::Given(Box::new((record, approval)))),
        }
    }

    /// Writes the act down instead of doing it.
    pub(super) async fn wish(&self, permitted: &Permitted, resource: Resource, deed: Deed) -> Done {
        let caller = self.caller()?;
        let request = self.request_digest();
        let waiting = self.wishes(permitted, &request).await?;
        if let Some(same) = waiting {
            return accepted(&same);
        }
        let (target, before, after) = deed.parts();
        let approval = Approval {
            id: ApprovalId::generate(),
            requester: caller.id,
            requester_name: caller.name.clone(),
            act: permitted.act.as_str().to_owned(),
            resource,
            request,
            target,
            before,
            after,
            reason: self.reason()?,
            state: ApprovalState::Waiting,
            created: self.now,
            expires: self.now.plus(self.control.two_people.lasts),
            decided: None,
        };
        let whose = (AuditId::generate(), permitted.scope.tenant());
        let record = AuditRecord {
            address: Some(self.address),
            target: Some(approval.id.to_string()),
            policies: permitted.policies.clone(),
            after: serde_json::to_value(ApprovalView::from(&approval)).ok(),
            ..AuditRecord::done(whose, self.now, permitted.actor.clone(), "approvals.ask")
        };
        let change = Change::Create(approval.to_record()?);
        let entry = AuditEntry::from(record);
        let store = &self.control.store;
        store.commit(&permitted.scope, &[change], Some(&entry)).await?;
        accepted(&approval)
    }

    /// The wish for this very request that waits already; a problem if too many do.
    async fn wishes(&self, permitted: &Permitted, request: &str) -> Result<Option<Approval>, Stop> {
        let own = self.caller()?.id.to_string();
        let all = self.all_of::<Approval>(&permitted.scope, Some(&own)).await?;
        let waiting = all
            .into_iter()
            .map(|(_, approval)| approval)
            .filter(|it| it.state == ApprovalState::Waiting && self.now < it.expires);
        let waiting: Vec<_> = waiting.collect();
        let count = waiting.len();
        match waiting.into_iter().find(|it| it.request == request) {
            Some(same) => Ok(Some(same)),
            None if count >= WAITING_MAX => {
                let detail =
                    format!("{WAITING_MAX} of your acts wait for a second person: let some be decided");
                Err(Problem::new(Code::Conflict, detail).into())
            }
            None => Ok(None),
        }
    }

    fn reason(&self) -> Result<Option<String>, Problem> {
        let Some(value) = self.headers.get(APPROVAL_REASON) else {
            return Ok(None);
        };
        let text = value
            .to_str()
            .ok()
            .filter(|text| text.chars().count() <= REASON_CHARS_MAX);
        let text = text.ok_or_else(|| {
            let detail = format!("`Approval-Reason` has at most {REASON_CHARS_MAX} printable characters");
            Problem::new(Code::Malformed, detail)
        })?;
        Ok(Some(text.to_owned()))
    }

    /// Uses an approval up, together with the act: a `Conflict` if somebody was faster. What is changed must
    /// still look as it did when it was approved.
    // threat: ANP-0014
    pub(super) fn spend(&self, given: &(Record, Approval), deed: &Deed) -> Result<Change, Problem> {
        let (record, approval) = given;
        if !deed.begins_with(approval.before.as_ref()) {
            return Err(Problem::new(
                Code::ApprovalInvalid,
                "what it was approved for has changed since: ask again",
            ));
        }
        let used = Approval {
            state: ApprovalState::Used,
            ..read(record)?
        };
        Ok(Change::Replace {
            before: record.clone(),
            after: used.to_record()?,
        })
    }

    /// An act that changes nothing but wants a second person all the same: taking things out.
    pub(super) async fn read_by_two(&self, permitted: &Permitted) -> Result<(), Stop> {
        match &permitted.second {
            Second::NotWanted => Ok(()),
            Second::Wanted(resource) => {
                let answer = self.wish(permitted, *resource, Deed::default()).await?;
                Err(Stop::Waits(Box::new(answer)))
            }
            Second::Given(given) => {
                let change = self.spend(given, &Deed::default())?;
                let entry = AuditEntry::from(self.record(permitted, Deed::default()));
                let store = &self.control.store;
                Ok(store.commit(&permitted.scope, &[change], Some(&entry)).await?)
            }
        }
    }
}

fn accepted(approval: &Approval) -> Done {
    let view = ApprovalView::from(approval);
    Ok(Answer {
        status: StatusCode::ACCEPTED.as_u16(),
        ..Answer::view(&view)?
    })
}
