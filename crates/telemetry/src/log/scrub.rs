//! The scrubber: what it passes holds no credential it could know of, by shape, by name or by text.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::AhoCorasick;
use domain::Secret;
use guard::{Finding, Kind, Secrets, redact};

use super::decode::{LAYERS_MAX, decode};
use super::{fields, literals};

/// Replaces credentials in text. Clones share what is registered.
#[derive(Debug, Clone, Default)]
pub struct Scrubber(Arc<Inner>);

#[derive(Default)]
struct Inner {
    shapes: Secrets,
    literals: RwLock<Literals>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Literals {
    spellings: Vec<String>,
    automaton: Option<AhoCorasick>,
}

impl Scrubber {
    /// One that knows shapes and field names only.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on this text is replaced wherever it occurs, also escaped or encoded. Texts under six bytes are not
    /// taken: they would match by chance.
    // threat: AGP-I1
    // threat: AGP-CRED-3.1
    pub fn register(&self, secret: &Secret) {
        self.register_all(std::iter::once(secret));
    }

    /// As [`Scrubber::register`] for many, in one rebuild.
    pub fn register_all<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut literals = self.0.literals.write().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets {
            literals
                .spellings
                .extend(literals::spellings(secret.expose().trim()));
        }
        literals.spellings.sort_unstable();
        literals.spellings.dedup();
        literals.automaton = literals::automaton(&literals.spellings);
    }

    /// The text without credentials; not copied when there are none.
    #[must_use]
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut found = Vec::new();
        fields::scan(text, &mut found);
        self.scan(text, &mut found);
        // What is escaped is looked at as it was before, layer by layer.
        let mut layer = decode(text);
        for _ in 0..LAYERS_MAX {
            let Some(decoded) = layer else { break };
            let mut deep = Vec::new();
            self.scan(&decoded.text, &mut deep);
            found.extend(deep.into_iter().map(|it| Finding {
                span: decoded.in_line(&it.span),
                ..it
            }));
            layer = decoded.deeper();
        }
        if found.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(redact(text, &found))
        }
    }

    fn scan(&self, text: &str, found: &mut Vec<Finding>) {
        self.known(text, found);
        self.0.shapes.scan(text, found);
    }

    fn known(&self, text: &str, found: &mut Vec<Finding>) {
        let literals = self.0.literals.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(automaton) = &literals.automaton {
            let registered = |span| Finding {
                span,
                rule: "registered".into(),
                category: "",
                kind: Kind::Secret,
                score: guard::SURE,
            };
            found.extend(
                automaton
                    .find_iter(text)
                    .map(|literal| registered(literal.range())),
            );
        }
    }
}
