//! Reckoning again what calls cost that were made. The record of who asked comes before the corrections: whoever is
//! interrupted asks again, and what was corrected already stays corrected once.

use ledger::Sheet;
use schemars::JsonSchema;
use serde::Deserialize;
use store::StoreError;

use super::price_sheet::resource;
use super::words::read_time;
use crate::answer::Answer;
use crate::call::{Call, Deed, Done, Entered, Stop};
use crate::problem::{Code, Problem};
use crate::rerate::{self, By, RerateError, Rerated, Which};
use crate::shapes;
use crate::sheets;

/// The most calls that are reckoned again at once.
const CALLS_MAX: u64 = 100_000;

/// What shall be reckoned again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRerating {
    /// Calls that ended at or after this time, RFC 3339.
    from: String,
    /// And before this.
    until: String,
    /// Only of this model, by the name that was asked for or as `provider/upstream-model`.
    #[serde(default)]
    model: Option<String>,
    /// By the list in force and this version of the tenant's price sheet; 0 is none, and when left out it is the newest.
    #[serde(default)]
    sheet: Option<u64>,
}

shapes! { given: NewRerating ; shown: Rerated }

impl From<RerateError> for Problem {
    fn from(error: RerateError) -> Self {
        match error {
            RerateError::Store(error) => error.into(),
            other => Self::new(Code::Invalid, other.to_string()),
        }
    }
}

/// `POST …/reratings`.
// threat: AGP-R2
// threat: AGP-R3
pub async fn create(call: Call, new: NewRerating) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, resource(&entered)).await?;
    let which = Which {
        from: read_time(&new.from, "from")?,
        until: read_time(&new.until, "until")?,
        model: new.model.as_deref(),
        calls_max: CALLS_MAX,
    };
    let by = By {
        list: call.control.serving.pricing(),
        sheet: sheet(&call, &entered, new.sheet).await?,
    };
    let (store, scope) = (call.control.store.as_ref(), entered.scope());
    let planned = rerate::reckon(store, scope, &which, &by)
        .await
        .map_err(Problem::from)?;
    let said = serde_json::json!({
        "from": new.from, "until": new.until, "model": new.model, "price_version": planned.price_version,
        "total": planned.total,
    });
    let deed = Deed::made(entered.tenant(), &said);
    let asked = call
        .done(&permitted, deed, Vec::new(), Answer::view(&planned)?)
        .await?;
    if call.is_dry_run() || permitted.waits() {
        return Ok(asked);
    }
    let done = rerate::apply(store, scope, (&which, &by), call.now).await;
    Ok(Answer::json(http::StatusCode::OK, &done.map_err(Problem::from)?)?)
}

async fn sheet(call: &Call, entered: &Entered, number: Option<u64>) -> Result<Option<(u64, Sheet)>, Stop> {
    let (store, tenant) = (call.control.store.as_ref(), entered.tenant());
    let kept = match number {
        Some(0) => None,
        None => sheets::newest(store, tenant).await?.1,
        Some(number) => match sheets::version(store, tenant, number).await {
            Err(StoreError::NotFound) => {
                let detail = "the tenant has no price sheet of that number";
                return Err(Problem::new(Code::Invalid, detail).at("/sheet").into());
            }
            kept => Some(kept?),
        },
    };
    Ok(kept.map(|kept| (kept.number, kept.sheet)))
}
