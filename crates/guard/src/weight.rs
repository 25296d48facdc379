//! What the patterns of a document take to be made ready, told before any of them is. Never makes one ready.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::Value;

use crate::profile::Profiles;

/// So much all patterns of a tenant's document may weigh together: about 330 times `\w`. A `[0-9A-Za-z]` weighs 3, a letter 1,
/// and what is counted as often as it is counted.
pub const PATTERNS_WEIGHT_MAX: usize = 1 << 18;

/// Bytes of all patterns as they are written.
const WRITTEN_BYTES_MAX: usize = 64 << 10;

impl Profiles {
    /// Where the patterns of a tenant's document become more than may be made ready, if they do. It is told at once, however
    /// long making them ready would take.
    // threat: AGP-D2
    #[must_use]
    pub fn too_heavy(&self) -> Option<(String, String)> {
        let mut sum = Sum::default();
        for (number, profile) in self.profiles.iter().enumerate() {
            let at = |place: &str| format!("profiles[{number}].guards.{place}");
            for (rule, custom) in profile
                .guards
                .custom
                .iter()
                .flat_map(|it| it.rules.iter().enumerate())
            {
                let pattern = custom.pattern.iter().map(String::as_str);
                if sum.add(pattern, custom.ignore_case) {
                    return Some((at(&format!("custom.rules[{rule}].pattern")), sum.said()));
                }
            }
            let Some(format) = &profile.guards.format else {
                continue;
            };
            if sum.add(format.regex.iter().map(String::as_str), false) {
                return Some((at("format.regex"), sum.said()));
            }
            if let Some(schema) = &format.json_schema
                && sum.schema(schema)
            {
                return Some((at("format.json_schema"), sum.said()));
            }
        }
        None
    }
}

#[derive(Debug, Default)]
struct Sum {
    weight: usize,
    bytes: usize,
}

impl Sum {
    /// Whether it is too much with these.
    fn add<'p>(&mut self, patterns: impl IntoIterator<Item = &'p str>, ignore_case: bool) -> bool {
        for pattern in patterns {
            self.bytes = self.bytes.saturating_add(pattern.len());
            if self.is_too_much() {
                return true;
            }
            // What does not parse weighs nothing: it is refused for that.
            let mut parser = ParserBuilder::new();
            if let Ok(hir) = parser.case_insensitive(ignore_case).build().parse(pattern) {
                self.weight = self.weight.saturating_add(weight(&hir));
            }
        }
        self.is_too_much()
    }

    /// The patterns of a schema, wherever in it.
    fn schema(&mut self, schema: &Value) -> bool {
        match schema {
            Value::Array(all) => all.iter().any(|one| self.schema(one)),
            Value::Object(members) => members.iter().any(|(name, value)| match (name.as_str(), value) {
                ("pattern", Value::String(pattern)) => self.add([pattern.as_str()], false),
                ("patternProperties", Value::Object(named)) => {
                    self.add(named.keys().map(String::as_str), false) || self.schema(value)
                }
                _ => self.schema(value),
            }),
            _ => false,
        }
    }

    const fn is_too_much(&self) -> bool {
        self.weight > PATTERNS_WEIGHT_MAX || self.bytes > WRITTEN_BYTES_MAX
    }

    fn said(&self) -> String {
        if self.bytes > WRITTEN_BYTES_MAX {
            return format!(
                "makes the document's patterns more than {WRITTEN_BYTES_MAX} bytes together: put fixed text into `words`, or drop some"
            );
        }
        format!(
            "makes the document's patterns weigh {}, of at most {PATTERNS_WEIGHT_MAX}: use smaller counts, `[0-9A-Za-z]` for `\\w`, or \
             drop some",
            self.weight
        )
    }
}

fn weight(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Unicode(class)) => class.ranges().len(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().len(),
        HirKind::Capture(capture) => weight(&capture.sub),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => {
            subs.iter().map(weight).fold(0, usize::saturating_add)
        }
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            weight(&repetition.sub).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(guards: &Value) -> Profiles {
        let profiles: Vec<Value> = (0..4)
            .map(|number| json!({"name": format!("p{number}"), "guards": guards}))
            .collect();
        serde_json::from_value(json!({"profiles": profiles})).unwrap()
    }

    fn rules(count: usize, pattern: &str) -> Value {
        let rule = |number| json!({"name": format!("r{number}"), "pattern": pattern, "input": "block"});
        json!({"custom": {"rules": (0..count).map(rule).collect::<Vec<_>>()}})
    }

    #[test]
    fn agp_d2_a_document_that_would_take_long_to_make_ready_is_told_at_once() {
        let began = std::time::Instant::now();
        for (guards, place) in [
            (rules(8, "\\w{120}"), "custom.rules["),
            (rules(8, "(?i)(\\w{60}|\\pL{60})"), "custom.rules["),
            (rules(20, &"ab".repeat(2_000)), "custom.rules["),
            (
                json!({"format": {"output": "block", "regex": "\\w{900}"}}),
                "format.regex",
            ),
            (
                json!({"format": {"output": "block", "json_schema": {"properties": {"a": {"pattern": "\\w{900}"}}}}}),
                "format.json_schema",
            ),
            (
                json!({"format": {"output": "block", "json_schema": {"patternProperties": {"\\w{900}": {}}}}}),
                "format.json_schema",
            ),
        ] {
            let (at, what) = document(&guards).too_heavy().unwrap();
            assert!(at.starts_with("profiles[") && at.contains(place), "{at}");
            assert!(what.contains("drop some"), "{what}");
        }
        assert!(
            began.elapsed() < std::time::Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
    }

    #[test]
    fn what_people_write_weighs_little() {
        for guards in [
            rules(64, "ACME-[0-9]{6,8}-[A-Z]{2}"),
            rules(20, "(?i)projekt \\w+-\\d{4}"),
            rules(0, ""),
            json!({"format": {"output": "block", "json_schema": {"properties": {"pattern": {"type": "string", "pattern": "^[a-z]+$"}}}}}),
        ] {
            assert_eq!(document(&guards).too_heavy(), None, "{guards}");
        }
    }
}
