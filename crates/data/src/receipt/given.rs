//! `GET /v1/receipts/{request}`: the proof that a call is in its tenant's ledger, for the key that made it. What that key
//! may not see, and what is not there, looks the same.

use std::time::Duration;

use domain::{RequestId, Threat};
use http::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use ledger::Entry;
use ledger::bundle::{Proof, prove_along, verify_proof};
use store::cosigned::Cosigned;
use store::{LogKind, SigningError, StoreError, StoredCheckpoint, StoredEntry};

use super::Receipts;
use crate::body::GateBody;
use crate::directory::{self, KeyEntry};
use crate::gate::Gate;
use crate::observe;
use crate::refusal::{Code, Gated, Refusal};
use crate::stage::accept::{Arrival, Wanted};
use crate::stage::admit::Rates;
use crate::stage::identify::Identified;
use crate::stage::respond;

/// How long the store may take, and how long a turn is waited for.
const DEADLINE: Duration = Duration::from_secs(5);
/// When to ask again for what no signed head covers yet.
const PENDING_S: u16 = 5;
/// How often it is tried while the key is being replaced.
const TRIES: u32 = 3;

/// Gives the receipt, says that there will be one, or refuses.
pub async fn given(gate: &Gate, arrival: &Arrival, mut identified: Identified) -> Response<GateBody> {
    let found = match identified.prove(gate).await {
        Ok(()) => find(gate, &identified).await,
        Err(refusal) => Err(refusal),
    };
    let (status, body) = match found {
        Ok(Some(proof)) => (StatusCode::OK, proof),
        Ok(None) => (StatusCode::ACCEPTED, b"{\"status\":\"pending\"}".to_vec()),
        Err(refusal) => return observe::turned_away(gate, arrival, &refusal),
    };
    let mut response = respond::whole(arrival, &Rates::default(), body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::ACCEPTED {
        headers.insert(RETRY_AFTER, HeaderValue::from(PENDING_S));
    }
    response
}

// threat: ANP-0006
async fn find(gate: &Gate, identified: &Identified) -> Gated<Option<Vec<u8>>> {
    let key = identified.key();
    let Wanted::Receipt(named) = identified.wanted() else {
        return Err(unknown());
    };
    if !key.record.receipts {
        return Err(unknown());
    }
    let request: RequestId = named.parse().map_err(|_| unknown())?;
    let turn = tokio::time::timeout(DEADLINE, gate.receipts.turns.acquire()).await;
    let _turn = turn.map_err(|_| away("too many receipts are made at once".to_owned()))?;
    let made = tokio::time::timeout(DEADLINE, gate.receipts.prove(key, request)).await;
    let proof = made.map_err(|_| away("the store does not answer".to_owned()))??;
    proof
        .map(|proof| serde_json::to_vec(&proof).map_err(|error| away(error.to_string())))
        .transpose()
}

impl Receipts {
    /// The proof; nothing while no signed head covers the entry.
    // threat: AGP-T2
    // threat: AGP-R1
    async fn prove(&self, key: &KeyEntry, request: RequestId) -> Gated<Option<Proof>> {
        let scope = directory::scope(key);
        let stored = match self.store.entry(&scope, request).await {
            Err(StoreError::NotFound) => return Err(unknown()),
            found => found.map_err(|error| away(error.to_string()))?,
        };
        let entry = Entry::from_bytes(&stored.bytes).map_err(|error| away(error.to_string()))?;
        if entry.key != key.principal.key {
            return Err(unknown());
        }
        for _ in 0..TRIES {
            let head = self.store.log_checkpoint(&scope, LogKind::Ledger).await;
            let head = head.map_err(|error| away(error.to_string()))?;
            let Some(head) = head.filter(|head| head.size > stored.index) else {
                return Ok(None);
            };
            let kept = Cosigned::read(self.store.as_ref(), &scope, LogKind::Ledger).await;
            let kept = kept.map_err(|error| away(error.to_string()))?;
            // What a key signed that was replaced since may prove nothing any more, whoever cosigned it: then the newest does.
            for head in kept.to_prove_under(stored.index, head) {
                if let Ok(proof) = self.along(key, &stored, &head).await {
                    return Ok(Some(proof));
                }
            }
            // The key may have been replaced between two reads.
            self.paths.forget(scope.tenant(), LogKind::Ledger);
        }
        Err(away(format!(
            "the ledger does not bear out entry {}",
            stored.index
        )))
    }

    /// A proof that holds; one that does not is found here and not by whoever gets it.
    async fn along(
        &self,
        key: &KeyEntry,
        stored: &StoredEntry,
        head: &StoredCheckpoint,
    ) -> Result<Proof, Untold> {
        let scope = directory::scope(key);
        let keys = self.signing.now().await?;
        let place = (stored.index, head.size);
        let path = self.paths.inclusion(&scope, LogKind::Ledger, place).await?;
        let mut proof = prove_along(&stored.bytes, place, path, &head.note).ok_or(Untold)?;
        proof.successions = keys.handovers(&self.signing.origin(scope.tenant(), LogKind::Ledger));
        let newest = keys.keys().last().ok_or(Untold)?;
        verify_proof(&proof, newest).map_err(|_| Untold)?;
        Ok(proof)
    }
}

/// Something does not fit, or could not be had.
struct Untold;

impl From<StoreError> for Untold {
    fn from(_: StoreError) -> Self {
        Self
    }
}

impl From<SigningError> for Untold {
    fn from(_: SigningError) -> Self {
        Self
    }
}

/// The same for what is not there, what another key called, and a key without receipts.
fn unknown() -> Box<Refusal> {
    let detail = "there is no receipt of that request for this key: a call is in the ledger within a second of its end, \
                  if its key was made with receipts";
    Refusal::new(Code::ReceiptNotFound, detail)
        .against(Threat::Anp0006)
        .retry_after(1)
}

fn away(why: String) -> Box<Refusal> {
    Refusal::new(
        Code::ReceiptUnavailable,
        "the receipt cannot be made now: try again",
    )
    .internally(why)
    .retry_after(5)
}
