//! An entry's canonical bytes: compact JSON in field order, byte for byte what serde_json makes of the struct.
//!
//! Written by hand because every call pays for it: ids and digests need no look at each byte for escapes.
//! A property test holds it against serde_json.

use domain::{ActorId, IdText, Tier, Usage};
use serde::Serialize;

use super::Entry;
use crate::{Charge, Digest};

/// Appends the canonical bytes of `entry`.
pub(super) fn write(entry: &Entry, out: &mut Vec<u8>) {
    let mut line = Line(out);
    line.id(r#"{"id":"#, &entry.id.text());
    line.id(r#","tenant":"#, &entry.tenant.text());
    line.id(r#","team":"#, &entry.team.text());
    if let Some(project) = entry.project {
        line.id(r#","project":"#, &project.text());
    }
    line.id(r#","key":"#, &entry.key.text());
    line.id(r#","node":"#, &entry.node.text());
    line.value(r#","started":"#, &entry.started);
    line.value(r#","finished":"#, &entry.finished);
    line.raw(r#","operation":"#);
    line.quoted(entry.operation.as_str().as_bytes());
    line.text(r#","dialect":"#, &entry.dialect);
    line.text_if(r#","model":"#, entry.model.as_deref());
    line.text_if(r#","target":"#, entry.target.as_deref());
    line.value(r#","outcome":"#, &entry.outcome);
    line.value(r#","status":"#, &entry.status);
    line.value(r#","attempts":"#, &entry.attempts);
    if entry.cached {
        line.raw(r#","cached":true"#);
    }
    line.usage(&entry.usage);
    line.value(r#","usage_source":"#, &entry.usage_source);
    line.value(r#","cost":"#, &entry.cost);
    line.text(r#","price_version":"#, &entry.price_version);
    line.charges(r#","charges":["#, &entry.charges);
    line.texts_if(r#","policies":["#, &entry.policies);
    line.texts_if(r#","findings":["#, &entry.findings);
    line.digest_if(r#","request_digest":"#, entry.request_digest);
    line.digest_if(r#","response_digest":"#, entry.response_digest);
    line.text_if(r#","credential":"#, entry.credential.as_deref());
    line.digest_if(r#","signature_digest":"#, entry.signature_digest);
    if !entry.token_charges.is_empty() {
        line.charges(r#","token_charges":["#, &entry.token_charges);
    }
    if let Some(owner) = entry.owner {
        let owner = match owner {
            ActorId::User(id) => id.text(),
            ActorId::Service(id) => id.text(),
        };
        line.id(r#","owner":"#, &owner);
    }
    line.texts_if(r#","tags":["#, &entry.tags);
    if !entry.labels.is_empty() {
        line.value(r#","labels":"#, &entry.labels);
    }
    line.text_if(r#","session":"#, entry.session.as_deref());
    line.digest_if(r#","exchange":"#, entry.exchange);
    if let Some(adjusted) = entry.adjusts {
        line.id(r#","adjusts":"#, &adjusted.text());
    }
    if let Some(class) = entry.data_class {
        line.raw(r#","data_class":"#);
        line.quoted(class.as_str().as_bytes());
    }
    line.raw("}");
}

/// What is being written. A `name` stands with all that JSON puts around it.
struct Line<'a>(&'a mut Vec<u8>);

impl Line<'_> {
    fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// Text that needs no escapes.
    fn quoted(&mut self, plain: &[u8]) {
        self.0.push(b'"');
        self.0.extend_from_slice(plain);
        self.0.push(b'"');
    }

    fn id(&mut self, name: &str, id: &IdText) {
        self.raw(name);
        self.quoted(id.as_bytes());
    }

    /// Serialising integers and unit variants into memory does not fail.
    fn value(&mut self, name: &str, value: &impl Serialize) {
        self.raw(name);
        let _ = serde_json::to_writer(&mut *self.0, value);
    }

    fn text(&mut self, name: &str, text: &str) {
        if text.bytes().any(needs_escape) {
            return self.value(name, &text);
        }
        self.raw(name);
        self.quoted(text.as_bytes());
    }

    fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn texts_if(&mut self, name: &str, texts: &[String]) {
        let mut before = name;
        for text in texts {
            self.text(before, text);
            before = ",";
        }
        if !texts.is_empty() {
            self.raw("]");
        }
    }

    fn digest_if(&mut self, name: &str, digest: Option<Digest>) {
        if let Some(digest) = digest {
            self.raw(name);
            self.quoted(&digest.hex());
        }
    }

    fn usage(&mut self, usage: &Usage) {
        self.value(r#","usage":{"input":"#, &usage.input);
        self.value(r#","output":"#, &usage.output);
        let rest = [
            (r#","cache_read":"#, usage.cache_read),
            (r#","cache_write":"#, usage.cache_write),
            (r#","reasoning":"#, usage.reasoning),
            (r#","cache_write_long":"#, usage.cache_write_long),
            (r#","audio_input":"#, usage.audio_input),
            (r#","audio_output":"#, usage.audio_output),
        ];
        for (name, tokens) in rest.iter().filter(|(_, tokens)| *tokens > 0) {
            self.value(name, tokens);
        }
        if usage.tier != Tier::Standard {
            self.value(r#","tier":"#, &usage.tier);
        }
        if !usage.units.is_unknown() {
            self.value(r#","units":"#, &usage.units);
        }
        self.raw("}");
    }

    fn charges(&mut self, name: &str, charges: &[Charge]) {
        self.raw(name);
        let mut before = r#"{"budget":"#;
        for charge in charges {
            self.id(before, &charge.budget.text());
            self.value(r#","window_start":"#, &charge.window_start);
            self.value(r#","amount":"#, &charge.amount);
            before = r#"},{"budget":"#;
        }
        self.raw(if charges.is_empty() { "]" } else { "}]" });
    }
}

const fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}
