//! The certificate of a tenant's end: what was revoked, when and by whom, and how its two logs stood then, signed
//! with the key that signs the logs' heads, and verified offline with its public half.
//!
//! A signed note like a checkpoint, whose text is two lines: what it is, and JSON. Neither can be read as the
//! other: a checkpoint's second line is a number.

use domain::{AuditId, TenantId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::AuditActor;
use crate::bundle::{HexHash, audit_origin_of, origin_of};
use crate::note::{Checkpoint, NoteError, Signer, Verifier, open_text};
use crate::succession::{SuccessionError, Trust};

/// The first line, and the format's version.
pub const FORMAT: &str = "bartizan-offboarding/1";
/// The longest certificate that is read: some hundred thousand ids.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why a certificate may not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not signed, or not by whom it should be.
    #[error("{0}")]
    Note(#[from] NoteError),
    /// Signed, and something else than a certificate.
    #[error("not an offboarding certificate: {0}")]
    NotOne(String),
    /// The keys that were published do not follow each other.
    #[error("{0}")]
    Succession(#[from] SuccessionError),
    /// Signed with a key that was replaced, perhaps after it was.
    #[error("it was signed with a key that has been replaced, and nothing shows that this was before")]
    Superseded,
    /// A log's name is not that of the tenant's log under the key that signed.
    #[error("it names `{0}`, which is not the tenant's log under this key")]
    OtherLog(String),
}

/// What came to an end with a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// Ids of virtual keys that worked until then.
    pub keys: Vec<String>,
    /// Ids of sessions.
    pub sessions: Vec<String>,
    /// Ids of users who could sign in until then.
    pub users: Vec<String>,
    /// Ids of service accounts that were active until then.
    pub services: Vec<String>,
    /// Ways to sign in that were removed: passwords, second factors, recovery codes.
    pub logins: u64,
    /// One-time tokens among them that nobody had used.
    pub invitations: u64,
    /// Roles taken away.
    pub grants: u64,
    /// Answers that were kept for requests that come again.
    pub answers: u64,
    /// The fingerprint of the content key that was destroyed, if there was one.
    pub content_key: Option<String>,
}

impl Revoked {
    /// Whether it is nothing at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what came to an end later.
    pub fn add(&mut self, later: &Self) {
        self.keys.extend_from_slice(&later.keys);
        self.sessions.extend_from_slice(&later.sessions);
        self.users.extend_from_slice(&later.users);
        self.services.extend_from_slice(&later.services);
        self.logins = self.logins.saturating_add(later.logins);
        self.invitations = self.invitations.saturating_add(later.invitations);
        self.grants = self.grants.saturating_add(later.grants);
        self.answers = self.answers.saturating_add(later.answers);
        self.content_key = later.content_key.clone().or_else(|| self.content_key.take());
    }
}

/// How a log stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The log's name.
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// The root over them.
    pub root: HexHash,
}

impl Head {
    /// As a checkpoint that was kept: what a later export is held against.
    pub fn as_known(&self) -> Checkpoint {
        Checkpoint {
            origin: self.origin.clone(),
            size: self.size,
            root: self.root.0,
        }
    }
}

/// The certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Whose end.
    pub tenant: TenantId,
    /// What people called it.
    pub name: String,
    /// When it was asked for: from then on nothing of the tenant's worked.
    pub begun: UnixMillis,
    /// When all was done.
    pub finished: UnixMillis,
    /// Who asked for it.
    pub by: AuditActor,
    /// Why.
    pub reason: String,
    /// What came to an end.
    pub revoked: Revoked,
    /// The ledger then. Calls that were under way may have been settled later; they come after this head.
    pub ledger: Head,
    /// The log of who did what, then.
    pub audit: Head,
    /// The last record of that log: that all was done.
    pub record: AuditId,
}

impl Certificate {
    /// The signed certificate. Refused for logs that are not this key's to speak of.
    // threat: ANP-0016
    // threat: AGP-R3
    pub fn sign(&self, signer: &Signer) -> Result<String, CertificateError> {
        self.check_logs(signer.verifier())?;
        let json = serde_json::to_string(self).map_err(|e| CertificateError::NotOne(e.to_string()))?;
        // The one control character that JSON leaves as it is, and a note does not take.
        let json = json.replace('\u{7f}', "\\u007f");
        Ok(signer.sign_text(&format!("{FORMAT}\n{json}\n")))
    }

    /// Reads a certificate that was signed with the newest key of whoever is trusted.
    // threat: ANP-0016
    pub fn open<'t>(text: &str, trust: impl Into<Trust<'t>>) -> Result<Self, CertificateError> {
        match Self::open_of_any(text, trust)? {
            (certificate, None) => Ok(certificate),
            (_, Some(_)) => Err(CertificateError::Superseded),
        }
    }

    /// The same, also of one that was signed with a key that has been replaced: then with that key's place among all
    /// keys, from 0. It is to be believed only beside the tenant's audit log, if the key might sign heads of that size.
    // threat: ANP-0016
    pub fn open_of_any<'t>(
        text: &str,
        trust: impl Into<Trust<'t>>,
    ) -> Result<(Self, Option<usize>), CertificateError> {
        let chain = trust.into().published_chain()?;
        let (text, signers) = open_text(text, chain.keys(), CERTIFICATE_BYTES_MAX)?;
        let not_one = |why: &str| CertificateError::NotOne(why.to_owned());
        let json = text
            .strip_prefix(FORMAT)
            .and_then(|rest| rest.strip_prefix('\n')?.strip_suffix('\n'));
        let json = json.ok_or_else(|| not_one("the first line is another's"))?;
        let certificate: Self =
            serde_json::from_str(json).map_err(|error| CertificateError::NotOne(error.to_string()))?;
        let signer = chain.keys().iter().rposition(|key| signers.contains(&key));
        let signer = signer.ok_or(NoteError::UnknownKey)?;
        let key = chain.keys().get(signer).ok_or(NoteError::UnknownKey)?;
        certificate.check_logs(key)?;
        let is_newest = signer + 1 == chain.keys().len();
        Ok((certificate, (!is_newest).then_some(signer)))
    }

    fn check_logs(&self, verifier: &Verifier) -> Result<(), CertificateError> {
        let expected = [
            (&self.ledger.origin, origin_of(verifier.name(), self.tenant)),
            (&self.audit.origin, audit_origin_of(verifier.name(), self.tenant)),
        ];
        match expected.into_iter().find(|(named, due)| *named != due) {
            Some((named, _)) => Err(CertificateError::OtherLog(named.chars().take(96).collect())),
            None => Ok(()),
        }
    }
}
