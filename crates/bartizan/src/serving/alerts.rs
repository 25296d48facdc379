//! Those who are told of acts, and how long acts are remembered, as the configuration says.

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::{self, Alerts, Audit, BudgetEvents, Carrier, Delivery, Exports, Form, Sink};
use control::ContentKeys;
use credential::SecretRef;
use domain::{NodeId, Secret};
use store::{Signing, Store};
use telemetry::Metrics;
use telemetry::log::Scrubber;
use tokio::sync::watch;
use tokio::task::JoinSet;
use upstream::{Client, ClientOptions, TlsSockets};
use worker::{
    Fleet, Keyring, MailOptions, MailTls, Over, Place, Posted, Pusher, Remover, Reporter, Retention, Route,
    Severity, SinkOptions, Spending,
};

use super::ms;
use super::own::Own;
use crate::failure::Failure;
use crate::pem::certificates;
use crate::reports::Press;
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
    scrubber: Option<Scrubber>,
}

impl Referenced {
    /// Where these lead.
    pub const fn new(
        references: Vec<SecretRef>,
        resolver: Arc<Resolver>,
        scrubber: Option<Scrubber>,
    ) -> Self {
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
        if let Some(scrubber) = &self.scrubber {
            scrubber.register_all(&all);
        }
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
    /// What tenants' own secrets are sealed under.
    pub content: ContentKeys,
}

/// What one configuration asks for.
#[derive(Debug)]
pub struct Plan {
    asked: Asked,
    pushers: Vec<Pusher>,
    reporters: Vec<Reporter>,
    spending: Option<Spending>,
    fleet: Fleet,
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
            let keys = self.referenced(&sink.secrets);
            keys.secrets().await.map_err(Failure::new)?;
            let options = SinkOptions {
                name: sink.name.clone(),
                place: place(sink, keys, &client, &config.ledger.origin)?,
                route: route(sink),
                every: ms(config.alerts.every_ms),
                repeat: ms(sink.repeats_ms()),
                gather: ms(sink.mail.as_ref().map_or(0, |mail| mail.gather_ms)),
                give_up_after: sink.gives_up_after_ms().map(ms),
                public_url: config.control.public_url.as_ref().map(|_| config.public_url()),
                own: None,
            };
            let counted = self.metrics.gauges().sink(&sink.name);
            let pusher = Pusher::new((self.store.clone(), self.node), options, counted);
            let wrong = |why| Failure::usage(format!("`alerts.sinks`: {}: {why}", sink.name));
            pushers.push(pusher.map_err(wrong)?);
        }
        let spending = match &config.budgets.events {
            Some(told) => Some(self.spending(told, &client).await?),
            None => None,
        };
        Ok(Plan {
            asked: asked(config),
            pushers,
            reporters: self.press(&client).reporters(config).await?,
            spending,
            fleet: self.fleet(config)?,
            remover: retention(config)
                .map(|rule| Remover::new(self.store.clone(), self.signing.clone(), rule)),
        })
    }

    fn referenced(&self, to: &[SecretRef]) -> Referenced {
        Referenced::new(to.to_vec(), self.resolver.clone(), Some(self.scrubber.clone()))
    }

    /// Who works on what tenants have set up for themselves.
    fn fleet(&self, config: &Config) -> Result<Fleet, Failure> {
        let own = Own::new(
            self.press(&Client::new(&ClientOptions::default())),
            self.content.clone(),
            config,
        )?;
        let every = ms(config.alerts.every_ms);
        Ok(Fleet::new((self.store.clone(), self.node), Arc::new(own), every))
    }

    /// What reports are made and sent with.
    fn press(&self, client: &Client) -> Press {
        Press {
            store: self.store.clone(),
            node: self.node,
            signing: self.signing.clone(),
            resolver: self.resolver.clone(),
            scrubber: Some(self.scrubber.clone()),
            metrics: self.metrics.clone(),
            client: client.clone(),
        }
    }

    /// Who tells of what was spent. Its name is none that a sink can have.
    async fn spending(&self, told: &BudgetEvents, client: &Client) -> Result<Spending, Failure> {
        let keys = self.referenced(&told.secrets);
        keys.secrets().await.map_err(Failure::new)?;
        let to = Posted {
            address: told.address.clone(),
            allow_plaintext: told.allow_plaintext,
            keys: Arc::new(keys),
            client: client.clone(),
        };
        let (place, counted) = (
            (self.store.clone(), self.node),
            self.metrics.gauges().sink(SPENDING),
        );
        let spending = Spending::new(place, SPENDING, to, ms(told.every_ms), counted);
        spending.map_err(|why| Failure::usage(format!("`budgets.events`: {why}")))
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
            for reporter in plan.reporters {
                tasks.spawn(reporter.run(stopping.clone()));
            }
            if let Some(spending) = plan.spending {
                tasks.spawn(spending.run(stopping.clone()));
            }
            tasks.spawn(plan.fleet.run(stopping.clone()));
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
    async fn next_plan(&self, now: &Asked, configs: &mut watch::Receiver<Arc<Config>>) -> Plan {
        loop {
            if configs.changed().await.is_err() {
                return std::future::pending().await;
            }
            let config = configs.borrow_and_update().clone();
            if asked(&config) == *now {
                continue;
            }
            match self.plan(&config).await {
                Ok(plan) => return plan,
                Err(failure) => tracing::error!("sinks and retention stay as they were: {failure}"),
            }
        }
    }
}

/// What of a configuration is done here; all of it begins anew when any of it changes.
type Asked = (Alerts, Audit, Exports, Delivery);

fn asked(config: &Config) -> Asked {
    (
        config.alerts.clone(),
        config.audit,
        config.exports.clone(),
        config.delivery.clone(),
    )
}

fn retention(config: &Config) -> Option<Retention> {
    let days = config.audit.keep_days?;
    Some(Retention {
        keep: Duration::from_secs(days.saturating_mul(24 * 3600)),
        every: ms(config.audit.sweep_every_ms),
        sinks: config.alerts.sinks.iter().map(|sink| sink.name.clone()).collect(),
    })
}

fn route(sink: &Sink) -> Route {
    Route {
        acts: sink.acts.clone(),
        tenants: sink.tenants.clone(),
        teams: sink.teams.clone(),
        budgets: sink.budgets.clone(),
        severity_min: match sink.severity_min {
            section::Severity::Info => Severity::Info,
            section::Severity::Warning => Severity::Warning,
            section::Severity::Error => Severity::Error,
            section::Severity::Critical => Severity::Critical,
        },
    }
}

fn place(sink: &Sink, keys: Referenced, client: &Client, host: &str) -> Result<Place, Failure> {
    let (keys, host) = (Arc::new(keys), host.to_owned());
    if let Some((place, carrier)) = sink.syslog() {
        let (place, over) = (place.to_owned(), over(sink, carrier)?);
        return Ok(Place::Syslog { place, over, host });
    }
    if let (Some((place, is_whole)), Some(mail)) = (sink.smtp(), &sink.mail) {
        let authorities = sink
            .ca_file
            .as_deref()
            .map(certificates)
            .transpose()?
            .unwrap_or_default();
        return Ok(Place::Mail(Box::new(MailOptions {
            place: place.to_owned(),
            tls: match (is_whole, sink.allow_plaintext) {
                (true, _) => MailTls::Whole,
                (false, false) => MailTls::Required,
                (false, true) => MailTls::Offered,
            },
            authorities: authorities.iter().map(|one| one.as_ref().to_vec()).collect(),
            user: mail.user.clone(),
            keys,
            from: mail.from.clone(),
            to: mail.to.clone(),
            host,
        })));
    }
    let posted = Box::new(Posted {
        address: sink.address.clone(),
        allow_plaintext: sink.allow_plaintext,
        keys,
        client: client.clone(),
    });
    Ok(match sink.form {
        Form::Webhook => Place::Webhook(posted),
        Form::Slack => Place::Slack(posted),
        Form::Pagerduty => Place::PagerDuty(posted),
    })
}

fn over(sink: &Sink, carrier: Carrier) -> Result<Over, Failure> {
    Ok(match carrier {
        Carrier::Udp => Over::Udp,
        Carrier::Tcp => Over::Tcp,
        Carrier::Tls => {
            let authorities = sink.ca_file.as_deref().map(certificates).transpose()?;
            Over::Tls(TlsSockets::new(authorities.unwrap_or_default()))
        }
    })
}
