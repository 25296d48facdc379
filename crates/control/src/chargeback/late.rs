//! What came into the ledger for a time after its statement was final: read from the ledger, place by place.

use finops::{Closed, Cost, Late, Quantities};
use ledger::{Entry, Posting};
use store::usage::Counts;

use super::reckoning::ChargebackError;
use crate::outlook::From;

const READ_AT_ONCE: u64 = 500;

/// Reads what came behind these statements, up to the ledger's entry `until`; nothing if that is more than `most` entries.
// threat: AGP-R2
pub(super) async fn gathered(
    from: From<'_>,
    closed: &[Closed],
    (until, most): (u64, u64),
) -> Result<Option<Late>, ChargebackError> {
    let kept_from = from.store.entries_kept(from.scope).await?.from;
    let mut late = Late::behind(closed).kept_from(kept_from);
    let Some(mut at) = late.since() else {
        return Ok(Some(late));
    };
    if until.saturating_sub(at) > most {
        return Ok(None);
    }
    while at < until {
        let count = READ_AT_ONCE.min(until - at);
        let entries = from.store.entries(from.scope, at, count).await?;
        for (place, stored) in (at..).zip(&entries) {
            if stored.index != place {
                return Err(ChargebackError::Lacks(place));
            }
            let entry = Entry::from_bytes(&stored.bytes)
                .map_err(|error| ChargebackError::Damaged(error.to_string()))?;
            late.take(place, entry.finished, &cost(&entry));
        }
        at += entries.len() as u64;
        if (entries.len() as u64) < count {
            return Err(ChargebackError::Lacks(at));
        }
    }
    Ok(Some(late))
}

/// What an entry counts, as it does in every report: what corrects a call is none.
fn cost(entry: &Entry) -> Cost {
    let counts = Counts::of(&Posting::of(entry));
    Cost {
        team: Some(entry.team.to_string()),
        project: entry.project.map(|id| id.to_string()),
        key: Some(entry.key.to_string()),
        of: Quantities {
            cost: counts.cost,
            requests: counts.requests,
            tokens: counts.tokens.prompt().saturating_add(counts.tokens.output),
        },
    }
}
