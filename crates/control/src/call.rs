//! One request on its way: what it asks, who asks, and the steps that every act takes. An act is *entered*
//! (its tenant is one the caller may know of), *permitted* (by policy) and then *done* (with its audit
//! record, or not at all). Each step returns the only key to the next.

mod bulk;
mod done;
mod own;
mod pages;
mod permit;
mod records;
mod restraint;
mod second;

use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use domain::{TenantId, TenantScope, UnixMillis};
use http::header::{ACCEPT, IF_MATCH};
use http::{HeaderMap, HeaderName};
use policy::Desk;
use serde::Serialize;

use crate::Control;
use crate::answer::Answer;
use crate::api::Endpoint;
use crate::caller::Caller;
use crate::etag;
use crate::names::Names;
use crate::page;
use crate::problem::{Code, Problem};
use crate::shadow::Shadow;

pub use done::Deed;
pub use own::Own;
pub use permit::{Entered, Permitted, Weight, id_in_body};
pub use restraint::Restraint;
pub use second::{APPROVAL, APPROVAL_REASON, Second};

/// Makes a request that comes again do nothing again.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Why a handler ends early.
#[derive(Debug)]
pub enum Stop {
    /// It says no.
    Problem(Box<Problem>),
    /// It was asked before, and this is what it said.
    Replayed(Box<Answer>),
    /// It waits for a second person.
    Waits(Box<Answer>),
}

impl<T: Into<Problem>> From<T> for Stop {
    fn from(problem: T) -> Self {
        Self::Problem(Box::new(problem.into()))
    }
}

/// What handlers return.
pub type Done = Result<Answer, Stop>;

/// One request.
#[derive(Debug)]
pub struct Call {
    /// The control plane.
    pub control: Arc<Control>,
    /// What is asked.
    pub endpoint: &'static Endpoint,
    /// Tenants, teams, keys and budgets at the request's moment.
    pub names: Arc<Names>,
    /// When it came.
    pub now: UnixMillis,
    /// From where.
    pub address: IpAddr,
    pub(super) desk: Arc<Desk>,
    pub(super) shadow: Option<Arc<Shadow>>,
    pub(super) caller: Option<Caller>,
    pub(super) headers: HeaderMap,
    pub(super) parameters: HashMap<String, String>,
    pub(super) query: HashMap<String, String>,
    pub(super) body_digest: String,
}

impl Call {
    /// Whoever is signed in.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(|| {
            Problem::new(
                Code::Unauthenticated,
                "sign in at `POST /api/v1/sessions` and send its token as `Authorization: Bearer …`",
            )
        })
    }

    /// An id in the path. What is no id is not there.
    pub fn id<T: FromStr>(&self, name: &str) -> Result<T, Problem> {
        let text = self.parameters.get(name).ok_or_else(Problem::not_found)?;
        text.parse().map_err(|_| Problem::not_found())
    }

    /// The tenant in the path; `platform` is the platform's own.
    pub(super) fn tenant_id(&self) -> Result<TenantId, Problem> {
        match self.parameters.get("tenant").map(String::as_str) {
            Some("platform") => Ok(TenantId::PLATFORM),
            _ => self.id("tenant"),
        }
    }

    /// A parameter of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A parameter of the query that reads as `T`.
    pub fn query_as<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let read = |text: &str| {
            text.parse()
                .map_err(|_| Problem::new(Code::Malformed, format!("`{name}` does not read")))
        };
        self.query(name).map(read).transpose()
    }

    /// Whether the answer shall be YAML.
    pub fn wants_yaml(&self) -> bool {
        let accepted = self.headers.get_all(ACCEPT).iter();
        let mut kinds = accepted
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','));
        kinds.any(|kind| {
            matches!(
                essence(kind),
                "application/yaml" | "text/yaml" | "application/x-yaml"
            )
        })
    }

    /// Whether nothing shall be done, only tried.
    pub fn is_dry_run(&self) -> bool {
        self.query("dry_run").is_some_and(|text| text != "false")
    }

    /// Whether the caller changes what it last saw.
    // threat: ANP-0022
    pub fn must_match<T: Serialize>(&self, view: &T) -> Result<(), Problem> {
        etag::must_match(view, self.headers.get(IF_MATCH))
    }

    /// What names this list: cursors fit no other.
    pub fn list_name(&self) -> String {
        let mut filters: Vec<_> = self
            .query
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "cursor" | "limit"))
            .collect();
        filters.sort();
        let mut parameters: Vec<_> = self.parameters.iter().collect();
        parameters.sort();
        format!("{} {parameters:?} {filters:?}", self.endpoint.path)
    }

    /// Where the page begins, and how many items it may have.
    pub fn page(&self) -> Result<(Option<String>, usize), Problem> {
        let limit = page::limit(self.query("limit"))?;
        let cursors = &self.control.keys.cursors;
        let after = self
            .query("cursor")
            .map(|text| cursors.open(&self.list_name(), text));
        Ok((after.transpose()?, limit))
    }

    /// The scope of the caller's own tenant.
    pub(super) fn own_scope(&self) -> Result<TenantScope, Problem> {
        Ok(TenantScope::operator(self.caller()?.tenant))
    }
}

/// A media type without its parameters.
fn essence(kind: &str) -> &str {
    kind.split(';').next().unwrap_or_default().trim()
}
