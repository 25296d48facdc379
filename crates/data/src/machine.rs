//! Who calls, where it is no plain virtual key: a token of ours, a token of a registered issuer, a client
//! certificate. Each leads to one key, and all that is true of that key is true of the call.

use std::sync::Arc;

use credential::{Binding, Grant, NotABinding, Which};
use domain::{TenantId, Threat};
use http::request::Parts;
use identity::jwt::{Claims, ProvenRequest, Refused, Shown, check_proof};

use crate::directory::{Directory, KeyEntry};
use crate::gate::{Gate, View};
use crate::peer::ClientCertificate;
use crate::proof::{Signer, Spent};
use crate::refusal::{Code, Gated, Refusal};
use crate::stage::accept::Accepted;
use crate::stage::identify::{Credential, invalid};

/// A key, and what led to it.
#[derive(Debug)]
pub struct Found {
    /// The key.
    pub key: Arc<KeyEntry>,
    /// Which of its digests was meant.
    pub which: Which,
    /// By what.
    pub by: By,
}

/// What led to a key.
#[derive(Debug)]
pub enum By {
    /// The key itself.
    Key,
    /// A token of ours.
    Token(Box<Holder>),
    /// A token of a registered issuer, with the proof that came with it.
    Jwt(Option<Box<Spent>>),
    /// A client certificate.
    Certificate,
}

impl By {
    /// What evidence calls it; nothing for a key.
    // threat: AGP-R1
    pub const fn name(&self) -> Option<&'static str> {
        match self {
            Self::Key => None,
            Self::Token(_) => Some("token"),
            Self::Jwt(_) => Some("jwt"),
            Self::Certificate => Some("certificate"),
        }
    }
}

/// What a token of ours is good for.
#[derive(Debug)]
pub struct Holder {
    /// What of the key it may do.
    pub grant: Grant,
    /// What signs its calls, when it has a signing key of its own.
    pub signer: Option<Signer>,
}

/// The key that a credential other than a key stands for.
pub fn by_credential(
    gate: &Gate,
    view: &View,
    accepted: &Accepted,
    head: &Parts,
    shown: &Credential<'_>,
) -> Gated<Found> {
    if Grant::is_meant_by(shown.text) {
        return by_token(gate, view, accepted, shown.text);
    }
    if !shown.is_authorization || !shown.text.starts_with("eyJ") {
        return Err(invalid());
    }
    by_jwt(view, accepted, head, shown)
}

/// It is found as its key is, by the same digest: revoked, rotated away or suspended, it is over with the key.
// threat: CTX-T3
// threat: ANP-0001
fn by_token(gate: &Gate, view: &View, accepted: &Accepted, text: &str) -> Gated<Found> {
    let grant = Grant::open(text, &gate.tokens, accepted.started).ok_or_else(invalid)?;
    let (key, which) = view.directory.find(&grant.key).ok_or_else(invalid)?;
    let signer = grant.signing_key.as_ref().map(Signer::new).transpose();
    let signer = signer.map_err(|_| invalid())?;
    Ok(Found {
        key: key.clone(),
        which: *which,
        by: By::Token(Box::new(Holder { grant, signer })),
    })
}

/// An issuer names keys of its own tenant and no others.
// threat: AGP-S3
// threat: ANP-0006
// threat: AGP-E1
fn by_jwt(view: &View, accepted: &Accepted, head: &Parts, shown: &Credential<'_>) -> Gated<Found> {
    let no = |why: Refused| invalid().internally(why.to_string()).against(Threat::AgpS3);
    let known = view
        .settings
        .issuers
        .verify(shown.text, accepted.started)
        .map_err(no)?;
    let issuer = known.issuer;
    let proof = proof(view, accepted, head, shown).map_err(no)?;
    let claims = known.claims(&Shown {
        certificate: accepted.certificate.as_ref().map(|it| it.thumbprint),
        key: proof.as_ref().map(|proof| proof.key),
    });
    let claims = claims.map_err(no)?;
    let directory = &view.directory;
    let tenant = directory.tenant(&issuer.tenant).ok_or_else(|| {
        invalid().internally(format!("the issuer's tenant `{}` is not there", issuer.tenant))
    })?;
    let key = key_of(directory, (&issuer.name, tenant), &claims)?;
    let spent = proof.map(|proof| {
        Box::new(Spent {
            signer: hex(&proof.key).into(),
            nonce: proof.id,
            created: proof.issued,
            until: proof.remember_until,
        })
    });
    Ok(Found {
        key: key.clone(),
        which: Which::Current,
        by: By::Jwt(spent),
    })
}

/// The one key that a token stands for, by its subject or by the rule it meets. Rules are looked at whether or not keys
/// are bound to them: a key that is revoked makes no token stand for another.
// threat: AGP-S3
// threat: CTX-T1
// threat: ANP-0006
// threat: AGP-E4
fn key_of<'a>(
    directory: &'a Directory,
    (issuer, tenant): (&str, TenantId),
    claims: &Claims,
) -> Gated<&'a Arc<KeyEntry>> {
    let bound = |binding: Result<Binding, NotABinding>| {
        directory
            .bound(&binding.ok()?.digest(tenant))
            .filter(|key| key.principal.tenant == tenant)
    };
    let by_subject = bound(Binding::jwt(issuer, &claims.subject));
    let key = match claims.rules.as_slice() {
        [] => by_subject,
        [rule] => {
            let by_rule = bound(Binding::rule(issuer, rule));
            let id = |key: &Arc<KeyEntry>| key.record.id;
            if by_subject.is_some() && by_subject.map(id) != by_rule.map(id) {
                let detail = "the token's subject stands for another key than the rule it meets";
                return Err(ambiguous(detail).against(Threat::AgpS3));
            }
            by_rule
        }
        [one, other, ..] => {
            let detail = "the token meets several rules of its issuer: nobody can say which key is meant";
            let internal = format!("the rules `{one}` and `{other}` of `{issuer}`");
            return Err(ambiguous(detail).against(Threat::AgpS3).internally(internal));
        }
    };
    key.ok_or_else(|| {
        let of = claims.rules.first().map_or("a subject", |_| "the rule");
        invalid().internally(format!("no key is bound to {of} of a token of `{issuer}`"))
    })
}

fn hex(bytes: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*bytes).to_hex().to_string()
}

/// The proof that came with a token, if one did. One is shown where the scheme says so, and only there.
// threat: CTX-T3
fn proof(
    view: &View,
    accepted: &Accepted,
    head: &Parts,
    shown: &Credential<'_>,
) -> Result<Option<identity::jwt::Proof>, Refused> {
    let mut given = head.headers.get_all("dpop").iter();
    let (first, second) = (given.next(), given.next());
    let text = match (shown.is_dpop, first, second) {
        (false, None, _) => return Ok(None),
        (true, Some(text), None) => text.to_str().map_err(|_| Refused::Malformed)?,
        _ => return Err(Refused::Binding),
    };
    let uri = view.settings.origin.address(head).ok_or(Refused::OtherRequest)?;
    let request = ProvenRequest {
        method: head.method.as_str(),
        uri: &uri,
        access_token: shown.text,
        nonce: None,
    };
    check_proof(text, &request, &view.settings.signatures, accepted.started).map(Some)
}

/// The key that a certificate stands for, if it stands for one.
// threat: AGP-S1
pub fn by_certificate<'a>(
    directory: &'a Directory,
    certificate: &ClientCertificate,
) -> Gated<Option<&'a Arc<KeyEntry>>> {
    let mut found: Option<&Arc<KeyEntry>> = None;
    for digest in certificate.bindings() {
        let Some(key) = directory.bound(digest) else {
            continue;
        };
        if found.is_some_and(|other| other.record.id != key.record.id) {
            return Err(ambiguous("the certificate stands for several keys"));
        }
        found = Some(key);
    }
    Ok(found)
}

/// That a certificate does not stand for another key than the one that was found.
// threat: AGP-S1
pub fn must_agree(directory: &Directory, certificate: &ClientCertificate, key: &KeyEntry) -> Gated<()> {
    match by_certificate(directory, certificate)? {
        Some(other) if other.record.id != key.record.id => {
            Err(ambiguous("the client certificate stands for another key"))
        }
        _ => Ok(()),
    }
}

fn ambiguous(detail: &str) -> Box<Refusal> {
    Refusal::new(Code::CredentialAmbiguous, detail).against(Threat::AgpS1)
}
