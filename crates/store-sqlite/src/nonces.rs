//! Spent nonces.

use async_trait::async_trait;
use domain::{TenantScope, UnixMillis};
use store::{Nonces, StoreError};

use crate::SqliteStore;
use crate::connection::{commit, fault};

#[async_trait]
impl Nonces for SqliteStore {
    async fn spend_nonce(
        &self,
        scope: &TenantScope,
        digest: &[u8; 32],
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        let insert = "INSERT INTO nonces (tenant, digest, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
        let mut transaction = self.write().await?;
        let done = sqlx::query(insert)
            .bind(scope.tenant().to_string())
            .bind(digest.as_slice())
            .bind(until.0)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        commit(transaction).await?;
        Ok(done.rows_affected() == 1)
    }

    async fn forget_nonces(&self, now: UnixMillis) -> Result<u64, StoreError> {
        let mut transaction = self.write().await?;
        let done = sqlx::query("DELETE FROM nonces WHERE until < ?")
            .bind(now.0)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        commit(transaction).await?;
        Ok(done.rows_affected())
    }
}
