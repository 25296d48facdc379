//! What the control plane derives from the master key, each for one purpose.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential::{CredentialKeys, MasterKey, Pepper, SealError, SealingKey, purpose};

use crate::page::Cursors;

/// Keys in use.
pub struct Keys {
    /// Digests of tokens and virtual keys.
    pub(crate) pepper: Pepper,
    /// Cursors of lists.
    pub(crate) cursors: Cursors,
    /// Answers kept for a request that comes again.
    pub(crate) replays: SealingKey,
    /// Seeds of authenticator apps.
    pub(crate) logins: SealingKey,
    /// Provider credentials.
    pub(crate) credentials: CredentialKeys,
    csrf: hmac::Key,
}

impl Keys {
    /// Derives them.
    pub fn derive(master: &MasterKey) -> Result<Self, SealError> {
        Ok(Self {
            pepper: master.pepper(),
            cursors: Cursors::new(master.sealing_key(purpose::CURSORS)?),
            replays: master.sealing_key(purpose::REPLAYS)?,
            logins: master.sealing_key(purpose::LOGINS)?,
            credentials: CredentialKeys::derive(master)?,
            csrf: hmac::Key::new(hmac::HMAC_SHA256, master.derive(purpose::CSRF).as_slice()),
        })
    }

    /// What a page of this session's must show beside the cookie.
    // threat: ANP-0013
    pub(crate) fn csrf_token(&self, session: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.csrf, session.as_bytes()))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[keys of the control plane]")
    }
}
