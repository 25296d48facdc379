//! What all requests share: the current view of keys and configuration, the book, the journal, the pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use credential::{Pepper, SealingKey};
use domain::{NodeId, RequestIds};
use habit::Use;
use identity::vouch::VouchKeys;
use journal::{Journal, JournalError, Record};
use ledger::{AuditRecord, Exchange};
use limit::RetryBudget;
use store::ExchangeQueue;
use telemetry::{Metrics, Tracer};
use tokio::sync::mpsc;

use crate::book::Book;
use crate::connectors::Connectors;
use crate::directory::Directory;
use crate::nonces::Nonces;
use crate::receipt::Receipts;
use crate::settings::{Checks, Settings};
use crate::spend::{self, Table};
use crate::stage::asking::Asker;
use crate::stage::cache::Cache;
use crate::stage::settle;
use crate::telling::Unpricedness;
use crate::ticket::Ticket;

/// Tickets of callers that left, waiting for the settler.
const UNSETTLED_MAX: usize = 65_536;

/// Keys and configuration as one request sees them, from start to end.
#[derive(Debug)]
pub struct View {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// The keys.
    pub directory: Arc<Directory>,
}

/// The data plane of one node.
#[derive(Debug)]
pub struct Gate {
    pub(crate) view: ArcSwap<View>,
    pub(crate) book: Arc<Book>,
    pub(crate) journal: Journal,
    /// Whether an entry must be on the disk, not only with the kernel, before its answer's end leaves.
    journal_to_disk: bool,
    pub(crate) client: upstream::Client,
    pub(crate) pepper: Pepper,
    pub(crate) node: NodeId,
    pub(crate) cache: Option<Cache>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tracer: Tracer,
    pub(crate) retries: RetryBudget,
    pub(crate) ids: RequestIds,
    pub(crate) nonces: Nonces,
    pub(crate) tokens: SealingKey,
    pub(crate) vouch: ArcSwap<VouchKeys>,
    pub(crate) receipts: Receipts,
    pub(crate) unpriced: Unpricedness,
    pub(crate) spend: Table,
    pub(crate) asker: Option<Arc<Asker>>,
    pub(crate) connectors: Arc<Connectors>,
    pub(crate) exchanges: ExchangeQueue,
    alarms: mpsc::Sender<AuditRecord>,
    uses: mpsc::Sender<Use>,
    epoch: Instant,
    draining: AtomicBool,
    settler: mpsc::Sender<Box<Ticket>>,
}

/// What a gate is made of.
#[derive(Debug)]
pub struct GateParts {
    /// The first view.
    pub view: View,
    /// Budgets.
    pub book: Arc<Book>,
    /// The journal.
    pub journal: Journal,
    /// Whether its entries must reach the disk first.
    pub journal_to_disk: bool,
    /// The way out.
    pub client: upstream::Client,
    /// What keys are hashed under.
    pub pepper: Pepper,
    /// Who this node is.
    pub node: NodeId,
    /// The exact cache, if it is on.
    pub cache: Option<Cache>,
    /// Where counts go.
    pub metrics: Arc<Metrics>,
    /// Where spans go.
    pub tracer: Tracer,
    /// How many retries calls may cause.
    pub retries: RetryBudget,
    /// What may be used once.
    pub nonces: Nonces,
    /// What short-lived tokens are sealed with, the same for all replicas.
    pub tokens: SealingKey,
    /// What signs the tokens that own backends know the gate by, the same for all replicas.
    pub vouch: VouchKeys,
    /// What signs answers, where a key wants that.
    pub receipts: Receipts,
    /// Who else is asked whether a call may be made.
    pub asker: Option<Arc<Asker>>,
    /// Guards outside that are asked about texts.
    pub connectors: Arc<Connectors>,
    /// Where what tenants keep of their calls goes: a queue that is never waited for.
    pub exchanges: ExchangeQueue,
    /// Where what is to be written into audit logs goes: a queue that is never waited for.
    pub alarms: mpsc::Sender<AuditRecord>,
    /// Where it is learnt how keys are used: a queue that is never waited for.
    pub uses: mpsc::Sender<Use>,
}

/// The gate's end of the settler: run it beside the gate, and to its end after the last request.
#[derive(Debug)]
pub struct Settler {
    gate: Arc<Gate>,
    tickets: mpsc::Receiver<Box<Ticket>>,
}

impl Gate {
    /// A gate, and the settler of calls whose callers leave.
    pub fn new(parts: GateParts) -> (Arc<Self>, Settler) {
        let (settler, tickets) = mpsc::channel(UNSETTLED_MAX);
        let gate = Arc::new(Self {
            view: ArcSwap::from_pointee(parts.view),
            book: parts.book,
            journal: parts.journal,
            journal_to_disk: parts.journal_to_disk,
            client: parts.client,
            pepper: parts.pepper,
            node: parts.node,
            cache: parts.cache,
            metrics: parts.metrics,
            tracer: parts.tracer,
            retries: parts.retries,
            ids: RequestIds::new(),
            nonces: parts.nonces,
            tokens: parts.tokens,
            vouch: ArcSwap::from_pointee(parts.vouch),
            receipts: parts.receipts,
            unpriced: Unpricedness::default(),
            spend: Table::default(),
            asker: parts.asker,
            connectors: parts.connectors,
            exchanges: parts.exchanges,
            alarms: parts.alarms,
            uses: parts.uses,
            epoch: Instant::now(),
            draining: AtomicBool::new(false),
            settler,
        });
        (gate.clone(), Settler { gate, tickets })
    }

    /// The current view.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Puts new settings in force; requests under way keep theirs.
    // threat: AGP-T3
    pub fn set_settings(&self, settings: Arc<Settings>) {
        self.view.rcu(|view| View {
            settings: settings.clone(),
            directory: view.directory.clone(),
        });
    }

    /// Puts settings in force that differ from those that are in one thing.
    pub fn change_settings(&self, change: impl Fn(&Settings) -> Settings) {
        self.view.rcu(|view| View {
            settings: Arc::new(change(&view.settings)),
            directory: view.directory.clone(),
        });
    }

    /// Puts a new directory in force; requests under way keep theirs.
    pub fn set_directory(&self, directory: Arc<Directory>) {
        self.view.rcu(|view| View {
            settings: view.settings.clone(),
            directory: directory.clone(),
        });
    }

    /// Puts other keys in force for identity tokens.
    pub fn set_vouch_keys(&self, keys: VouchKeys) {
        self.vouch.store(Arc::new(keys));
    }

    /// What signs answers.
    pub const fn receipts(&self) -> &Receipts {
        &self.receipts
    }

    /// The view, when its checks are off.
    // threat: CTX-T2
    pub(crate) fn bypassed(&self) -> Option<Arc<View>> {
        let view = self.view.load();
        (view.settings.checks == Checks::Off).then(|| Arc::clone(&view))
    }

    /// From now on new requests are refused.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether new requests are refused.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Sends the spans that still wait.
    pub async fn shutdown_traces(&self) {
        let tracer = self.tracer.clone();
        let _ = tokio::task::spawn_blocking(move || tracer.shutdown(std::time::Duration::from_secs(3))).await;
    }

    /// Nanoseconds since the gate was made: the clock of limits and breakers.
    pub fn monotonic_ns(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Hands on what somebody must hear of. No call waits for it: what finds no room is counted, and `false`.
    // threat: AGP-D2
    pub(crate) fn raise(&self, alarm: AuditRecord) -> bool {
        let found_room = self.alarms.try_send(alarm).is_ok();
        if !found_room {
            self.metrics.gauges().alarms_dropped.inc();
        }
        found_room
    }

    /// Hands on how a key is used, where that is learnt. No call waits for it: what finds no room is counted.
    // threat: AGP-D2
    pub(crate) fn notice(&self, settings: &Settings, used: impl FnOnce() -> Use) {
        if settings.signals && self.uses.try_send(used()).is_err() {
            self.metrics.gauges().key_uses_dropped.inc();
        }
    }

    /// Hands on what a tenant keeps of a call. No call waits for it: what finds no room is counted.
    // threat: AGP-D2
    pub(crate) fn keep(&self, exchange: Exchange, bytes: Vec<u8>) {
        if !self.exchanges.put(exchange, bytes) {
            self.metrics.gauges().exchanges_dropped.inc();
        }
    }

    pub(crate) fn settler(&self) -> mpsc::Sender<Box<Ticket>> {
        self.settler.clone()
    }

    /// Whether appending to the journal waits for nothing.
    pub(crate) const fn records_at_once(&self) -> bool {
        !self.journal_to_disk
    }

    pub(crate) async fn journal_append(&self, record: Record<'_>) -> Result<(), JournalError> {
        if self.journal_to_disk {
            self.journal.append_synced(record).await.map(|_| ())
        } else {
            self.journal.append(record).map(|_| ())
        }
    }
}

impl Settler {
    /// Settles what is handed in, until `stop`; then what is left.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut every = tokio::time::interval(spend::LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => spend::expire(&self.gate, Some(Instant::now())).await,
                ticket = self.tickets.recv() => match ticket {
                    Some(ticket) => settle::abandoned(&self.gate, ticket).await,
                    None => return,
                },
                () = &mut stop => break,
            }
        }
        while let Ok(ticket) = self.tickets.try_recv() {
            settle::abandoned(&self.gate, ticket).await;
        }
        spend::expire(&self.gate, None).await;
    }
}
