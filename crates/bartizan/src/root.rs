//! The root in the store: sealed under every master key that may open it, so that a node needs nothing but one of
//! those. The store's word counts: a master key that it no longer lists opens nothing, whatever the node has kept.

use std::time::Duration;

use credential::SealedRoot;
use store::{Change, Record, RecordKind, Store, StoreError};

use crate::failure::{Failure, Hint};
use crate::home::{Home, retired};
use crate::stored::scope;

/// There is one.
const ID: &str = "root";
/// A replica that starts beside the first waits so long for the root that the first has made.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// The sealed root as the store has it, and its record.
pub async fn kept(store: &dyn Store) -> Result<Option<(Record, SealedRoot)>, Failure> {
    match store.record(&scope(), RecordKind::Root, ID).await {
        Err(StoreError::NotFound) => Ok(None),
        found => {
            let record = found?;
            let sealed = SealedRoot::from_text(&record.document).map_err(retired)?;
            Ok(Some((record, sealed)))
        }
    }
}

/// What puts this in place of what is kept.
pub fn change(kept: Option<Record>, sealed: &SealedRoot) -> Change {
    let document = sealed.to_text();
    match kept {
        Some(before) => Change::Replace {
            after: Record {
                document,
                ..before.clone()
            },
            before,
        },
        None => Change::Create(Record {
            kind: RecordKind::Root,
            id: ID.to_owned(),
            parent: None,
            name: None,
            created: domain::UnixMillis::now(),
            document,
        }),
    }
}

/// Brings the data folder and the store together: the root that the store was first opened with, and no other.
///
/// A root of another instance is refused: no virtual key in the store would be known by it, and checkpoints would be
/// signed by a stranger.
// threat: AGP-CRED-2.2
pub async fn settle(home: &mut Home, store: &dyn Store) -> Result<(), Failure> {
    for _ in 0..PATIENCE {
        if let Some((_, sealed)) = kept(store).await? {
            return adopt(home, store, &sealed).await;
        }
        home.must_be_sure()?;
        let mark = home.master.mark();
        if store.claim_master_key(&mark).await? == mark {
            return publish(home, store).await;
        }
        if !home.is_apart() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(foreign())
}

async fn adopt(home: &mut Home, store: &dyn Store, sealed: &SealedRoot) -> Result<(), Failure> {
    let root = sealed.open(home.key()).map_err(retired)?;
    let mark = root.mark();
    if store.claim_master_key(&mark).await? == mark {
        return home.adopt(root, sealed);
    }
    Err(foreign())
}

/// For replicas to come. One that is its own master key has nothing to tell them.
async fn publish(home: &Home, store: &dyn Store) -> Result<(), Failure> {
    if !home.is_apart() {
        return Ok(());
    }
    let sealed = SealedRoot::new(&home.master, home.key()).map_err(|e| Failure::new(e.to_string()))?;
    match store.commit(&scope(), &[change(None, &sealed)], None).await {
        Ok(()) => home.keep_root(&sealed),
        // A start at the same time was first, with the same root: the next start takes its copy over.
        Err(StoreError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn foreign() -> Failure {
    Failure::new("the store was made with another master key than the one in this data folder").hint(
        "nodes that share a store share its master key: copy `master.key` from the first node's data folder",
    )
}
