//! Stage 2: who calls. The tenant comes from the credential and from nothing else.

use std::sync::Arc;

use credential::{KeyProblem, VirtualKey};
use dialect::Endpoint;
use domain::Threat;
use http::HeaderValue;
use store::TenantState;

use super::accept::{Accepted, Wanted};
use crate::directory::{Arrived, KeyEntry};
use crate::gate::{Gate, View};
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Model;
use crate::ticket::{Opening, Ticket};

/// A request whose caller is known.
#[derive(Debug)]
pub struct Identified {
    pub(super) accepted: Accepted,
    pub(super) view: Arc<View>,
    pub(super) key: Arc<KeyEntry>,
}

impl Identified {
    /// What is wanted.
    pub fn wanted(&self) -> &Wanted {
        &self.accepted.wanted
    }

    /// The record of this call begins.
    pub fn open_ticket(&self, gate: &Gate, endpoint: Endpoint) -> Box<Ticket> {
        let opening = Opening {
            id: self.accepted.id,
            started: self.accepted.started,
            clock: self.accepted.clock,
            key: self.key.clone(),
            settings: self.view.settings.clone(),
            endpoint,
            traceparent: self.accepted.forward.traceparent.clone(),
        };
        Ticket::open(opening, gate.settler())
    }

    /// The models this caller may use, by name.
    pub fn visible_models(&self) -> Vec<&Arc<Model>> {
        let arrived = Arrived {
            address: self.accepted.address,
            at: self.accepted.started,
        };
        super::authorize::visible_models(&self.view, &self.key, arrived)
    }
}

/// Finds the key. One snapshot is taken here and serves the request to its end.
// threat: AGP-S1
// threat: CTX-T1
// threat: ANP-0001
pub fn run(gate: &Gate, accepted: Accepted) -> Gated<Identified> {
    let view = gate.view.load_full();
    let presented = presented(accepted.bearer.as_ref(), accepted.api_key.as_ref())?;
    let key = VirtualKey::parse(presented).map_err(|_| invalid())?;
    let (entry, which) = view
        .directory
        .find(&key.digest(&gate.pepper))
        .ok_or_else(invalid)?;
    entry
        .record
        .check(*which, accepted.started, Some(accepted.address))
        .map_err(|problem| match problem {
            KeyProblem::WrongNetwork => Refusal::new(
                Code::NetworkForbidden,
                "this key may not be used from this address",
            )
            .against(Threat::AgpS1),
            other => invalid().internally(format!("{}: {other:?}", entry.record.id)),
        })?;
    must_be_active(entry)?;
    let key = entry.clone();
    Ok(Identified { accepted, view, key })
}

/// A key outlives no tenant. Only who has a good key is told why.
// threat: ANP-0016
fn must_be_active(key: &KeyEntry) -> Gated<()> {
    match key.tenant_state {
        TenantState::Active => Ok(()),
        state => Err(Refusal::new(
            Code::TenantInactive,
            "the tenant of this key is not active: ask whoever runs this gate",
        )
        .against(Threat::Anp0016)
        .internally(format!("{}: {}", key.record.id, state.as_str()))),
    }
}

/// Unknown, malformed, revoked and expired look the same from outside.
fn invalid() -> Box<Refusal> {
    Refusal::new(
        Code::CredentialInvalid,
        "the key is not valid: it may be mistyped, revoked or expired",
    )
    .against(Threat::CtxT1)
}

/// The one credential of the request.
fn presented<'a>(bearer: Option<&'a HeaderValue>, api_key: Option<&'a HeaderValue>) -> Gated<&'a str> {
    let text = |value: &'a HeaderValue| value.to_str().map(str::trim).map_err(|_| invalid());
    let bearer = bearer
        .map(|value| {
            let value = text(value)?;
            let (scheme, rest) = value.split_once(' ').ok_or_else(invalid)?;
            if scheme.eq_ignore_ascii_case("bearer") {
                Ok(rest.trim())
            } else {
                Err(invalid())
            }
        })
        .transpose()?;
    let api_key = api_key.map(text).transpose()?;
    match (bearer, api_key) {
        (Some(a), Some(b)) if a != b => Err(Refusal::new(
            Code::CredentialAmbiguous,
            "`authorization` and `x-api-key` hold different keys",
        )),
        (Some(key), _) | (None, Some(key)) => Ok(key),
        (None, None) => Err(Refusal::new(
            Code::CredentialMissing,
            "no key was presented: send `Authorization: Bearer btz_…` or `x-api-key: btz_…`",
        )
        .against(Threat::CtxT1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agp_s1_one_credential_and_only_one() {
        let value = |text: &'static str| HeaderValue::from_static(text);
        let (a, b) = (value("Bearer btz_a"), value("btz_b"));
        let same = value("btz_a");
        assert_eq!(presented(Some(&a), None).unwrap(), "btz_a");
        assert_eq!(presented(None, Some(&b)).unwrap(), "btz_b");
        assert_eq!(presented(Some(&a), Some(&same)).unwrap(), "btz_a");
        assert_eq!(
            presented(Some(&a), Some(&b)).unwrap_err().code,
            Code::CredentialAmbiguous
        );
        assert_eq!(presented(None, None).unwrap_err().code, Code::CredentialMissing);
        for bad in ["Basic btz_a", "btz_a", ""] {
            let header = HeaderValue::from_str(bad).unwrap();
            assert_eq!(
                presented(Some(&header), None).unwrap_err().code,
                Code::CredentialInvalid,
                "{bad}"
            );
        }
    }
}
