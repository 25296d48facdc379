//! What is asked and what is answered.

use std::net::IpAddr;

use credential::KeyRecord;
use domain::{DataClass, Operation, Principal, TenantId};
use serde::Serialize;

use crate::{Moment, Posture, Thing};

/// May this key do this, with this model?
///
/// Everything in it was established by the gate. Nothing is taken from the caller on trust but what
/// the call itself is: the model it names and what it carries.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who acts.
    pub principal: &'a Principal,
    /// The record of the key that was presented: its model and operation lists.
    pub key: &'a KeyRecord,
    /// What people call the principal's tenant.
    pub tenant_name: &'a str,
    /// What people call the principal's team.
    pub team_name: &'a str,
    /// What is asked for.
    pub operation: Operation,
    /// The model, by the name the caller asks for. `None` only for the listing of models.
    pub model: Option<&'a str>,
    /// The tenant whose configuration knows the model (or whose listing is asked for). Not the
    /// principal's tenant copied over: where the thing was found.
    pub owner: TenantId,
    /// What is asked about where it is not the model itself, such as a target of it.
    pub thing: Option<Thing<'a>>,
    /// The provider that would serve it, when that is known before routing.
    pub provider: Option<&'a str>,
    /// The answer is to be streamed.
    pub stream: bool,
    /// The call offers tools to the model.
    pub tools: bool,
    /// The call carries images.
    pub images: bool,
    /// How much harm it does when what the call carries gets about, as its caller says. Counts only where it
    /// is more than the key's.
    pub data_class: Option<DataClass>,
    /// Where the connection comes from.
    pub address: Option<IpAddr>,
    /// How strict the instance is.
    pub posture: Posture,
    /// When the call comes; [`Moment::ANY`] when no policy reads it.
    pub moment: Moment,
}

/// The answer, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it may be done.
    pub permit: bool,
    /// The policies that decided, by their `@id`, sorted. Empty when nothing permitted it.
    pub policies: Vec<String>,
    /// What the caller can do about a "no": the `@reason` of a policy that forbids it, and only when nothing
    /// else stands in the way. May be told to the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What went wrong while deciding. Whatever it was, the answer is then "no".
    pub error: Option<String>,
}

impl Decision {
    pub(crate) const fn failed(error: String) -> Self {
        Self {
            permit: false,
            policies: Vec::new(),
            reason: None,
            error: Some(error),
        }
    }
}
