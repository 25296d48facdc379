//! The key that signs answers, kept as new as the ledger's: a replacement on one node is one on all of them.

use std::sync::Arc;
use std::time::Duration;

use data::Gate;
use data::receipt::Receipts;
use store::{Signing, Store};
use tokio::sync::watch;

use crate::failure::Failure;

/// How often the store is asked, where some key wants receipts.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// With the key that signs now.
pub async fn begin(store: Arc<dyn Store>, signing: Arc<Signing>) -> Result<Receipts, Failure> {
    let receipts = Receipts::new(store, signing);
    receipts.refresh().await?;
    Ok(receipts)
}

/// Runs until stopped. While the store is away the last known key signs on: what it signs then without having been
/// replaced is good, and a replaced key's word counts only beside the proof from the ledger.
// threat: AGP-R1
pub async fn run(gate: Arc<Gate>, mut stop: watch::Receiver<bool>) {
    let mut away = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if !gate.view().directory.signs() {
            continue;
        }
        match gate.receipts().refresh().await {
            Ok(()) => away = false,
            Err(error) if !away => {
                away = true;
                tracing::warn!(%error, "the key of receipts cannot be had, and stays as last known");
            }
            Err(_) => {}
        }
    }
}
