//! The row of the key that signs the logs: looked at by whoever keeps a signed head, held by whoever replaces the key.

use sqlx::Row;
use store::{Hold, StoreError, StoredCheckpoint, row};

use crate::connection::{Connection, fault};

/// How often the key was replaced.
pub(crate) async fn epoch(connection: &mut Connection) -> Result<u64, StoreError> {
    let epoch = sqlx::query_scalar("SELECT epoch FROM log_keys");
    row::unsigned(epoch.fetch_one(connection).await.map_err(fault)?)
}

/// Whether the key of this epoch signs. Asked in a transaction that holds the write lock.
// threat: AGP-R1
pub(crate) async fn must_sign(
    connection: &mut Connection,
    epoch: u64,
    checkpoint: &StoredCheckpoint,
) -> Result<(), StoreError> {
    // A hold that has run out ends; whoever held it finds that out when they are done.
    let end = "UPDATE log_keys SET hold = NULL WHERE hold IS NOT NULL AND hold_until <= ?";
    sqlx::query(end)
        .bind(checkpoint.signed.0)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    let select = "SELECT epoch, hold IS NOT NULL AS held FROM log_keys";
    let found = sqlx::query(select).fetch_one(connection).await.map_err(fault)?;
    let held: bool = found.try_get("held").map_err(fault)?;
    let now = row::unsigned(found.try_get("epoch").map_err(fault)?)?;
    match !held && now == epoch {
        true => Ok(()),
        false => Err(StoreError::Superseded),
    }
}

/// Takes hold.
pub(crate) async fn hold(connection: &mut Connection, hold: &Hold) -> Result<(), StoreError> {
    let update = "UPDATE log_keys SET hold = ?, hold_until = ?
                  WHERE epoch = ? AND (hold IS NULL OR hold_until <= ?)";
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
    let update = "UPDATE log_keys SET epoch = epoch + 1, hold = NULL WHERE epoch = ? AND hold = ?";
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
