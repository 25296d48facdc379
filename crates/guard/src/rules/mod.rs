//! The rules, as data. Each names a kind of credential, the literals it starts with, and its shape.
//!
//! A rule is worth having when it is nearly always right: a guard that cries wolf is switched off.

mod assigned;
mod cloud;
mod developer;
mod models;
mod protocols;
mod services;

use crate::class::{Class, TOKEN};
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
}

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
    }
}

impl Rule {
    /// The same, behind a byte of `class` instead of an edge.
    pub(crate) const fn after(self, class: Class) -> Self {
        Self {
            before: Before::In(class),
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
    let groups: [&'static [Rule]; 6] = [
        models::RULES,
        cloud::RULES,
        developer::RULES,
        services::RULES,
        protocols::RULES,
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
