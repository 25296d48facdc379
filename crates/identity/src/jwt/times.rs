//! When a token is good: `exp`, `nbf`, `iat` and how long it may live.

use std::time::Duration;

use domain::UnixMillis;
use serde_json::{Map, Value};

use super::Refused;

/// The year 9999: later times are somebody's milliseconds.
const SECONDS_MAX: i64 = 253_402_300_799;

/// Checks the times of `claims`; gives the end.
// threat: AGP-S3
// threat: CTX-T3
pub(super) fn check(
    claims: &Map<String, Value>,
    now: UnixMillis,
    leeway: Duration,
    lifetime_max: Duration,
) -> Result<UnixMillis, Refused> {
    let expires = required(claims, "exp")?;
    let issued = required(claims, "iat")?;
    let begins = read(claims, "nbf")?.unwrap_or(issued);
    if expires.plus(leeway) <= now {
        return Err(Refused::Expired);
    }
    if begins.max(issued) > now.plus(leeway) {
        return Err(Refused::NotYet);
    }
    if expires.since(issued) > lifetime_max {
        return Err(Refused::Lifetime);
    }
    Ok(expires)
}

/// A time that must be there.
pub(super) fn required(claims: &Map<String, Value>, name: &str) -> Result<UnixMillis, Refused> {
    read(claims, name)?.ok_or_else(|| Refused::Claim(name.to_owned()))
}

/// Seconds since 1970, of which RFC 7519 allows parts; those are cut off.
fn read(claims: &Map<String, Value>, name: &str) -> Result<Option<UnixMillis>, Refused> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value
        .as_i64()
        .or_else(|| value.as_f64().map(|seconds| seconds as i64));
    let within = seconds.filter(|seconds| (0..=SECONDS_MAX).contains(seconds));
    let millis = within.map(|seconds| UnixMillis(seconds * 1000));
    millis.map(Some).ok_or_else(|| Refused::Claim(name.to_owned()))
}
