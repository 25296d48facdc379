//! The port to what the file configures, as the serving instance has it now. Read only, and without secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use domain::TenantId;
use exports::{Pricing, Unpriced};
use ledger::Dated;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use upstream::Reach;

/// A model that can be asked for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ServedModel {
    /// The name to ask for.
    pub name: String,
    /// Output tokens a call may ask for at most, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u64>,
    /// Who serves it, those of the lowest `priority` first.
    pub targets: Vec<ServedTarget>,
}

/// One way to have a model served.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ServedTarget {
    /// The provider's name.
    pub provider: String,
    /// The provider's own name of the model.
    pub model: String,
    /// Its share among those of the same priority.
    pub weight: u32,
    /// Lower is tried first.
    pub priority: u32,
    /// A million tokens of prompt as the tenant is charged for it, in nano-dollars; without a price when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_nanos_per_million: Option<u64>,
    /// A million tokens of output as the tenant is charged for it, in nano-dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_nanos_per_million: Option<u64>,
    /// A million tokens of prompt by the list, in nano-dollars, where a price sheet says another price: for who may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_input_nanos_per_million: Option<u64>,
    /// A million tokens of output by the list, the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_output_nanos_per_million: Option<u64>,
    /// The most it generates in one answer, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u64>,
}

/// A provider, for those who run the instance.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ServedProvider {
    /// Its name.
    pub name: String,
    /// `openai` or `anthropic`: what it speaks.
    pub kind: &'static str,
    /// Where it is.
    pub base_url: String,
    /// Whether it is called with a credential; what that is, is shown nowhere.
    pub has_credential: bool,
    /// How its models fare on this node.
    pub targets: Vec<TargetHealth>,
}

/// How one target fares on this node.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TargetHealth {
    /// The provider's own name of the model.
    pub model: String,
    /// `closed` when calls go there, `open` when they do not, `half_open` when one may try.
    pub breaker: &'static str,
}

/// Somebody who is told of acts.
#[derive(Debug, Clone)]
pub struct ServedSink {
    /// Its name in the configuration.
    pub name: String,
    /// In which way it is told.
    pub kind: &'static str,
}

/// What is served now.
pub trait Serving: Debug + Send + Sync {
    /// Models by name.
    fn models(&self) -> Vec<ServedModel>;
    /// Providers by name.
    fn providers(&self) -> Vec<ServedProvider>;
    /// Names of the providers that a provider bills, by whom the price list knows it as.
    fn billed_by(&self, name: &str) -> BTreeSet<String> {
        BTreeSet::from([name.to_owned()])
    }
    /// Those who are told of acts.
    fn sinks(&self) -> Vec<ServedSink>;
    /// Where tenants may have something delivered.
    fn reach(&self) -> Reach {
        Reach::Public(Arc::default())
    }
    /// Domains that mail for tenants may be to, any when there are none; `None` if none is sent.
    fn mail_domains(&self) -> Option<Vec<String>> {
        None
    }
    /// The instance's guard profiles.
    fn guard_profiles(&self) -> Vec<guard::Profile> {
        Vec::new()
    }
    /// How texts of this tenant's are judged that any of its calls may take up; `own` is what it asks beyond the instance.
    fn text_guards(&self, tenant: (TenantId, &str), own: Option<&guard::Ready>) -> guard::Plan {
        let instance = (guard::Families::default(), guard::Profiles::default());
        guard::Plans::new(guard::Guards::default(), instance.0, instance.1).of_texts(tenant, own)
    }
    /// The configuration in force; secrets as references.
    fn settings(&self) -> Value;
    /// The prices in force.
    fn pricing(&self) -> Arc<dyn Pricing> {
        Arc::new(Unpriced)
    }

    /// Where each provider is, of those of which that is said.
    fn regions(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
    /// What each target costs by the list, through time, by `provider/upstream-model`.
    fn prices(&self) -> BTreeMap<String, Dated> {
        BTreeMap::new()
    }
}
