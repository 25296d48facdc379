//! Reading all entries of a time, a page at a time.

use domain::{TenantScope, UnixMillis};

use crate::{EntryLog, EntrySpan, StoreError, StoredEntry};

/// Entries read at once.
const PAGE: u64 = 512;

/// Gives every entry of the span to `each`, in the order of their ends. `each` says when an entry ended; what it fails
/// with ends the reading.
pub async fn each_finished<L, E>(
    log: &L,
    scope: &TenantScope,
    span: &EntrySpan,
    mut each: impl FnMut(&StoredEntry) -> Result<UnixMillis, E>,
) -> Result<(), E>
where
    L: EntryLog + ?Sized,
    E: From<StoreError>,
{
    let mut after = None;
    loop {
        let page = log.entries_finished(scope, span, after, PAGE).await?;
        let is_last = (page.len() as u64) < PAGE;
        for stored in &page {
            after = Some((each(stored)?, stored.index));
        }
        if is_last {
            return Ok(());
        }
    }
}
