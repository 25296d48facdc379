//! Tenants and teams as people make and change them. Triggers in the schema raise the revision: no write can
//! forget to.

use sqlx::Row;
use sqlx::postgres::PgRow;
use store::{StoreError, Team, Tenant, row, unchanged};

use crate::connection::{Connection, fault};

pub(crate) async fn create(connection: &mut Connection, tenant: &Tenant) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO bartizan.tenants (tenant, name, limits, state, history)
                 VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(tenant.id.to_string())
    .bind(&tenant.name)
    .bind(row::encode(&tenant.limits)?)
    .bind(tenant.state.as_str())
    .bind(row::encode(&tenant.history)?)
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

pub(crate) async fn replace(
    connection: &mut Connection,
    before: &Tenant,
    after: &Tenant,
) -> Result<(), StoreError> {
    let select =
        "SELECT tenant, name, limits, state, history FROM bartizan.tenants WHERE tenant = $1 FOR UPDATE";
    let stored = sqlx::query(select)
        .bind(before.id.to_string())
        .fetch_optional(&mut *connection)
        .await
        .map_err(fault)?;
    unchanged(stored.as_ref().map(read).transpose()?.as_ref(), before)?;
    sqlx::query(
        "UPDATE bartizan.tenants SET name = $1, limits = $2, state = $3, history = $4 WHERE tenant = $5",
    )
    .bind(&after.name)
    .bind(row::encode(&after.limits)?)
    .bind(after.state.as_str())
    .bind(row::encode(&after.history)?)
    .bind(after.id.to_string())
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(())
}

pub(crate) async fn create_team(connection: &mut Connection, team: &Team) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO bartizan.teams (team, tenant, name, limits) VALUES ($1, $2, $3, $4)")
        .bind(team.id.to_string())
        .bind(team.tenant.to_string())
        .bind(&team.name)
        .bind(row::encode(&team.limits)?)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

pub(crate) async fn replace_team(
    connection: &mut Connection,
    before: &Team,
    after: &Team,
) -> Result<(), StoreError> {
    let select = "SELECT team, tenant, name, limits FROM bartizan.teams
                  WHERE team = $1 AND tenant = $2 FOR UPDATE";
    let stored = sqlx::query(select)
        .bind(before.id.to_string())
        .bind(before.tenant.to_string())
        .fetch_optional(&mut *connection)
        .await
        .map_err(fault)?;
    unchanged(stored.as_ref().map(read_team).transpose()?.as_ref(), before)?;
    sqlx::query("UPDATE bartizan.teams SET name = $1, limits = $2 WHERE team = $3 AND tenant = $4")
        .bind(&after.name)
        .bind(row::encode(&after.limits)?)
        .bind(after.id.to_string())
        .bind(after.tenant.to_string())
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(())
}

pub(crate) fn read(row: &PgRow) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row::id(row.try_get("tenant").map_err(fault)?)?,
        name: row.try_get("name").map_err(fault)?,
        limits: row::decode(row.try_get("limits").map_err(fault)?)?,
        state: row::state(row.try_get("state").map_err(fault)?)?,
        history: row::decode(row.try_get("history").map_err(fault)?)?,
    })
}

pub(crate) fn read_team(row: &PgRow) -> Result<Team, StoreError> {
    Ok(Team {
        id: row::id(row.try_get("team").map_err(fault)?)?,
        tenant: row::id(row.try_get("tenant").map_err(fault)?)?,
        name: row.try_get("name").map_err(fault)?,
        limits: row::decode(row.try_get("limits").map_err(fault)?)?,
    })
}
