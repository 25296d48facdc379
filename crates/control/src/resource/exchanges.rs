//! Kept exchanges: listed by what is known without opening them, and read by those who may. Every reading of content is an
//! act, and recorded like one.

use domain::{KeyId, RequestId, UnixMillis};
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use store::{ExchangeQuery, ExchangeRow};

use super::tenants::found;
use super::words::{read_time, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done};
use crate::content::ContentError;
use crate::history::{HistoryError, Looked, Removed, Standing};
use crate::page::Page;
use crate::problem::{Code, Problem};
use crate::shapes;

/// The most of one export, in exchanges and in bytes; `bartizan history export` has no such bounds.
const EXPORTED_MAX: usize = 1_000;
const EXPORTED_BYTES_MAX: usize = 32 << 20;
/// The most calls that one check looks at.
const CHECKED_MAX: u64 = 20_000;
/// How far back a check looks when nothing is said.
const CHECKED_MS: i64 = 24 * 3_600_000;

/// What is known of a kept exchange without opening it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExchangeLine {
    /// The call's id.
    pub request: String,
    /// When it came, RFC 3339.
    pub at: String,
    /// By which key.
    pub key: String,
    /// The model that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How much is kept of it: `metadata`, `redacted` or `full`.
    pub kept: &'static str,
    /// The answer's status.
    pub status: u16,
    /// What it carries: `public`, `internal`, `confidential` or `restricted`; the last also where that was not written down.
    pub data_class: &'static str,
    /// How long the request was.
    pub request_bytes: u64,
    /// How long the answer was.
    pub answer_bytes: u64,
}

/// A kept exchange, opened.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExchangeView {
    /// The call's id.
    pub request: String,
    /// Whether it is what the ledger says.
    pub standing: Standing,
    /// The digest that its ledger entry carries, BLAKE3, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// By which removal it went, where it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Removed>,
    /// What is kept of it; nothing of what was changed, was removed or is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Value>,
}

shapes! { given: ; shown: ExchangeLine, ExchangeView, Looked }

impl From<&ExchangeRow> for ExchangeLine {
    fn from(row: &ExchangeRow) -> Self {
        Self {
            request: row.id.to_string(),
            at: time(row.started),
            key: row.key.to_string(),
            model: row.model.clone(),
            kept: row.kept.as_str(),
            status: row.status,
            data_class: row.data_class.as_str(),
            request_bytes: row.request_bytes,
            answer_bytes: row.answer_bytes,
        }
    }
}

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Store(error) => error.into(),
            HistoryError::Content(ContentError::Store(error)) => error.into(),
            HistoryError::Content(ContentError::Destroyed) => Self::new(
                Code::Conflict,
                "the tenant's content key was destroyed: nothing that was kept opens any more",
            ),
            error => Self {
                internal: Some(error.to_string()),
                ..Self::new(Code::Internal, "what is kept cannot be read now")
            },
        }
    }
}

/// What the query asks for.
fn asked(call: &Call) -> Result<ExchangeQuery, Problem> {
    let moment = |name: &str| call.query(name).map(|text| read_time(text, name)).transpose();
    Ok(ExchangeQuery {
        from: moment("from")?,
        until: moment("until")?,
        key: call.query_as::<KeyId>("key")?,
        model: call.query("model").map(str::to_owned),
        ..ExchangeQuery::default()
    })
}

/// `GET …/exchanges`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = found(&call).await?;
    call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    let (after, limit) = call.page()?;
    let place = |text: String| {
        let (at, id) = text.split_once(' ')?;
        Some((UnixMillis(at.parse().ok()?), id.parse().ok()?))
    };
    let query = ExchangeQuery {
        after: after.and_then(place),
        count: limit as u64 + 1,
        ..asked(&call)?
    };
    let mut rows = call.control.store.exchanges(entered.scope(), &query).await?;
    let goes_on = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| goes_on);
    let last = last.map(|row| format!("{} {}", row.started.0, row.id));
    let page = Page {
        items: rows.iter().map(ExchangeLine::from).collect(),
        next_cursor: last.and_then(|last| call.control.keys.cursors.seal(&call.list_name(), &last)),
    };
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `GET …/exchanges/{request}`.
// threat: ANP-0010
// threat: AGP-R3
pub async fn show(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = found(&call).await?;
    let permitted = call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    let id: RequestId = call.id("request")?;
    let opened = call.control.histories.open(entered.scope(), id, call.now).await;
    let opened = opened.map_err(Problem::from)?;
    let is_told = matches!(opened.standing, Standing::Original | Standing::Unrecorded);
    let exchange = opened.exchange.filter(|_| is_told);
    let view = ExchangeView {
        request: id.to_string(),
        standing: opened.standing,
        recorded: opened.recorded.map(|digest| digest.to_string()),
        removed: opened.removed,
        exchange: exchange.and_then(|exchange| serde_json::to_value(exchange).ok()),
    };
    let answer = Answer::view(&view)?;
    call.done(&permitted, Deed::to(id), Vec::new(), answer).await
}

/// `GET …/exchanges/export`.
// threat: ANP-0010
// threat: ANP-0012
pub async fn export(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = found(&call).await?;
    let permitted = call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    let query = ExchangeQuery {
        count: EXPORTED_MAX as u64 + 1,
        ..asked(&call)?
    };
    let rows = call.control.store.exchanges(entered.scope(), &query).await?;
    let too_much = || {
        let detail = format!(
            "at most {EXPORTED_MAX} exchanges and {EXPORTED_BYTES_MAX} bytes at once: narrow `from` and `until`, or use \
             `bartizan history export` on the machine"
        );
        Problem::new(Code::Invalid, detail)
    };
    if rows.len() > EXPORTED_MAX {
        return Err(too_much().into());
    }
    let (mut text, mut count, mut left_out) = (String::new(), 0_u64, 0_u64);
    for row in rows.iter().rev() {
        let line = call
            .control
            .histories
            .exported(entered.scope(), row.id, call.now)
            .await;
        let Some(line) = line.map_err(Problem::from)? else {
            left_out += 1;
            continue;
        };
        text.push_str(&serde_json::to_string(&line).map_err(|error| Problem {
            internal: Some(error.to_string()),
            ..Problem::new(Code::Internal, "an exchange could not be written")
        })?);
        text.push('\n');
        count += 1;
        if text.len() > EXPORTED_BYTES_MAX {
            return Err(too_much().into());
        }
    }
    let what = serde_json::json!({
        "from": query.from.map(time),
        "until": query.until.map(time),
        "key": query.key.map(|key| key.to_string()),
        "model": query.model,
        "exchanges": count,
        "not_original": left_out,
    });
    let answer = Answer::text("application/jsonl", text);
    call.done(&permitted, Deed::made(tenant.id, &what), Vec::new(), answer)
        .await
}

/// `GET …/exchanges/check`. It opens, and tells nothing of what it read.
// threat: ANP-0012
pub async fn check(call: Call, _: Nothing) -> Done {
    let (entered, tenant) = found(&call).await?;
    call.permit(&entered, Resource::Tenant(tenant.id)).await?;
    let query = asked(&call)?;
    let until = query.until.unwrap_or(call.now);
    let from = query
        .from
        .unwrap_or(UnixMillis(until.0.saturating_sub(CHECKED_MS)));
    let looked = call
        .control
        .histories
        .look(entered.scope(), (from, until), CHECKED_MAX, call.now);
    let looked = looked.await.map_err(Problem::from)?;
    let looked = looked.ok_or_else(|| {
        let detail = format!("at most {CHECKED_MAX} calls at once: narrow `from` and `until`");
        Problem::new(Code::Invalid, detail)
    })?;
    Ok(Answer::view(&looked)?)
}
