//! A key's text is replaced; the old one works for a while yet.

use std::time::Duration;

use credential::VirtualKey;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{KeyView, KeyWithSecret, Shown, found, must_be_active, no_randomness, replace, resource};
use crate::answer::Answer;
use crate::call::{Call, Deed, Done};
use crate::problem::{Code, Problem};

/// The longest grace of a rotation.
const GRACE_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
const GRACE_DEFAULT_S: u64 = 24 * 3600;

/// How to rotate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// How long the old text still works, in seconds; a day when left out.
    #[serde(default)]
    grace_s: Option<u64>,
}

/// `POST …/keys/{key}/rotate`.
// threat: AGP-S1
pub async fn rotate(call: Call, body: Rotate) -> Done {
    let (entered, before) = found(&call).await?;
    let permitted = call.permit(&entered, resource(&before)).await?;
    must_be_active(&before)?;
    let grace = Duration::from_secs(body.grace_s.unwrap_or(GRACE_DEFAULT_S));
    if grace > GRACE_MAX {
        let detail = format!("a grace lasts at most {} days", GRACE_MAX.as_secs() / 86_400);
        return Err(Problem::new(Code::Invalid, detail).at("/grace_s").into());
    }
    let secret = VirtualKey::generate().map_err(|_| no_randomness())?;
    let digest = secret.digest(&call.control.keys.pepper);
    let after = before.rotate(digest, secret.hint(), grace, call.now);
    let (old, new) = (KeyView::of(&before, &call), KeyView::of(&after, &call));
    let deed = Deed::changed(before.id, &old, &new);
    let answer = Answer::view(&KeyWithSecret {
        secret: Shown(secret.expose().to_owned()),
        key: new,
    })?;
    call.done(&permitted, deed, vec![replace(before, after)], answer)
        .await
}
