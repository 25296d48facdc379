//! Virtual keys as people make and change them: a document each, beside the columns that must be unique.

use credential::KeyRecord;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use store::{StoreError, must_be_distinct, row, unchanged};

use crate::connection::{Connection, fault};

pub(crate) async fn create(connection: &mut Connection, key: &KeyRecord) -> Result<(), StoreError> {
    let insert = "INSERT INTO keys (key, tenant, team, digest, state, created, document)
                  VALUES (?, ?, ?, ?, ?, ?, ?)";
    sqlx::query(insert)
        .bind(key.id.to_string())
        .bind(key.tenant.to_string())
        .bind(key.team.to_string())
        .bind(key.digest.as_slice())
        .bind(row::encode(&key.state)?)
        .bind(key.created.0)
        .bind(row::encode(key)?)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    hold(connection, key).await
}

pub(crate) async fn replace(
    connection: &mut Connection,
    before: &KeyRecord,
    after: &KeyRecord,
) -> Result<(), StoreError> {
    let stored = sqlx::query("SELECT document FROM keys WHERE key = ? AND tenant = ?")
        .bind(before.id.to_string())
        .bind(before.tenant.to_string())
        .fetch_optional(&mut *connection)
        .await
        .map_err(fault)?;
    unchanged(stored.as_ref().map(read).transpose()?.as_ref(), before)?;
    let update = "UPDATE keys SET team = ?, digest = ?, state = ?, created = ?, document = ?
                  WHERE key = ? AND tenant = ?";
    sqlx::query(update)
        .bind(after.team.to_string())
        .bind(after.digest.as_slice())
        .bind(row::encode(&after.state)?)
        .bind(after.created.0)
        .bind(row::encode(after)?)
        .bind(after.id.to_string())
        .bind(after.tenant.to_string())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    if before.live_bindings() == after.live_bindings() {
        return Ok(());
    }
    sqlx::query("DELETE FROM bindings WHERE tenant = ? AND key = ?")
        .bind(before.tenant.to_string())
        .bind(before.id.to_string())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    hold(connection, after).await
}

/// Takes the key's bindings; `Conflict` if another key has one, of whatever tenant.
// threat: AGP-S1
async fn hold(connection: &mut Connection, key: &KeyRecord) -> Result<(), StoreError> {
    must_be_distinct(key)?;
    for binding in key.live_bindings() {
        sqlx::query("INSERT INTO bindings (digest, tenant, key) VALUES (?, ?, ?)")
            .bind(binding.digest(key.tenant).as_slice())
            .bind(key.tenant.to_string())
            .bind(key.id.to_string())
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

pub(crate) fn read(row: &SqliteRow) -> Result<KeyRecord, StoreError> {
    row::decode(row.try_get("document").map_err(fault)?)
}
