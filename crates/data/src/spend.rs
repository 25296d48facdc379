//! Money for calls that are made elsewhere: held as a call's would be, and settled by what is reported of it.
//!
//! A reservation goes through stages 1 to 4 as its call would, and its intent is in the journal before it is given.
//! It ends once: by what is reported, voided, or at its bound where nobody reports in time or this process dies. It
//! is held by the node that gave it, and by no other.

pub mod decision;
mod reserve;
mod settle;
mod table;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialect::Endpoint;
use domain::Usage;
use http::Response;
use http::header::{CACHE_CONTROL, HeaderValue};
use ledger::{Outcome, UsageSource};
use serde::Serialize;

use crate::body::GateBody;
use crate::gate::Gate;
use crate::observe;
use crate::refusal::{Code, Gated, Refusal};
use crate::stage::accept::{Arrival, Wanted};
use crate::stage::admit::Rates;
use crate::stage::identify::Identified;
use crate::stage::respond;
use crate::stage::settle::{End, run as record};
use crate::ticket::Used;

use table::Open;
pub use table::{Most, Table};

/// How often it is looked whose time is over.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// Money for a call of this kind.
    Reserve(Endpoint),
    /// Its end.
    Settle,
    /// That it was not made.
    Void,
    /// Whether a call may be made, in the form of another gateway's budget webhook.
    PreRequest,
    /// What came of it, in that form.
    PostRequest,
}

/// Whether the key may stand in the body of what is wanted.
pub const fn may_name_its_key(wanted: &Wanted) -> bool {
    matches!(
        wanted,
        Wanted::Spend(Spending::PreRequest | Spending::PostRequest)
    )
}

/// Answers.
pub async fn run(
    gate: &Arc<Gate>,
    arrival: &Arrival,
    identified: Identified,
    what: Spending,
) -> Response<GateBody> {
    let answer = match what {
        Spending::Reserve(endpoint) => return reserve::run(gate, arrival, identified, endpoint).await,
        Spending::PreRequest => return decision::before(gate, arrival, identified).await,
        Spending::PostRequest => decision::after(gate, identified).await,
        Spending::Settle => settle::run(gate, identified, false).await,
        Spending::Void => settle::run(gate, identified, true).await,
    };
    match answer {
        Ok(body) => answered(arrival, &Rates::default(), body),
        Err(refusal) => observe::turned_away(gate, arrival, &refusal),
    }
}

fn answered(arrival: &Arrival, rates: &Rates, body: Bytes) -> Response<GateBody> {
    let mut response = respond::whole(arrival, rates, body);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

fn written(answer: &impl Serialize) -> Gated<Bytes> {
    let body = serde_json::to_vec(answer);
    body.map(Bytes::from).map_err(|error| {
        Refusal::new(Code::Internal, "the answer cannot be written").internally(error.to_string())
    })
}

/// Ends what nobody settled until `now`, or all that is open: at its bound, for it may have cost that much.
// threat: AGP-BUDGET-3.2
// threat: AGP-R1
pub async fn expire(gate: &Gate, now: Option<Instant>) {
    while let Some((id, open)) = gate.spend.overdue(now) {
        let Open { ticket, place, .. } = *open;
        let end = End {
            outcome: Outcome::Reported("expired".into()),
            status: 0,
            used: Used {
                usage: Usage::default(),
                source: UsageSource::Bound,
            },
        };
        tracing::warn!(reservation = %id, bound = %ticket.bound.cost, "nobody settled a reservation: it ends at its bound");
        gate.metrics.gauges().reservations_expired.inc();
        match record(gate, ticket, end).await {
            Ok(()) => gate.spend.forget(id),
            Err(refusal) => {
                gate.spend.lost(id);
                tracing::error!(
                    internal = refusal.internal,
                    "the end of a reservation could not be recorded"
                );
            }
        }
        drop(place);
        gate.metrics.gauges().reservations_open.set(gate.spend.open());
    }
}
