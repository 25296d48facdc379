//! Models as callers name them, and what they cost.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Dollars;

/// A name that callers may ask for, and what serves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What callers ask for; unique.
    pub name: String,
    /// What serves it: lower `priority` first, by `weight` among equals.
    pub targets: Vec<Target>,
    /// Output tokens allowed to a caller who names no bound, and the most that one may name. Left out: the
    /// gate's `limits.output_tokens_default`, and no upper bound but the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u32>,
}

/// One provider's model that serves a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A provider's name.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// Share among targets of the same priority.
    #[serde(default = "one")]
    pub weight: u32,
    /// Lower is tried first.
    #[serde(default)]
    pub priority: u32,
}

const fn one() -> u32 {
    1
}

/// What models cost, where the built-in price list does not say or is not right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// What to do about a model without a price.
    pub unpriced: Unpriced,
    /// Price lists laid over the built-in one, later ones over earlier ones: files in the form of its own, as
    /// `bartizan prices import` writes them. Read at the start and when this configuration is read again.
    pub files: Vec<PathBuf>,
    /// Prices that come before every list's.
    pub overrides: Vec<PriceOverride>,
}

/// What to do about a model without a price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unpriced {
    /// Refuse it: no budget could hold it.
    #[default]
    Refuse,
    /// Serve it at no cost.
    AllowFree,
}

/// What one provider's model costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceOverride {
    /// A provider's name.
    pub provider: String,
    /// The provider's name for the model; `*` is every model of it.
    pub model: String,
    /// Dollars for a million prompt tokens.
    pub input_per_million: Dollars,
    /// Dollars for a million generated tokens.
    pub output_per_million: Dollars,
    /// Dollars for a million prompt tokens read from the provider's cache. Left out: the input's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_per_million: Option<Dollars>,
    /// Dollars for a million prompt tokens written to the provider's cache. Left out: the input's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_per_million: Option<Dollars>,
    /// Dollars for a million prompt tokens written to the provider's cache for longer than usual. Left out: as those
    /// written for the usual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_long_per_million: Option<Dollars>,
    /// Dollars for every call, whatever it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Dollars>,
}
