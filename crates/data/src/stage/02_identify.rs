//! Stage 2: who calls. The tenant comes from the credential and from nothing else.

use std::sync::Arc;

use bytes::Bytes;
use credential::{KeyProblem, VirtualKey, Which};
use dialect::{Dialect, Endpoint};
use domain::{AuditId, DataClass, KeyId, Operation, Threat};
use habit::Use;
use http::HeaderValue;
use http::request::Parts;
use ledger::{AuditActor, AuditOutcome, AuditRecord};
use store::TenantState;

use super::accept::{Accepted, Carried, Wanted};
use crate::directory::{self, Arrived, KeyEntry};
use crate::gate::{Gate, View};
use crate::machine::{self, By, Found};
use crate::proof::Proof;
use crate::receipt::Asked;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Model;
use crate::spend::decision;
use crate::ticket::{Opening, Shown, Ticket};

/// A request whose caller is known.
#[derive(Debug)]
pub struct Identified {
    pub(super) accepted: Accepted,
    pub(super) view: Arc<View>,
    pub(super) key: Arc<KeyEntry>,
    pub(super) proof: Option<Box<Proof>>,
    which: Which,
    pub(super) by: By,
    asked: Option<Box<Asked>>,
}

impl Identified {
    /// Who calls.
    pub const fn key(&self) -> &Arc<KeyEntry> {
        &self.key
    }

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
            shown: Shown {
                credential: self.by.name(),
                signature: self.proof.as_ref().and_then(|proof| proof.signature()),
            },
            asked: self.asked.clone(),
            labels: self.accepted.labels.clone(),
            session: self.accepted.session.clone(),
        };
        Ticket::open(opening, gate.settler())
    }

    /// What the caller has still to show, for a request without a body.
    pub async fn prove(&mut self, gate: &Gate) -> Gated<()> {
        match self.proof.take() {
            Some(proof) => proof.complete(gate, b"").await,
            None => Ok(()),
        }
    }

    /// The body, with everything shown that the caller has to show.
    pub async fn into_body(self, gate: &Gate) -> Gated<(Arc<KeyEntry>, Bytes)> {
        let body = super::authorize::read_body(self.accepted.body, &self.view.settings.bounds).await?;
        if let Some(proof) = self.proof {
            proof.complete(gate, &body).await?;
        }
        Ok((self.key, body))
    }

    /// The body, which stays to be read again.
    pub async fn read(&mut self) -> Gated<Bytes> {
        let body = std::mem::replace(&mut self.accepted.body, Carried::Read(Bytes::new()));
        let body = super::authorize::read_body(body, &self.view.settings.bounds).await?;
        self.accepted.body = Carried::Read(body.clone());
        Ok(body)
    }

    /// The dialect of the request's head: what its caller speaks where the path leaves that open.
    pub fn wanted_dialect(&self) -> Dialect {
        match self.accepted.forward.anthropic_version {
            Some(_) => Dialect::Anthropic,
            None => Dialect::OpenAi,
        }
    }

    /// What an exchange needs: the digest of the key that was presented, if it was the key itself; which key that
    /// is; and the form. After it everything has been shown.
    pub async fn into_exchange(self, gate: &Gate) -> Gated<(Option<[u8; 32]>, KeyId, Bytes)> {
        let form = super::authorize::read_body(self.accepted.body, &self.view.settings.bounds).await?;
        if let Some(proof) = self.proof {
            proof.complete(gate, &form).await?;
        }
        let record = &self.key.record;
        let digest = match (&self.by, self.which) {
            (By::Key, Which::Current) => Some(record.digest),
            (By::Key, Which::Predecessor) => record.predecessor.map(|old| old.digest),
            _ => None,
        };
        Ok((digest, record.id, form))
    }

    /// What the call carries: what its key or the instance says, or more where its caller says so.
    pub fn data_class(&self) -> DataClass {
        let policy = &self.view.settings.policy;
        policy.data_class(self.key.record.marks.data_class, self.accepted.data_class)
    }

    /// The models this caller may use, by name.
    pub fn visible_models(&self) -> Vec<&Arc<Model>> {
        let arrived = Arrived {
            address: self.accepted.address,
            at: self.accepted.started,
            data_class: self.accepted.data_class,
        };
        let mut seen = super::authorize::visible_models(&self.view, &self.key, arrived);
        if let By::Token(holder) = &self.by {
            let listing = holder.grant.has_operation(Operation::ListModels);
            seen.retain(|model| listing && holder.grant.has_model(&model.name));
        }
        seen
    }
}

/// What was presented in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credential<'a> {
    /// The text itself.
    pub text: &'a str,
    /// In `authorization`, and not only where Anthropic's clients put a key.
    pub is_authorization: bool,
    /// With a proof of possession (RFC 9449).
    pub is_dpop: bool,
}

/// Finds the key. One snapshot is taken here and serves the request to its end.
// threat: AGP-S1
// threat: CTX-T1
// threat: ANP-0001
pub fn run(gate: &Gate, accepted: Accepted, head: &Parts) -> Gated<Identified> {
    let view = gate.view.load_full();
    let Found { key, which, by } = find(gate, &view, &accepted, head)?;
    if key.record.honey {
        return Err(honey(gate, &accepted, &key, which));
    }
    if let Some(certificate) = &accepted.certificate {
        machine::must_agree(&view.directory, certificate, &key)?;
    }
    let checked = key.record.check(which, accepted.started, Some(accepted.address));
    noticed(gate, &view, &accepted, &key, checked);
    checked.map_err(|problem| refused(&key, problem))?;
    must_be_active(&key)?;
    must_be_readable(&key)?;
    let (by, proof) = proof(&view, &accepted, head, &key, by)?;
    let is_signed = proof.as_ref().is_some_and(|proof| proof.signature().is_some());
    let asked = key.record.receipts.then(|| Asked::of(head, is_signed));
    Ok(Identified {
        accepted,
        view,
        key,
        proof,
        which,
        by,
        asked,
    })
}

/// A body that may name the key is read before its caller is known: it is no larger than this.
// threat: CTX-T5
const UNKNOWN_BYTES_MAX: usize = 256 << 10;

/// The same where the key may stand in the body, and does if the head shows nothing.
// threat: AGP-S1
pub async fn by_body(gate: &Gate, mut accepted: Accepted, head: &Parts) -> Gated<Identified> {
    let shows = accepted.bearer.is_some() || accepted.api_key.is_some() || accepted.certificate.is_some();
    if !shows {
        let mut bounds = gate.view().settings.bounds.clone();
        bounds.body_bytes_max = bounds.body_bytes_max.min(UNKNOWN_BYTES_MAX);
        let body = super::authorize::read_body(accepted.body, &bounds).await?;
        accepted.api_key = decision::api_key(&body).and_then(|key| {
            let mut value = HeaderValue::from_str(&key).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        accepted.body = Carried::Read(body);
    }
    run(gate, accepted, head)
}

/// Whoever has the key uses it, whatever becomes of the call: also where a signature is missing, a policy forbids
/// it or the network is not one of the key's. What does not work at all is no use.
// threat: AGP-S1
// threat: ANP-0001
fn noticed(gate: &Gate, view: &View, accepted: &Accepted, key: &KeyEntry, checked: Result<(), KeyProblem>) {
    let works = matches!(checked, Ok(()) | Err(KeyProblem::WrongNetwork));
    if works && key.tenant_state == TenantState::Active {
        gate.notice(&view.settings, || Use {
            tenant: key.principal.tenant,
            key: key.principal.key,
            at: accepted.started,
            address: Some(accepted.address),
            model: None,
            calls: 1,
            tokens: 0,
        });
    }
}

/// Only who has a key that works otherwise is told what is the matter with it; never what made it so.
// threat: AGP-S1
fn refused(key: &KeyEntry, problem: KeyProblem) -> Box<Refusal> {
    match problem {
        KeyProblem::WrongNetwork => Refusal::new(
            Code::NetworkForbidden,
            "this key may not be used from this address",
        )
        .against(Threat::AgpS1),
        KeyProblem::Suspended => Refusal::new(
            Code::KeySuspended,
            "this key is suspended: ask whoever looks after it to resume it",
        )
        .against(Threat::AgpS1)
        .internally(key.record.id.to_string()),
        other => invalid().internally(format!("{}: {other:?}", key.record.id)),
    }
}

fn find(gate: &Gate, view: &View, accepted: &Accepted, head: &Parts) -> Gated<Found> {
    let Some(shown) = presented(accepted.bearer.as_ref(), accepted.api_key.as_ref())? else {
        return alone(view, accepted);
    };
    let Ok(key) = VirtualKey::parse(shown.text) else {
        return machine::by_credential(gate, view, accepted, head, &shown);
    };
    if shown.is_dpop {
        return Err(invalid());
    }
    let (key, which) = view
        .directory
        .find(&key.digest(&gate.pepper))
        .ok_or_else(invalid)?;
    Ok(Found {
        key: key.clone(),
        which: *which,
        by: By::Key,
    })
}

/// A bait was taken: refused as a key that nobody knows, and told where only its owners look. A revoked one is
/// no bait any more.
// threat: AGP-S1
// threat: ANP-0001
fn honey(gate: &Gate, accepted: &Accepted, key: &KeyEntry, which: Which) -> Box<Refusal> {
    let record = &key.record;
    if record.check(which, accepted.started, Some(accepted.address)) == Err(KeyProblem::Honey) {
        gate.metrics.gauges().honey_keys_used.inc();
        let ids = (AuditId::generate(), record.tenant);
        let actor = AuditActor::Stranger(record.hint.clone());
        gate.raise(AuditRecord {
            address: Some(accepted.address),
            target: Some(record.id.to_string()),
            outcome: AuditOutcome::Refused(Code::CredentialInvalid.as_str().to_owned()),
            threat: Some(Threat::AgpS1),
            ..AuditRecord::done(ids, accepted.started, actor, HONEY)
        });
    }
    invalid().internally(record.id.to_string())
}

/// The act that its use is recorded as.
const HONEY: &str = "keys.honey";

/// Nothing in a header: a certificate may say who calls.
fn alone(view: &View, accepted: &Accepted) -> Gated<Found> {
    let Some(certificate) = &accepted.certificate else {
        return Err(Refusal::new(
            Code::CredentialMissing,
            "no key was presented: send `Authorization: Bearer btz_…` or `x-api-key: btz_…`",
        )
        .against(Threat::CtxT1));
    };
    let key = machine::by_certificate(&view.directory, certificate)?.ok_or_else(invalid)?;
    Ok(Found {
        key: key.clone(),
        which: Which::Current,
        by: By::Certificate,
    })
}

/// What is still to be shown: nothing, for most.
fn proof(
    view: &View,
    accepted: &Accepted,
    head: &Parts,
    key: &KeyEntry,
    by: By,
) -> Gated<(By, Option<Box<Proof>>)> {
    let own = match &by {
        By::Token(holder) => holder.signer.as_ref(),
        _ => None,
    };
    let mut proof = None;
    if let Some(signer) = own.or(key.signer.as_ref()) {
        let (settings, scope) = (&view.settings, directory::scope(key));
        let expected = (&settings.origin, &settings.signatures);
        proof = Some(Proof::signed(head, expected, signer, scope, accepted.started)?);
    }
    let By::Jwt(Some(shown)) = by else {
        return Ok((by, proof));
    };
    let proof = match proof {
        Some(proof) => proof.and(*shown),
        None => Proof::fresh(*shown, directory::scope(key)),
    };
    Ok((By::Jwt(None), Some(proof)))
}

/// A key outlives no tenant. Only who has a good key is told why.
// threat: ANP-0016
fn must_be_active(key: &KeyEntry) -> Gated<()> {
    match key.tenant_state {
        TenantState::Active => Ok(()),
        state => Err(inactive().internally(format!("{}: {}", key.record.id, state.as_str()))),
    }
}

/// Of a tenant that may not work, or does no longer.
pub(super) fn inactive() -> Box<Refusal> {
    Refusal::new(
        Code::TenantInactive,
        "the tenant of this key is not active: ask whoever runs this gate",
    )
    .against(Threat::Anp0016)
}

/// What its tenant asks of its calls is not known, so none is let in; other tenants' are.
// threat: ANP-0017
fn must_be_readable(key: &KeyEntry) -> Gated<()> {
    let Some(unread) = key.unread else {
        return Ok(());
    };
    let unread = unread.as_str();
    let detail = format!(
        "the {unread} of this key's tenant cannot be read in the gate's store, so that none of its calls is let in: ask whoever runs this gate"
    );
    Err(Refusal::new(Code::TenantUnreadable, detail)
        .against(Threat::Anp0017)
        .internally(format!("{}: the {unread} of its tenant", key.record.id)))
}

/// Unknown, malformed, revoked and expired look the same from outside.
pub fn invalid() -> Box<Refusal> {
    Refusal::new(
        Code::CredentialInvalid,
        "the key is not valid: it may be mistyped, revoked or expired",
    )
    .against(Threat::CtxT1)
}

/// The one credential of the request.
fn presented<'a>(
    bearer: Option<&'a HeaderValue>,
    api_key: Option<&'a HeaderValue>,
) -> Gated<Option<Credential<'a>>> {
    let text = |value: &'a HeaderValue| value.to_str().map(str::trim).map_err(|_| invalid());
    let bearer = bearer
        .map(|value| {
            let value = text(value)?;
            let (scheme, rest) = value.split_once(' ').ok_or_else(invalid)?;
            let is_dpop = scheme.eq_ignore_ascii_case("dpop");
            if is_dpop || scheme.eq_ignore_ascii_case("bearer") {
                Ok(Credential {
                    text: rest.trim(),
                    is_authorization: true,
                    is_dpop,
                })
            } else {
                Err(invalid())
            }
        })
        .transpose()?;
    let api_key = api_key.map(text).transpose()?;
    match (bearer, api_key) {
        (Some(a), Some(b)) if a.text != b => Err(Refusal::new(
            Code::CredentialAmbiguous,
            "`authorization` and `x-api-key` hold different keys",
        )),
        (Some(shown), _) => Ok(Some(shown)),
        (None, api_key) => Ok(api_key.map(|text| Credential {
            text,
            is_authorization: false,
            is_dpop: false,
        })),
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
        let text = |shown: Gated<Option<Credential<'_>>>| shown.unwrap().unwrap().text.to_owned();
        assert_eq!(text(presented(Some(&a), None)), "btz_a");
        assert_eq!(text(presented(None, Some(&b))), "btz_b");
        assert_eq!(text(presented(Some(&a), Some(&same))), "btz_a");
        assert_eq!(
            presented(Some(&a), Some(&b)).unwrap_err().code,
            Code::CredentialAmbiguous
        );
        assert_eq!(presented(None, None).unwrap(), None);
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
