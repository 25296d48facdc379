//! What a tenant keeps of its calls' exchanges, and for how long; and what was kept, removed.

use domain::ByClass;
use ledger::exchange::{KEPT_DAYS_MAX, removal};
use ledger::{Keeping, Kept};
use policy::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, Over, Tenant, forget_all_exchanges};

use super::tenants::found;
use super::words::{read_time, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done, Weight};
use crate::problem::{Code, Problem};
use crate::shapes;

/// How much of each exchange is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeptView {
    /// Nothing.
    None,
    /// Sizes, roles, times: nothing of any text.
    Metadata,
    /// Texts too, without secrets and personal data that rules find.
    Redacted,
    /// Everything, up to a bound.
    Full,
}

/// What is kept of a tenant's exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryView {
    /// How much of each.
    pub kept: KeptView,
    /// For how many days; 30 when left out.
    #[serde(default = "days")]
    pub days: u16,
    /// For how many days at most where a call carries data of a class; the shortest that applies wins, and the instance may
    /// keep less.
    #[serde(default, skip_serializing_if = "DaysMaxView::is_none")]
    pub days_max: DaysMaxView,
}

/// Days by class of data. What is said of a class holds for every graver one too. 0: nothing is kept of such calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DaysMaxView {
    /// Of public data, and so of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<u16>,
    /// Of internal data, and graver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<u16>,
    /// Of confidential data, and graver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidential: Option<u16>,
    /// Of restricted data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted: Option<u16>,
}

impl DaysMaxView {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl From<ByClass<u16>> for DaysMaxView {
    fn from(days: ByClass<u16>) -> Self {
        Self {
            public: days.public,
            internal: days.internal,
            confidential: days.confidential,
            restricted: days.restricted,
        }
    }
}

impl From<DaysMaxView> for ByClass<u16> {
    fn from(view: DaysMaxView) -> Self {
        Self {
            public: view.public,
            internal: view.internal,
            confidential: view.confidential,
            restricted: view.restricted,
        }
    }
}

const fn days() -> u16 {
    Keeping::NONE.days
}

/// What is to be removed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    /// All exchanges that began before this time, RFC 3339.
    before: String,
}

/// What was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Purged {
    /// All exchanges that began before this time.
    before: String,
}

shapes! { given: HistoryView, Purge ; shown: Purged }

impl From<Keeping> for HistoryView {
    fn from(keeping: Keeping) -> Self {
        Self {
            kept: match keeping.kept {
                Kept::None => KeptView::None,
                Kept::Metadata => KeptView::Metadata,
                Kept::Redacted => KeptView::Redacted,
                Kept::Full => KeptView::Full,
            },
            days: keeping.days,
            days_max: keeping.days_max.into(),
        }
    }
}

impl HistoryView {
    /// As it is stored; `pointer` is where it stands in a body.
    pub fn keeping(self, pointer: &str) -> Result<Keeping, Problem> {
        if !(1..=KEPT_DAYS_MAX).contains(&self.days) {
            let detail = format!("exchanges are kept for 1 to {KEPT_DAYS_MAX} days");
            return Err(Problem::new(Code::Invalid, detail).at(format!("{pointer}/days")));
        }
        let days_max = ByClass::from(self.days_max);
        for (class, days) in days_max.said() {
            // Whoever says more believes that it is kept for longer.
            if days.is_some_and(|days| days > self.days) {
                let detail = format!("only shorter than `days`, {}: longer is nothing kept", self.days);
                return Err(Problem::new(Code::Invalid, detail).at(format!("{pointer}/days_max/{class}")));
            }
        }
        Ok(Keeping {
            kept: match self.kept {
                KeptView::None => Kept::None,
                KeptView::Metadata => Kept::Metadata,
                KeptView::Redacted => Kept::Redacted,
                KeptView::Full => Kept::Full,
            },
            days: self.days,
            days_max,
        })
    }
}

/// Keeping less, or for a shorter time, is at once whatever is configured: nobody waits to be less exposed.
// threat: ANP-0014
pub fn weight(before: &Keeping, after: &Keeping) -> Weight {
    match after.widens(before) {
        true => Weight::Configured,
        false => Weight::Never,
    }
}

/// `GET …/history`.
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = found(&call).await?;
    call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    Ok(Answer::view(&HistoryView::from(tenant.history))?)
}

/// `PUT …/history`: in force on every node within a second.
// threat: ANP-0010
pub async fn update(call: Call, body: HistoryView) -> Done {
    let (entered, before) = found(&call).await?;
    let history = body.keeping("");
    let weight = history
        .as_ref()
        .map_or(Weight::Configured, |after| weight(&before.history, after));
    let permitted = call
        .permit_weighed(&entered, Resource::Tenant(before.id), weight)
        .await?;
    let view = HistoryView::from(before.history);
    call.must_match(&view)?;
    let after = Tenant {
        history: history?,
        ..before.clone()
    };
    let answer = Answer::view(&HistoryView::from(after.history))?;
    let deed = Deed::changed(before.id, &view, &HistoryView::from(after.history));
    let change = Change::ReplaceTenant { before, after };
    call.done(&permitted, deed, vec![change], answer).await
}

/// `POST …/exchanges/purge`. Recorded before anything goes: interrupted, it is asked for again.
// threat: ANP-0010
pub async fn purge(call: Call, body: Purge) -> Done {
    let (entered, tenant) = found(&call).await?;
    let permitted = call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    let before = read_time(&body.before, "before")?;
    let purged = Purged { before: time(before) };
    let answer = Answer::view(&purged)?;
    let gone = removal::Before {
        before_ms: before,
        data_class: None,
    };
    let deed = Deed::made(tenant.id, &gone);
    let is_done = !call.is_dry_run() && !permitted.waits();
    let answer = call.done(&permitted, deed, Vec::new(), answer).await?;
    if is_done {
        let over = Over::all(before);
        forget_all_exchanges(call.control.store.as_ref(), permitted.scope(), over).await?;
    }
    Ok(answer)
}
