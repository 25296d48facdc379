//! What a caller shows beside its credential: a signature over the request (RFC 9421).
//!
//! The head is judged in stage 2, before anything of the body is read. What is left then is a [`Proof`]: that
//! the body is the one that was signed, and that nothing of it was used before. Stage 3 asks for that before it
//! looks at what the body says.

use std::sync::Arc;

use credential::PublicKey;
use domain::{TenantScope, Threat, UnixMillis};
use http::request::Parts;
use identity::signature::{BadKey, Body, Presented, Refused, Request, VerifyingKey, Window};

use crate::gate::Gate;
use crate::nonces::Use;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::Origin;

/// The key that signs a caller's requests, ready to verify with.
#[derive(Debug)]
pub struct Signer {
    /// Its thumbprint: the `keyid` of its signatures.
    name: Arc<str>,
    key: VerifyingKey,
}

impl Signer {
    /// Prepares it.
    pub fn new(key: &PublicKey) -> Result<Self, BadKey> {
        Ok(Self {
            name: key.name().into(),
            key: VerifyingKey::public(key)?,
        })
    }
}

/// What must still hold before the call is looked at.
#[derive(Debug)]
pub struct Proof {
    scope: TenantScope,
    used: Vec<Spent>,
    body: Option<Body>,
    signature: Option<blake3::Hash>,
}

/// Something that is used once.
#[derive(Debug)]
pub struct Spent {
    /// Thumbprint of the key that made it.
    pub signer: Arc<str>,
    /// Its name.
    pub nonce: String,
    /// When it was made.
    pub created: UnixMillis,
    /// From then on it is refused for its age.
    pub until: UnixMillis,
}

impl Proof {
    /// That this is used for the first time, and nothing else.
    pub fn fresh(used: Spent, scope: TenantScope) -> Box<Self> {
        Box::new(Self {
            scope,
            used: vec![used],
            body: None,
            signature: None,
        })
    }

    /// Of the signature, for the evidence: it was verified, whatever becomes of the call.
    // threat: AGP-R1
    pub const fn signature(&self) -> Option<blake3::Hash> {
        self.signature
    }

    /// That this is used for the first time as well.
    #[must_use]
    pub fn and(mut self: Box<Self>, used: Spent) -> Box<Self> {
        self.used.push(used);
        self
    }

    /// That the head is signed by `signer`, for this method and address, and not long ago.
    // threat: ANP-0001
    // threat: AGP-S1
    // threat: AGP-R1
    pub fn signed(
        head: &Parts,
        (origin, window): (&Origin, &Window),
        signer: &Signer,
        scope: TenantScope,
        now: UnixMillis,
    ) -> Gated<Box<Self>> {
        let fields: Vec<(&str, &[u8])> = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let target_uri = origin.address(head).ok_or_else(no_host)?;
        let request = Request {
            method: head.method.as_str(),
            target_uri: &target_uri,
            fields: &fields,
        };
        let presented = Presented::read(&request).map_err(refused)?;
        if presented.key_id() != &*signer.name {
            let detail = "the signature's `keyid` is not the thumbprint of this key's signing key";
            return Err(Refusal::new(Code::SignatureInvalid, detail).against(Threat::AgpS1));
        }
        let signed = presented.verify(&signer.key, window, now).map_err(refused)?;
        Ok(Box::new(Self {
            scope,
            used: vec![Spent {
                signer: signer.name.clone(),
                nonce: signed.nonce,
                created: signed.created,
                until: signed.remember_until,
            }],
            body: Some(signed.body),
            signature: Some(blake3::hash(&signed.signature)),
        }))
    }

    /// That the body is the one that was signed, and that all of this is used for the first time.
    // threat: ANP-0001
    pub async fn complete(self: Box<Self>, gate: &Gate, body: &[u8]) -> Gated<()> {
        if let Some(promised) = &self.body {
            promised.check(body).map_err(refused)?;
        }
        for used in &self.used {
            let this = Use {
                signer: &used.signer,
                nonce: &used.nonce,
                created: used.created,
                until: used.until,
            };
            gate.nonces.spend(&self.scope, this).await?;
        }
        Ok(())
    }
}

fn no_host() -> Box<Refusal> {
    Refusal::new(
        Code::SignatureInvalid,
        "a signed request says which host it is for",
    )
    .against(Threat::Anp0001)
}

/// Only who holds a good credential is told, and of the request nothing but a component's name.
fn refused(why: Refused) -> Box<Refusal> {
    let code = match why {
        Refused::Missing => Code::SignatureMissing,
        _ => Code::SignatureInvalid,
    };
    Refusal::new(code, why.to_string()).against(Threat::Anp0001)
}
