//! A JWS in compact form (RFC 7515): three parts of base64url, taken apart with one reading. Verifies
//! nothing by itself.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::jwk::{Algorithm, Jwk};
use super::{Refused, strict};

/// The longest token that is read.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// A token taken apart.
pub(super) struct Compact<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) header: Map<String, Value>,
    pub(super) payload: Map<String, Value>,
    /// What the signature is over: the first two parts as they came.
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    // threat: AGP-S3
    pub(super) fn read(token: &'a str) -> Result<Self, Refused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Refused::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        // A third dot would stay in the payload, where base64url has none.
        let (header, payload) = signed.split_once('.').ok_or(Refused::Malformed)?;
        let header = part(header)?;
        // No extension is known here, so whatever is critical is not known.
        if header.contains_key("crit") {
            return Err(Refused::Critical);
        }
        let algorithm = header
            .get("alg")
            .and_then(Value::as_str)
            .ok_or(Refused::Malformed)?;
        Ok(Self {
            algorithm: Algorithm::named(algorithm).ok_or(Refused::Algorithm)?,
            header,
            payload: part(payload)?,
            signed,
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|_| Refused::Malformed)?,
        })
    }

    /// A header parameter that is a text, if it is there; one of another type is refused.
    pub(super) fn header_text(&self, name: &str) -> Result<Option<&str>, Refused> {
        match self.header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refused::Malformed),
        }
    }

    /// A claim that must be there as a text.
    pub(super) fn claim_text(&self, name: &str) -> Result<&str, Refused> {
        let text = self.payload.get(name).and_then(Value::as_str);
        text.ok_or_else(|| Refused::Claim(name.to_owned()))
    }

    /// Whether it is signed with `key`, by the algorithm that belongs to that key.
    pub(super) fn is_signed_with(&self, key: &Jwk) -> bool {
        key.algorithm == self.algorithm && key.verifies(self.signed.as_bytes(), &self.signature)
    }
}

fn part(text: &str) -> Result<Map<String, Value>, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed)?;
    strict::object(&bytes).ok_or(Refused::Malformed)
}
