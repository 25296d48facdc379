//! What the control plane derives from the master key, each for one purpose.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use credential::{CredentialKeys, MasterKey, Pepper, SealError, SealingKey, purpose};

use store::Store;
use zeroize::Zeroizing;

use crate::content::ContentKeys;
use crate::page::Cursors;
use crate::texts::Marks;

/// Keys in use.
pub struct Keys {
    /// Digests of tokens and virtual keys.
    pub(crate) pepper: Pepper,
    /// Cursors of lists.
    pub(crate) cursors: Cursors,
    /// Answers kept for a request that comes again, before tenants had content keys of their own.
    pub(crate) replays: SealingKey,
    /// Seeds of authenticator apps, before that.
    pub(crate) logins: SealingKey,
    wrapping: Arc<SealingKey>,
    /// What is begun in one request and finished in another.
    pub(crate) ceremonies: SealingKey,
    /// What is made up for accounts that are not there.
    pub(crate) made_up: Zeroizing<[u8; 32]>,
    /// Provider credentials.
    pub(crate) credentials: CredentialKeys,
    /// Marks of samples and templates.
    pub(crate) apps: Marks,
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
            wrapping: Arc::new(master.sealing_key(purpose::CONTENT_KEYS)?),
            ceremonies: master.sealing_key(purpose::CEREMONIES)?,
            made_up: master.derive(purpose::MADE_UP),
            credentials: CredentialKeys::derive(master)?,
            apps: Marks::new(&master.derive(purpose::APPS)),
            csrf: hmac::Key::new(hmac::HMAC_SHA256, master.derive(purpose::CSRF).as_slice()),
        })
    }

    /// The content keys of the tenants in that store.
    pub fn content_keys(&self, store: Arc<dyn Store>) -> ContentKeys {
        ContentKeys::new(store, self.wrapping.clone())
    }

    /// What knows whether samples and templates are as they were written.
    pub fn marks(&self) -> Marks {
        self.apps.clone()
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
