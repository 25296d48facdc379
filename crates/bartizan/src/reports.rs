//! Reports that are delivered by themselves, as the configuration says: whom they are for, when, and where they go. What
//! serves and the command line make them with the same code.

mod digest;
mod make;

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::{Destination, Every, Goal, Schedule};
use domain::NodeId;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use store::{Signing, Store};
use telemetry::Metrics;
use telemetry::log::Scrubber;
use upstream::Client;
use upstream::s3::S3Place;
use worker::{Due, InBucket, Keyring, MailOptions, MailTls, Posted, ReportOptions, Reporter};

use crate::failure::Failure;
use crate::pem::certificates;
use crate::resolve::Resolver;
use crate::serving::alerts::Referenced;

pub use make::{Form, Ready};

/// For how long a replica that is no more keeps others from delivering what it had begun.
pub const TURN: Duration = Duration::from_secs(30);

/// What reports are made and sent with.
#[derive(Debug, Clone)]
pub struct Press {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Who this node is.
    pub node: NodeId,
    /// Whose signature heads of logs have.
    pub signing: Arc<Signing>,
    /// Where secret references lead.
    pub resolver: Arc<Resolver>,
    /// Who must know secrets before they are used; nobody where nothing is logged.
    pub scrubber: Option<Scrubber>,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// What requests are sent with.
    pub client: Client,
}

impl Press {
    /// One reporter for each schedule of the configuration.
    pub async fn reporters(&self, config: &Config) -> Result<Vec<Reporter>, Failure> {
        let mut all = Vec::with_capacity(config.exports.schedules.len());
        for schedule in &config.exports.schedules {
            all.push(self.reporter(config, schedule).await?);
        }
        Ok(all)
    }

    /// The one of this schedule. A secret that cannot be had now is a failure.
    pub async fn reporter(&self, config: &Config, schedule: &Schedule) -> Result<Reporter, Failure> {
        let wrong = |why: String| Failure::usage(format!("`exports.schedules`: {}: {why}", schedule.name));
        let to = config
            .exports
            .destinations
            .iter()
            .find(|to| to.name == schedule.to);
        let to = to.ok_or_else(|| wrong("its destination is not there".to_owned()))?;
        let due =
            due(config, schedule).ok_or_else(|| wrong("its time zone or day does not read".to_owned()))?;
        let ready = Ready::new(self, config, (Form::of(schedule), due.zone.clone()))?;
        let options = ReportOptions {
            name: schedule.name.clone(),
            folder: schedule.name.clone(),
            to: to.name.clone(),
            goal: self.goal(to, &config.ledger.origin).await?,
            tenants: schedule.tenants.clone(),
            due,
            every: crate::serving::ms(config.exports.every_ms),
            turn: TURN,
            give_up_after: crate::serving::ms(schedule.give_up_after_ms),
        };
        let counted = self.metrics.gauges().sink(&format!("export {}", schedule.name));
        Reporter::new(
            (self.store.clone(), self.node),
            options,
            (Arc::new(ready), counted),
        )
        .map_err(wrong)
    }

    async fn goal(&self, to: &Destination, origin: &str) -> Result<worker::Goal, Failure> {
        let keys = Referenced::new(to.secrets.clone(), self.resolver.clone(), self.scrubber.clone());
        keys.secrets().await.map_err(Failure::new)?;
        let keys = Arc::new(keys);
        Ok(match to.goal() {
            Goal::Folder(folder) => worker::Goal::Folder(folder.to_owned()),
            Goal::Bucket { bucket, prefix } => worker::Goal::Bucket(Box::new(InBucket {
                place: S3Place {
                    endpoint: to.endpoint(),
                    bucket: bucket.to_owned(),
                    region: to.region.clone(),
                    virtual_host: to.virtual_host,
                    allow_plaintext: to.allow_plaintext,
                },
                prefix: prefix.to_owned(),
                keys,
                client: self.client.clone(),
            })),
            Goal::Webhook => worker::Goal::Webhook(self.posted(to, keys)),
            Goal::Slack => worker::Goal::Slack(self.posted(to, keys)),
            Goal::Mail(place, is_whole) => {
                let mail = to.mail.as_ref();
                let mail = mail.ok_or_else(|| Failure::usage("`exports.destinations`: `mail` is missing"))?;
                let own = to
                    .ca_file
                    .as_deref()
                    .map(certificates)
                    .transpose()?
                    .unwrap_or_default();
                worker::Goal::Mail(Box::new(MailOptions {
                    place: place.to_owned(),
                    tls: match (is_whole, to.allow_plaintext) {
                        (true, _) => MailTls::Whole,
                        (false, false) => MailTls::Required,
                        (false, true) => MailTls::Offered,
                    },
                    authorities: own.iter().map(|one| one.as_ref().to_vec()).collect(),
                    user: mail.user.clone(),
                    keys,
                    from: mail.from.clone(),
                    to: mail.to.clone(),
                    host: origin.to_owned(),
                }))
            }
        })
    }

    fn posted(&self, to: &Destination, keys: Arc<Referenced>) -> Box<Posted> {
        Box::new(Posted {
            address: to.address.clone(),
            allow_plaintext: to.allow_plaintext,
            keys,
            client: self.client.clone(),
        })
    }
}

/// When the reports of a schedule are due.
pub fn due(config: &Config, schedule: &Schedule) -> Option<Due> {
    let (zone, _) = ledger::zone::named(&schedule.zone)?;
    let since = match &schedule.since {
        Some(day) => Some(midnight(day.parse().ok()?, &zone)?),
        None => None,
    };
    Some(Due {
        every: match schedule.every {
            Every::Day => exports::Every::Day,
            Every::Week => exports::Every::Week,
            Every::Month => exports::Every::Month,
        },
        zone,
        since,
        settle: crate::serving::ms(config.exports.settle_ms),
    })
}

/// When a day begins there.
pub fn midnight(day: Date, zone: &TimeZone) -> Option<domain::UnixMillis> {
    let at = day.to_zoned(zone.clone()).ok()?;
    Some(domain::UnixMillis(at.timestamp().as_millisecond()))
}
