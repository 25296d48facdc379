//! Floor 4: the control plane: who may administer what, and the record of what was done.
//!
//! One list of endpoints ([`api::ENDPOINTS`]) makes the routes, the OpenAPI document and the tests. A handler
//! *enters* a tenant, is *permitted* by policy, and what it does is *done* together with its audit record or
//! not at all ([`call`]). It never serves a path of the data plane, and the data listener never serves one
//! of these.

mod answer;
pub mod api;
pub mod call;
mod caller;
mod ceremony;
pub mod chargeback;
mod configuration;
mod content;
pub mod difference;
mod dispatch;
pub mod documents;
mod door;
mod etag;
mod export;
mod findings;
mod history;
mod host;
mod keys;
mod listener;
mod mode;
mod names;
mod offboarding;
mod openapi;
pub mod outlook;
pub mod own;
mod page;
pub mod prober;
pub mod problem;
mod provider;
pub mod reconciliation;
mod record;
pub mod rerate;
mod resource;
mod rules;
mod scim;
pub mod serving;
mod setup;
mod shadow;
pub mod sheets;
mod site;
pub mod texts;
pub mod versions;
pub mod why;

use std::sync::Arc;
use std::time::Duration;

use credential::Limits;
use domain::{Money, Operation, Permission, Secret, UnixMillis};
use policy::{Configured, Differences, Posture};
use rustls_pki_types::CertificateDer;
use store::{Signing, Store, StoreError};

use crate::call::Restraint;
use crate::door::Door;
use crate::findings::Credentials;
use crate::host::Hosts;
use crate::names::Newest;
use crate::prober::Prober;
use crate::provider::Providers;
use crate::rules::Rules;
use crate::serving::Serving;
use crate::setup::Offer;

pub use content::{ContentError, ContentKeys};
pub use findings::{CredentialSweeper, FindingsError, Patience};
pub use history::{Histories, HistoryError, Looked, Opened, Reason, Removed, Standing};
pub use keys::Keys;
pub use listener::serve;
pub use mode::Mode;
pub use names::Names;
pub use offboarding::{Ending, OffboardError, Offboarding, is_ending};
pub use openapi::document as openapi_document;

/// What virtual keys are made with unless the caller says otherwise.
#[derive(Debug, Clone)]
pub struct NewKeys {
    /// Limits.
    pub limits: Limits,
    /// Operations.
    pub operations: Vec<Operation>,
}

/// What wants a second person, beside what policies say.
#[derive(Debug, Clone)]
pub struct TwoPeople {
    /// These acts.
    pub acts: Vec<Permission>,
    /// Making a budget above this, or raising one to it.
    pub budgets_above: Option<Money>,
    /// The same of budgets of tokens, in tokens.
    pub token_budgets_above: Option<Money>,
    /// How long a wish waits for its decision, and an approval for its use.
    pub lasts: Duration,
}

/// What the control plane is made of.
#[derive(Debug)]
pub struct ControlParts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Which key signs the instance's logs, and certificates.
    pub signing: Arc<Signing>,
    /// What it derives from the master key.
    pub keys: Keys,
    /// What tries provider credentials.
    pub prober: Arc<dyn Prober>,
    /// Policies of both planes beside the built-in ones. They were checked before.
    pub policies: Configured,
    /// Whether versions that were activated are left out.
    pub ignore_activated: bool,
    /// Where this node keeps what policies that are tried out answer otherwise.
    pub differences: Arc<Differences>,
    /// How strict the instance is.
    pub posture: Posture,
    /// What new virtual keys get.
    pub new_keys: NewKeys,
    /// What wants a second person.
    pub two_people: TwoPeople,
    /// After how long credentials are reported.
    pub patience: Patience,
    /// Where people's browsers find it: scheme, host and port.
    pub public_url: String,
    /// Other names under which it is asked.
    pub hosts: Vec<String>,
    /// Authorities whose certificates are believed of identity providers, beside the system's.
    pub provider_authorities: Vec<CertificateDer<'static>>,
    /// How things are changed.
    pub mode: Mode,
    /// What the file configures.
    pub serving: Arc<dyn Serving>,
}

/// The control plane.
#[derive(Debug)]
pub struct Control {
    store: Arc<dyn Store>,
    signing: Arc<Signing>,
    content: ContentKeys,
    histories: Histories,
    offboarding: Offboarding,
    credentials: Credentials,
    keys: Keys,
    prober: Arc<dyn Prober>,
    rules: Rules,
    posture: Posture,
    new_keys: NewKeys,
    two_people: TwoPeople,
    public_url: String,
    hosts: Hosts,
    passkeys: Option<passkey::Site>,
    providers: Providers,
    mode: Mode,
    serving: Arc<dyn Serving>,
    names: Newest,
    door: Door,
    restraint: Restraint,
    setup: Offer,
}

impl Control {
    /// Puts it together.
    pub fn new(parts: ControlParts) -> Arc<Self> {
        Arc::new(Self {
            content: parts.keys.content_keys(parts.store.clone()),
            histories: Histories::new(
                parts.store.clone(),
                parts.keys.content_keys(parts.store.clone()),
                parts.signing.clone(),
            ),
            offboarding: Offboarding::new(parts.store.clone(), parts.signing.clone()),
            credentials: Credentials::new(parts.store.clone(), parts.patience),
            passkeys: passkey::Site::new(&parts.public_url, &parts.keys.made_up).ok(),
            hosts: Hosts::new(&parts.public_url, &parts.hosts),
            public_url: parts.public_url,
            providers: Providers::new(parts.posture == Posture::Development, parts.provider_authorities),
            store: parts.store,
            signing: parts.signing,
            keys: parts.keys,
            prober: parts.prober,
            rules: Rules::new(parts.policies, parts.ignore_activated, parts.differences),
            posture: parts.posture,
            new_keys: parts.new_keys,
            two_people: parts.two_people,
            mode: parts.mode,
            serving: parts.serving,
            names: Newest::default(),
            door: Door::default(),
            restraint: Restraint::default(),
            setup: Offer::default(),
        })
    }

    /// The configuration was read again, checked and found good: its policies are asked from the next request on.
    pub fn configure(&self, configured: Configured, ignore_activated: bool) {
        self.rules.configure(configured, ignore_activated);
    }

    /// A one-time token that makes the first administrator, unless there is one. Print it once.
    // threat: CTX-T2
    pub async fn offer_setup(&self, now: UnixMillis) -> Result<Option<Secret>, StoreError> {
        self.setup.make(self, now).await
    }
}
