//! Where a tenant lets the content of its calls go: which data to which providers and regions, by whose word. It is the
//! tenant's own people who say so; policies hold beside it, and what they forbid no consent permits.

use domain::UnixMillis;
use policy::{Consent, Consents, Minimisation, Unsaid};
use schemars::JsonSchema;
use serde::Serialize;

use super::differences;
use super::guards::{entered, invalid, maker};
use super::words::time;
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done};
use crate::documents::{self, Kept};
use crate::etag;
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::shapes;

/// Where a tenant lets the content of its calls go.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TenantConsents")]
pub struct ConsentsView {
    /// The version in force: entries of calls that it decided about name it as `consents:7`. 0 before there is any.
    pub number: u64,
    /// Since when, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What holds for data of which no consent speaks.
    pub default: Unsaid,
    /// Whether content may leave the house's own machines at all.
    pub content_leaves: bool,
    /// What may go where.
    pub consents: Vec<Consent>,
    /// What is left out of every call before anything leaves.
    pub minimise: Minimisation,
    /// Places in `consents`, from 0, of those that do not hold today.
    pub not_in_force: Vec<usize>,
}

/// A version of where a tenant lets the content of its calls go.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConsentsVersion {
    /// Which, from 1.
    pub number: u64,
    /// Since when it was in force, RFC 3339.
    pub made: String,
    /// Who made it.
    pub by: String,
    /// What it says.
    #[serde(flatten)]
    pub document: Consents,
}

shapes! { given: Consents ; shown: ConsentsView, ConsentsVersion }

impl From<Kept<Consents>> for ConsentsVersion {
    fn from(kept: Kept<Consents>) -> Self {
        Self {
            number: kept.number,
            made: time(kept.made),
            by: maker(&kept.by),
            document: kept.document,
        }
    }
}

/// What is tagged: the version, whatever time has done to it since.
#[derive(Debug, Default, Serialize)]
struct Tagged<'a> {
    number: u64,
    document: Option<&'a Consents>,
}

fn tagged(kept: Option<&Kept<Consents>>) -> Tagged<'_> {
    Tagged {
        number: kept.map_or(0, |kept| kept.number),
        document: kept.map(|kept| &kept.document),
    }
}

fn view(kept: Option<Kept<Consents>>, now: UnixMillis) -> Result<Answer, Problem> {
    let tag = etag::of(&tagged(kept.as_ref()));
    let (number, made, by) = kept.as_ref().map_or((0, None, None), |kept| {
        (kept.number, Some(time(kept.made)), Some(maker(&kept.by)))
    });
    let document = kept.map(|kept| kept.document).unwrap_or_default();
    let all = document.consents.iter().enumerate();
    let shown = ConsentsView {
        number,
        made,
        by,
        not_in_force: all.filter(|(_, one)| !one.holds(now)).map(|(at, _)| at).collect(),
        default: document.default,
        content_leaves: document.content_leaves,
        consents: document.consents,
        minimise: document.minimise,
    };
    Ok(Answer {
        etag: Some(tag),
        ..Answer::json(http::StatusCode::OK, &shown)?
    })
}

/// `GET …/consents`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let newest = documents::newest::<Consents>(call.control.store.as_ref(), entered.scope()).await?;
    Ok(view(newest.map(|(_, kept)| kept), call.now)?)
}

/// What cannot be said, or cannot follow on what was said before, is refused with its place.
pub fn checked(document: &Consents, was: &Consents) -> Result<(), Problem> {
    invalid(&document.problems())?;
    let Some(class) = document.forgets(was) else {
        return Ok(());
    };
    let detail = format!(
        "no consent speaks of {class} data any more, so that it would go anywhere: keep those that did and set `withdrawn`, \
         or say `default: refuse`; to ask for no consent at all, DELETE the document"
    );
    Err(Problem::new(Code::Invalid, detail).at("/consents"))
}

/// `PUT …/consents`: in force on every gate within a second. What was consented to is taken back by saying so, not by
/// leaving it out: where nothing is said, data might go anywhere.
// threat: ANP-0017 ANP-0011
pub async fn put(call: Call, body: Consents) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let before = documents::replaced::<Consents>(call.control.store.as_ref(), entered.scope()).await?;
    call.must_match(&tagged(before.as_ref().map(|(_, kept)| kept)))?;
    let was = before
        .as_ref()
        .map(|(_, kept)| kept.document.clone())
        .unwrap_or_default();
    checked(&body, &was)?;
    let by = (call.caller()?.audited(), call.now);
    let (kept, changes) = documents::next(before, body, by)?;
    let deed = Deed::changed(entered.tenant(), &was, &kept.document);
    let answer = view(Some(kept), call.now)?;
    call.done(&permitted, deed, changes, answer).await
}

/// `DELETE …/consents`: nothing is asked of the tenant any more. It is one more version, which says nothing.
pub async fn remove(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    let permitted = call.permit(&entered, tenant).await?;
    let before = documents::replaced::<Consents>(call.control.store.as_ref(), entered.scope()).await?;
    let was = before.as_ref().map(|(_, kept)| kept.document.clone());
    let was = was
        .filter(|was| *was != Consents::default())
        .ok_or_else(Problem::not_found)?;
    let by = (call.caller()?.audited(), call.now);
    let (_, changes) = documents::next(before, Consents::default(), by)?;
    let deed = Deed::removed(entered.tenant(), &was);
    call.done(&permitted, deed, changes, Answer::nothing()).await
}

/// `GET …/consents/versions/{number}/diff`.
pub async fn diff(call: Call, _: Nothing) -> Done {
    differences::told::<Consents>(&call).await
}

/// `GET …/consents/versions`.
pub async fn history(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = entered(&call).await?;
    call.permit(&entered, tenant).await?;
    let all = documents::history::<Consents>(call.control.store.as_ref(), entered.scope()).await?;
    let page = call.page_of(
        all,
        |kept: &Kept<Consents>, _| Place::by_id(format!("{:010}", kept.number)),
        ConsentsVersion::from,
    )?;
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}
