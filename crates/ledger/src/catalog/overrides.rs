//! An operator's own facts, laid over the catalog.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::file::digest;
use super::{Capabilities, Catalog, Model, ModelFacts, name};
use crate::Price;

/// What an operator knows better. What it leaves out stays as the catalog has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Whose model.
    pub provider: String,
    /// Its name, or a pattern with `*`.
    pub model: String,
    /// What it costs, at all times.
    #[serde(default)]
    pub price: Option<Price>,
    /// As [`ModelFacts::context_tokens`].
    #[serde(default)]
    pub context_tokens: Option<u64>,
    /// As [`ModelFacts::max_output_tokens`].
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
    /// As [`ModelFacts::capabilities`].
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
}

impl Override {
    /// Facts with this laid over them.
    fn facts(&self, base: &ModelFacts) -> ModelFacts {
        ModelFacts {
            price: self.price.or(base.price),
            context_tokens: self.context_tokens.or(base.context_tokens),
            max_output_tokens: self.max_output_tokens.or(base.max_output_tokens),
            capabilities: self.capabilities.unwrap_or(base.capabilities),
        }
    }

    fn model(&self, base: &Model) -> Arc<Model> {
        let dated = base
            .dated
            .iter()
            .map(|(from, facts)| (*from, self.facts(facts)))
            .collect();
        Arc::new(Model {
            unpriced: self.facts(&base.unpriced),
            dated,
        })
    }

    /// Whether the catalog's name or pattern is covered by this one. A dated name that the catalog lists
    /// by itself is not covered by the plain one: it is listed because it differs.
    fn covers(&self, named: &str) -> bool {
        self.model == named || name::fits(&self.model, named)
    }
}

pub(super) fn lay_over(catalog: &Catalog, overrides: &[Override]) -> Catalog {
    let mut catalog = catalog.clone();
    for one in overrides {
        lay_one(&mut catalog, one);
        let text = serde_json::to_vec(one).unwrap_or_default();
        catalog.version = digest(&[catalog.version.as_bytes(), &text]);
    }
    catalog
}

/// Changes what the catalog already names, and adds the name or pattern itself.
fn lay_one(catalog: &mut Catalog, one: &Override) {
    let nothing = Model {
        unpriced: ModelFacts::default(),
        dated: Vec::new(),
    };
    let own = one.model(
        catalog
            .model(&one.provider, &one.model)
            .map_or(&nothing, |found| found.as_ref()),
    );
    for ((provider, named), model) in &mut catalog.exact {
        if *provider == one.provider && one.covers(named) {
            *model = one.model(model);
        }
    }
    for (pattern, model) in catalog.patterns.get_mut(&one.provider).into_iter().flatten() {
        if one.covers(pattern) {
            *model = one.model(model);
        }
    }
    catalog.put(&one.provider, &one.model, own);
}
