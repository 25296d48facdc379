//! What an application is for and not for, as it is written. Never looks at prompts or answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{TOPIC_WORD_BYTES_MAX, Topics as Engine, pattern};
use crate::action::Gate;
use crate::finding::Finding;

/// So many topics one list may have.
const TOPICS_MAX: usize = 64;
/// So many words one topic may have.
const WORDS_MAX: usize = 512;
/// So many words all topics of a list may have together: every plan keeps them.
const ALL_WORDS_MAX: usize = 2_048;
/// Under this name what touches no allowed topic is found.
pub(super) const OFF_TOPIC: &str = "off_topic";

/// What to do about topics that an application is not for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// In what callers send.
    pub input: Gate,
    /// In what models answer; only denied topics are looked for there.
    pub output: Gate,
    /// What must not be spoken of; each is found as `topic:<name>`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<Topic>,
    /// What is spoken of here, if given: what a user writes that touches none of it is found as `topic:off_topic`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Topic>,
    /// What a user writes in so few words, or fewer, is never off topic: thanks, yes, go on.
    pub from_words: u32,
}

/// One topic, told by its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// What it is called in records and refusals.
    pub name: String,
    /// Words and phrases, whatever their case, accents and lookalike letters; a `*` at the end stands for any rest of a word.
    pub words: Vec<String>,
    /// Texts that must be found: they are tried when settings are read, and what is not found is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// How many different words of the topic a text must have. Of an allowed topic one is enough.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub least: u8,
}

const fn one() -> u8 {
    1
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            input: Gate::Off,
            output: Gate::Off,
            deny: Vec::new(),
            allow: Vec::new(),
            from_words: 5,
        }
    }
}

/// The rule of a topic. Where several profiles of a call mean different things by one name, a digest of what is meant follows.
pub(super) fn rule(name: &str, digest: Option<&String>) -> String {
    match digest {
        None => format!("topic:{name}"),
        Some(digest) => format!("topic:{name}#{digest}"),
    }
}

fn short(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hasher
        .finalize()
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Topic {
    /// Tells it from others of the same name.
    pub(super) fn digest(&self) -> String {
        let mut parts: Vec<&[u8]> = vec![b"deny", self.name.as_bytes(), std::slice::from_ref(&self.least)];
        parts.extend(self.words.iter().map(String::as_bytes));
        short(&parts)
    }

    fn problems(&self, tell: &mut impl FnMut(String)) {
        let name = &self.name;
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
        if name.trim().is_empty() || name == OFF_TOPIC || !name.chars().all(is_plain) {
            tell(format!(
                "has a topic named `{name}`: give a name of letters, digits, `_` and `-`, other than `{OFF_TOPIC}`"
            ));
        }
        if self.words.is_empty() || self.words.len() > WORDS_MAX {
            tell(format!(
                "`{name}` has {} words: give 1 to {WORDS_MAX}",
                self.words.len()
            ));
        }
        for word in &self.words {
            match pattern(word) {
                None => tell(format!(
                    "`{name}` has the word `{word}`, in which no letter or digit is: take it out"
                )),
                Some(text) if text.len() > TOPIC_WORD_BYTES_MAX => {
                    tell(format!(
                        "`{name}` has a phrase of more than {TOPIC_WORD_BYTES_MAX} bytes: shorten it"
                    ));
                }
                Some(_) => {}
            }
        }
        if self.least == 0 || usize::from(self.least) > self.words.len().max(1) {
            tell(format!(
                "`{name}` asks for {} different words: give 1 to as many as it has",
                self.least
            ));
        }
    }

    /// The first example that is not found.
    fn unfound(&self) -> Option<usize> {
        let alone = Topics {
            deny: vec![self.clone()],
            ..Topics::default()
        };
        let engine = Engine::new(std::iter::once(&alone));
        self.examples.iter().position(|example| {
            let mut found = Vec::new();
            engine.scan(example, false, &mut found);
            found.is_empty()
        })
    }
}

impl Topics {
    /// Tells the allowed topics from those of other settings.
    pub(super) fn allow_digest(&self) -> String {
        let count = self.from_words.to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![b"allow", &count];
        parts.extend(
            self.allow
                .iter()
                .flat_map(|topic| &topic.words)
                .map(String::as_bytes),
        );
        short(&parts)
    }

    /// Whether a finding is of these settings.
    pub(crate) fn wants(&self, finding: &Finding) -> bool {
        let is = |name: &str, digest: &dyn Fn() -> String| {
            let rest = finding
                .rule
                .strip_prefix("topic:")
                .and_then(|rest| rest.strip_prefix(name));
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.strip_prefix('#').is_some_and(|it| it == digest())
            })
        };
        self.deny.iter().any(|topic| is(&topic.name, &|| topic.digest()))
            || (!self.allow.is_empty() && is(OFF_TOPIC, &|| self.allow_digest()))
    }

    /// What of it cannot be done, with where it stands.
    pub(crate) fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (at, topics) in [("topics.deny", &self.deny), ("topics.allow", &self.allow)] {
            if topics.len() > TOPICS_MAX {
                problems.push((at, format!("has more than {TOPICS_MAX} topics: join some")));
            }
            let words: usize = topics.iter().map(|topic| topic.words.len()).sum();
            if words > ALL_WORDS_MAX {
                problems.push((at, format!("has {words} words: leave {ALL_WORDS_MAX} or fewer")));
            }
            for (number, topic) in topics.iter().enumerate() {
                let known = problems.len();
                topic.problems(&mut |what| problems.push((at, what)));
                if topics.iter().take(number).any(|other| other.name == topic.name) {
                    problems.push((at, format!("names `{}` twice: join the two", topic.name)));
                }
                if problems.len() == known
                    && let Some(example) = topic.unfound()
                {
                    let what = format!(
                        "`{}` does not find its example {}: add the words that should",
                        topic.name,
                        example + 1
                    );
                    problems.push((at, what));
                }
            }
        }
        problems
    }
}
