//! The pusher: tells a sink of every audit record it wants, or of every entry of the ledgers, in the order of each log,
//! at least once. A sink that is away keeps no act from being done and no call from being made, and gets everything when
//! it is back.

mod cursor;
mod message;
mod syslog;
mod webhook;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{NodeId, TenantId, TenantScope, UnixMillis};
use store::{AuditQuery, LogKind, Store, StoreError};
use telemetry::metrics::SinkMetrics;
use tokio::sync::watch;
use upstream::Client;

use crate::pace::{Backoff, sleep_or_stop, stopped};
pub(crate) use cursor::reached;
use cursor::{Claim, Cursor};
use message::{Message, is_meant};
use syslog::Syslog;
use webhook::Webhook;

pub use syslog::Over;
pub use webhook::Keyring;

/// Records that are read and pushed at once.
const BATCH: u64 = 100;
/// How long one batch may go on before what has been taken is written down.
const BATCH_TIME: Duration = Duration::from_secs(10);
const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Where a sink is.
#[derive(Debug)]
pub enum Place {
    /// An address that takes signed requests.
    Webhook {
        /// `https://…`, or plain http as permitted.
        address: String,
        /// Whether plain http may leave this machine.
        allow_plaintext: bool,
        /// What requests are signed with.
        keys: Arc<dyn Keyring>,
        /// What they are sent with.
        client: Box<Client>,
    },
    /// A syslog server.
    Syslog {
        /// `host:port`.
        place: String,
        /// What carries it there.
        over: Over,
        /// What this instance calls itself.
        host: String,
    },
}

/// Who is told of what.
#[derive(Debug)]
pub struct SinkOptions {
    /// Its name, under which it is kept how far it has come.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// Names of acts, or their beginnings with `*`.
    pub acts: Vec<String>,
    /// How often logs are looked through.
    pub every: Duration,
}

/// Why a sink did not take a record.
#[derive(Debug)]
enum Trouble {
    /// It cannot be reached, or not by us: no other log has better luck now.
    Away(String),
    /// It was reached and did not want this.
    Refused(String),
    /// The store.
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How many of a batch were taken, from its beginning, and why no more were.
#[derive(Debug)]
struct Delivered {
    done: usize,
    trouble: Option<Trouble>,
}

impl Delivered {
    const fn nothing(trouble: Trouble) -> Self {
        Self {
            done: 0,
            trouble: Some(trouble),
        }
    }
}

#[derive(Debug)]
enum Transport {
    Webhook(Box<Webhook>),
    Syslog(Syslog),
}

/// Pushes to one sink.
#[derive(Debug)]
pub struct Pusher {
    store: Arc<dyn Store>,
    node: NodeId,
    name: String,
    acts: Vec<String>,
    log: LogKind,
    every: Duration,
    transport: Transport,
    metrics: SinkMetrics,
    revision: Option<u64>,
    tenants: Vec<TenantId>,
    /// Up to where each log was pushed when this node last looked, and how long it was.
    logs: HashMap<TenantId, (u64, u64)>,
}

impl Pusher {
    /// One for this sink. The error says what is wrong with its address.
    pub fn new(
        (store, node): (Arc<dyn Store>, NodeId),
        options: SinkOptions,
        metrics: SinkMetrics,
    ) -> Result<Self, String> {
        let transport = match options.place {
            Place::Webhook {
                address,
                allow_plaintext,
                keys,
                client,
            } => Transport::Webhook(Box::new(Webhook::new(&address, allow_plaintext, keys, *client)?)),
            Place::Syslog { place, over, host } => Transport::Syslog(Syslog::new(place, over, &host)),
        };
        Ok(Self {
            store,
            node,
            name: options.name,
            acts: options.acts,
            log: LogKind::Audit,
            every: options.every,
            transport,
            metrics,
            revision: None,
            tenants: Vec::new(),
            logs: HashMap::new(),
        })
    }

    /// Of the entries of all ledgers in place of audit records: each is told as `budget.spent`.
    #[must_use]
    pub fn of_ledgers(mut self) -> Self {
        self.log = LogKind::Ledger;
        self
    }

    /// Pushes until told to stop. What was under way then is pushed again at the next start.
    // threat: AGP-R3
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut backoff = Backoff::new(BACKOFF_MIN.min(self.every), BACKOFF_MAX);
        loop {
            let round = tokio::select! {
                () = stopped(&mut shutdown) => break,
                round = self.round() => round,
            };
            let pending = self.pending();
            self.metrics
                .pending
                .set(i64::try_from(pending).unwrap_or(i64::MAX));
            let wait = match round {
                Ok(true) => Duration::ZERO,
                Ok(false) => {
                    backoff.reset();
                    self.every
                }
                Err(trouble) => {
                    self.tell(&trouble, pending);
                    backoff.wait()
                }
            };
            if sleep_or_stop(wait, &mut shutdown).await {
                break;
            }
        }
        // The next start counts anew; for a sink that is no more, nothing waits.
        self.metrics.pending.set(0);
    }

    fn pending(&self) -> u64 {
        self.logs
            .values()
            .map(|(next, size)| size.saturating_sub(*next))
            .sum()
    }

    fn tell(&self, trouble: &Trouble, pending: u64) {
        let sink = self.name.as_str();
        match trouble {
            Trouble::Store(error) => {
                tracing::warn!(sink, %error, pending, "audit records cannot be read for a sink")
            }
            Trouble::Away(why) | Trouble::Refused(why) => {
                self.metrics.failures.inc();
                tracing::warn!(
                    sink,
                    why,
                    pending,
                    "a sink does not take audit records: they wait and are pushed again"
                );
            }
        }
    }

    /// One batch of every log that has grown. Whether there is more to push at once. A log whose record is refused
    /// keeps no other from being pushed.
    async fn round(&mut self) -> Result<bool, Trouble> {
        self.refresh_tenants().await?;
        let (mut more, mut refused, mut away) = (false, None, None);
        for tenant in self.tenants.clone() {
            if away.is_some() {
                // What waits is counted all the same.
                self.look(tenant).await?;
                continue;
            }
            match self.push(tenant).await {
                Ok(rest) => more |= rest,
                Err(trouble @ Trouble::Refused(_)) => refused = Some(trouble),
                Err(trouble @ Trouble::Away(_)) => away = Some(trouble),
                Err(trouble) => return Err(trouble),
            }
        }
        away.or(refused).map_or(Ok(more), Err)
    }

    /// Up to where the log was pushed, as far as this node knows, and how long it is.
    async fn look(&mut self, tenant: TenantId) -> Result<(u64, u64), StoreError> {
        let scope = TenantScope::operator(tenant);
        let size = self.store.log_size(&scope, self.log).await?;
        let next = match self.logs.get(&tenant) {
            Some((next, _)) => *next,
            None => reached(self.store.as_ref(), &scope, &self.name).await?,
        };
        self.logs.insert(tenant, (next, size));
        Ok((next, size))
    }

    async fn refresh_tenants(&mut self) -> Result<(), StoreError> {
        let revision = self.store.revision().await?;
        if self.revision != Some(revision) {
            let directory = self.store.load().await?;
            let tenants = directory.tenants.iter().map(|tenant| tenant.id);
            self.tenants = tenants.chain([TenantId::PLATFORM]).collect();
            self.revision = Some(directory.revision);
        }
        Ok(())
    }

    /// A batch of one log, if it has grown and no other replica is at it. Whether there is more.
    async fn push(&mut self, tenant: TenantId) -> Result<bool, Trouble> {
        let scope = TenantScope::operator(tenant);
        let (known, size) = self.look(tenant).await?;
        if known >= size {
            return Ok(false);
        }
        let us = (self.name.as_str(), self.node);
        let cursor = match Cursor::claim(self.store.as_ref(), &scope, us, UnixMillis::now()).await? {
            Claim::Held(cursor) => cursor,
            Claim::Elsewhere(next) => {
                self.logs.insert(tenant, (next, size));
                return Ok(false);
            }
        };
        // A new sink begins with what is left.
        let left = match self.log {
            LogKind::Audit => self.store.audits_kept_from(&scope).await?,
            LogKind::Ledger => 0,
        };
        let from = cursor.next().max(left);
        self.logs.insert(tenant, (from, size));
        if from >= size {
            return Ok(false);
        }
        let end = size.min(from.saturating_add(BATCH));
        let messages = self.read(&scope, from, end).await?;
        let Delivered { done, trouble } = self.deliver(&messages).await;
        self.metrics.delivered.inc_by(done as u64);
        // Up to the first that was not taken; what nobody wants goes with what is before it.
        let next = messages.get(done).map_or(end, |message| message.index);
        if next > from {
            cursor.advance(self.store.as_ref(), &scope, next).await?;
            self.logs.insert(tenant, (next, size));
        }
        trouble.map_or(Ok(next < size), Err)
    }

    /// Records from `from` up to `end` that the sink wants, oldest first. All must be there: a gap is damage.
    async fn read(&self, scope: &TenantScope, from: u64, end: u64) -> Result<Vec<Message>, StoreError> {
        if self.log == LogKind::Ledger {
            return self.entries(scope, from, end).await;
        }
        let query = AuditQuery {
            before: Some(end),
            count: end - from,
            ..AuditQuery::default()
        };
        let mut stored = self.store.audit(scope, &query).await?;
        stored.reverse();
        if !stored.iter().map(|one| one.index).eq(from..end) {
            return Err(StoreError::Damaged(format!(
                "audit records {from} to {end} are not all there"
            )));
        }
        let mut wanted = Vec::with_capacity(stored.len());
        for one in stored {
            let message = Message::of(one)?;
            if is_meant(&message.act, &self.acts) {
                wanted.push(message);
            }
        }
        Ok(wanted)
    }

    async fn entries(&self, scope: &TenantScope, from: u64, end: u64) -> Result<Vec<Message>, StoreError> {
        let stored = self.store.entries(scope, from, end - from).await?;
        if !stored.iter().map(|one| one.index).eq(from..end) {
            return Err(StoreError::Damaged(format!(
                "entries {from} to {end} are not all there"
            )));
        }
        stored.into_iter().map(Message::of_entry).collect()
    }

    async fn deliver(&self, messages: &[Message]) -> Delivered {
        if messages.is_empty() {
            return Delivered {
                done: 0,
                trouble: None,
            };
        }
        match &self.transport {
            Transport::Webhook(webhook) => {
                webhook
                    .deliver(messages, tokio::time::Instant::now() + BATCH_TIME)
                    .await
            }
            Transport::Syslog(syslog) => syslog.deliver(messages).await,
        }
    }
}
