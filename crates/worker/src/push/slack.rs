//! Slack's incoming webhooks, and what takes the same. The address is the secret. What comes from callers can neither
//! format, nor link, nor call anybody: it is escaped, and stands where nothing is looked for in it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use upstream::{Base, Client};

use super::alert::{Alert, Severity};
use super::letter::Letter;
use super::message::Message;
use super::{Delivered, Keyring, Trouble, post};

/// One message a second is what Slack takes.
const PACE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Slack {
    address: String,
    allow_plaintext: bool,
    keys: Arc<dyn Keyring>,
    client: Client,
    next: Mutex<Option<Instant>>,
}

impl Slack {
    /// `address` is how the secret address must begin.
    pub(super) fn new(
        address: String,
        allow_plaintext: bool,
        keys: Arc<dyn Keyring>,
        client: Client,
    ) -> Result<Self, String> {
        Base::split(&address, allow_plaintext).map_err(|error| error.to_string())?;
        Ok(Self {
            address,
            allow_plaintext,
            keys,
            client,
            next: Mutex::default(),
        })
    }

    /// One after another, one a second, for a while; the first that is not taken ends it.
    pub(super) async fn deliver(&self, messages: &[Message], until: Instant) -> Delivered {
        let (base, path) = match self.place().await {
            Ok(place) => place,
            Err(why) => return Delivered::nothing(Trouble::Away(why)),
        };
        let mut next = self.next.lock().await;
        for (done, message) in messages.iter().enumerate() {
            if let Some(next) = *next {
                if done > 0 && next >= until {
                    return Delivered {
                        done,
                        trouble: None,
                        at_stake: 0,
                    };
                }
                tokio::time::sleep_until(next).await;
            }
            *next = Some(Instant::now() + PACE);
            let body = body(&message.alert, &message.time(), &message.record.id.to_string());
            if let Err(trouble) = post::json(&self.client, &base, &path, body.to_string()).await {
                return Delivered::stuck(done, trouble);
            }
        }
        Delivered::all(messages.len())
    }

    /// Sends a letter.
    pub(super) async fn post(&self, letter: &Letter) -> Result<(), Trouble> {
        let (base, path) = self.place().await.map_err(Trouble::Away)?;
        post::json(&self.client, &base, &path, letter.slack().to_string()).await
    }

    /// The whole address, which must begin as the configuration says.
    // threat: ANP-D0005
    async fn place(&self) -> Result<(Base, String), String> {
        let secrets = self.keys.secrets().await?;
        let secret = secrets.first().ok_or("there is no secret address")?;
        let whole = secret.expose().trim();
        let rest = whole.strip_prefix(self.address.trim_end_matches('/'));
        if !rest.is_some_and(|rest| rest.starts_with('/') && rest.len() > 1) {
            return Err("the secret address does not begin with `address`".to_owned());
        }
        // What is wrong with it is not said: it would be said with the address.
        Base::split(whole, self.allow_plaintext).map_err(|_| "the secret address cannot be read".to_owned())
    }
}

/// Text in which Slack finds nothing: no entity, no link, no command, and nobody to call.
// threat: ANP-0020
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' if calls_everybody(text.get(at + 1..).unwrap_or_default()) => safe.push_str("@\u{2060}"),
            // Marks of emphasis and of code, which would take what follows with them.
            '`' | '*' | '~' => safe.extend(['\u{2060}', c, '\u{2060}']),
            c => safe.push(c),
        }
    }
    safe
}

/// The same for a headline, which is bounded: nothing grows.
pub(super) fn plain(text: &str) -> String {
    let mild = |c| match c {
        '<' => '‹',
        '>' => '›',
        '@' => '＠',
        '&' => '＆',
        '`' | '*' | '~' => '\'',
        c => c,
    };
    text.chars().map(mild).collect()
}

fn calls_everybody(name: &str) -> bool {
    ["channel", "here", "everyone", "group"].iter().any(|all| {
        name.get(..all.len())
            .is_some_and(|name| name.eq_ignore_ascii_case(all))
    })
}

pub(super) fn marked(text: String) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// The message as blocks, and as one line for where blocks are not shown.
fn body(alert: &Alert, time: &str, id: &str) -> Value {
    let sign = match alert.severity {
        Severity::Info => "ℹ️",
        Severity::Warning => "⚠️",
        Severity::Error => "🔴",
        Severity::Critical => "🚨",
    };
    let title = format!("{sign} {}", plain(&alert.title));
    let mut text = escaped(&alert.text);
    if let Some(bar) = alert.bar() {
        text = format!("`{bar}`\n{text}");
    }
    if text.is_empty() {
        text = escaped(&alert.title);
    }
    let fields = alert.fields.iter().map(|(name, value)| {
        let value = if value.is_empty() { "-" } else { value };
        marked(format!("*{name}*\n{}", escaped(value)))
    });
    let mut foot = format!("{} · {time} · {id}", alert.severity.as_str());
    if let Some(link) = &alert.link {
        foot.push_str(&format!(" · <{}|open>", escaped_link(link)));
    }
    json!({
        "text": escaped(&format!("{}: {}", alert.title, alert.text)),
        "unfurl_links": false,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": false}},
            {"type": "section", "text": marked(text)},
            {"type": "section", "fields": fields.collect::<Vec<_>>()},
            {"type": "context", "elements": [marked(foot)]},
        ],
    })
}

fn escaped_link(link: &str) -> String {
    link.chars()
        .filter(|c| !matches!(c, '<' | '>' | '|') && !c.is_whitespace())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::alert::tests::{around, evil, mark};
    use super::*;

    #[test]
    fn a_mark_as_blocks() {
        let body = body(&Alert::of(&mark(), around()), "2026-11-22T00:00:00.123Z", "aud_1");
        insta::assert_json_snapshot!(body);
    }

    #[test]
    fn anp_0020_what_a_caller_wrote_calls_nobody_links_nowhere_and_formats_nothing() {
        let body = body(&Alert::of(&evil(), around()), "t", "aud_1").to_string();
        for bad in [
            "<!channel>",
            "<!",
            "@channel",
            "@here",
            "<https://evil",
            "*bold*",
            "`code`",
            "&lt;b>",
        ] {
            assert!(!body.contains(bad), "{bad} in {body}");
        }
        assert!(body.contains("&lt;!channel&gt;"), "{body}");
    }
}
