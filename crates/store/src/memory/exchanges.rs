//! Kept exchanges in memory.

use async_trait::async_trait;
use domain::{RequestId, TenantScope};

use super::MemoryStore;
use crate::{ExchangeQuery, ExchangeRow, Exchanges, Over, SealedExchange, StoreError};

#[async_trait]
impl Exchanges for MemoryStore {
    async fn keep_exchanges(
        &self,
        scope: &TenantScope,
        exchanges: &[SealedExchange],
    ) -> Result<u64, StoreError> {
        let mut state = self.state();
        let kept = state.exchanges.entry(scope.tenant()).or_default();
        let before = kept.len();
        for exchange in exchanges {
            kept.entry(exchange.row.id).or_insert_with(|| exchange.clone());
        }
        Ok((kept.len() - before) as u64)
    }

    async fn exchange(&self, scope: &TenantScope, id: RequestId) -> Result<SealedExchange, StoreError> {
        let state = self.state();
        let found = state
            .exchanges
            .get(&scope.tenant())
            .and_then(|kept| kept.get(&id));
        found.cloned().ok_or(StoreError::NotFound)
    }

    async fn exchanges(
        &self,
        scope: &TenantScope,
        query: &ExchangeQuery,
    ) -> Result<Vec<ExchangeRow>, StoreError> {
        let state = self.state();
        let kept = state.exchanges.get(&scope.tenant());
        let mut found: Vec<ExchangeRow> = kept
            .into_iter()
            .flat_map(|kept| kept.values())
            .map(|exchange| exchange.row.clone())
            .filter(|row| query.takes(row))
            .collect();
        found.sort_by_key(|row| std::cmp::Reverse((row.started, row.id)));
        found.truncate(usize::try_from(query.count).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn forget_exchanges(&self, scope: &TenantScope, over: Over, count: u64) -> Result<u64, StoreError> {
        let mut state = self.state();
        let Some(kept) = state.exchanges.get_mut(&scope.tenant()) else {
            return Ok(0);
        };
        let query = ExchangeQuery {
            until: Some(over.before),
            data_class: over.data_class,
            ..ExchangeQuery::default()
        };
        let mut gone: Vec<_> = kept
            .values()
            .filter(|exchange| query.takes(&exchange.row))
            .map(|exchange| (exchange.row.started, exchange.row.id))
            .collect();
        gone.sort_unstable();
        gone.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        for (_, id) in &gone {
            kept.remove(id);
        }
        Ok(gone.len() as u64)
    }
}
