//! Whether those who are told of acts can be told as described.

use crate::Problem;
use crate::address::Address;
use crate::bounds::within;
use crate::error::quoted;
use crate::section::{Carrier, Config, Form, Kind, Mail, Sink};
use crate::validate::{at_most, name, unique};

const SINKS_MAX: usize = 20;
const SECRETS_MAX: usize = 4;
const ACTS_MAX: usize = 100;
const NAMES_MAX: usize = 100;
const RECIPIENTS_MAX: usize = 50;
const DAY_MS: u64 = 86_400_000;

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
        self.secrets_fit(path, problems);
        let is_tls = self.syslog().is_some_and(|(_, carrier)| carrier == Carrier::Tls);
        if self.ca_file.is_some() && !is_tls && self.smtp().is_none() {
            problems.push(Problem::new(
                format!("{path}.ca_file"),
                "means nothing here: only `tls://`, `smtps://` and `smtp://` sinks take it",
            ));
        }
        self.mail_fits(path, problems);
        self.route_fits(path, problems);
        at_most(problems, &format!("{path}.acts"), self.acts.len(), ACTS_MAX);
        for (i, act) in self.acts.iter().enumerate() {
            let stem = act.strip_suffix('*').unwrap_or(act);
            if act.is_empty() || stem.contains('*') {
                let message = format!("{} is no act: a name, or a beginning and `*`", quoted(act));
                problems.push(Problem::new(format!("{path}.acts[{i}]"), message));
            }
        }
    }

    /// How many secrets each kind takes.
    // threat: AGP-T1
    fn secrets_fit(&self, path: &str, problems: &mut Vec<Problem>) {
        let at = format!("{path}.secrets");
        let signs_in = self.mail.as_ref().is_some_and(|mail| mail.user.is_some());
        let (kind, count) = (self.kind(), self.secrets.len());
        let (is_right, message, hint) = match kind {
            Kind::Webhook => {
                at_most(problems, &at, count, SECRETS_MAX);
                (
                    count > 0,
                    "is missing: webhooks are signed",
                    "name where the secret is kept, such as `env:WEBHOOK_SECRET`",
                )
            }
            Kind::Slack => (
                count == 1,
                "must be one: the whole address, which is the secret",
                "name where it is kept, such as `env:SLACK_WEBHOOK`",
            ),
            Kind::Pagerduty => (
                count == 1,
                "must be one: the routing key",
                "name where it is kept, such as `env:PAGERDUTY_KEY`",
            ),
            Kind::Mail if signs_in => (
                count == 1,
                "must be one: the password of `mail.user`",
                "name where it is kept, such as `file:/run/secrets/smtp`",
            ),
            Kind::Mail => (
                count == 0,
                "means nothing without `mail.user`",
                "say who signs in, or leave it out",
            ),
            Kind::Syslog => (
                count == 0,
                "means nothing to syslog: only webhooks are signed",
                "leave it out",
            ),
        };
        if !is_right {
            problems.push(Problem::new(at, message).hint(hint));
        }
    }

    /// Mail has somebody who writes and somebody who reads, and is what nothing else has.
    fn mail_fits(&self, path: &str, problems: &mut Vec<Problem>) {
        let at = |key: &str| format!("{path}.{key}");
        if self.form != Form::Webhook && matches!(self.kind(), Kind::Mail | Kind::Syslog) {
            problems.push(Problem::new(
                at("form"),
                "means nothing here: it is for addresses that are posted to",
            ));
        }
        let mail = match (&self.mail, self.kind()) {
            (None, Kind::Mail) => {
                return problems.push(Problem::new(at("mail"), "is missing: say `from` and `to`"));
            }
            (None, _) => return,
            (Some(_), kind) if kind != Kind::Mail => {
                let message = "means nothing here: only `smtps://` and `smtp://` sinks take it";
                return problems.push(Problem::new(at("mail"), message));
            }
            (Some(mail), _) => mail,
        };
        mail.fits(path, self.allow_plaintext, problems);
    }

    fn route_fits(&self, path: &str, problems: &mut Vec<Problem>) {
        for (key, list) in [
            ("tenants", &self.tenants),
            ("teams", &self.teams),
            ("budgets", &self.budgets),
        ] {
            at_most(problems, &format!("{path}.{key}"), list.len(), NAMES_MAX);
            for (i, one) in list.iter().enumerate().filter(|(_, one)| one.trim().is_empty()) {
                problems.push(Problem::new(
                    format!("{path}.{key}[{i}]"),
                    format!("{} is no name", quoted(one)),
                ));
            }
        }
        let times = [
            ("repeat_ms", self.repeat_ms, 0..=DAY_MS),
            ("give_up_after_ms", self.give_up_after_ms, 1_000..=30 * DAY_MS),
        ];
        for (key, time, range) in times {
            if let Some(time) = time {
                within(problems, format!("{path}.{key}"), time, range);
            }
        }
    }

    fn place_fits(&self) -> Result<(), String> {
        if let Some((place, _)) = self.smtp() {
            // Over TLS, or not at all unless that is permitted: what may be said is the connection's to find out.
            if place.contains('/') || !has_port(place) {
                return Err(
                    "is not an address: expected `smtps://host:port` or `smtp://host:port`".to_owned(),
                );
            }
            return Address::read(&format!("https://{place}"))?.permitted(false);
        }
        let Some((place, carrier)) = self.syslog() else {
            return Address::read(&self.address)?.permitted(self.allow_plaintext);
        };
        if place.contains('/') || !has_port(place) {
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

impl Mail {
    /// Who writes to whom, of the thing at that path.
    pub(crate) fn fits(&self, path: &str, allow_plaintext: bool, problems: &mut Vec<Problem>) {
        let (mail, at) = (self, |key: &str| format!("{path}.{key}"));
        within(problems, at("mail.gather_ms"), mail.gather_ms, 0..=3_600_000);
        at_most(problems, &at("mail.to"), mail.to.len(), RECIPIENTS_MAX);
        if mail.to.is_empty() {
            problems.push(Problem::new(at("mail.to"), "is empty: name who reads it"));
        }
        let all = std::iter::once(("mail.from".to_owned(), &mail.from));
        let to = mail
            .to
            .iter()
            .enumerate()
            .map(|(i, to)| (format!("mail.to[{i}]"), to));
        for (key, address) in all.chain(to).filter(|(_, address)| !may_be_mailbox(address)) {
            problems.push(Problem::new(
                at(&key),
                format!("{} is no mail address", quoted(address)),
            ));
        }
        if mail.user.is_some() && allow_plaintext {
            let message = "would be sent in clear: a password goes over TLS only";
            problems.push(Problem::new(at("mail.user"), message).hint("leave `allow_plaintext` out"));
        }
    }
}

fn has_port(place: &str) -> bool {
    place
        .rsplit(':')
        .next()
        .is_some_and(|port| port.parse::<u16>().is_ok())
}

/// One address, with a name before it or without. What it is exactly, whoever writes the mail says at the start.
// threat: AGP-R3
pub(crate) fn may_be_mailbox(text: &str) -> bool {
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    let sides = address
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    let odd = |c: char| c.is_control() || c.is_whitespace() || ",;<>".contains(c);
    sides && text.len() <= 320 && !address.contains(odd) && !text.contains(char::is_control)
}
