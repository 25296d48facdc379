//! PagerDuty's Events API v2: an incident for what is amiss, one for each thing however often it is told, and its end when
//! it is over. Sent twice, an event is the same incident.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Money;
use serde_json::{Value, json};
use store::delivery::Open;
use tokio::time::Instant;
use upstream::{Base, Client};

use super::message::Message;
use super::route::Directory;
use super::{Delivered, Keyring, Trouble, post};

/// Things that are remembered as amiss; past it, one is forgotten and ends by hand.
const OPEN_MAX: usize = 500;
const KEY_CHARS_MAX: usize = 255;

#[derive(Debug)]
pub(super) struct PagerDuty {
    base: Base,
    path: String,
    keys: Arc<dyn Keyring>,
    client: Client,
}

/// What a record means to whoever is on call.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// Something is amiss.
    Trigger(String),
    /// What was amiss is over.
    Resolve(String),
}

/// What is said to be amiss and is not over yet.
pub(super) type Opens = BTreeMap<String, Open>;

impl PagerDuty {
    pub(super) fn new(
        address: &str,
        allow_plaintext: bool,
        keys: Arc<dyn Keyring>,
        client: Client,
    ) -> Result<Self, String> {
        let (base, path) = Base::split(address, allow_plaintext).map_err(|error| error.to_string())?;
        Ok(Self {
            base,
            path,
            keys,
            client,
        })
    }

    /// One after another, for a while; the first that is not taken ends it. `opens` is as it stands after those taken.
    pub(super) async fn deliver(
        &self,
        messages: &[Message],
        (opens, directory): (&mut Opens, &Directory),
        until: Instant,
    ) -> Delivered {
        let key = match self.routing_key().await {
            Ok(key) => key,
            Err(why) => return Delivered::nothing(Trouble::Away(why)),
        };
        for (done, message) in messages.iter().enumerate() {
            if done > 0 && Instant::now() >= until {
                return Delivered {
                    done,
                    trouble: None,
                    at_stake: 0,
                };
            }
            let mut after = opens.clone();
            for event in events(message, &mut after, directory) {
                let body = body(&key, &event, message).to_string();
                if let Err(trouble) = post::json(&self.client, &self.base, &self.path, body).await {
                    return Delivered::stuck(done, trouble);
                }
            }
            *opens = after;
        }
        Delivered::all(messages.len())
    }

    async fn routing_key(&self) -> Result<String, String> {
        let secrets = self.keys.secrets().await?;
        let key = secrets.first().ok_or("there is no routing key")?;
        Ok(key.expose().trim().to_owned())
    }
}

/// Whether a record only ends what others began. Such records are looked at whatever a sink asks for.
pub(super) fn is_end(act: &str) -> bool {
    matches!(
        act,
        "provider.breaker_closed" | "budgets.update" | "budgets.put" | "budgets.delete"
    )
}

/// Which act an end is the end of.
pub(super) fn ends(act: &str) -> &'static [&'static str] {
    match act {
        "provider.breaker_closed" => &["provider.breaker_opened"],
        _ => &[
            "budgets.mark",
            "budgets.exhausted",
            "budgets.exhaustion_projected",
        ],
    }
}

fn events(message: &Message, opens: &mut Opens, directory: &Directory) -> Vec<Event> {
    let record = &message.record;
    let target = record.target.clone().unwrap_or_default();
    let mut events = Vec::new();
    if is_end(&record.act) {
        if is_over(&record.act, &target, opens, directory)
            && let Some(open) = opens.remove(&target)
        {
            events.push(Event::Resolve(open.key));
        } else if message.is_asked_for && record.act != "provider.breaker_closed" {
            events.push(Event::Trigger(key(message, &target)));
        }
        return events;
    }
    let key = key(message, &target);
    if remembered(&record.act) {
        let limit = directory.limit(&target);
        // A new window: what was amiss in the last is over.
        if let Some(before) = opens.get(&target).filter(|open| open.key != key) {
            events.push(Event::Resolve(before.key.clone()));
        }
        if opens.len() >= OPEN_MAX && !opens.contains_key(&target) {
            opens.pop_first();
        }
        opens.insert(
            target,
            Open {
                key: key.clone(),
                limit,
            },
        );
    }
    events.push(Event::Trigger(key));
    events
}

/// Whether an act is about something that ends.
fn remembered(act: &str) -> bool {
    ["provider.breaker_closed", "budgets.update"]
        .iter()
        .any(|end| ends(end).contains(&act))
}

/// A provider that answers, a budget that was raised or removed.
fn is_over(act: &str, target: &str, opens: &Opens, directory: &Directory) -> bool {
    let Some(open) = opens.get(target) else {
        return false;
    };
    match (act, directory.limit(target)) {
        ("provider.breaker_closed", _) | (_, None) => true,
        (_, Some(now)) => now > open.limit.unwrap_or(Money::ZERO),
    }
}

/// One for each budget and window; of everything else, one for each act and thing.
fn key(message: &Message, target: &str) -> String {
    let record = &message.record;
    let said = |name| super::alert::said(record, name);
    let key = match said("window_start").filter(|_| target.starts_with("bgt_")) {
        Some(start) => format!("bartizan/{}/{target}/{start}", record.tenant),
        None => format!("bartizan/{}/{}/{target}", record.tenant, record.act),
    };
    key.chars().take(KEY_CHARS_MAX).collect()
}

fn body(routing_key: &str, event: &Event, message: &Message) -> Value {
    let key = match event {
        Event::Resolve(key) => {
            return json!({"routing_key": routing_key, "event_action": "resolve", "dedup_key": key});
        }
        Event::Trigger(key) => key,
    };
    let (alert, record) = (&message.alert, &message.record);
    let details: serde_json::Map<_, _> = alert
        .fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
        .chain([
            ("Text".to_owned(), alert.text.as_str().into()),
            ("Record".to_owned(), record.id.to_string().into()),
        ])
        .collect();
    let links: Vec<_> = alert
        .link
        .iter()
        .map(|link| json!({"href": link, "text": "open"}))
        .collect();
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": key,
        "client": "Bartizan",
        "links": links,
        "payload": {
            "summary": format!("{}: {}", alert.title, alert.text),
            "source": message.tenant,
            "severity": alert.severity.as_str(),
            "timestamp": message.time(),
            "component": "bartizan",
            "class": record.act,
            "custom_details": details,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::alert::tests::{mark, message};
    use super::*;
    use ledger::AuditRecord;

    fn act(act: &str) -> Message {
        let mut message = message(AuditRecord {
            act: act.to_owned(),
            after: None,
            ..mark()
        });
        message.is_asked_for = false;
        message
    }

    fn with_limit(nanos: i64) -> Directory {
        Directory::of_limits([(mark().target.unwrap(), Money::from_nanos(nanos))])
    }

    #[test]
    fn a_budget_is_one_incident_a_window_and_ends_when_it_is_raised() {
        let (mut opens, limit) = (Opens::new(), with_limit(10_000_000_000));
        let first = events(&message(mark()), &mut opens, &limit);
        let [Event::Trigger(key)] = first.as_slice() else {
            panic!("{first:?}")
        };
        assert_eq!(
            events(&message(mark()), &mut opens, &limit),
            first,
            "told again, the same incident"
        );
        assert_eq!(
            events(&act("budgets.update"), &mut opens, &limit),
            [],
            "not raised"
        );
        let raised = with_limit(20_000_000_000);
        assert_eq!(
            events(&act("budgets.update"), &mut opens, &raised),
            [Event::Resolve(key.clone())]
        );
        assert_eq!(events(&act("budgets.update"), &mut opens, &raised), [], "once");
    }

    #[test]
    fn the_incident_of_a_window_that_is_over_ends_with_the_first_of_the_next() {
        let (mut opens, limit) = (Opens::new(), with_limit(1));
        let Some(Event::Trigger(first)) = events(&message(mark()), &mut opens, &limit).pop() else {
            panic!()
        };
        let mut later = mark();
        later.after.as_mut().unwrap()["window_start"] = 99.into();
        let found = events(&message(later), &mut opens, &limit);
        assert_eq!(found[0], Event::Resolve(first));
        assert!(matches!(found[1], Event::Trigger(_)));
        assert_eq!(
            events(&act("budgets.delete"), &mut opens, &Directory::default()).len(),
            1,
            "it is gone"
        );
    }

    #[test]
    fn an_event_as_it_is_sent() {
        let event = Event::Trigger(key(&message(mark()), "bgt_1"));
        insta::assert_json_snapshot!(body("R0", &event, &message(mark())));
    }
}
