//! What reports tell calls apart by, and how it is kept: as JSON, named by its digest.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use domain::{ActorId, KeyId, Operation, ProjectId, TeamId};
use ledger::{Labels, Outcome, Posting};
use serde::{Deserialize, Serialize};

use super::{Counts, Dimension, Sums};
use crate::row::{REFUSED, outcome_name, text};

/// The first half of the SHA-256 of what is kept.
pub type SeriesId = [u8; 16];

/// Where an entry has no value.
const NOTHING: &str = "-";

/// Everything that calls are told apart by. Kept for ever: a field that is added must be left out where it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The key's team.
    pub team: TeamId,
    /// The key's project.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub project: Option<ProjectId>,
    /// The key.
    pub key: KeyId,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<ActorId>,
    /// The model the caller named, as columns keep it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// `provider/upstream-model` that served it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// The key's tags.
    #[serde(skip_serializing_if = "no_tags", default)]
    pub tags: Arc<[String]>,
    /// What the caller said of the call.
    #[serde(skip_serializing_if = "Labels::is_empty", default)]
    pub labels: Labels,
    /// What was asked.
    pub operation: Operation,
    /// How it ended: the outcome's stable name.
    pub outcome: String,
    /// Whether the gate's own cache answered.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub cached: bool,
    /// The price list the cost was reckoned by.
    pub price_version: String,
}

fn no_tags(tags: &Arc<[String]>) -> bool {
    tags.is_empty()
}

impl Series {
    /// An entry's.
    pub fn of(posting: &Posting) -> Self {
        Self {
            team: posting.team,
            project: posting.project,
            key: posting.key,
            owner: posting.owner,
            model: posting.model.as_deref().map(text),
            target: posting.target.as_deref().map(text),
            tags: posting.tags.clone(),
            labels: posting.labels.clone(),
            operation: posting.operation,
            outcome: outcome_name(&posting.outcome).to_owned(),
            cached: posting.cached,
            price_version: text(&posting.price_version),
        }
    }

    /// As it is kept, and its name.
    pub fn said(&self) -> (SeriesId, String) {
        // Serialising plain structs of strings into memory does not fail.
        let said = serde_json::to_string(self).unwrap_or_default();
        let mut id = SeriesId::default();
        let whole = digest(&SHA256, said.as_bytes());
        for (to, from) in id.iter_mut().zip(whole.as_ref()) {
            *to = *from;
        }
        (id, said)
    }

    /// What these counts of this series mean in a report.
    pub fn sums(&self, counts: &Counts) -> Sums {
        let if_so = |is_so: bool| if is_so { counts.requests } else { 0 };
        // Of a correction nobody knows whether its call was answered.
        let outcomes = [Outcome::Completed, Outcome::Adjusted];
        let is_paid_for = outcomes
            .iter()
            .any(|outcome| self.outcome == outcome_name(outcome));
        Sums {
            requests: counts.requests,
            refused: if_so(self.outcome == REFUSED),
            failed: if_so(matches!(self.outcome.as_str(), "upstream_failed" | "interrupted")),
            cached: if_so(self.cached),
            tokens: counts.tokens,
            cost: counts.cost,
            wasted: if is_paid_for {
                domain::Money::ZERO
            } else {
                counts.cost
            },
        }
    }

    /// Who served it.
    pub fn provider(&self) -> Option<&str> {
        let target = self.target.as_deref()?;
        Some(target.split_once('/').map_or(target, |(provider, _)| provider))
    }

    /// Its values of a dimension: one, but of tags as many as the key has.
    pub(super) fn values(&self, dimension: &Dimension, regions: &BTreeMap<String, String>) -> Vec<String> {
        fn one(value: Option<impl ToString>) -> Vec<String> {
            vec![value.map_or_else(|| NOTHING.to_owned(), |value| value.to_string())]
        }
        match dimension {
            Dimension::Team => one(Some(self.team)),
            Dimension::Project => one(self.project),
            Dimension::Key => one(Some(self.key)),
            Dimension::Owner => one(self.owner),
            Dimension::Model => one(self.model.as_ref()),
            Dimension::Provider => one(self.provider()),
            Dimension::Target => one(self.target.as_ref()),
            Dimension::Region => one(self.provider().and_then(|provider| regions.get(provider))),
            Dimension::Tag if !self.tags.is_empty() => self.tags.to_vec(),
            Dimension::Tag => one(None::<&str>),
            Dimension::Label(name) => one(self.labels.get(name)),
            Dimension::Operation => one(Some(self.operation.as_str())),
            Dimension::Outcome => one(Some(&self.outcome)),
            Dimension::Cached => one(Some(self.cached)),
            Dimension::PriceVersion => one(Some(&self.price_version)),
        }
    }
}
