//! Several acts of one request: each is asked for as it would be singly, all are done together, each with its
//! record, or none is.

use domain::Permission;
use policy::Resource;
use store::{AuditEntry, Change, StoreError};

use super::{Call, Deed, Done, Permitted, Second, Stop, Weight};
use crate::answer::Answer;
use crate::problem::{Code, Problem};

impl Call {
    /// Asks for one act more, of this name. A "no" is recorded, as it is for a single one. What wants a second
    /// person is not done in bulk: they approve one act, and see all that it changes.
    // threat: ANP-0014
    pub async fn permit_also(
        &self,
        door: &Permitted,
        (act, resource): (Permission, Resource),
        weight: Weight,
    ) -> Result<Permitted, Stop> {
        let wants = weight.wants(self.control.two_people.acts.contains(&act));
        let alone = self.ask_with(act, resource, (wants, false))?;
        if alone.permit {
            return Ok(Permitted {
                act,
                policies: alone.policies,
                second: Second::NotWanted,
                ..door.clone()
            });
        }
        let together = self.ask_with(act, resource, (wants, true))?;
        if together.permit {
            let detail = format!("`{act}` wants a second person: do this one singly");
            return Err(Problem::new(Code::Forbidden, detail).into());
        }
        self.tell_of(Some(domain::Threat::Anp0014)).await;
        Err(self.refusal(act, resource, together)?.into())
    }

    /// Does all that was permitted, each recorded, in one transaction; in a dry run, nothing. `door` is the leave
    /// for the request itself: it is recorded first, and its answer is what is kept for the request that comes
    /// again.
    // threat: AGP-R3
    pub async fn done_all(
        &self,
        door: (&Permitted, Deed),
        acts: Vec<(Permitted, Deed)>,
        mut changes: Vec<Change>,
        answer: Answer,
    ) -> Done {
        if self.is_dry_run() {
            return Ok(Answer {
                is_dry_run: true,
                ..answer
            });
        }
        let (permitted, deed) = door;
        match &permitted.second {
            Second::NotWanted => {}
            Second::Wanted(resource) => return self.wish(permitted, *resource, deed).await,
            Second::Given(given) => changes.push(self.spend(given, &deed)?),
        }
        if let Some(change) = self.kept(permitted, &answer).await? {
            changes.push(change);
        }
        let mut audits = vec![AuditEntry::from(self.record(permitted, deed))];
        audits.extend(
            acts.into_iter()
                .map(|(permitted, deed)| AuditEntry::from(self.record(&permitted, deed))),
        );
        let store = &self.control.store;
        match store.commit_all(permitted.scope(), &changes, &audits).await {
            Ok(()) => Ok(answer),
            Err(StoreError::Conflict(why)) => match self.replayed(permitted).await? {
                Some(answer) => Err(Stop::Replayed(Box::new(answer))),
                None => Err(StoreError::Conflict(why).into()),
            },
            Err(error) => Err(error.into()),
        }
    }
}
