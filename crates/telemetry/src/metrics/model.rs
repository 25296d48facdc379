//! What is counted by model, under the names of OpenTelemetry's GenAI conventions where they fit.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::{Money, Usage};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

use super::catalogue::Catalogue;
use super::labels::TokenClass;

/// Models that may have series of their own.
const MODELS_MAX: usize = 500;

/// The model of those that have none.
pub(super) const OTHER: &str = "other";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabel {
    gen_ai_request_model: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    gen_ai_request_model: String,
    gen_ai_token_type: &'static str,
}

type Times = Family<ModelLabel, Histogram, fn() -> Histogram>;

/// The handles of one model.
#[derive(Debug)]
pub struct ModelMetrics {
    input: Counter,
    output: Counter,
    cache_read: Counter,
    cache_write: Counter,
    input_a_call: Histogram,
    output_a_call: Histogram,
    cost_nanos: Counter,
    first_token: Histogram,
    duration: Histogram,
}

impl ModelMetrics {
    /// Counts what a settled call used and cost.
    pub fn settled(&self, usage: &Usage, cost: Money) {
        self.input.inc_by(usage.input.saturating_add(usage.audio_input));
        self.output.inc_by(usage.output);
        self.cache_read.inc_by(usage.cache_read);
        self.cache_write.inc_by(usage.cache_written());
        self.input_a_call.observe(precise(usage.prompt()));
        self.output_a_call.observe(precise(usage.output));
        self.cost_nanos.inc_by(u64::try_from(cost.nanos()).unwrap_or(0));
    }

    /// Adds the time from the call to the upstream until its first token.
    pub fn first_token(&self, took: Duration) {
        self.first_token.observe(took.as_secs_f64());
    }

    /// Adds a whole call's time.
    pub fn duration(&self, took: Duration) {
        self.duration.observe(took.as_secs_f64());
    }
}

/// Token counts are far below where a float loses integers.
fn precise(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// All models.
#[derive(Debug)]
pub(super) struct Models {
    tokens: Family<TokenLabels, Counter>,
    usage: Family<TokenLabels, Histogram, fn() -> Histogram>,
    cost: Family<ModelLabel, Counter>,
    first_token: Times,
    duration: Times,
    known: RwLock<HashMap<String, Arc<ModelMetrics>>>,
}

const MODEL: &[&str] = &["gen_ai_request_model"];
const MODEL_AND_TYPE: &[&str] = &["gen_ai_request_model", "gen_ai_token_type"];

fn token_counts() -> Histogram {
    Histogram::new((0..14).map(|power| f64::from(4_u32.pow(power))))
}

fn call_times() -> Histogram {
    Histogram::new([
        0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84,
    ])
}

fn first_token_times() -> Histogram {
    Histogram::new([
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ])
}

impl Models {
    pub(super) fn register(catalogue: &mut Catalogue) -> Self {
        Self {
            tokens: catalogue.add(
                "counter",
                "bartizan_tokens_total",
                MODEL_AND_TYPE,
                "LLM tokens of settled calls by class; the classes do not overlap.",
                Family::default(),
            ),
            usage: catalogue.add(
                "histogram",
                "gen_ai_client_token_usage",
                MODEL_AND_TYPE,
                "LLM tokens of one call: whole prompt (`input`) and generated (`output`).",
                Family::new_with_constructor(token_counts as fn() -> Histogram),
            ),
            cost: catalogue.add(
                "counter",
                "bartizan_cost_nanos_total",
                MODEL,
                "What settled calls cost, in nano-US-dollars.",
                Family::default(),
            ),
            first_token: catalogue.add(
                "histogram",
                "gen_ai_server_time_to_first_token_seconds",
                MODEL,
                "Time from sending the call upstream to the first token of the answer.",
                Family::new_with_constructor(first_token_times as fn() -> Histogram),
            ),
            duration: catalogue.add(
                "histogram",
                "gen_ai_server_request_duration_seconds",
                MODEL,
                "Time of whole calls, from the request's head to the answer's last byte.",
                Family::new_with_constructor(call_times as fn() -> Histogram),
            ),
            known: RwLock::default(),
        }
    }

    pub(super) fn allow<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            if known.len() < MODELS_MAX && !known.contains_key(name) {
                known.insert(name.to_owned(), Arc::new(self.handles(name)));
            }
        }
    }

    pub(super) fn of(&self, name: &str) -> Arc<ModelMetrics> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match known.get(name).or_else(|| known.get(OTHER)) {
            Some(handles) => handles.clone(),
            None => {
                drop(known);
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                known
                    .entry(OTHER.to_owned())
                    .or_insert_with(|| Arc::new(self.handles(OTHER)))
                    .clone()
            }
        }
    }

    fn handles(&self, name: &str) -> ModelMetrics {
        let model = ModelLabel {
            gen_ai_request_model: name.to_owned(),
        };
        let class = |class: TokenClass| TokenLabels {
            gen_ai_request_model: name.to_owned(),
            gen_ai_token_type: class.as_str(),
        };
        ModelMetrics {
            input: self.tokens.get_or_create_owned(&class(TokenClass::Input)),
            output: self.tokens.get_or_create_owned(&class(TokenClass::Output)),
            cache_read: self.tokens.get_or_create_owned(&class(TokenClass::CacheRead)),
            cache_write: self.tokens.get_or_create_owned(&class(TokenClass::CacheWrite)),
            input_a_call: self.usage.get_or_create_owned(&class(TokenClass::Input)),
            output_a_call: self.usage.get_or_create_owned(&class(TokenClass::Output)),
            cost_nanos: self.cost.get_or_create_owned(&model),
            first_token: self.first_token.get_or_create_owned(&model),
            duration: self.duration.get_or_create_owned(&model),
        }
    }
}
