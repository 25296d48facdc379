//! Keys that are out of use for the time being: by hand, or because something stood out in their use.

use credential::{KeyRecord, KeyState, Suspension};
use domain::UnixMillis;
use schemars::JsonSchema;
use serde::Serialize;

use super::{KeyView, found, must_be_active, replace, resource};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done};
use crate::resource::words::time;

/// Why a key does not work for the time being.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuspensionView {
    /// Since when, RFC 3339.
    pub since: String,
    /// `by_hand`, or the signal that stood out: `new_network`, `unusual_hour`, `volume` or `new_model`.
    pub why: String,
}

impl SuspensionView {
    pub(super) fn of(it: &Suspension) -> Self {
        Self {
            since: time(it.since),
            why: it.why.clone(),
        }
    }
}

/// The one word for how a key is.
pub(super) fn state(key: &KeyRecord, now: UnixMillis) -> &'static str {
    match key.state {
        KeyState::Revoked => "revoked",
        KeyState::Active if key.expires.is_some_and(|end| end <= now) => "expired",
        KeyState::Active if key.suspended.is_some() => "suspended",
        KeyState::Active => "active",
    }
}

/// A suspended key is an active one as well: it lives, and holds what is bound to it.
pub(super) fn is_in(key: &KeyRecord, state: &str) -> bool {
    match state {
        "suspended" => key.state == KeyState::Active && key.suspended.is_some(),
        state => (state == "revoked") == (key.state == KeyState::Revoked),
    }
}

/// `POST …/keys/{key}/suspend`.
// threat: ANP-0001
pub async fn suspend(call: Call, _: Nothing) -> Done {
    let now = call.now;
    turn(call, |key| key.suspend(Suspension::by_hand(now))).await
}

/// `POST …/keys/{key}/resume`.
// threat: ANP-0001
pub async fn resume(call: Call, _: Nothing) -> Done {
    turn(call, KeyRecord::resume).await
}

/// One that is so already is left as it is.
async fn turn(call: Call, turned: impl FnOnce(&KeyRecord) -> KeyRecord) -> Done {
    let (entered, before) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&before)).await?;
    must_be_active(&before)?;
    let after = turned(&before);
    let (old, new) = (KeyView::of(&before, &call), KeyView::of(&after, &call));
    let answer = Answer::view(&new)?;
    if before == after {
        return Ok(answer);
    }
    let deed = Deed::changed(before.id, &old, &new);
    call.done(&permitted, deed, vec![replace(before, after)], answer)
        .await
}
