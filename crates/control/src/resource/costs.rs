//! What was spent, as tables that finance takes. Bounded: what is larger is exported on the machine.

use domain::UnixMillis;
use exports::{Format, Grain, Rows, RowsError, UnknownFormat, UnknownGrain, write};
use http::StatusCode;
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;
use store::exported::{Exported, exported};
use store::{CostsError, EntrySpan, LogKind, cost_names, gather_costs};

use super::words::{read_time, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::page::Place;
use crate::problem::{Code, Problem};
use crate::shapes;
use crate::sheets::Sheeted;

const DEFAULT_MS: i64 = 30 * 24 * 3600 * 1000;
/// The most calls that are read for one table.
const CALLS_MAX: u64 = 100_000;
/// The most rows of one.
const ROWS_MAX: usize = 20_000;

impl From<CostsError> for Problem {
    fn from(error: CostsError) -> Self {
        match error {
            CostsError::Store(error) => error.into(),
            CostsError::Rows(error @ RowsError::Entry { .. }) => Self {
                internal: Some(error.to_string()),
                ..Self::new(Code::Internal, "an entry of the ledger does not read")
            },
            CostsError::Rows(error) => Self::new(Code::Invalid, error.to_string()),
        }
    }
}

/// A report that was delivered by itself, or given up.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeliveryView {
    /// The schedule's name.
    pub schedule: String,
    /// What the time is called, such as `2026-10`.
    pub time: String,
    /// It began, RFC 3339.
    pub from: String,
    /// It ended.
    pub until: String,
    /// `delivered` or `given_up`.
    pub state: &'static str,
    /// When, RFC 3339.
    pub at: String,
    /// The destination's name.
    pub to: String,
    /// What the file is called there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its SHA-256, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Why it was given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

shapes! { given: ; shown: DeliveryView }

impl From<Exported> for DeliveryView {
    fn from(one: Exported) -> Self {
        let file = one.file.as_ref();
        Self {
            time: one.name,
            from: time(one.from),
            until: time(one.until),
            state: if file.is_some() { "delivered" } else { "given_up" },
            at: time(one.at),
            to: one.to,
            bytes: file.map(|file| file.bytes),
            sha256: file.map(|file| file.sha256.clone()),
            file: one.file.map(|file| file.name),
            schedule: one.schedule,
            why: one.why,
        }
    }
}

/// `GET …/exports/deliveries`.
// threat: AGP-I1
pub async fn deliveries(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let resource = Resource::Usage {
        tenant: entered.tenant(),
        team: None,
    };
    call.permit(&entered, resource).await?;
    let found = exported(
        call.control.store.as_ref(),
        entered.scope(),
        call.query("schedule"),
    )
    .await?;
    let place = |one: &Exported, _| Place::by_id(Exported::id(&one.schedule, one.from));
    let page = call.page_of(found, place, DeliveryView::from)?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET …/exports/costs`.
// threat: ANP-0007
pub async fn export(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let resource = Resource::Usage {
        tenant: entered.tenant(),
        team: None,
    };
    call.permit(&entered, resource).await?;
    let (store, scope) = (call.control.store.as_ref(), entered.scope());
    let unknown = |error: UnknownFormat| Problem::new(Code::Malformed, error.to_string());
    let format: Format = call.query("format").unwrap_or("focus").parse().map_err(unknown)?;
    if format == Format::Parquet {
        let detail = "Parquet is written on the machine, by `bartizan export parquet`";
        return Err(Problem::new(Code::Malformed, detail).into());
    }
    let unknown = |error: UnknownGrain| Problem::new(Code::Malformed, error.to_string());
    let grain: Grain = call.query("grain").unwrap_or("day").parse().map_err(unknown)?;
    let (from, until) = span(&call)?;
    let size = store.log_size(scope, LogKind::Ledger).await?;
    let span = EntrySpan { from, until, size };
    let mut rows = Rows::new(grain, ROWS_MAX).of_calls(CALLS_MAX);
    let list = call.control.serving.pricing();
    let pricing = Sheeted::of(store, scope.tenant(), list).await?;
    gather_costs(store, (scope, &span), &mut rows, &pricing, |_, _| {})
        .await
        .map_err(Problem::from)?;
    let names = cost_names(store, scope, call.control.signing.name()).await?;
    let mut table = Vec::new();
    let written = write(format, &rows, &names, &mut table).map_err(|error| error.to_string());
    let text = written.and_then(|_| String::from_utf8(table).map_err(|error| error.to_string()));
    let text = text.map_err(|error| Problem {
        internal: Some(error),
        ..Problem::new(Code::Internal, "the table could not be written")
    })?;
    Ok(Answer::text(format.media_type(), text))
}

fn span(call: &Call) -> Result<(UnixMillis, UnixMillis), Problem> {
    let time = |name: &str| call.query(name).map(|text| read_time(text, name)).transpose();
    let until = time("until")?.unwrap_or(call.now);
    let from = time("from")?.unwrap_or(UnixMillis(until.0.saturating_sub(DEFAULT_MS)));
    if from >= until {
        return Err(Problem::new(Code::Malformed, "`from` is before `until`"));
    }
    Ok((from, until))
}
