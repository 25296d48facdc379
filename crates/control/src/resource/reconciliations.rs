//! A provider's report held against a tenant's ledger: compared, kept, listed.

use std::collections::BTreeSet;

use domain::{Money, ReconciliationId};
use exports::reconcile::{Amount, Provider, Tolerance};
use policy::Resource;
use schemars::JsonSchema;
use serde::Deserialize;
use store::Change;

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered};
use crate::outlook::From;
use crate::problem::{Code, Problem};
use crate::reconciliation::{self, Asked, Reconciliation, ReconciliationLine};
use crate::record::Document;
use crate::shapes;

const FILES_MAX: usize = 100;
const NAMES_MAX: usize = 100;
/// How much a line may be off unless somebody says: a cent.
const TOLERANCE_NANOS: i64 = 10_000_000;

/// A report to be compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReconciliation {
    /// `openai` or `anthropic`: whose report it is.
    provider: String,
    /// The report as text: pages of JSON or tables in CSV, costs and usage together if there are both; a megabyte in all.
    files: Vec<String>,
    /// Providers of the configuration that it is about; all that the price list knows by that name when left out.
    #[serde(default)]
    of: BTreeSet<String>,
    /// How many nano-dollars a line may be off; a cent when left out.
    #[serde(default)]
    tolerance_nanos: Option<u64>,
    /// How many tokens of either kind a line may be off.
    #[serde(default)]
    tolerance_tokens: u64,
}

shapes! { given: NewReconciliation ; shown: }

fn resource(entered: &Entered) -> Resource {
    Resource::Usage {
        tenant: entered.tenant(),
        team: None,
    }
}

/// `POST …/reconciliations`.
// threat: AGP-R2
// threat: ANP-0008
pub async fn create(call: Call, new: NewReconciliation) -> Done {
    let entered = call.enter().await?;
    let permitted = call.permit(&entered, resource(&entered)).await?;
    let invalid = |why: String, at: &str| Problem::new(Code::Invalid, why).at(at);
    let provider: Provider = new
        .provider
        .parse()
        .map_err(|error: exports::reconcile::UnknownProvider| invalid(error.to_string(), "/provider"))?;
    if new.files.is_empty() || new.files.len() > FILES_MAX {
        return Err(invalid(format!("one file at least, {FILES_MAX} at most"), "/files").into());
    }
    let of = meant(&call, provider, new.of)?;
    let nanos = new
        .tolerance_nanos
        .map_or(TOLERANCE_NANOS, |nanos| i64::try_from(nanos).unwrap_or(i64::MAX));
    let list = call.control.serving.pricing();
    let asked = Asked {
        list: list.as_ref(),
        provider,
        files: &new.files,
        of: &of,
        tolerance: Tolerance {
            cost: Amount::of_nanos(i128::from(Money::from_nanos(nanos).nanos())),
            tokens: new.tolerance_tokens,
        },
    };
    let from = From {
        store: call.control.store.as_ref(),
        scope: entered.scope(),
    };
    let result = reconciliation::reconciled(from, &asked, call.now)
        .await
        .map_err(Problem::from)?;
    let told = reconciliation::gap(from, &result);
    let at = format!(
        "/api/v1/tenants/{}/reconciliations/{}",
        entered.tenant(),
        result.id
    );
    let deed = Deed::made(result.id, &ReconciliationLine::from(&result));
    let changes = vec![Change::Create(result.to_record()?)];
    let answer = Answer::created(&result, at)?;
    call.done_and_told(&permitted, deed, (changes, told), answer)
        .await
}

/// What is not configured is compared with nothing, and everything would be missing.
fn meant(call: &Call, provider: Provider, named: BTreeSet<String>) -> Result<BTreeSet<String>, Problem> {
    let wrong = |why: String| Err(Problem::new(Code::Invalid, why).at("/of"));
    if named.len() > NAMES_MAX {
        return wrong(format!("{NAMES_MAX} names at most"));
    }
    if named.is_empty() {
        return Ok(call.control.serving.billed_by(provider.as_str()));
    }
    let known: BTreeSet<String> = call
        .control
        .serving
        .providers()
        .into_iter()
        .map(|known| known.name)
        .collect();
    match named.iter().find(|name| !known.contains(*name)) {
        Some(_) => wrong("the configuration has no provider of that name".to_owned()),
        None => Ok(named),
    }
}

/// `GET …/reconciliations`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    call.permit(&entered, resource(&entered)).await?;
    let page = call
        .page_of_records(
            &entered,
            None,
            |_| Ok(true),
            |whole: Reconciliation| ReconciliationLine::from(&whole),
        )
        .await?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `GET …/reconciliations/{reconciliation}`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    call.permit(&entered, resource(&entered)).await?;
    let id: ReconciliationId = call.id("reconciliation")?;
    let (_, whole) = call.find::<Reconciliation>(&entered, &id).await?;
    Ok(Answer::view(&whole)?)
}
