//! What changed from one version of a tenant's document to another. Who may read the versions may read that.

use domain::TenantScope;
use schemars::JsonSchema;
use serde::Serialize;
use store::{Store, StoreError};

use super::guards::{entered, maker};
use super::words::time;
use crate::answer::Answer;
use crate::call::{Call, Done};
use crate::difference::{Difference, between};
use crate::documents::{self, Kept, Versioned};
use crate::problem::{Code, Problem};
use crate::shapes;

/// What a version changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VersionDifference {
    /// Which version; 0 is before there was any.
    pub number: u64,
    /// Against which.
    pub against: u64,
    /// Since when the version was in force, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What differs; empty where both say the same.
    pub changes: Vec<Difference>,
}

shapes! { given: ; shown: VersionDifference }

/// A version; nothing for that before the first.
async fn version<T: Versioned>(
    store: &dyn Store,
    scope: &TenantScope,
    number: u64,
) -> Result<Option<Kept<T>>, Problem> {
    if number == 0 {
        return Ok(None);
    }
    match documents::version(store, scope, number).await {
        Err(StoreError::NotFound) => Err(Problem::not_found()),
        found => Ok(Some(found?)),
    }
}

/// `GET …/versions/{number}/diff`: against the version before, or the one that the query names.
pub(super) async fn told<T: Versioned>(call: &Call) -> Done {
    let (entered, tenant) = entered(call).await?;
    call.permit(&entered, tenant).await?;
    let number: u64 = call.id("number")?;
    let against = call.query_as("against")?.unwrap_or(number.saturating_sub(1));
    let (store, scope) = (call.control.store.as_ref(), entered.scope());
    let after = version::<T>(store, scope, number).await?;
    let before = version::<T>(store, scope, against).await?;
    let said = |kept: Option<&Kept<T>>| {
        let document = kept.map(|kept| kept.document.clone()).unwrap_or_default();
        serde_json::to_value(document).map_err(|error| Problem {
            internal: Some(error.to_string()),
            ..Problem::new(Code::Internal, "a version could not be written")
        })
    };
    let view = VersionDifference {
        number,
        against,
        changes: between(&said(before.as_ref())?, &said(after.as_ref())?),
        made: after.as_ref().map(|kept| time(kept.made)),
        by: after.as_ref().map(|kept| maker(&kept.by)),
    };
    Ok(Answer::view(&view)?)
}
