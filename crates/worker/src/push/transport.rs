//! Where sinks are, and what became of what was sent there.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use upstream::Client;

use super::mail::{MailOptions, Mailer};
use super::message::Message;
use super::pagerduty::{Opens, PagerDuty};
use super::route::Directory;
use super::slack::Slack;
use super::syslog::{Over, Syslog};
use super::webhook::Webhook;
use super::{Keyring, Trouble};

/// How long one batch may go on before what has been taken is written down.
pub(super) const BATCH_TIME: Duration = Duration::from_secs(10);

/// An address that is posted to.
#[derive(Debug)]
pub struct Posted {
    /// `https://…`, or plain http as permitted.
    pub address: String,
    /// Whether plain http may leave this machine.
    pub allow_plaintext: bool,
    /// Its secrets: what requests are signed with, the routing key, or the whole address.
    pub keys: Arc<dyn Keyring>,
    /// What they are sent with.
    pub client: Client,
}

/// Where a sink is.
#[derive(Debug)]
pub enum Place {
    /// An address that takes signed requests.
    Webhook(Box<Posted>),
    /// An address that takes what Slack takes; the secret is the whole of it.
    Slack(Box<Posted>),
    /// An address that takes PagerDuty's events; the secret is the routing key.
    PagerDuty(Box<Posted>),
    /// A mail server.
    Mail(Box<MailOptions>),
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

/// How many of a batch were taken, from its beginning, and why no more were.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) done: usize,
    pub(super) trouble: Option<Trouble>,
    /// How many the trouble is about.
    pub(super) at_stake: usize,
}

impl Delivered {
    pub(super) const fn nothing(trouble: Trouble) -> Self {
        Self::stuck(0, trouble)
    }

    pub(super) const fn stuck(done: usize, trouble: Trouble) -> Self {
        Self {
            done,
            trouble: Some(trouble),
            at_stake: 1,
        }
    }

    pub(super) const fn all(done: usize) -> Self {
        Self {
            done,
            trouble: None,
            at_stake: 0,
        }
    }
}

#[derive(Debug)]
pub(super) enum Transport {
    Webhook(Box<Webhook>),
    Slack(Box<Slack>),
    PagerDuty(Box<PagerDuty>),
    Mail(Box<Mailer>),
    Syslog(Syslog),
}

impl Transport {
    pub(super) fn new(place: Place) -> Result<Self, String> {
        let made = |to: Box<Posted>| (to.address, to.allow_plaintext, to.keys, to.client);
        Ok(match place {
            Place::Webhook(to) => {
                let (address, plain, keys, client) = made(to);
                Self::Webhook(Box::new(Webhook::new(&address, plain, keys, client)?))
            }
            Place::Slack(to) => {
                let (address, plain, keys, client) = made(to);
                Self::Slack(Box::new(Slack::new(address, plain, keys, client)?))
            }
            Place::PagerDuty(to) => {
                let (address, plain, keys, client) = made(to);
                Self::PagerDuty(Box::new(PagerDuty::new(&address, plain, keys, client)?))
            }
            Place::Mail(options) => Self::Mail(Box::new(Mailer::new(*options)?)),
            Place::Syslog { place, over, host } => Self::Syslog(Syslog::new(place, over, &host)),
        })
    }

    /// Sends them in their order. `opens` is as it stands after those that were taken.
    pub(super) async fn deliver(
        &self,
        messages: &[Message],
        (opens, directory): (&mut Opens, &Directory),
    ) -> Delivered {
        if messages.is_empty() {
            return Delivered::all(0);
        }
        let until = Instant::now() + BATCH_TIME;
        match self {
            Self::Webhook(webhook) => webhook.deliver(messages, until).await,
            Self::Slack(slack) => slack.deliver(messages, until).await,
            Self::PagerDuty(pager) => pager.deliver(messages, (opens, directory), until).await,
            Self::Mail(mailer) => mailer.deliver(messages).await,
            Self::Syslog(syslog) => syslog.deliver(messages).await,
        }
    }
}
