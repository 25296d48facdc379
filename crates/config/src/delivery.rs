//! Whether what tenants have delivered by themselves can be, as described.

use crate::Problem;
use crate::address::Address;
use crate::error::quoted;
use crate::section::{Config, Outbox};
use crate::sinks::may_be_mailbox;
use crate::validate::at_most;

const NETWORKS_MAX: usize = 100;
const PORTS_MAX: usize = 50;

impl Config {
    // threat: ANP-D0012
    pub(crate) fn delivery_fits(&self, problems: &mut Vec<Problem>) {
        let own = &self.delivery;
        at_most(problems, "delivery.networks", own.networks.len(), NETWORKS_MAX);
        at_most(problems, "delivery.hosts", own.hosts.len(), NETWORKS_MAX);
        at_most(problems, "delivery.ports", own.ports.len(), PORTS_MAX);
        for (i, network) in own
            .networks
            .iter()
            .enumerate()
            .filter(|(_, net)| net.prefix_len() == 0)
        {
            let message = format!("`{network}` is every address there is: name the networks that are meant");
            problems.push(Problem::new(format!("delivery.networks[{i}]"), message));
        }
        let is_host = |host: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
            !host.is_empty() && host.len() <= 253 && host.chars().all(is_plain)
        };
        for (i, host) in own.hosts.iter().enumerate().filter(|(_, host)| !is_host(host)) {
            let message = format!(
                "{} is no host: a name without scheme, port and path",
                quoted(host)
            );
            problems.push(Problem::new(format!("delivery.hosts[{i}]"), message));
        }
        for (i, _) in own.ports.iter().enumerate().filter(|(_, port)| **port == 0) {
            problems.push(Problem::new(format!("delivery.ports[{i}]"), "0 is no port"));
        }
        if let Some(mail) = &own.mail {
            mail.fits(problems);
        }
    }
}

impl Outbox {
    fn fits(&self, problems: &mut Vec<Problem>) {
        let at = |key: &str| format!("delivery.mail.{key}");
        let is_place = |place: &str| {
            let port = place.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
            !place.contains('/') && port.is_some()
        };
        match self.smtp().filter(|(place, _)| is_place(place)) {
            None => {
                let message = "is not an address: expected `smtps://host:port` or `smtp://host:port`";
                problems.push(Problem::new(at("address"), message));
            }
            Some((place, _)) => {
                let read = Address::read(&format!("https://{place}")).and_then(|it| it.permitted(false));
                problems.extend(read.err().map(|message| Problem::new(at("address"), message)));
            }
        }
        if !may_be_mailbox(&self.from) {
            let message = format!("{} is no mail address", quoted(&self.from));
            problems.push(Problem::new(at("from"), message));
        }
        if self.secrets.len() != usize::from(self.user.is_some()) {
            let message = "must be one, the password of `delivery.mail.user`; or none, where nobody signs in";
            problems.push(Problem::new(at("secrets"), message));
        }
        if self.user.is_some() && self.allow_plaintext {
            let message = "would be sent in clear: a password goes over TLS only";
            problems.push(Problem::new(at("user"), message).hint("leave `allow_plaintext` out"));
        }
    }
}
