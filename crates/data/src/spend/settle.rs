//! `POST /v1/spend/settle` and `/v1/spend/void`: how a call ended for which money is held. Said again, it is answered
//! again; said otherwise, it is refused: the ledger has one end of everything.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{Money, RequestId, Threat, Usage};
use ledger::{Entry, Outcome, UsageSource};
use serde::Serialize;
use store::StoreError;

use super::table::{Found, Open};
use super::wire::{Reference, Said, invalid};
use super::written;
use crate::directory::{self, KeyEntry};
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Target;
use crate::stage::identify::Identified;
use crate::stage::settle::{End, recorded};
use crate::ticket::Used;

/// What may be reported is this often what was held. A key holder's word would otherwise empty budgets that are
/// wider than its own.
const OVERRUN_MAX: u64 = 4;
/// How long the store may take, and how long a turn is waited for.
const DEADLINE: Duration = Duration::from_secs(5);

/// How a reservation ended, as its entry in the ledger says. Its fields are stable: callers read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ended {
    reservation: Reference,
    request: RequestId,
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Arc<str>>,
    usage: Usage,
    cost_nanos: i64,
    price_version: Arc<str>,
}

impl Ended {
    /// By its entry; nothing of one that was no reservation's.
    fn of(entry: &Entry) -> Option<Self> {
        let outcome = match &entry.outcome {
            Outcome::Reported(how) => how.to_string(),
            Outcome::Interrupted => "interrupted".to_owned(),
            _ => return None,
        };
        Some(Self {
            reservation: Reference {
                request: entry.id,
                node: entry.node,
            },
            request: entry.id,
            outcome,
            target: entry.target.clone(),
            usage: entry.usage,
            cost_nanos: entry.cost.nanos(),
            price_version: entry.price_version.clone(),
        })
    }

    /// The end, where it is what is said now.
    // threat: AGP-R1
    fn agreeing(self, said: &Said) -> Gated<Self> {
        let is_target = |named: &String| self.target.as_deref() == Some(named.as_str());
        let is_same = self.outcome == said.how
            && self.usage == said.usage.unwrap_or_default()
            && said.target.as_ref().is_none_or(is_target);
        if is_same {
            return Ok(self);
        }
        let (how, cost) = (&self.outcome, Money::from_nanos(self.cost_nanos));
        let detail = format!("the reservation has ended already: {how}, ${cost}");
        Err(Refusal::new(Code::ReservationConflict, detail).against(Threat::AgpR1))
    }
}

pub(super) async fn run(gate: &Arc<Gate>, identified: Identified, is_void: bool) -> Gated<Bytes> {
    let dialect = identified.wanted_dialect();
    let (key, body) = identified.into_body(gate).await?;
    let said = if is_void {
        Said::voided(&body)?
    } else {
        Said::settled(&body, dialect)?
    };
    written(&end(gate, &key, said).await?)
}

/// Ends it, once.
// threat: AGP-E1
// threat: AGP-R1
pub(super) async fn end(gate: &Arc<Gate>, key: &KeyEntry, said: Said) -> Gated<Ended> {
    let id = said.which.request;
    if said.which.node != gate.node {
        return stored(gate, key, said).await;
    }
    match gate.spend.take(id, key.principal.key) {
        Found::Open(open) => {
            let gate = gate.clone();
            // Once begun it is finished, also where the caller leaves.
            let closing = tokio::spawn(async move { close(&gate, open, said).await });
            let internal = |error: tokio::task::JoinError| {
                Refusal::new(Code::Internal, "the reservation could not be ended")
                    .internally(error.to_string())
            };
            closing.await.map_err(internal)?
        }
        Found::Closing => {
            let detail = "the reservation is being ended at this moment: ask again";
            Err(Refusal::new(Code::ReservationConflict, detail).retry_after(1))
        }
        Found::Ended(ended) => ended.agreeing(&said),
        Found::Lost => {
            let detail = "the end of this reservation could not be recorded: it ends at its bound when the node starts again";
            Err(Refusal::new(Code::JournalUnavailable, detail).against(Threat::AgpR1))
        }
        Found::Nothing => stored(gate, key, said).await,
    }
}

async fn close(gate: &Gate, mut open: Box<Open>, said: Said) -> Gated<Ended> {
    let id = said.which.request;
    let used = match said.usage {
        Some(usage) => Used {
            usage,
            source: UsageSource::Reported,
        },
        None => Used::NOTHING,
    };
    let before = open.ticket.target.clone();
    if let Err(refusal) = serve(&mut open, &said, &used) {
        open.ticket.target = before;
        gate.spend.put_back(open);
        return Err(refusal);
    }
    let Open {
        mut ticket, place, ..
    } = *open;
    ticket.attempts = u16::from(said.how != "voided");
    ticket.response_digest = Some(said.digest);
    let end = End {
        outcome: Outcome::Reported(said.how.into()),
        status: 200,
        used,
    };
    let written = recorded(gate, ticket, end).await;
    drop(place);
    gate.metrics.gauges().reservations_open.set(gate.spend.open());
    let ended = written.map(|entry| Ended::of(&entry));
    match ended {
        Ok(Some(ended)) => {
            gate.spend.ended(id, ended.clone());
            Ok(ended)
        }
        Ok(None) => Err(Refusal::new(Code::Internal, "the reservation has no end")),
        Err(refusal) => {
            gate.spend.lost(id);
            Err(refusal)
        }
    }
}

/// Whether what is reported tells of everything that the targets are priced by of which one served: what is left out
/// would be counted as nothing.
// threat: AGP-D1
fn told(open: &Open, said: &Said, used: &Used) -> Gated<()> {
    if used.source == UsageSource::None {
        return Ok(());
    }
    let ticket = &open.ticket;
    let may_have_served =
        |target: &&Arc<Target>| said.target.as_ref().is_none_or(|label| *target.label == **label);
    for target in open.model.targets.iter().filter(may_have_served) {
        let prices = ticket.key.prices(target);
        let told = prices
            .at(ticket.started)
            .map_or(Ok(()), |price| price.told(&used.usage.units));
        told.map_err(|untold| {
            let detail = format!(
                "`{}` may not have been used for nothing: {untold}. Say it under `usage.units`",
                target.label
            );
            invalid(detail).against(Threat::AgpD1)
        })?;
    }
    Ok(())
}

/// Who served it: as is said, or the dearest that may have. What is reported must be believable.
// threat: ANP-0008
fn serve(open: &mut Open, said: &Said, used: &Used) -> Gated<()> {
    told(open, said, used)?;
    let ticket = &mut open.ticket;
    let at = ticket.started;
    let key = ticket.key.clone();
    let price = |target: &Arc<Target>| key.prices(target).at(at).map(|price| price.cost(&used.usage));
    let mut targets = open.model.targets.iter();
    let served = match &said.target {
        Some(label) => targets
            .find(|target| *target.label == **label)
            .ok_or_else(|| invalid("`target` is none of those that the reservation is for: it lists them"))?,
        None => match targets.max_by_key(|target| price(target)) {
            Some(dearest) => dearest,
            None => return Ok(()),
        },
    };
    ticket.target = Some(served.clone());
    let (spend, bound) = (ticket.spend(used), ticket.bound);
    let most = i64::try_from(OVERRUN_MAX)
        .unwrap_or(1)
        .saturating_mul(bound.cost.nanos());
    let is_believable =
        spend.cost.nanos() <= most && spend.tokens <= bound.tokens.saturating_mul(OVERRUN_MAX);
    if !is_believable {
        let detail = format!(
            "more is reported than {OVERRUN_MAX} times what was reserved: the call was another one than was asked for"
        );
        return Err(invalid(detail).against(Threat::AgpD1));
    }
    Ok(())
}

/// What the ledger says of one that this node does not hold.
// threat: ANP-0006
async fn stored(gate: &Gate, key: &KeyEntry, said: Said) -> Gated<Ended> {
    let away = |why: String| {
        let detail = "whether this reservation has ended cannot be looked up now";
        Refusal::new(Code::ReservationUnavailable, detail)
            .internally(why)
            .retry_after(1)
    };
    let scope = directory::scope(key);
    let look = async {
        let _turn = gate.spend.looks.acquire().await;
        gate.receipts.store().entry(&scope, said.which.request).await
    };
    let found = tokio::time::timeout(DEADLINE, look).await;
    let found = match found.map_err(|_| away("the store does not answer".to_owned()))? {
        Ok(stored) => Some(Entry::from_bytes(&stored.bytes).map_err(|error| away(error.to_string()))?),
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(away(error.to_string())),
    };
    let own = found.filter(|entry| entry.key == key.principal.key && entry.node == said.which.node);
    match own.as_ref().and_then(Ended::of) {
        Some(ended) => ended.agreeing(&said),
        None if said.which.node != gate.node => Err(elsewhere(&said.which)),
        None => Err(not_found()),
    }
}

fn elsewhere(which: &Reference) -> Box<Refusal> {
    let node = which.node;
    let detail = format!(
        "this reservation is not one of this node's: end it where it was given, at {node}; its `settle_at` says where that is"
    );
    Refusal::new(Code::ReservationElsewhere, detail)
}

/// The same for what never was and for what is another's.
// threat: ANP-0006
pub(super) fn not_found() -> Box<Refusal> {
    Refusal::new(
        Code::ReservationNotFound,
        "there is no such reservation of this key",
    )
    .against(Threat::Anp0006)
}
