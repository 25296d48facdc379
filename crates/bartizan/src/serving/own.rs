//! What tenants have set up for themselves, as work for this node: sinks and schedules with their secrets still sealed,
//! reaching no further than the configuration lets tenants reach.

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::{Delivery, Outbox};
use control::ContentKeys;
use control::own::{self, Form, OwnSchedule, OwnSink, Place};
use domain::{Secret, TenantId, TenantScope};
use serde::de::DeserializeOwned;
use store::{DirectoryDump, Record, RecordKind, RecordQuery, StoreError, TenantState};
use telemetry::log::Scrubber;
use upstream::s3::S3Place;
use upstream::{Beyond, Client, ClientOptions, Reach};
use worker::{
    Due, Goal, InBucket, Job, Keyring, MailOptions, MailTls, Posted, ReportOptions, Roster, Route, Severity,
    SinkOptions, Work,
};

use super::alerts::Referenced;
use super::ms;
use crate::failure::Failure;
use crate::pem::certificates;
use crate::reports::{Form as ReportForm, Press, Ready, TURN, midnight};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Documents read at once; nobody has more.
const READ_AT_ONCE: u64 = 100;
/// For how long it is tried to deliver a tenant's report.
const GIVE_UP_REPORT: Duration = Duration::from_secs(3 * 86_400);
/// For how long mail waits for more to tell of.
const GATHER: Duration = Duration::from_secs(10);

/// Where tenants may have something delivered.
// threat: ANP-D0012
pub fn reach(delivery: &Delivery) -> Reach {
    Reach::Public(Arc::new(Beyond {
        networks: delivery.networks.clone(),
        hosts: delivery.hosts.clone(),
        ports: delivery.ports.clone(),
    }))
}

/// A tenant's secrets, opened whenever they are needed: without its content key they are nothing.
#[derive(Debug)]
struct Sealed {
    content: ContentKeys,
    of: (TenantId, String),
    sealed: Vec<String>,
    scrubber: Option<Scrubber>,
}

#[async_trait::async_trait]
impl Keyring for Sealed {
    // threat: ANP-0016
    async fn secrets(&self) -> Result<Vec<Secret>, String> {
        let (tenant, of) = &self.of;
        let all = own::open(&self.content, (*tenant, of), &self.sealed).await?;
        if let Some(scrubber) = &self.scrubber {
            scrubber.register_all(&all);
        }
        Ok(all)
    }
}

/// All tenants' own, as the store has it.
#[derive(Debug)]
pub struct Own {
    press: Press,
    content: ContentKeys,
    config: Arc<Config>,
    reach: Reach,
    client: Client,
    outbox: Option<(Arc<Referenced>, Vec<Vec<u8>>)>,
}

impl Own {
    /// As this configuration lets tenants. A certificate that cannot be read is a failure.
    pub fn new(press: Press, content: ContentKeys, config: &Config) -> Result<Self, Failure> {
        let reach = reach(&config.delivery);
        let client = Client::new(&ClientOptions {
            connect_timeout: CONNECT,
            idle_per_host_max: 1,
            reach: reach.clone(),
            ..ClientOptions::default()
        });
        let outbox = match &config.delivery.mail {
            Some(mail) => {
                let secrets = mail.secrets.clone();
                let keys = Referenced::new(secrets, press.resolver.clone(), press.scrubber.clone());
                let own = mail.ca_file.as_deref().map(certificates).transpose()?;
                let authorities = own.unwrap_or_default();
                let authorities = authorities.iter().map(|one| one.as_ref().to_vec()).collect();
                Some((Arc::new(keys), authorities))
            }
            None => None,
        };
        Ok(Self {
            config: Arc::new(config.clone()),
            press,
            content,
            reach,
            client,
            outbox,
        })
    }

    async fn all<T: DeserializeOwned>(
        &self,
        scope: &TenantScope,
        kind: RecordKind,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let query = RecordQuery {
            kind,
            parent: None,
            after: None,
            count: READ_AT_ONCE,
        };
        // One that does not read is not worked for; it keeps nobody else's, of this tenant or another, from being.
        let read = |record: Record| {
            let (tenant, id) = (scope.tenant(), &record.id);
            let read = serde_json::from_str(&record.document);
            let one = read
                .inspect_err(|_| tracing::error!(%tenant, id, "a tenant's sink or schedule in the store does not read"))
                .ok()?;
            Some((record.document, one))
        };
        let found = self.press.store.records(scope, &query).await?;
        Ok(found.into_iter().filter_map(read).collect())
    }

    fn sealed(&self, tenant: TenantId, of: String, sealed: Vec<String>) -> Arc<dyn Keyring> {
        Arc::new(Sealed {
            content: self.content.clone(),
            of: (tenant, of),
            sealed,
            scrubber: self.press.scrubber.clone(),
        })
    }

    fn posted(&self, place: &Place, keys: Arc<dyn Keyring>) -> Box<Posted> {
        let address = place.address.clone().unwrap_or_default();
        Box::new(Posted {
            allow_plaintext: self.may_be_plain(&address),
            address,
            keys,
            client: self.client.clone(),
        })
    }

    fn may_be_plain(&self, address: &str) -> bool {
        let uri: Option<http::Uri> = address.parse().ok();
        uri.is_some_and(|uri| uri.host().is_some_and(|host| self.reach.may_be_plain(host)))
    }

    /// By the instance's own server; nothing if it has none any more.
    fn mail(&self, place: &Place) -> Option<Box<MailOptions>> {
        let (keys, authorities) = self.outbox.as_ref()?;
        let mail: &Outbox = self.config.delivery.mail.as_ref()?;
        let (server, is_whole) = mail.smtp()?;
        Some(Box::new(MailOptions {
            place: server.to_owned(),
            tls: match (is_whole, mail.allow_plaintext) {
                (true, _) => MailTls::Whole,
                (false, false) => MailTls::Required,
                (false, true) => MailTls::Offered,
            },
            authorities: authorities.clone(),
            user: mail.user.clone(),
            keys: keys.clone(),
            from: mail.from.clone(),
            to: place.to.clone(),
            host: self.config.ledger.origin.clone(),
        }))
    }

    fn sink(&self, tenant: TenantId, (mark, sink): (String, OwnSink)) -> Option<Job> {
        let (id, config) = (sink.id.to_string(), &self.config);
        let keys = self.sealed(tenant, id.clone(), sink.secrets);
        let place = match sink.place.form {
            Form::Webhook => worker::Place::Webhook(self.posted(&sink.place, keys)),
            Form::Slack => worker::Place::Slack(self.posted(&sink.place, keys)),
            Form::Pagerduty => worker::Place::PagerDuty(self.posted(&sink.place, keys)),
            Form::Mail => worker::Place::Mail(self.mail(&sink.place)?),
            Form::S3 => return None,
        };
        let options = SinkOptions {
            name: id.clone(),
            route: Route {
                acts: sink.acts,
                tenants: Vec::new(),
                teams: Vec::new(),
                budgets: Vec::new(),
                severity_min: severity(sink.severity_min),
            },
            every: ms(config.alerts.every_ms),
            repeat: ms(sink.repeat_ms),
            gather: match place {
                worker::Place::Mail(_) => GATHER,
                _ => Duration::ZERO,
            },
            place,
            give_up_after: Some(ms(sink.give_up_after_ms)),
            public_url: config.control.public_url.as_ref().map(|_| config.public_url()),
            own: Some(tenant),
        };
        let work = Work::Sink(Box::new(options));
        Some(Job { id, mark, work })
    }

    fn goal(&self, place: &Place, keys: Arc<dyn Keyring>) -> Option<Goal> {
        Some(match place.form {
            Form::Webhook => Goal::Webhook(self.posted(place, keys)),
            Form::Slack => Goal::Slack(self.posted(place, keys)),
            Form::Mail => Goal::Mail(self.mail(place)?),
            Form::S3 => {
                let (bucket, prefix) = place.bucket()?;
                Goal::Bucket(Box::new(InBucket {
                    place: S3Place {
                        endpoint: place.endpoint(),
                        bucket: bucket.to_owned(),
                        region: place.region().to_owned(),
                        virtual_host: place.virtual_host,
                        allow_plaintext: self.may_be_plain(&place.endpoint()),
                    },
                    prefix: prefix.to_owned(),
                    keys,
                    client: self.client.clone(),
                }))
            }
            Form::Pagerduty => return None,
        })
    }

    fn schedule(&self, tenant: TenantId, (mark, schedule): (String, OwnSchedule)) -> Option<Job> {
        let id = schedule.id.to_string();
        let (zone, _) = ledger::zone::named(&schedule.zone)?;
        let since = match &schedule.since {
            Some(day) => Some(midnight(day.parse().ok()?, &zone)?),
            None => None,
        };
        let keys = self.sealed(tenant, id.clone(), schedule.secrets.clone());
        let options = ReportOptions {
            name: schedule.kept_name(),
            folder: schedule.name.clone(),
            to: schedule.place.said(),
            goal: self.goal(&schedule.place, keys)?,
            tenants: vec![tenant.to_string()],
            due: Due {
                every: match schedule.every.as_str() {
                    "day" => exports::Every::Day,
                    "week" => exports::Every::Week,
                    _ => exports::Every::Month,
                },
                zone: zone.clone(),
                since,
                settle: ms(self.config.exports.settle_ms),
            },
            every: ms(self.config.exports.every_ms),
            turn: TURN,
            give_up_after: GIVE_UP_REPORT,
        };
        let form = ReportForm::named(&schedule.report, &schedule.format)?;
        let ready = Ready::new(&self.press, &self.config, (form, zone))
            .inspect_err(|failure| tracing::warn!(id, "a tenant's report cannot be made: {failure}"))
            .ok()?;
        let work = Work::Report(Box::new(options), Arc::new(ready));
        Some(Job { id, mark, work })
    }
}

#[async_trait::async_trait]
impl Roster for Own {
    // threat: AGP-I1
    async fn jobs(&self) -> Result<Vec<Job>, StoreError> {
        let dump: DirectoryDump = self.press.store.load().await?;
        let mut jobs = Vec::new();
        let is_there = |state: TenantState| matches!(state, TenantState::Active | TenantState::Suspended);
        for tenant in dump
            .tenants
            .iter()
            .filter(|tenant| is_there(tenant.state))
            .map(|it| it.id)
        {
            let scope = TenantScope::operator(tenant);
            let sinks = self.all(&scope, RecordKind::OwnSink).await?;
            jobs.extend(sinks.into_iter().filter_map(|sink| self.sink(tenant, sink)));
            let schedules = self.all(&scope, RecordKind::OwnSchedule).await?;
            jobs.extend(schedules.into_iter().filter_map(|one| self.schedule(tenant, one)));
        }
        Ok(jobs)
    }
}

const fn severity(own: own::Severity) -> Severity {
    match own {
        own::Severity::Info => Severity::Info,
        own::Severity::Warning => Severity::Warning,
        own::Severity::Error => Severity::Error,
        own::Severity::Critical => Severity::Critical,
    }
}
