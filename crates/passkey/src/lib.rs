//! Floor 1: passkeys (WebAuthn level 2 and 3): what an authenticator is asked, and whether its answer is
//! right. A crate of its own because of what it is built from. Never does I/O, never reads a clock, never
//! says who may do what: whose a passkey is, until when a challenge is good and that it is good once is
//! kept by whoever asks.
//!
//! User verification is always required, so that a passkey is two factors: the device and its PIN or its
//! owner's finger. Attestation is not asked for: whose make a device is, is nobody's business here.

mod refused;
mod site;

use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{CredentialID, Passkey as Inner};

pub use refused::Refused;
pub use site::{Answered, BadOrigin, Challenge, Owner, Registration, Site};

/// A passkey as it is stored: the public key of an authenticator, and how often it was used.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passkey(Inner);

impl Passkey {
    /// The id that its authenticator knows it by.
    pub fn credential(&self) -> &[u8] {
        let id: &CredentialID = self.0.cred_id();
        id.as_slice()
    }
}

/// Two are the same when their stored form is.
impl PartialEq for Passkey {
    fn eq(&self, other: &Self) -> bool {
        serde_json::to_value(self).ok() == serde_json::to_value(other).ok()
    }
}

impl Eq for Passkey {}
