//! Spent nonces: a row each, which one of all replicas gets to insert.

use async_trait::async_trait;
use domain::{TenantScope, UnixMillis};
use store::{Nonces, StoreError};

use crate::PostgresStore;
use crate::connection::{commit, fault};

#[async_trait]
impl Nonces for PostgresStore {
    async fn spend_nonce(
        &self,
        scope: &TenantScope,
        digest: &[u8; 32],
        until: UnixMillis,
    ) -> Result<bool, StoreError> {
        let spending = async {
            let insert = "INSERT INTO bartizan.nonces (tenant, digest, until) VALUES ($1, $2, $3)
                          ON CONFLICT DO NOTHING";
            let mut transaction = self.as_tenant(scope).await?;
            let done = sqlx::query(insert)
                .bind(scope.tenant().to_string())
                .bind(digest.as_slice())
                .bind(until.0)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
            commit(transaction).await?;
            Ok(done.rows_affected() == 1)
        };
        self.bounded(spending).await
    }

    /// As the node's role, which may not read them: which rows go is the policy `node_forgets`. Where row
    /// security is not in force none go at all.
    async fn forget_nonces(&self, now: UnixMillis) -> Result<u64, StoreError> {
        let forgetting = async {
            let mut transaction = self.as_node().await?;
            sqlx::query("SELECT set_config('app.sweep_until', $1, true)")
                .bind(now.0.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
            let delete =
                "DELETE FROM bartizan.nonces WHERE pg_catalog.row_security_active('bartizan.nonces')";
            let done = sqlx::query(delete)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
            commit(transaction).await?;
            Ok(done.rows_affected())
        };
        self.bounded(forgetting).await
    }
}
