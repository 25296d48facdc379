//! Reading all entries of a time, a page at a time.

use domain::{TenantScope, UnixMillis};

use crate::{EntryLog, EntrySpan, StoreError, StoredEntry};

/// Entries read at once.
const PAGE: u64 = 512;

/// Gives every entry of the span to `each`, in the order of their ends. `each` says when an entry ended; what it fails
/// with ends the reading. [`StoreError::Removed`], should entries of the span have been removed, also meanwhile: part of
/// them is never taken for all.
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
    must_be_whole(log, scope, span).await?;
    let mut after = None;
    loop {
        let page = log.entries_finished(scope, span, after, PAGE).await?;
        let is_last = (page.len() as u64) < PAGE;
        for stored in &page {
            after = Some((each(stored)?, stored.index));
        }
        if is_last {
            return Ok(must_be_whole(log, scope, span).await?);
        }
    }
}

/// [`StoreError::Removed`] if entries of the span were removed.
pub async fn must_be_whole<L>(log: &L, scope: &TenantScope, span: &EntrySpan) -> Result<(), StoreError>
where
    L: EntryLog + ?Sized,
{
    let kept = log.entries_kept(scope).await?;
    if kept.from > 0 && span.from < kept.since {
        return Err(StoreError::Removed(kept.since));
    }
    Ok(())
}
