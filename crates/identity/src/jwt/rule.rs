//! What claims must say: for a token to be taken at all, and for it to stand for something beside its subject.
//!
//! Types are compared, not only texts: the number 7 is not `"7"`, nor is `"true"` the truth. A claim that is an array
//! holds what one of its elements is. Where nothing is said nothing is met.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::claims::ClaimPath;

/// How many rules an issuer has, conditions a rule, and values a condition.
const RULES_MAX: usize = 128;
const CONDITIONS_MAX: usize = 16;
const VALUES_MAX: usize = 64;
const TEXT_CHARS_MAX: usize = 1024;

/// What a claim may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimValue {
    /// This text, character for character.
    Text(String),
    /// This whole number.
    Number(i64),
    /// This.
    Flag(bool),
    /// A text like this.
    Pattern(Pattern),
}

/// A claim, and what it may be: one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Where it stands.
    pub claim: ClaimPath,
    /// What it may be; with none it is never met.
    pub any_of: Vec<ClaimValue>,
}

/// A name for whom all these conditions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The name; rules of one name are alternatives.
    pub name: String,
    /// The conditions; with none it is never met.
    pub when: Vec<Condition>,
}

impl Condition {
    /// Whether the claim is there and is one of those.
    pub(super) fn is_met_by(&self, claims: &Map<String, Value>) -> bool {
        let fits = |value: &Value| self.any_of.iter().any(|one| one.fits(value));
        match self.claim.find(claims) {
            Some(Value::Array(several)) => several.iter().any(fits),
            Some(one) => fits(one),
            None => false,
        }
    }

    fn is_bounded(&self) -> bool {
        (1..=VALUES_MAX).contains(&self.any_of.len())
    }
}

impl ClaimValue {
    fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(wanted), Value::String(text)) => wanted == text,
            (Self::Pattern(wanted), Value::String(text)) => wanted.fits(text),
            (Self::Number(wanted), Value::Number(number)) => number.as_i64() == Some(*wanted),
            (Self::Flag(wanted), Value::Bool(flag)) => wanted == flag,
            _ => false,
        }
    }
}

impl Rule {
    fn is_met_by(&self, claims: &Map<String, Value>) -> bool {
        !self.when.is_empty() && self.when.iter().all(|one| one.is_met_by(claims))
    }

    fn is_bounded(&self) -> bool {
        (1..=CONDITIONS_MAX).contains(&self.when.len()) && self.when.iter().all(Condition::is_bounded)
    }
}

/// Whether these are few enough, and none of them is empty.
pub(super) fn are_bounded(require: &[Condition], rules: &[Rule]) -> bool {
    require.len() <= CONDITIONS_MAX
        && rules.len() <= RULES_MAX
        && require.iter().all(Condition::is_bounded)
        && rules.iter().all(Rule::is_bounded)
}

/// The names whose rules are met, each once.
// threat: AGP-S3
pub(super) fn met<'a>(rules: &'a [Rule], claims: &Map<String, Value>) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for rule in rules {
        if !names.contains(&rule.name.as_str()) && rule.is_met_by(claims) {
            names.push(&rule.name);
        }
    }
    names
}

/// A text that is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pattern has a `*` and at most 256 characters; give a text that is meant as it stands without `glob`"
)]
pub struct BadPattern;

/// A text with `*` for any characters but `/` and `:`, which part what issuers put together, and `**` for any at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    This(char),
    Any { across: bool },
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text.chars().count() > 256 || !text.contains('*') {
            return Err(BadPattern);
        }
        let mut pieces = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(next) = rest.next() {
            pieces.push(match next {
                '*' => Piece::Any {
                    across: rest.next_if_eq(&'*').is_some(),
                },
                other => Piece::This(other),
            });
        }
        Ok(Self(pieces))
    }
}

impl Pattern {
    /// Whether all of `text` is like it. Takes time by the product of both lengths at most, whatever stands in them.
    fn fits(&self, text: &str) -> bool {
        if text.chars().count() > TEXT_CHARS_MAX {
            return false;
        }
        // For each piece: whether what was read so far is like all up to it.
        let mut open = true;
        let mut fitting: Vec<bool> = Vec::with_capacity(self.0.len());
        for piece in &self.0 {
            open = open && matches!(piece, Piece::Any { .. });
            fitting.push(open);
        }
        let mut at_start = true;
        for next in text.chars() {
            let (mut before, mut now) = (std::mem::take(&mut at_start), false);
            for (piece, fits) in self.0.iter().zip(&mut fitting) {
                let was = *fits;
                *fits = match piece {
                    Piece::This(wanted) => before && *wanted == next,
                    Piece::Any { across } => now || (was && (*across || !"/:".contains(next))),
                };
                (before, now) = (was, *fits);
            }
        }
        fitting.last().copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn condition(claim: &str, any_of: &[ClaimValue]) -> Condition {
        Condition {
            claim: claim.parse().unwrap(),
            any_of: any_of.to_vec(),
        }
    }

    fn text(text: &str) -> ClaimValue {
        ClaimValue::Text(text.into())
    }

    fn like(text: &str) -> ClaimValue {
        ClaimValue::Pattern(text.parse().unwrap())
    }

    fn holds(condition: &Condition, claims: Value) -> bool {
        condition.is_met_by(claims.as_object().unwrap())
    }

    #[test]
    fn agp_s3_a_number_is_no_text_and_nothing_is_nothing() {
        let seven = condition("id", &[text("7")]);
        for (value, met) in [
            (json!("7"), true),
            (json!(["x", "7"]), true),
            (json!(7), false),
            (json!([7]), false),
            (json!([["7"]]), false),
            (json!({"7": "7"}), false),
            (json!("7 "), false),
            (json!(""), false),
            (json!([]), false),
            (json!(null), false),
        ] {
            assert_eq!(holds(&seven, json!({"id": value})), met, "{value}");
        }
        assert!(!holds(&seven, json!({})));
        let number = condition("id", &[ClaimValue::Number(7)]);
        for (value, met) in [(json!(7), true), (json!(7.0), false), (json!("7"), false)] {
            assert_eq!(holds(&number, json!({"id": value})), met, "{value}");
        }
        let flag = condition("ok", &[ClaimValue::Flag(true)]);
        for (value, met) in [(json!(true), true), (json!("true"), false), (json!(1), false)] {
            assert_eq!(holds(&flag, json!({"ok": value})), met, "{value}");
        }
    }

    #[test]
    fn agp_s3_nested_claims_and_alternatives() {
        let namespace = condition("/kubernetes.io/namespace", &[text("jobs"), text("batch")]);
        let of = |value: Value| json!({"kubernetes.io": {"namespace": value}});
        assert!(holds(&namespace, of(json!("batch"))));
        assert!(!holds(&namespace, of(json!("jobs2"))));
        assert!(!holds(&namespace, json!({"kubernetes.io/namespace": "jobs"})));
        assert!(!holds(&namespace, json!({"namespace": "jobs"})));
    }

    #[test]
    fn agp_s3_patterns_stay_within_their_part() {
        for (pattern, value, met) in [
            ("refs/heads/*", "refs/heads/main", true),
            ("refs/heads/*", "refs/heads/", true),
            ("refs/heads/*", "refs/heads/a/b", false),
            ("refs/heads/**", "refs/heads/a/b", true),
            ("refs/heads/*", "xrefs/heads/main", false),
            (
                "repo:acme/*:ref:refs/heads/main",
                "repo:acme/app:ref:refs/heads/main",
                true,
            ),
            (
                "repo:acme/*:environment:prod",
                "repo:acme/app:pull_request:environment:prod",
                false,
            ),
            ("*-ci", "a-ci-ci", true),
            ("*-ci", "a-cix", false),
            ("a*b*c", "aXbXc", true),
            ("a*b*c", "ac", false),
            ("*", "", true),
            ("**", "a:/b", true),
        ] {
            let condition = condition("v", &[like(pattern)]);
            assert_eq!(holds(&condition, json!({"v": value})), met, "{pattern} {value}");
        }
        assert!(!holds(
            &condition("v", &[like("**")]),
            json!({"v": "x".repeat(1025)})
        ));
        assert!("main".parse::<Pattern>().is_err());
        assert!("*".repeat(257).parse::<Pattern>().is_err());
        // A star that is meant as one is one.
        assert!(!holds(&condition("v", &[text("*")]), json!({"v": "x"})));
    }

    #[test]
    fn agp_s3_what_asks_for_nothing_is_met_by_nobody() {
        let rule = |when: Vec<Condition>| Rule {
            name: "a".into(),
            when,
        };
        let claims = json!({"a": 1});
        let claims = claims.as_object().unwrap();
        assert!(met(&[rule(Vec::new())], claims).is_empty());
        assert!(met(&[rule(vec![condition("a", &[])])], claims).is_empty());
        assert!(!are_bounded(&[], &[rule(Vec::new())]));
        assert!(!are_bounded(&[condition("a", &[])], &[]));
        let good = rule(vec![condition("a", &[ClaimValue::Number(1)])]);
        assert!(are_bounded(&[], &[good.clone(), good.clone()]));
        assert_eq!(met(&[good.clone(), good], claims), ["a"]);
    }

    proptest! {
        /// Claims that nobody names change nothing.
        #[test]
        fn agp_s3_other_claims_do_not_matter(
            known in proptest::collection::btree_map("[abc]", "[xy]", 0..4),
            others in proptest::collection::btree_map("[d-z/*]{1,4}", proptest::collection::vec("[xy]", 0..3), 0..6),
        ) {
            let rule = |name: &str, claim, value| Rule {
                name: name.into(),
                when: vec![condition(claim, &[value])],
            };
            let rules = [rule("1", "a", text("x")), rule("2", "b", like("*")), rule("3", "/c", text("y"))];
            let all: Map<String, Value> = known.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            let more = others.iter().map(|(k, v)| (k.clone(), json!(v)));
            let more: Map<String, Value> = all.clone().into_iter().chain(more).collect();
            prop_assert_eq!(met(&rules, &all), met(&rules, &more));
        }

        /// What a pattern takes is what the plainest reading of it takes.
        #[test]
        fn agp_s3_patterns_fit_as_they_read(pattern in "[ab/*]{0,5}\\*[ab/*]{0,5}", text in "[ab/]{0,8}") {
            fn plainly(pattern: &[char], text: &[char]) -> bool {
                match pattern {
                    [] => text.is_empty(),
                    ['*', '*', rest @ ..] => (0..=text.len()).any(|n| plainly(rest, &text[n..])),
                    ['*', rest @ ..] => (0..=text.len())
                        .take_while(|n| !text[..*n].contains(&'/'))
                        .any(|n| plainly(rest, &text[n..])),
                    [one, rest @ ..] => text.first() == Some(one) && plainly(rest, &text[1..]),
                }
            }
            let (letters, read): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(pattern.parse::<Pattern>().unwrap().fits(&text), plainly(&letters, &read));
        }
    }
}
