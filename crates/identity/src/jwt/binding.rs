//! What a token is bound to (`cnf`): a client certificate (RFC 8705) or a key that signs each request
//! (RFC 9449). A stolen token that is bound is of no use without the private key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential::same_digest;
use serde_json::{Map, Value};

use super::Refused;

/// What the caller showed beside the token: verified by the TLS handshake or by
/// [`check_proof`](super::check_proof), never taken from a header as it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    /// SHA-256 of the DER of the client's certificate.
    pub certificate: Option<[u8; 32]>,
    /// Thumbprint of the key of a proof for this request and this token.
    pub key: Option<[u8; 32]>,
}

/// What a token wants to be shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Binding {
    certificate: Option<[u8; 32]>,
    key: Option<[u8; 32]>,
}

impl Binding {
    /// Reads `cnf`. A kind that is not known is refused: it is there to forbid something.
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, Refused> {
        let mut binding = Self::default();
        let Some(cnf) = claims.get("cnf") else {
            return Ok(binding);
        };
        for (kind, value) in cnf
            .as_object()
            .filter(|cnf| !cnf.is_empty())
            .ok_or(Refused::Binding)?
        {
            let place = match kind.as_str() {
                "x5t#S256" => &mut binding.certificate,
                "jkt" => &mut binding.key,
                _ => return Err(Refused::Binding),
            };
            *place = Some(digest(value).ok_or(Refused::Binding)?);
        }
        Ok(binding)
    }

    pub(super) const fn is_bound(&self) -> bool {
        self.certificate.is_some() || self.key.is_some()
    }

    pub(super) const fn key(&self) -> Option<[u8; 32]> {
        self.key
    }

    /// Whether that is what was shown. A proof for a token that is not bound to it proves nothing, and is
    /// refused so that nobody believes it does; a certificate may be there for other reasons.
    // threat: CTX-T3
    // threat: AGP-S1
    pub(super) fn is_met_by(&self, shown: &Shown) -> bool {
        let same = |wanted: Option<[u8; 32]>, shown: Option<[u8; 32]>| match (wanted, shown) {
            (Some(wanted), Some(shown)) => same_digest(&wanted, &shown),
            (wanted, _) => wanted.is_none(),
        };
        let idle_proof = shown.key.is_some() && self.key.is_none();
        same(self.certificate, shown.certificate) && same(self.key, shown.key) && !idle_proof
    }
}

fn digest(value: &Value) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(value.as_str()?).ok()?.try_into().ok()
}
