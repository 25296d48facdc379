//! The catalog: what is known of models, and what they cost from when on.
//!
//! Data, not code: `catalog/models.json` is built in, an operator's overrides are laid over it. Every
//! change gives another [`Catalog::version`], and entries name the version they were priced by.

use std::collections::HashMap;
use std::sync::Arc;

use domain::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::Price;

mod dated;
mod file;
mod import;
mod line;
pub(crate) mod name;
mod overrides;

pub use dated::Dated;
pub use import::{ImportError, Imported, Listing};
pub use line::LeftOut;
pub use overrides::Override;

/// A catalog that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// Not JSON of the catalog's shape.
    #[error("the catalog cannot be read: {0}")]
    Malformed(String),
    /// Of a format that is not known here.
    #[error("the catalog has format {0}, not 1")]
    Format(u32),
    /// A model is described in a way that makes no sense.
    #[error("model `{model}`: {what}")]
    Model {
        /// Which.
        model: String,
        /// What is wrong.
        what: String,
    },
}

/// What a model can be asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capabilities {
    /// Conversations.
    pub chat: bool,
    /// Plain text completion.
    pub completion: bool,
    /// Vectors of texts.
    pub embeddings: bool,
    /// Calling tools in a conversation.
    pub tools: bool,
    /// Images in a conversation.
    pub vision: bool,
}

/// What is known of a model at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// What it costs; `None` if nobody knows, which is not the same as nothing.
    pub price: Option<Price>,
    /// Prompt and output together.
    pub context_tokens: Option<u64>,
    /// The most it generates in one call.
    pub max_output_tokens: Option<u64>,
    /// What it can be asked for.
    pub capabilities: Capabilities,
}

/// All models, as known from some time on.
#[derive(Debug, Clone)]
pub struct Catalog {
    version: String,
    exact: HashMap<(String, String), Arc<Model>>,
    /// By provider; the pattern with most letters first.
    patterns: HashMap<String, Vec<(String, Arc<Model>)>>,
}

/// One model through time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    /// Before the first price.
    unpriced: ModelFacts,
    /// From when on which facts hold, oldest first.
    dated: Vec<(UnixMillis, ModelFacts)>,
}

impl Model {
    fn at(&self, at: UnixMillis) -> &ModelFacts {
        let current = self.dated.iter().rev().find(|(from, _)| *from <= at);
        current.map_or(&self.unpriced, |(_, facts)| facts)
    }

    fn prices(&self) -> Dated {
        let always = self.unpriced.price.map(|price| (UnixMillis(i64::MIN), price));
        let dated = self
            .dated
            .iter()
            .filter_map(|(from, facts)| Some((*from, facts.price?)));
        Dated::new(always.into_iter().chain(dated).collect())
    }

    /// This one, and before its first price what was known already.
    fn over(&self, base: &Self) -> Self {
        let first = self.dated.first().map_or(UnixMillis(i64::MAX), |(from, _)| *from);
        let before = base.dated.iter().filter(|(from, _)| *from < first);
        Self {
            unpriced: ModelFacts {
                price: base.unpriced.price.or(self.unpriced.price),
                ..self.unpriced
            },
            dated: before.chain(&self.dated).copied().collect(),
        }
    }
}

impl Catalog {
    /// Reads a catalog file; `catalog/README.md` describes the format.
    pub fn parse(json: &str) -> Result<Self, CatalogError> {
        file::read(json)
    }

    /// The catalog that comes with the program.
    pub fn builtin() -> Result<Self, CatalogError> {
        Self::parse(include_str!("../../../catalog/models.json"))
    }

    /// The same catalog with another file's models laid over it. A model of the file stands for the one of the same
    /// name here, whose prices go on holding until the first of the file's.
    pub fn overlaid(&self, json: &str) -> Result<Self, CatalogError> {
        let file = file::read(json)?;
        let mut laid = self.clone();
        let exact = file
            .exact
            .iter()
            .map(|((provider, name), model)| (provider, name, model));
        let patterns = file
            .patterns
            .iter()
            .flat_map(|(provider, all)| all.iter().map(move |(pattern, model)| (provider, pattern, model)));
        for (provider, name, model) in exact.chain(patterns) {
            let model = match self.named(provider, name) {
                Some(base) => Arc::new(model.over(base)),
                None => Arc::clone(model),
            };
            laid.put(provider, name, model);
        }
        laid.version = file::digest(&[self.version.as_bytes(), file.version.as_bytes()]);
        Ok(laid)
    }

    /// The same catalog with an operator's own facts laid over it, later ones over earlier ones.
    #[must_use]
    pub fn with_overrides(&self, overrides: &[Override]) -> Self {
        overrides::lay_over(self, overrides)
    }

    /// Which catalog this is: a digest of all its contents, twelve hex digits.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What is known of a provider's model at a time: by its exact name or an alias, else by the name
    /// without a date or `-latest` at its end, else by the pattern with most letters that fits.
    pub fn find(&self, provider: &str, model: &str, at: UnixMillis) -> Option<&ModelFacts> {
        self.model(provider, model).map(|model| model.at(at))
    }

    /// What a provider's model costs through time, found as [`Self::find`] does.
    pub fn prices(&self, provider: &str, model: &str) -> Dated {
        self.model(provider, model)
            .map(|model| model.prices())
            .unwrap_or_default()
    }

    /// Every provider's name and model's name or pattern, sorted.
    pub fn all(&self) -> Vec<(&str, &str)> {
        let exact = self
            .exact
            .keys()
            .map(|(provider, name)| (provider.as_str(), name.as_str()));
        let patterns = self.patterns.iter().flat_map(|(provider, all)| {
            all.iter()
                .map(|(pattern, _)| (provider.as_str(), pattern.as_str()))
        });
        let mut all: Vec<_> = exact.chain(patterns).collect();
        all.sort_unstable();
        all
    }

    /// The model listed under exactly this name or pattern.
    fn named(&self, provider: &str, name: &str) -> Option<&Arc<Model>> {
        let listed = self.exact.get(&(provider.to_owned(), name.to_owned()));
        listed.or_else(|| {
            let patterns = self.patterns.get(provider)?;
            let found = patterns.iter().find(|(pattern, _)| pattern == name);
            found.map(|(_, model)| model)
        })
    }

    /// Names of a provider's models, aliases included, patterns left out; sorted.
    pub fn names(&self, provider: &str) -> Vec<&str> {
        let mut names: Vec<_> = self
            .exact
            .keys()
            .filter(|(owner, _)| owner == provider)
            .map(|(_, name)| name.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    fn model(&self, provider: &str, model: &str) -> Option<&Arc<Model>> {
        let exact = |name: &str| self.exact.get(&(provider.to_owned(), name.to_owned()));
        exact(model)
            .or_else(|| name::undated(model).and_then(exact))
            .or_else(|| {
                let patterns = self.patterns.get(provider)?;
                patterns
                    .iter()
                    .find(|(pattern, _)| name::fits(pattern, model))
                    .map(|(_, model)| model)
            })
    }

    /// Makes `model` the answer for a name or pattern; the last one put wins.
    fn put(&mut self, provider: &str, name: &str, model: Arc<Model>) {
        if !name.contains('*') {
            self.exact.insert((provider.to_owned(), name.to_owned()), model);
            return;
        }
        let patterns = self.patterns.entry(provider.to_owned()).or_default();
        patterns.retain(|(pattern, _)| pattern != name);
        patterns.push((name.to_owned(), model));
        patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(name::letters(pattern)));
    }
}
