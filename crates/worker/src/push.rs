//! The pusher: tells a sink of every audit record it wants, in the order of each log, at least once. A sink that is away
//! keeps no act from being done, and gets everything when it is back; what it will not take is given up only where that
//! is configured, and then kept and told.

mod alert;
mod batch;
mod cursor;
mod dead;
mod fleet;
mod letter;
mod mail;
mod message;
mod pagerduty;
mod post;
mod repeats;
mod report;
mod rounds;
mod route;
mod slack;
mod spending;
mod syslog;
mod transport;
mod webhook;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{NodeId, TenantId, TenantScope, UnixMillis};
use store::delivery::Standing;
use store::{LogKind, Store, StoreError};
use telemetry::metrics::SinkMetrics;
use tokio::sync::watch;

pub(crate) use cursor::reached;
use rounds::{BACKOFF_MAX, Rounds};
use route::{Directory, Guide};
use transport::{Delivered, Transport};

pub use alert::Severity;
pub use fleet::{Fleet, Job, Roster, Work};
pub use letter::{Letter, Section};
pub use mail::{MailOptions, MailTls, mailbox};
pub(crate) use report::s3_keys;
pub use report::{Due, Goal, InBucket, Made, MakeError, Maker, ReportOptions, Reporter};
pub use route::Route;
pub use spending::Spending;
pub use syslog::Over;
pub use transport::{Place, Posted};
pub use webhook::Keyring;

/// Who is told of what, and how.
#[derive(Debug)]
pub struct SinkOptions {
    /// Its name, under which it is kept how far it has come.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// What it is told of.
    pub route: Route,
    /// How often logs are looked through.
    pub every: Duration,
    /// For how long the same is counted after it was told; none is told each time.
    pub repeat: Duration,
    /// For how long what has just come waits for more, where several are told at once.
    pub gather: Duration,
    /// After how long what is not taken is given up, and whether what is refused for good is: never when left out.
    pub give_up_after: Option<Duration>,
    /// Where people reach the control plane.
    pub public_url: Option<String>,
    /// Whose sink it is: it is told of nothing but this tenant's log. The instance's own when left out.
    pub own: Option<TenantId>,
}

/// Why a sink did not take a record.
#[derive(Debug)]
enum Trouble {
    /// It cannot be reached, or not by us: no other log has better luck now.
    Away(String),
    /// It was reached and has too much to do: not before so long.
    Later(Duration),
    /// It was reached and did not want this.
    Refused {
        why: String,
        /// Whether it never will.
        for_good: bool,
    },
    /// The store.
    Store(StoreError),
}

impl Trouble {
    fn refused(why: impl Into<String>, for_good: bool) -> Self {
        Self::Refused {
            why: why.into(),
            for_good,
        }
    }

    /// What is the matter with the sink; nothing where it is the store.
    fn why(&self) -> Option<String> {
        match self {
            Self::Away(why) | Self::Refused { why, .. } => Some(why.clone()),
            Self::Later(wait) => Some(format!(
                "answered that it has too much to do, for {} s",
                wait.as_secs()
            )),
            Self::Store(_) => None,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Pushes to one sink.
#[derive(Debug)]
pub struct Pusher {
    store: Arc<dyn Store>,
    node: NodeId,
    name: String,
    route: Route,
    every: Duration,
    repeat: Duration,
    gather: Duration,
    give_up_after: Option<Duration>,
    public_url: Option<String>,
    transport: Transport,
    metrics: SinkMetrics,
    own: Option<TenantId>,
    guide: Guide,
    directory: Arc<Directory>,
    tenants: Vec<TenantId>,
    logs: HashMap<TenantId, Seen>,
}

/// A log when this node last looked.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Up to where it was pushed.
    next: u64,
    /// How long it was.
    size: u64,
    /// When a count of what came again is to be told.
    due: Option<UnixMillis>,
}

impl Pusher {
    /// One for this sink. The error says what is wrong with its address.
    pub fn new(
        (store, node): (Arc<dyn Store>, NodeId),
        options: SinkOptions,
        metrics: SinkMetrics,
    ) -> Result<Self, String> {
        let guide = Guide::new(store.clone());
        Self::guided((store, node), options, (guide, metrics))
    }

    /// The same, with a directory that several share.
    fn guided(
        (store, node): (Arc<dyn Store>, NodeId),
        options: SinkOptions,
        (guide, metrics): (Guide, SinkMetrics),
    ) -> Result<Self, String> {
        Ok(Self {
            store,
            node,
            name: options.name,
            route: options.route,
            every: options.every,
            repeat: options.repeat,
            gather: options.gather,
            give_up_after: options.give_up_after,
            public_url: options.public_url,
            transport: Transport::new(options.place)?,
            metrics,
            own: options.own,
            guide,
            directory: Arc::default(),
            tenants: Vec::new(),
            logs: HashMap::new(),
        })
    }

    /// Pushes until told to stop. What was under way then is pushed again at the next start.
    // threat: AGP-R3
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        rounds::run(self, shutdown).await;
    }

    /// Up to where the log was pushed, as far as this node knows, and how long it is.
    async fn look(&mut self, tenant: TenantId) -> Result<Seen, StoreError> {
        let scope = TenantScope::operator(tenant);
        let size = self.store.log_size(&scope, LogKind::Audit).await?;
        let seen = match self.logs.get(&tenant) {
            Some(seen) => Seen { size, ..*seen },
            None => {
                let standing = cursor::standing(self.store.as_ref(), &scope, &self.name).await?;
                self.seen(standing.as_ref(), size)
            }
        };
        self.logs.insert(tenant, seen);
        Ok(seen)
    }

    fn seen(&self, standing: Option<&Standing>, size: u64) -> Seen {
        Seen {
            next: standing.map_or(0, |standing| standing.next),
            size,
            due: standing.and_then(|standing| repeats::next_due(&standing.told, self.repeat)),
        }
    }

    // threat: AGP-I1
    async fn refresh_directory(&mut self) -> Result<(), StoreError> {
        let newest = self.guide.newest().await?;
        if !Arc::ptr_eq(&newest, &self.directory) {
            self.tenants = match self.own {
                Some(tenant) => vec![tenant],
                None => newest.logs(),
            };
            self.directory = newest;
        }
        Ok(())
    }
}

impl Rounds for Pusher {
    fn rests(&self) -> (Duration, Duration) {
        (self.every, BACKOFF_MAX)
    }

    fn metrics(&self) -> &SinkMetrics {
        &self.metrics
    }

    fn pending(&self) -> u64 {
        self.logs
            .values()
            .map(|log| log.size.saturating_sub(log.next))
            .sum()
    }

    fn tell(&self, trouble: &Trouble, pending: u64) {
        let sink = self.name.as_str();
        match trouble {
            Trouble::Store(error) => {
                tracing::warn!(sink, %error, pending, "audit records cannot be read for a sink")
            }
            other => {
                self.metrics.failures.inc();
                tracing::warn!(
                    sink,
                    why = other.why().unwrap_or_default(),
                    pending,
                    "a sink does not take audit records: they wait and are pushed again"
                );
            }
        }
    }

    /// One batch of every log that has grown. Whether there is more to push at once. A log whose record is refused
    /// keeps no other from being pushed.
    async fn round(&mut self) -> Result<bool, Trouble> {
        self.refresh_directory().await?;
        let (mut more, mut refused, mut away) = (false, None, None);
        for tenant in self.tenants.clone() {
            if away.is_some() {
                // What waits is counted all the same.
                self.look(tenant).await?;
                continue;
            }
            match self.push(tenant).await {
                Ok(rest) => more |= rest,
                Err(trouble @ Trouble::Refused { .. }) => refused = Some(trouble),
                Err(trouble @ (Trouble::Away(_) | Trouble::Later(_))) => away = Some(trouble),
                Err(trouble) => return Err(trouble),
            }
        }
        away.or(refused).map_or(Ok(more), Err)
    }
}
