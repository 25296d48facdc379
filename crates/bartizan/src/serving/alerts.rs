//! Those who are told of acts, and how long acts are remembered, as the configuration says.

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::{Alerts, Audit, BudgetEvents, Carrier, Sink};
use credential::SecretRef;
use domain::{NodeId, Secret};
use store::{Signing, Store};
use telemetry::Metrics;
use telemetry::log::Scrubber;
use tokio::sync::watch;
use tokio::task::JoinSet;
use upstream::{Client, ClientOptions, TlsSockets};
use worker::{Keyring, Over, Place, Pusher, Remover, Retention, SinkOptions};

use super::ms;
use crate::failure::Failure;
use crate::pem::certificates;
use crate::resolve::Resolver;

/// How long a connection to a webhook may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The name under which it is kept how far spending was told of.
const SPENDING: &str = "budget events";

/// Secrets wherever their references lead, looked up for each batch: a new value needs no new start.
#[derive(Debug)]
pub struct Referenced {
    references: Vec<SecretRef>,
    resolver: Arc<Resolver>,
    scrubber: Scrubber,
}

impl Referenced {
    /// Where these lead.
    pub const fn new(references: Vec<SecretRef>, resolver: Arc<Resolver>, scrubber: Scrubber) -> Self {
        Self {
            references,
            resolver,
            scrubber,
        }
    }
}

#[async_trait::async_trait]
impl Keyring for Referenced {
    async fn secrets(&self) -> Result<Vec<Secret>, String> {
        let mut all = Vec::with_capacity(self.references.len());
        for reference in &self.references {
            let found = self.resolver.resolve(reference).await;
            all.push(found.map_err(|failure| failure.to_string())?);
        }
        self.scrubber.register_all(&all);
        Ok(all)
    }
}

/// Tells sinks of audit records, and removes those whose time is over, as the configuration in force says.
#[derive(Debug)]
pub struct Vigil {
    /// Where records are.
    pub store: Arc<dyn Store>,
    /// Who this node is.
    pub node: NodeId,
    /// Whose signature heads of logs have.
    pub signing: Arc<Signing>,
    /// Where secret references lead.
    pub resolver: Arc<Resolver>,
    /// Who must know secrets before they are used.
    pub scrubber: Scrubber,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
}

/// What one configuration asks for.
#[derive(Debug)]
pub struct Plan {
    asked: (Alerts, Audit),
    pushers: Vec<Pusher>,
    remover: Option<Remover>,
}

impl Vigil {
    /// What the configuration asks for. A secret that cannot be had now is a failure: later it is a warning.
    pub async fn plan(&self, config: &Config) -> Result<Plan, Failure> {
        let client = Client::new(&ClientOptions {
            connect_timeout: CONNECT,
            idle_per_host_max: 1,
            ..ClientOptions::default()
        });
        let mut pushers = Vec::with_capacity(config.alerts.sinks.len());
        for sink in &config.alerts.sinks {
            let keys = Referenced {
                references: sink.secrets.clone(),
                resolver: self.resolver.clone(),
                scrubber: self.scrubber.clone(),
            };
            keys.secrets().await.map_err(Failure::new)?;
            let options = SinkOptions {
                name: sink.name.clone(),
                place: place(sink, keys, &client, &config.ledger.origin)?,
                acts: sink.acts.clone(),
                every: ms(config.alerts.every_ms),
            };
            let counted = self.metrics.gauges().sink(&sink.name);
            let pusher = Pusher::new((self.store.clone(), self.node), options, counted);
            let wrong = |why| Failure::usage(format!("`alerts.sinks`: {}: {why}", sink.name));
            pushers.push(pusher.map_err(wrong)?);
        }
        if let Some(told) = &config.budgets.events {
            pushers.push(self.teller(told, &client).await?);
        }
        Ok(Plan {
            asked: (config.alerts.clone(), config.audit),
            pushers,
            remover: retention(config)
                .map(|rule| Remover::new(self.store.clone(), self.signing.clone(), rule)),
        })
    }

    /// Who tells of what was spent. Its name is none that a sink can have.
    async fn teller(&self, told: &BudgetEvents, client: &Client) -> Result<Pusher, Failure> {
        let keys = Referenced {
            references: told.secrets.clone(),
            resolver: self.resolver.clone(),
            scrubber: self.scrubber.clone(),
        };
        keys.secrets().await.map_err(Failure::new)?;
        let options = SinkOptions {
            name: SPENDING.to_owned(),
            place: Place::Webhook {
                address: told.address.clone(),
                allow_plaintext: told.allow_plaintext,
                keys: Arc::new(keys),
                client: Box::new(client.clone()),
            },
            acts: Vec::new(),
            every: ms(told.every_ms),
        };
        let counted = self.metrics.gauges().sink(SPENDING);
        let pusher = Pusher::new((self.store.clone(), self.node), options, counted);
        let wrong = |why| Failure::usage(format!("`budgets.events`: {why}"));
        Ok(pusher.map_err(wrong)?.of_ledgers())
    }

    /// Does what was planned, and what each new configuration asks for instead, until told to stop.
    pub async fn run(
        self,
        mut plan: Plan,
        mut configs: watch::Receiver<Arc<Config>>,
        mut stopped: watch::Receiver<bool>,
    ) {
        loop {
            let (stop, stopping) = watch::channel(false);
            let mut tasks = JoinSet::new();
            for pusher in plan.pushers {
                tasks.spawn(pusher.run(stopping.clone()));
            }
            if let Some(remover) = plan.remover {
                tasks.spawn(remover.run(stopping));
            }
            let next = tokio::select! {
                next = self.next_plan(&plan.asked, &mut configs) => Some(next),
                _ = stopped.wait_for(|stop| *stop) => None,
            };
            let _ = stop.send(true);
            // Those before have ended when others begin: nothing is pushed by two.
            while tasks.join_next().await.is_some() {}
            match next {
                Some(next) => plan = next,
                None => return,
            }
        }
    }

    /// The plan of the next configuration that asks for something else; one that cannot be kept changes nothing.
    async fn next_plan(&self, now: &(Alerts, Audit), configs: &mut watch::Receiver<Arc<Config>>) -> Plan {
        loop {
            if configs.changed().await.is_err() {
                return std::future::pending().await;
            }
            let config = configs.borrow_and_update().clone();
            if (&config.alerts, &config.audit) == (&now.0, &now.1) {
                continue;
            }
            match self.plan(&config).await {
                Ok(plan) => return plan,
                Err(failure) => tracing::error!("sinks and retention stay as they were: {failure}"),
            }
        }
    }
}

fn retention(config: &Config) -> Option<Retention> {
    let days = config.audit.keep_days?;
    Some(Retention {
        keep: Duration::from_secs(days.saturating_mul(24 * 3600)),
        every: ms(config.audit.sweep_every_ms),
        sinks: config.alerts.sinks.iter().map(|sink| sink.name.clone()).collect(),
    })
}

fn place(sink: &Sink, keys: Referenced, client: &Client, host: &str) -> Result<Place, Failure> {
    let Some((place, carrier)) = sink.syslog() else {
        return Ok(Place::Webhook {
            address: sink.address.clone(),
            allow_plaintext: sink.allow_plaintext,
            keys: Arc::new(keys),
            client: Box::new(client.clone()),
        });
    };
    let over = match carrier {
        Carrier::Udp => Over::Udp,
        Carrier::Tcp => Over::Tcp,
        Carrier::Tls => {
            let authorities = sink.ca_file.as_deref().map(certificates).transpose()?;
            Over::Tls(TlsSockets::new(authorities.unwrap_or_default()))
        }
    };
    Ok(Place::Syslog {
        place: place.to_owned(),
        over,
        host: host.to_owned(),
    })
}
