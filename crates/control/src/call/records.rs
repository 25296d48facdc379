//! Documents of the tenant that was entered: one, a page, or all.

use domain::TenantScope;
use serde::Serialize;
use store::{Record, RecordKind, RecordQuery, Sort, SortedQuery, StoreError};

use super::{Call, Entered, Stop};
use crate::page::{By, Page, Place, Sorting};
use crate::problem::Problem;
use crate::record::{Document, read};

/// How many are read at once.
const READ_AT_ONCE: u64 = 200;
/// How many are looked at for one page, so that a list of what one may not see does not cost for ever.
const LOOKED_AT_MAX: u64 = 5_000;

impl Call {
    /// The document of that id, and its record as it must still be when it is changed.
    pub async fn find<T: Document>(
        &self,
        entered: &Entered,
        id: &impl ToString,
    ) -> Result<(Record, T), Stop> {
        let record = self
            .control
            .store
            .record(entered.scope(), T::KIND, &id.to_string())
            .await?;
        let document = read(&record)?;
        Ok((record, document))
    }

    /// A page of those that belong to `parent`, where one is named, and that may be `seen`.
    // threat: AGP-E1
    pub async fn page_of_records<T: Document, V: Serialize>(
        &self,
        entered: &Entered,
        parent: Option<&str>,
        seen: impl Fn(&T) -> Result<bool, Problem>,
        view: impl Fn(T) -> V,
    ) -> Result<Page<V>, Stop> {
        let sorting = self.sorting()?;
        let (mut after, limit) = self.page_after()?;
        let (mut items, mut looked_at) = (Vec::new(), 0);
        loop {
            let records = self
                .read_at_once(entered, (T::KIND, parent), sorting, after.as_ref())
                .await?;
            looked_at += READ_AT_ONCE;
            let is_end = (records.len() as u64) < READ_AT_ONCE;
            for record in records {
                if items.len() == limit {
                    return Ok(self.page_to(items, after.as_ref()));
                }
                let document: T = read(&record)?;
                if seen(&document)? {
                    items.push(view(document));
                }
                let name = record.name.as_deref().unwrap_or_default();
                after = Some(Place::of(sorting.by, &record.id, name, record.created));
            }
            if is_end {
                return Ok(self.page_to(items, None));
            }
            if looked_at >= LOOKED_AT_MAX {
                return Ok(self.page_to(items, after.as_ref()));
            }
        }
    }

    async fn read_at_once(
        &self,
        entered: &Entered,
        (kind, parent): (RecordKind, Option<&str>),
        sorting: Sorting,
        after: Option<&Place>,
    ) -> Result<Vec<Record>, StoreError> {
        let (store, scope, count) = (&self.control.store, entered.scope(), READ_AT_ONCE);
        let sort = match sorting.by {
            By::Id => {
                let after = after.map(|after| after.id.as_str());
                let query = RecordQuery {
                    kind,
                    parent,
                    after,
                    count,
                };
                return store.records(scope, &query).await;
            }
            By::Created => Sort::Created,
            By::Name => Sort::Name,
        };
        let query = SortedQuery {
            kind,
            parent,
            sort,
            descending: sorting.descending,
            after: after.map(|after| store::Place {
                created: after.created,
                name: &after.name,
                id: &after.id,
            }),
            count,
        };
        store.records_sorted(scope, &query).await
    }

    /// All of a kind.
    pub async fn all_records<T: Document>(&self, entered: &Entered) -> Result<Vec<T>, Stop> {
        let records = self.all_of::<T>(entered.scope(), None).await?;
        Ok(records.into_iter().map(|(_, document)| document).collect())
    }

    /// All of a kind that belong to `parent`, with their records.
    pub async fn all_of<T: Document>(
        &self,
        scope: &TenantScope,
        parent: Option<&str>,
    ) -> Result<Vec<(Record, T)>, Stop> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let query = RecordQuery {
                kind: T::KIND,
                parent,
                after: after.as_deref(),
                count: READ_AT_ONCE,
            };
            let records = self.control.store.records(scope, &query).await?;
            let is_end = (records.len() as u64) < READ_AT_ONCE;
            after = records.last().map(|record| record.id.clone());
            for record in records {
                let document = read(&record)?;
                all.push((record, document));
            }
            if is_end {
                return Ok(all);
            }
        }
    }
}
