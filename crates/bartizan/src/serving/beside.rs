//! What runs beside calls: money and evidence on their way into the store, what is new there on its way into memory, and
//! who looks after what goes wrong. No call waits for any of it.

use std::sync::Arc;
use std::time::Duration;

use credential::CredentialKeys;
use data::Gate;
use domain::ByClass;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use worker::{
    Bounds, Checkpointer, EntryRemover, Historian, Housekeeper, Roller, Scribe, Shipper, Sweeper, Teller,
};

use super::plane::{Tasks, lease_ttl};
use super::{
    FLUSH_DEADLINE, Node, alerts, asking, connecting, credentials, feed, issuers, ms, receipts, signals,
    vouching, witnesses,
};
use crate::failure::Failure;
use crate::stored::ByGate;

/// Tasks that write down what is under way before they end.
#[derive(Debug)]
pub struct Beside([JoinHandle<()>; 6]);

impl Beside {
    /// Until all have ended, and not for ever.
    pub async fn ended(self) {
        let all = async {
            for task in self.0 {
                let _ = task.await;
            }
        };
        let _ = tokio::time::timeout(FLUSH_DEADLINE, all).await;
    }
}

/// Starts everything. It stops when told to, and is waited for with [`Beside::ended`].
pub async fn start(node: Node<'_>, shipper: Shipper, tasks: Tasks) -> Result<Beside, Failure> {
    let Tasks {
        keeper,
        settler,
        exchanged,
        alarmed,
        used,
        identity_seal,
    } = tasks;
    let (base, plane, stopped) = (node.base, node.plane, || node.switches.stopped.clone());
    let (store, metrics) = (&base.store, &base.metrics);
    // Money and evidence.
    tokio::spawn(keeper.run());
    let shipping = tokio::spawn(shipper.run(stopped()));
    let lease = lease_ttl(&base.config);
    tokio::spawn(Sweeper::new(store.clone(), base.home.node, lease, metrics.clone()).run(stopped()));
    tokio::spawn(Teller::new(store.clone(), metrics.clone()).run(stopped()));
    let writing = tokio::spawn(Scribe::new(store.clone()).run(alarmed, stopped()));
    tokio::spawn(Roller::new(store.clone()).run(stopped()));
    tokio::spawn(Housekeeper::new(store.clone()).run(stopped()));
    tokio::spawn(entry_remover(node).run(stopped()));
    let keeping = tokio::spawn(historian(node).run(exchanged, stopped()));
    tokio::spawn(historian(node).sweep(stopped()));
    let checkpointing = tokio::spawn(checkpointer(node).run(stopped()));
    for anchor in witnesses::anchors(node).await? {
        tokio::spawn(anchor.run(stopped()));
    }
    let settling = tokio::spawn(settler.run(told(stopped())));
    // Who looks after what goes wrong.
    let outlets = (store.clone(), plane.alarms.clone(), metrics.clone());
    let watching = signals::start(outlets, node.switches.showing.clone(), used, stopped());
    let vigil = vigil(node);
    let plan = vigil.plan(&base.config).await?;
    tokio::spawn(vigil.run(plan, node.switches.showing.clone(), stopped()));
    tokio::spawn(overseer(node)?.run(stopped()));
    asking::start(base, plane.asker.clone(), stopped());
    connecting::start(base, &plane.connectors, &stopped());
    // What is new.
    tokio::spawn(feed(node).run(stopped()));
    tokio::spawn(issuers::run(plane.gate.clone(), stopped()));
    tokio::spawn(receipts::run(plane.gate.clone(), stopped()));
    let sealed = (store.clone(), identity_seal);
    tokio::spawn(vouching::run(sealed, plane.gate.clone(), stopped()));
    Ok(Beside([
        settling,
        shipping,
        checkpointing,
        watching,
        writing,
        keeping,
    ]))
}

async fn told(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// What the configuration in force lets tenants keep.
#[derive(Debug)]
struct Kept(Arc<Gate>);

impl Bounds for Kept {
    fn days_max(&self) -> ByClass<u16> {
        self.0.view().settings.history_days_max
    }
}

fn historian(node: Node<'_>) -> Historian {
    let (base, plane) = (node.base, node.plane);
    let seals = Arc::new(plane.contents.clone());
    let bounds = Arc::new(Kept(plane.gate.clone()));
    Historian::new(base.store.clone(), seals, bounds, base.metrics.clone())
}

fn checkpointer(node: Node<'_>) -> Checkpointer {
    let base = node.base;
    Checkpointer::new(
        base.store.clone(),
        node.signing.clone(),
        ms(base.config.ledger.checkpoint_every_ms),
        base.metrics.clone(),
    )
}

fn entry_remover(node: Node<'_>) -> EntryRemover {
    let (base, ledger) = (node.base, &node.base.config.ledger);
    let keep = ledger
        .keep_days
        .map(|days| Duration::from_secs(days.saturating_mul(24 * 3600)));
    EntryRemover::new(
        base.store.clone(),
        (node.signing.clone(), base.metrics.clone()),
        keep,
        ms(ledger.sweep_every_ms),
    )
}

fn vigil(node: Node<'_>) -> alerts::Vigil {
    let base = node.base;
    alerts::Vigil {
        store: base.store.clone(),
        node: base.home.node,
        signing: node.signing.clone(),
        resolver: base.resolver.clone(),
        scrubber: base.logs.scrubber().clone(),
        metrics: base.metrics.clone(),
        content: node.plane.contents.keys(),
    }
}

fn overseer(node: Node<'_>) -> Result<credentials::Keeper, Failure> {
    let base = node.base;
    Ok(credentials::Keeper {
        store: base.store.clone(),
        metrics: base.metrics.clone(),
        keys: CredentialKeys::derive(&base.home.master).map_err(|e| Failure::new(e.to_string()))?,
        prober: ByGate(node.plane.gate.clone()),
    })
}

fn feed(node: Node<'_>) -> feed::Feed {
    let plane = node.plane;
    feed::Feed {
        store: node.base.store.clone(),
        gate: plane.gate.clone(),
        book: plane.book.clone(),
        rules: plane.rules.clone(),
        builder: plane.builder.clone(),
        contents: plane.contents.clone(),
        marks: plane.marks.clone(),
        metrics: node.base.metrics.clone(),
        every: ms(node.base.config.store.refresh_every_ms),
    }
}
