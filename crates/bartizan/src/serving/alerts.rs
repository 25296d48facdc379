//! Those who are told of acts, as the configuration names them.

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::Sink;
use credential::SecretRef;
use domain::{NodeId, Secret};
use store::Store;
use telemetry::Metrics;
use telemetry::log::Scrubber;
use tokio::sync::watch;
use upstream::{Client, ClientOptions};
use worker::{Keyring, Place, Pusher, SinkOptions};

use super::ms;
use crate::failure::Failure;
use crate::resolve::Resolver;

/// How long a connection to a webhook may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Secrets wherever their references lead, looked up for each batch: a new value needs no new start.
#[derive(Debug)]
struct Referenced {
    references: Vec<SecretRef>,
    resolver: Arc<Resolver>,
    scrubber: Scrubber,
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

/// Starts a pusher for every sink. A secret that cannot be had now is a failure: later it is a warning.
pub async fn start(
    config: &Config,
    (store, node): (Arc<dyn Store>, NodeId),
    (resolver, scrubber): (&Arc<Resolver>, &Scrubber),
    metrics: &Metrics,
    stopped: &watch::Receiver<bool>,
) -> Result<(), Failure> {
    let client = Client::new(&ClientOptions {
        connect_timeout: CONNECT,
        idle_per_host_max: 1,
        ..ClientOptions::default()
    });
    for sink in &config.alerts.sinks {
        let keys = Referenced {
            references: sink.secrets.clone(),
            resolver: resolver.clone(),
            scrubber: scrubber.clone(),
        };
        keys.secrets().await.map_err(Failure::new)?;
        let options = SinkOptions {
            name: sink.name.clone(),
            place: place(sink, keys, &client, &config.ledger.origin),
            acts: sink.acts.clone(),
            every: ms(config.alerts.every_ms),
        };
        let pusher = Pusher::new((store.clone(), node), options, metrics.gauges().sink(&sink.name));
        let pusher = pusher.map_err(|why| Failure::usage(format!("`alerts.sinks`: {}: {why}", sink.name)))?;
        tokio::spawn(pusher.run(stopped.clone()));
    }
    Ok(())
}

fn place(sink: &Sink, keys: Referenced, client: &Client, host: &str) -> Place {
    match sink.syslog() {
        Some((place, udp)) => Place::Syslog {
            place: place.to_owned(),
            udp,
            host: host.to_owned(),
        },
        None => Place::Webhook {
            address: sink.address.clone(),
            allow_plaintext: sink.allow_plaintext,
            keys: Arc::new(keys),
            client: Box::new(client.clone()),
        },
    }
}
