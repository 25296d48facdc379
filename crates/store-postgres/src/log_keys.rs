//! The row of the key that signs the logs: looked at by whoever keeps a signed head, held by whoever replaces the key.

use sqlx::Row;
use store::{Hold, StoreError, StoredCheckpoint, row};

use crate::connection::{Connection, fault};

/// How often the key was replaced.
pub(crate) async fn epoch(connection: &mut Connection) -> Result<u64, StoreError> {
    let epoch = sqlx::query_scalar("SELECT epoch FROM bartizan.log_keys");
    row::unsigned(epoch.fetch_one(connection).await.map_err(fault)?)
}

/// Whether the key of this epoch signs: and it does until the transaction ends.
// threat: AGP-R1
pub(crate) async fn must_sign(
    connection: &mut Connection,
    epoch: u64,
    checkpoint: &StoredCheckpoint,
) -> Result<(), StoreError> {
    // A hold that has run out ends; whoever held it finds that out when they are done.
    let end = "UPDATE bartizan.log_keys SET hold = NULL WHERE hold IS NOT NULL AND hold_until <= $1";
    sqlx::query(end)
        .bind(checkpoint.signed.0)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let select = "SELECT epoch, hold IS NOT NULL AS held FROM bartizan.log_keys FOR SHARE";
    let found = sqlx::query(select).fetch_one(connection).await.map_err(fault)?;
    let held: bool = found.try_get("held").map_err(fault)?;
    let now = row::unsigned(found.try_get("epoch").map_err(fault)?)?;
    match !held && now == epoch {
        true => Ok(()),
        false => Err(StoreError::Superseded),
    }
}

/// Takes hold. Waits for those who are just keeping a head.
pub(crate) async fn hold(connection: &mut Connection, hold: &Hold) -> Result<(), StoreError> {
    let update = "UPDATE bartizan.log_keys SET hold = $1, hold_until = $2
                  WHERE epoch = $3 AND (hold IS NULL OR hold_until <= $4)";
    let changed = sqlx::query(update)
        .bind(&hold.by)
        .bind(hold.until.0)
        .bind(row::signed(hold.epoch))
        .bind(hold.now.0)
        .execute(connection)
        .await
        .map_err(fault)?;
    one(changed.rows_affected())
}

/// The next key, for whoever holds this one.
pub(crate) async fn next(connection: &mut Connection, epoch: u64, by: &str) -> Result<(), StoreError> {
    let update = "UPDATE bartizan.log_keys SET epoch = epoch + 1, hold = NULL WHERE epoch = $1 AND hold = $2";
    let changed = sqlx::query(update)
        .bind(row::signed(epoch))
        .bind(by)
        .execute(connection)
        .await
        .map_err(fault)?;
    one(changed.rows_affected())
}

const fn one(changed: u64) -> Result<(), StoreError> {
    match changed {
        1 => Ok(()),
        _ => Err(StoreError::Superseded),
    }
}
