//! What a mail says, as text and as HTML.

use super::super::alert::Alert;
use super::super::message::Message;

/// The worst of all, and how many there are.
pub fn subject(messages: &[Message]) -> String {
    let worst = messages.iter().rev().max_by_key(|message| message.alert.severity);
    let Some(Message { alert, tenant, .. }) = worst else {
        return String::new();
    };
    let more = match messages.len() {
        0 | 1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    let line = format!("[{}] {tenant}: {}", alert.severity.as_str(), alert.title);
    super::super::alert::clip(&line, 160) + &more
}

/// One below another.
pub fn text(messages: &[Message]) -> String {
    let mut all = String::new();
    for message in messages {
        let alert = &message.alert;
        all.push_str(&format!("{}\n", alert.title));
        for line in [Some(alert.text.clone()), alert.bar()].into_iter().flatten() {
            all.push_str(&format!("{line}\n"));
        }
        for (name, value) in &alert.fields {
            all.push_str(&format!("  {name}: {value}\n"));
        }
        all.push_str(&format!(
            "  At: {}\n  Record: {}\n",
            message.time(),
            message.record.id
        ));
        if let Some(link) = &alert.link {
            all.push_str(&format!("  {link}\n"));
        }
        all.push('\n');
    }
    all
}

/// The same, for who reads HTML. No script, no image, nothing from elsewhere.
pub fn html(messages: &[Message]) -> String {
    let mut all = "<!doctype html><html><body style=\"font-family:sans-serif\">".to_owned();
    for message in messages {
        all.push_str(&section(
            &message.alert,
            &message.time(),
            &message.record.id.to_string(),
        ));
    }
    all + "</body></html>"
}

fn section(alert: &Alert, time: &str, id: &str) -> String {
    let mut text = format!(
        "<h3>{}</h3><p>{}</p>",
        escaped(&alert.title),
        escaped(&alert.text)
    );
    if let Some(bar) = alert.bar() {
        text.push_str(&format!(
            "<p style=\"font-family:monospace\">{}</p>",
            escaped(&bar)
        ));
    }
    text.push_str("<table>");
    let foot = [("At", time.to_owned()), ("Record", id.to_owned())];
    for (name, value) in alert.fields.iter().chain(&foot) {
        text.push_str(&format!(
            "<tr><td><b>{name}</b></td><td>{}</td></tr>",
            escaped(value)
        ));
    }
    text.push_str("</table>");
    if let Some(link) = &alert.link {
        text.push_str(&format!("<p><a href=\"{0}\">{0}</a></p>", escaped(link)));
    }
    text
}

pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
