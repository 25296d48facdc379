//! The rules, as data. Each names a kind of credential, the literals it starts with, and its shape.
//!
//! A rule is worth having when it is nearly always right: a guard that cries wolf is switched off.

mod assigned;
mod cloud;
mod developer;
mod hashes;
mod models;
mod named;
mod platforms;
mod protocols;
mod services;
mod tools;
mod trade;

use crate::class::{Class, TOKEN};
use crate::finding::SURE;
use crate::shape::{Before, Part};

/// One kind of credential.
pub(crate) struct Rule {
    /// Stable: it appears in markers, metrics and records.
    pub name: &'static str,
    /// Literals that the shape starts with. None may be the beginning of another rule's.
    pub triggers: &'static [&'static str],
    /// What must stand before.
    pub before: Before,
    /// What it looks like, the trigger included.
    pub shape: &'static [Part],
    /// How sure a match is, in percent.
    pub score: u8,
}

/// The score of what a name and the look of a value give away, where nothing proves it.
pub(crate) const LIKELY: u8 = 80;

/// The score of what people choose themselves: words are among it that only look like passwords.
pub(crate) const CHOSEN: u8 = 70;

/// The score of what is as often meant to be public, and not reported unless asked for.
pub(crate) const OPEN: u8 = 40;

/// What stands behind the head of a credential where the rest of it is hidden already.
pub(crate) const MASKED: &[&str] = &["####", "****"];

/// Most rules: a prefix of the vendor's at the edge of a word.
pub(crate) const fn at_edge(
    name: &'static str,
    triggers: &'static [&'static str],
    shape: &'static [Part],
) -> Rule {
    Rule {
        name,
        triggers,
        before: Before::Edge,
        shape,
        score: SURE,
    }
}

/// Rules of a vendor's prefix and so many bytes of a class, at the edge of a word. A fixed number must be
/// met; a range is a least one, and the match goes on as far as the class does.
macro_rules! prefixed {
    ($($name:literal: $prefixes:expr, $class:expr, $min:literal $(..$max:literal)?;)+) => {
        &[$(crate::rules::at_edge($name, $prefixes, prefixed!(@shape $prefixes, $class, $min $(, $max)?))),+]
    };
    (@shape $prefixes:expr, $class:expr, $bytes:literal) => {
        &[
            crate::shape::Part::AnyOf($prefixes),
            crate::shape::Part::Run($class, $bytes, $bytes),
            crate::shape::Part::Check(crate::check::mixed),
            crate::shape::Part::NotNext(crate::class::WORD),
        ]
    };
    (@shape $prefixes:expr, $class:expr, $min:literal, $max:literal) => {
        &[
            crate::shape::Part::AnyOf($prefixes),
            crate::shape::Part::Run($class, $min, $max),
            crate::shape::Part::Check(crate::check::mixed),
            crate::shape::Part::Unless(crate::rules::MASKED),
            crate::shape::Part::Open(crate::tail::Tail::Run($class)),
        ]
    };
}
pub(crate) use prefixed;

impl Rule {
    /// Whether it is a name that gives its matches away.
    pub(crate) fn goes_by_name(&self) -> bool {
        matches!(self.shape.last(), Some(Part::Assigned { .. } | Part::Chosen(_)))
    }

    /// The same, behind a byte of `class` instead of an edge.
    pub(crate) const fn after(self, class: Class) -> Self {
        Self {
            before: Before::In(class),
            ..self
        }
    }

    /// The same, not behind a byte of `class`: for prefixes that are parts of addresses and file names.
    pub(crate) const fn not_behind(self, class: Class) -> Self {
        Self {
            before: Before::Not(class),
            ..self
        }
    }

    /// The same, not inside a longer token: for prefixes that could repeat in one.
    pub(crate) const fn not_inside(self) -> Self {
        Self {
            before: Before::Not(TOKEN),
            ..self
        }
    }
}

/// Every rule.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    let groups: [&'static [Rule]; 13] = [
        models::RULES,
        cloud::RULES,
        platforms::RULES,
        developer::RULES,
        tools::PREFIXED,
        tools::SHAPED,
        services::RULES,
        trade::PREFIXED,
        trade::SHAPED,
        protocols::RULES,
        hashes::RULES,
        named::RULES,
        assigned::RULES,
    ];
    groups.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::bound;
    use crate::stream::HOLD_BACK_BYTES_MAX;

    #[test]
    fn no_rule_needs_more_than_may_be_held_back() {
        for rule in all() {
            assert!(bound(rule.shape) <= HOLD_BACK_BYTES_MAX, "{}", rule.name);
        }
    }

    #[test]
    fn every_shape_starts_with_its_triggers() {
        for rule in all() {
            for trigger in rule.triggers {
                let starts = match rule.shape.first() {
                    Some(Part::Lit(word)) => word.starts_with(trigger),
                    Some(Part::AnyOf(words)) => words.iter().any(|word| word.starts_with(trigger)),
                    _ => false,
                };
                assert!(starts, "{} {trigger}", rule.name);
            }
        }
    }

    #[test]
    fn names_are_stable_looking() {
        for rule in all() {
            assert!(
                rule.name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            );
        }
    }
}
