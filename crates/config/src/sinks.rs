//! Whether those who are told of acts can be told as described.

use crate::Problem;
use crate::address::Address;
use crate::bounds::within;
use crate::error::quoted;
use crate::section::{Carrier, Config, Sink};
use crate::validate::{at_most, name, unique};

const SINKS_MAX: usize = 20;
const SECRETS_MAX: usize = 4;
const ACTS_MAX: usize = 100;

impl Config {
    // threat: ANP-D0005
    pub(crate) fn sinks_fit(&self, problems: &mut Vec<Problem>) {
        let sinks = &self.alerts.sinks;
        within(problems, "alerts.every_ms", self.alerts.every_ms, 100..=3_600_000);
        at_most(problems, "alerts.sinks", sinks.len(), SINKS_MAX);
        unique(
            problems,
            "alerts.sinks",
            sinks.iter().map(|sink| sink.name.as_str()),
        );
        for (i, sink) in sinks.iter().enumerate() {
            sink.fits(&format!("alerts.sinks[{i}]"), problems);
        }
    }
}

impl Sink {
    fn fits(&self, path: &str, problems: &mut Vec<Problem>) {
        name(problems, &format!("{path}.name"), &self.name);
        if let Err(message) = self.place_fits() {
            problems.push(Problem::new(format!("{path}.address"), message));
        }
        at_most(
            problems,
            &format!("{path}.secrets"),
            self.secrets.len(),
            SECRETS_MAX,
        );
        match (self.syslog().is_some(), self.secrets.is_empty()) {
            (false, true) => problems.push(
                Problem::new(format!("{path}.secrets"), "is missing: webhooks are signed")
                    .hint("name where the secret is kept, such as `env:WEBHOOK_SECRET`"),
            ),
            (true, false) => problems.push(Problem::new(
                format!("{path}.secrets"),
                "means nothing to syslog: only webhooks are signed",
            )),
            _ => {}
        }
        let is_tls = self.syslog().is_some_and(|(_, carrier)| carrier == Carrier::Tls);
        if self.ca_file.is_some() && !is_tls {
            problems.push(Problem::new(
                format!("{path}.ca_file"),
                "means nothing here: only `tls://` sinks take it",
            ));
        }
        at_most(problems, &format!("{path}.acts"), self.acts.len(), ACTS_MAX);
        for (i, act) in self.acts.iter().enumerate() {
            let stem = act.strip_suffix('*').unwrap_or(act);
            if act.is_empty() || stem.contains('*') {
                let message = format!("{} is no act: a name, or a beginning and `*`", quoted(act));
                problems.push(Problem::new(format!("{path}.acts[{i}]"), message));
            }
        }
    }

    fn place_fits(&self) -> Result<(), String> {
        let Some((place, carrier)) = self.syslog() else {
            return Address::read(&self.address)?.permitted(self.allow_plaintext);
        };
        let port = place.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
        if place.contains('/') || port.is_none() {
            return Err(
                "is not an address: expected `tls://host:port`, `tcp://host:port` or `udp://host:port`"
                    .to_owned(),
            );
        }
        if carrier == Carrier::Tls {
            return Address::read(&format!("https://{place}"))?.permitted(false);
        }
        let as_plain = format!("http://{place}");
        Address::read(&as_plain)?
            .permitted(self.allow_plaintext)
            .map_err(|message| {
                message
                    .replace("plain http", "syslog without TLS")
                    .replace("use https, or ", "")
            })
    }
}
