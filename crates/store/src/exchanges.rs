//! The port of what tenants keep of their calls' exchanges: sealed rows that are added, read, and removed when their time
//! is over, and never changed. What is in them only whoever has the tenant's content key can read.

use async_trait::async_trait;
use domain::{DataClass, KeyId, RequestId, TenantId, TenantScope, UnixMillis};
use ledger::{Exchange, Kept};

use crate::{StoreError, row};

/// What is known of a kept exchange without opening it: all of it stands in the ledger or is a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRow {
    /// Which call.
    pub id: RequestId,
    /// When it came.
    pub started: UnixMillis,
    /// By which key.
    pub key: KeyId,
    /// The model that was asked for, as columns keep texts.
    pub model: Option<String>,
    /// How much is kept of it.
    pub kept: Kept,
    /// The answer's status.
    pub status: u16,
    /// What it carries; the gravest where that was not written down.
    pub data_class: DataClass,
    /// How long the request was.
    pub request_bytes: u64,
    /// How long the answer was.
    pub answer_bytes: u64,
}

impl From<&Exchange> for ExchangeRow {
    fn from(exchange: &Exchange) -> Self {
        Self {
            id: exchange.id,
            started: exchange.started,
            key: exchange.key,
            model: exchange.model.as_deref().map(row::text),
            kept: exchange.kept,
            status: exchange.status,
            data_class: exchange.data_class.unwrap_or(DataClass::Restricted),
            request_bytes: exchange.request.bytes,
            answer_bytes: exchange.answer.bytes,
        }
    }
}

/// A kept exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedExchange {
    /// What is known of it.
    pub row: ExchangeRow,
    /// Its canonical bytes, sealed.
    pub sealed: Vec<u8>,
}

/// Which exchanges, newest first. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExchangeQuery {
    /// Began at or after.
    pub from: Option<UnixMillis>,
    /// Began before.
    pub until: Option<UnixMillis>,
    /// By this key.
    pub key: Option<KeyId>,
    /// Of this model.
    pub model: Option<String>,
    /// Carrying data of this class or of a graver one.
    pub data_class: Option<DataClass>,
    /// Behind this one: where the page before ended.
    pub after: Option<(UnixMillis, RequestId)>,
    /// At most so many.
    pub count: u64,
}

impl ExchangeQuery {
    /// Whether a row is one of them.
    pub fn takes(&self, row: &ExchangeRow) -> bool {
        self.from.is_none_or(|from| row.started >= from)
            && self.until.is_none_or(|until| row.started < until)
            && self.key.is_none_or(|key| row.key == key)
            && self
                .model
                .as_ref()
                .is_none_or(|model| row.model.as_ref() == Some(model))
            && self.data_class.is_none_or(|class| row.data_class >= class)
            && self.after.is_none_or(|after| (row.started, row.id) < after)
    }
}

/// Names of this class and of those that are graver; of all without one.
pub fn from_class(class: Option<DataClass>) -> Vec<&'static str> {
    let all = DataClass::ALL.into_iter();
    all.filter(|one| class.is_none_or(|class| *one >= class))
        .map(DataClass::as_str)
        .collect()
}

/// Which exchanges are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// Those that began before.
    pub before: UnixMillis,
    /// And carry data of this class or of a graver one; all when left out.
    pub data_class: Option<DataClass>,
}

impl Over {
    /// All that began before.
    pub const fn all(before: UnixMillis) -> Self {
        Self {
            before,
            data_class: None,
        }
    }
}

/// What a sealed exchange is bound to: another row's does not open in its place.
// threat: ANP-0012
// threat: AGP-I2
pub fn exchange_place(tenant: TenantId, id: RequestId) -> Vec<u8> {
    format!("exchange/1 {tenant} {id}").into_bytes()
}

/// Kept exchanges.
#[async_trait]
pub trait Exchanges: Send + Sync {
    /// Adds those that are not there yet, by their calls. Returns how many were new.
    async fn keep_exchanges(
        &self,
        scope: &TenantScope,
        exchanges: &[SealedExchange],
    ) -> Result<u64, StoreError>;
    /// That of a call.
    async fn exchange(&self, scope: &TenantScope, id: RequestId) -> Result<SealedExchange, StoreError>;
    /// What is known of those asked for, newest first.
    async fn exchanges(
        &self,
        scope: &TenantScope,
        query: &ExchangeQuery,
    ) -> Result<Vec<ExchangeRow>, StoreError>;
    /// Removes those that are over, the oldest first and at most `count`. Returns how many.
    async fn forget_exchanges(&self, scope: &TenantScope, over: Over, count: u64) -> Result<u64, StoreError>;
}

/// Removed in one transaction.
const FORGOTTEN_AT_ONCE: u64 = 1_000;

/// Removes all that are over, a bounded part at a time. Returns how many.
pub async fn forget_all_exchanges(
    store: &dyn crate::Store,
    scope: &TenantScope,
    over: Over,
) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        let gone = store.forget_exchanges(scope, over, FORGOTTEN_AT_ONCE).await?;
        all += gone;
        if gone < FORGOTTEN_AT_ONCE {
            return Ok(all);
        }
    }
}
