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
mod dispatch;
mod door;
mod etag;
mod keys;
mod listener;
mod names;
mod openapi;
mod page;
pub mod prober;
pub mod problem;
mod record;
mod resource;
mod setup;

use std::sync::Arc;
use std::time::Duration;

use credential::Limits;
use domain::{Money, Operation, Permission, Secret, UnixMillis};
use policy::{Desk, Posture};
use store::{Store, StoreError};
use tokio::sync::OnceCell;

use crate::door::Door;
use crate::names::Newest;
use crate::prober::Prober;
use crate::problem::{Code, Problem};
use crate::setup::Offer;

pub use keys::Keys;
pub use listener::serve;
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
    /// How long a wish waits for its decision, and an approval for its use.
    pub lasts: Duration,
}

/// What the control plane is made of.
#[derive(Debug)]
pub struct ControlParts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The public key of the instance's logs, as `bartizan ledger key` prints it.
    pub verifier_text: String,
    /// What it derives from the master key.
    pub keys: Keys,
    /// What tries provider credentials.
    pub prober: Arc<dyn Prober>,
    /// Policies beside the built-in ones, by the names of their files. They were checked before.
    pub policies: Vec<(String, String)>,
    /// How strict the instance is.
    pub posture: Posture,
    /// What new virtual keys get.
    pub new_keys: NewKeys,
    /// What wants a second person.
    pub two_people: TwoPeople,
}

/// The control plane.
#[derive(Debug)]
pub struct Control {
    store: Arc<dyn Store>,
    verifier_text: String,
    keys: Keys,
    prober: Arc<dyn Prober>,
    policies: Vec<(String, String)>,
    desk: OnceCell<Arc<Desk>>,
    posture: Posture,
    new_keys: NewKeys,
    two_people: TwoPeople,
    names: Newest,
    door: Door,
    setup: Offer,
}

impl Control {
    /// Puts it together.
    pub fn new(parts: ControlParts) -> Arc<Self> {
        Arc::new(Self {
            store: parts.store,
            verifier_text: parts.verifier_text,
            keys: parts.keys,
            prober: parts.prober,
            policies: parts.policies,
            desk: OnceCell::new(),
            posture: parts.posture,
            new_keys: parts.new_keys,
            two_people: parts.two_people,
            names: Newest::default(),
            door: Door::default(),
            setup: Offer::default(),
        })
    }

    /// Who may do what. Put together at the first question: a gate that nobody administers neither waits
    /// for it nor keeps it in memory.
    async fn desk(self: &Arc<Self>) -> Result<Arc<Desk>, Problem> {
        let broken = |why: String| Problem {
            internal: Some(why),
            ..Problem::new(
                Code::Internal,
                "the policies cannot be asked, so nothing is permitted",
            )
        };
        let control = self.clone();
        let desk = self.desk.get_or_try_init(async || {
            let built = tokio::task::spawn_blocking(move || {
                let texts = control
                    .policies
                    .iter()
                    .map(|(name, text)| (name.as_str(), text.as_str()));
                Desk::new(&texts.collect::<Vec<_>>()).map_err(|error| error.to_string())
            });
            built
                .await
                .map_err(|error| broken(error.to_string()))?
                .map(Arc::new)
                .map_err(broken)
        });
        desk.await.cloned()
    }

    /// A one-time token that makes the first administrator, unless there is one. Print it once.
    // threat: CTX-T2
    pub async fn offer_setup(&self, now: UnixMillis) -> Result<Option<Secret>, StoreError> {
        self.setup.make(self, now).await
    }
}
