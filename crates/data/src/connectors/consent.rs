//! Which guards outside may see a call at all: content goes to none of them that its tenant lets it not go to. What is done
//! then is what is done where one gives no verdict. Never asks one.

use std::sync::Arc;

use domain::{DataClass, Operation, Threat};
use guard::{Direction, Mode};
use policy::Place;

use super::{Attached, OnFailure};
use crate::directory::Consented;
use crate::refusal::{Code, Gated, Refusal};
use crate::ticket::Ticket;

/// One that a call's tenant lets the content not go to.
#[derive(Debug, Clone)]
pub(crate) struct Unconsented {
    one: Arc<Attached>,
    class: DataClass,
    /// Whether the tenant lets content leave the house at all.
    content_leaves: bool,
}

impl Unconsented {
    /// This one, where that is so.
    // threat: ANP-0017
    pub(super) fn of(
        one: &Arc<Attached>,
        own: Option<&Consented>,
        (class, now): (DataClass, domain::UnixMillis),
    ) -> Option<Self> {
        let consents = &own?.consents;
        (!consents.permits(class, &one.place, now)).then(|| Self {
            one: one.clone(),
            class,
            content_leaves: consents.content_leaves,
        })
    }

    /// Which way it would have been asked. Calls for embeddings, or that count, bring no text back.
    fn directions(&self, operation: Operation) -> impl Iterator<Item = (Direction, Mode)> {
        let speaks = matches!(operation, Operation::Chat | Operation::TextCompletion);
        let output = if speaks { self.one.output } else { Mode::Off };
        let both = [(Direction::Input, self.one.input), (Direction::Output, output)];
        both.into_iter().filter(|(_, mode)| *mode != Mode::Off)
    }

    fn refusal(&self) -> Box<Refusal> {
        let (name, Place { region, .. }) = (&self.one.name, &self.one.place);
        let detail = if self.content_leaves {
            let place = match region {
                Some(region) => format!("provider `{name}` in region `{region}`"),
                None => format!("provider `{name}`, of which no region is said"),
            };
            let class = self.class;
            format!(
                "guard connector `{name}` has to see this call, and no consent of your tenant lets {class} data go there: it takes one \
                 for {place}"
            )
        } else {
            format!(
                "guard connector `{name}` has to see this call, and your tenant lets no content leave the house's own machines \
                 (`content_leaves: false`)"
            )
        };
        Refusal::new(Code::ConsentMissing, detail).against(Threat::Anp0017)
    }
}

/// Tells the record of those that are not asked, and refuses what may not go on without them: before anything is sent, whichever
/// way they would have been asked.
// threat: ANP-0017
// threat: ANP-0003
pub(super) fn told(ticket: &mut Ticket) -> Gated<()> {
    let mut refusal = None;
    for lacking in std::mem::take(&mut ticket.unconsented) {
        for (direction, mode) in lacking.directions(ticket.operation) {
            let (direction, name) = (direction.as_str(), &lacking.one.name);
            ticket.note(format!("{direction}:{name}:no_consent"));
            if lacking.one.on_failure == OnFailure::Block && mode > Mode::Observe {
                refusal.get_or_insert_with(|| lacking.refusal());
            }
        }
    }
    refusal.map_or(Ok(()), Err)
}
