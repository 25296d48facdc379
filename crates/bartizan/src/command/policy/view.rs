//! Answers to why and who, for people and for programs.

use std::io::{self, Write};

use control::why::{GuardedView, PartView, WhoView, WhyView};
use serde::{Serialize, Serializer};

use crate::command::show::Shown;
use crate::command::table::{Column, Table, facts};

/// Why.
pub struct Why(pub WhyView);

/// Who.
pub struct Who(pub WhoView);

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Shown for Why {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let why = &self.0;
        let answer = if why.permit { "permitted" } else { "denied" };
        writeln!(
            out,
            "{answer}: {} by {} on {}",
            why.action, why.principal, why.resource
        )?;
        let mut lines = Vec::new();
        let mut say = |name: &'static str, text: Option<&String>| {
            lines.extend(text.map(|text| (name, text.clone())));
        };
        say("missing", why.missing.as_ref());
        say("reason", why.reason.as_ref());
        say("error", why.error.as_ref());
        if let Some(recorded) = &why.recorded {
            lines.push(("recorded", recorded.outcome.clone()));
            lines.push(("decided then", recorded.policies.join(", ")));
            guarded(&recorded.guarded, &mut lines);
        }
        lines.extend(why.not_known.iter().map(|text| ("not known", text.clone())));
        facts(out, &lines)?;
        parts(out, "decided by", &why.decided_by)?;
        parts(out, "did not apply", &why.others)
    }
}

/// What guards and consents had to do with a recorded call.
fn guarded(guarded: &GuardedView, lines: &mut Vec<(&'static str, String)>) {
    for found in &guarded.findings {
        let text = format!("{} {}, {}", found.verdict, found.rule, found.direction);
        lines.push(("guards did then", text));
    }
    for profile in &guarded.profiles {
        let shadow = if profile.shadow { ", only tried out" } else { "" };
        lines.push((
            "guard profile",
            format!("{} ({}'s{shadow})", profile.name, profile.of),
        ));
    }
    if let Some(consents) = &guarded.consents {
        let by = consents.by.as_deref().unwrap_or("somebody");
        let made = consents.made.as_deref().unwrap_or("some time");
        lines.push((
            "consents",
            format!("version {}, by {by}, {made}", consents.number),
        ));
    }
}

fn parts(out: &mut dyn Write, title: &str, parts: &[PartView]) -> io::Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    let mut table = Table::new(&[
        Column::Text("policy"),
        Column::Text("effect"),
        Column::Text("where"),
        Column::Text("why"),
    ]);
    for part in parts {
        let why = if part.lacks.is_empty() {
            part.reason.clone().unwrap_or_else(|| part.outcome.clone())
        } else {
            format!("lacks {}", part.lacks.join(" and "))
        };
        table.row([
            part.policy.clone(),
            part.effect.to_owned(),
            part.place.clone(),
            why,
        ]);
    }
    table.write(out)
}

impl Shown for Who {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let who = &self.0;
        writeln!(out, "{} of {} may", who.items.len(), who.asked)?;
        if who.is_cut {
            writeln!(out, "there are more, which were not asked about")?;
        }
        if who.items.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&[Column::Text("name"), Column::Text("id"), Column::Text("by")]);
        for can in &who.items {
            table.row([can.name.clone(), can.id.clone(), can.policies.join(", ")]);
        }
        table.write(out)
    }
}
