//! What cost data is made of, read through the ports: the entries of a time, and what people call the things in them.

use domain::{ProjectId, TenantScope};
use exports::{KeyNames, Names, Pricing, Rows, RowsError};
use serde::Deserialize;

use crate::{EntrySpan, RecordKind, RecordQuery, Store, StoreError, each_finished};

/// Documents read at once.
const PAGE: u64 = 500;

/// Why there is no cost data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CostsError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The entries.
    #[error(transparent)]
    Rows(#[from] RowsError),
}

/// Adds all entries of the span to the rows. `seen` is told of each entry's place and bytes.
pub async fn gather_costs(
    store: &dyn Store,
    (scope, span): (&TenantScope, &EntrySpan),
    rows: &mut Rows,
    pricing: &dyn Pricing,
    mut seen: impl FnMut(u64, &[u8]),
) -> Result<(), CostsError> {
    each_finished(store, scope, span, |stored| {
        let entry = rows.add(stored.index, &stored.bytes, pricing)?;
        seen(stored.index, &stored.bytes);
        Ok(entry.finished)
    })
    .await
}

/// What the tenant and what is in it are called now; `issuer` is what this instance calls itself.
pub async fn cost_names(store: &dyn Store, scope: &TenantScope, issuer: &str) -> Result<Names, StoreError> {
    let (tenant, directory) = (scope.tenant(), store.load().await?);
    let own = directory.tenants.iter().find(|found| found.id == tenant);
    let teams = directory.teams.iter().filter(|team| team.tenant == tenant);
    let keys = directory.keys.iter().filter(|key| key.tenant == tenant);
    Ok(Names {
        tenant,
        tenant_name: own.map_or_else(|| tenant.to_string(), |own| own.name.clone()),
        issuer: issuer.to_owned(),
        teams: teams.map(|team| (team.id, team.name.clone())).collect(),
        projects: projects(store, scope).await?,
        keys: keys
            .map(|key| {
                let names = KeyNames {
                    name: key.name.clone(),
                    owner: key.owner.map(|owner| owner.to_string()),
                    tags: key.marks.tags.clone(),
                };
                (key.id, names)
            })
            .collect(),
    })
}

/// What is read of a project.
#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn projects(
    store: &dyn Store,
    scope: &TenantScope,
) -> Result<std::collections::BTreeMap<ProjectId, String>, StoreError> {
    let (mut all, mut after) = (std::collections::BTreeMap::new(), None::<String>);
    loop {
        let query = RecordQuery {
            kind: RecordKind::Project,
            parent: None,
            after: after.as_deref(),
            count: PAGE,
        };
        let page = store.records(scope, &query).await?;
        for record in &page {
            let named: Named = serde_json::from_str(&record.document)
                .map_err(|error| StoreError::Damaged(error.to_string()))?;
            if let Ok(id) = record.id.parse() {
                all.insert(id, named.name);
            }
        }
        match page.last() {
            Some(last) if page.len() as u64 == PAGE => after = Some(last.id.clone()),
            _ => return Ok(all),
        }
    }
}
