//! Plans as people read them: a sign, what, which, and what changes in it.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use control::difference;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::files::{Document, ONE_EACH};
use crate::command::show::Shown;

/// A tenant's plan, or what was done.
#[derive(Debug, Serialize)]
pub struct Planned {
    tenant: String,
    #[serde(skip)]
    pub(super) id: Option<String>,
    #[serde(skip)]
    pub(super) tag: Option<String>,
    steps: Vec<Value>,
    remarks: Vec<Value>,
    secrets: Vec<Value>,
}

/// Several.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Plans(pub(super) Vec<Planned>);

/// A document as it is exported.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Exported(pub(super) Value);

fn list(answer: &Value, name: &str) -> Vec<Value> {
    answer
        .get(name)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Planned {
    /// What the gate answered.
    pub fn new(tenant: &str, id: Option<String>, answer: &Value, tag: Option<String>) -> Self {
        Self {
            tenant: tenant.to_owned(),
            id,
            tag,
            steps: list(answer, "steps"),
            remarks: list(answer, "remarks"),
            secrets: list(answer, "secrets"),
        }
    }

    /// Of a tenant that is not there: all of it is made.
    pub fn of_new(document: &Document) -> Self {
        let step = |kind: &str, name: &str| json!({"verb": "create", "kind": kind, "name": name});
        let parts = document
            .labels()
            .map(|(section, name)| step(section.trim_end_matches('s'), &name));
        let own = ONE_EACH.into_iter().filter(|name| document.has(name));
        let own = own.map(|name| step(name, "the tenant's"));
        let whole = std::iter::once(step("tenant", document.tenant()));
        Self {
            steps: whole.chain(parts).chain(own).collect(),
            ..Self::new(document.tenant(), None, &Value::Null, None)
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// For people.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let has_colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        self.lines(out, has_colour)
    }

    fn lines(&self, out: &mut dyn Write, has_colour: bool) -> io::Result<()> {
        writeln!(out, "{}", self.tenant)?;
        let width = |name: &str| {
            self.steps
                .iter()
                .map(|step| text(step, name).chars().count())
                .max()
        };
        let (kinds, names) = (width("kind").unwrap_or(0), width("name").unwrap_or(0));
        for step in &self.steps {
            let (sign, colour) = sign(text(step, "verb"));
            let (kind, name) = (text(step, "kind"), text(step, "name"));
            let changed = changed(step).join(", ");
            let line = format!("  {sign} {kind:<kinds$}  {name:<names$}  {changed}");
            let line = line.trim_end();
            if has_colour {
                writeln!(out, "\x1b[{colour}m{line}\x1b[0m")?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
        for remark in &self.remarks {
            writeln!(out, "  note: {}", remark.as_str().unwrap_or_default())?;
        }
        writeln!(out, "  {}", self.sum())?;
        for secret in &self.secrets {
            let (kind, name) = (text(secret, "kind"), text(secret, "name"));
            writeln!(out, "  shown once: {kind} {name}  {}", text(secret, "secret"))?;
        }
        Ok(())
    }

    fn sum(&self) -> String {
        if self.steps.is_empty() {
            return "nothing to do".to_owned();
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for step in &self.steps {
            *counts.entry(text(step, "verb")).or_default() += 1;
        }
        let of = |verb: &str| counts.get(verb).map(|count| format!("{verb} {count}"));
        let all: Vec<_> = ["create", "update", "disable", "remove"]
            .into_iter()
            .filter_map(of)
            .collect();
        all.join(", ")
    }
}

fn sign(verb: &str) -> (char, u8) {
    match verb {
        "create" => ('+', 32),
        "update" => ('~', 33),
        "disable" => ('!', 31),
        _ => ('-', 31),
    }
}

/// Members that an update changes, as they were and shall be.
fn changed(step: &Value) -> Vec<String> {
    let (Some(before), Some(after)) = (
        step.get("before").and_then(Value::as_object),
        step.get("after").and_then(Value::as_object),
    ) else {
        return Vec::new();
    };
    let show = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), ToString::to_string);
    // A document of its own is long: what differs in it is told place by place.
    if ONE_EACH.contains(&text(step, "kind")) {
        let of = |members: &Map<String, Value>| Value::Object(members.clone());
        let differ = difference::between(&of(before), &of(after)).into_iter();
        return differ
            .map(|one| {
                format!(
                    "{}: {} → {}",
                    one.place,
                    show(one.before.as_ref()),
                    show(one.after.as_ref())
                )
            })
            .collect();
    }
    let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differ = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name));
    differ
        .map(|name| format!("{name}: {} → {}", show(before.get(name)), show(after.get(name))))
        .collect()
}

impl Shown for Plans {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0.iter().try_for_each(|planned| planned.write(out))
    }
}

impl Shown for Exported {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let text = serde_saphyr::to_string(&self.0).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_aligned_and_coloured_only_when_asked() {
        let answer = json!({
            "steps": [
                {"verb": "create", "kind": "team", "name": "research", "after": {"name": "research"}},
                {"verb": "update", "kind": "key", "name": "research/ci",
                 "before": {"models": ["a"]}, "after": {"models": ["a", "b"], "expires": "2027-01-01T00:00:00Z"}},
                {"verb": "remove", "kind": "grant", "name": "ann: viewer", "before": {}}],
            "remarks": ["the team `old` stays: teams are not removed"],
            "secrets": [{"kind": "key", "name": "research/ci", "secret": "btz_x"}]});
        let planned = Planned::new("acme", None, &answer, None);
        let said = |has_colour| {
            let mut out = Vec::new();
            planned.lines(&mut out, has_colour).unwrap();
            String::from_utf8(out).unwrap()
        };
        insta::assert_snapshot!(said(false));
        assert!(!said(false).contains('\u{1b}') && said(true).contains("\u{1b}[32m  + team"));
        assert!(!planned.is_empty());
    }
}
