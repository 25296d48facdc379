//! What a tenant is charged: its price sheet, and every version it had. Kept by the platform, whose audit log has each
//! change; the tenant's own people read it and set nothing.

use domain::TenantId;
use ledger::{NotSheet, Sheet};
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;

use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Entered};
use crate::offboarding::is_ending;
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::shapes;
use crate::sheets::{self, Kept};

/// A price sheet.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct SheetView {
    /// Which version: entries name it behind the list's, as `a1b2c3d4e5f6+7`. 0 before there is any.
    pub number: u64,
    /// Since when calls are charged by it, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// What it says.
    #[serde(flatten)]
    pub sheet: Sheet,
}

shapes! { given: Sheet ; shown: SheetView }

impl From<Kept> for SheetView {
    fn from(kept: Kept) -> Self {
        Self {
            number: kept.number,
            made: Some(time(kept.made)),
            sheet: kept.sheet,
        }
    }
}

impl From<NotSheet> for Problem {
    fn from(error: NotSheet) -> Self {
        let pointer = error
            .line
            .map_or_else(|| "/lines".to_owned(), |at| format!("/lines/{at}"));
        Self::new(Code::Invalid, error.what).at(pointer)
    }
}

pub(super) const fn resource(entered: &Entered) -> Resource {
    Resource::Usage {
        tenant: entered.tenant(),
        team: None,
    }
}

/// `GET …/price-sheet`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    call.permit(&entered, resource(&entered)).await?;
    let (_, newest) = sheets::newest(call.control.store.as_ref(), entered.tenant()).await?;
    Ok(Answer::view(&newest.map(SheetView::from).unwrap_or_default())?)
}

/// `PUT …/price-sheet`.
// threat: AGP-D1
pub async fn put(call: Call, sheet: Sheet) -> Done {
    let entered = call.enter().await?;
    // It is the platform that charges: the document, its record and a second person's yes are its own.
    let permitted = call.permit(&call.platform()?, resource(&entered)).await?;
    let tenant = call
        .names
        .tenant(entered.tenant())
        // The platform itself makes no calls that anybody is charged for.
        .filter(|tenant| tenant.id != TenantId::PLATFORM)
        .ok_or_else(Problem::not_found)?;
    if is_ending(tenant.state) {
        let detail = format!("the tenant is {}, and stays so", tenant.state.as_str());
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    sheet.check().map_err(Problem::from)?;
    let (record, newest) = sheets::newest(call.control.store.as_ref(), tenant.id).await?;
    let before = newest.clone().map(SheetView::from).unwrap_or_default();
    call.must_match(&before)?;
    let (kept, changes) = sheets::next(&tenant, (record, newest.as_ref()), sheet, call.now)?;
    let after = SheetView::from(kept);
    // Time passes while a second person looks: what they saw is what the sheet says.
    let deed = Deed::changed(tenant.id, &before, &after);
    call.done(&permitted, deed, changes, Answer::view(&after)?).await
}

/// `GET …/price-sheet/versions`.
pub async fn history(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    call.permit(&entered, resource(&entered)).await?;
    let all = sheets::history(call.control.store.as_ref(), entered.tenant()).await?;
    let page = call.page_of(
        all,
        |kept, _| Place::by_id(format!("{:010}", kept.number)),
        SheetView::from,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}
