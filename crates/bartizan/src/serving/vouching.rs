//! The keys of identity tokens, kept as new as the store's: a rotation on one node is one on all of them.

use std::sync::Arc;
use std::time::Duration;

use credential::SealingKey;
use data::Gate;
use store::Store;
use tokio::sync::watch;

use crate::identity_keys;

/// How often the store is asked, where some provider wants tokens.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs until stopped. What cannot be had or opened leaves the keys that are in force.
// threat: ANP-0009
pub async fn run(
    (store, seal): (Arc<dyn Store>, SealingKey),
    gate: Arc<Gate>,
    mut stop: watch::Receiver<bool>,
) {
    let (mut known, mut away) = (None, false);
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if !gate.view().settings.vouches {
            continue;
        }
        match identity_keys::kept(store.as_ref(), &seal).await {
            Ok(Some((record, keys))) => {
                away = false;
                if known.as_ref() != Some(&record.document) {
                    gate.set_vouch_keys(keys);
                    known = Some(record.document);
                }
            }
            Ok(None) => {}
            Err(failure) if !away => {
                away = true;
                tracing::warn!("identity keys cannot be had, and stay as last known: {failure}");
            }
            Err(_) => {}
        }
    }
}
