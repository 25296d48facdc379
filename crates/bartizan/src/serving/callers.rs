//! Whose client certificates are believed: each authority for whom it may name, and for no certificate that a list
//! says is revoked.
//!
//! All cryptography and all rules of chains are rustls's. What is added is that one authority cannot speak for the
//! callers of another, and that the log says once why certificates are refused that were good yesterday.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use config::section::{ClientAuthority, ClientCertificates, Tls};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};

use crate::failure::Failure;

/// What one authority's file holds.
pub type Roots = Vec<CertificateDer<'static>>;

/// All authorities.
#[derive(Debug)]
pub struct Callers {
    authorities: Vec<Authority>,
    hints: Vec<DistinguishedName>,
    are_required: bool,
    told: AtomicBool,
}

#[derive(Debug)]
struct Authority {
    verifier: Arc<dyn ClientCertVerifier>,
    /// Whom it may name; nothing for one that may name everybody.
    limits: Option<ClientAuthority>,
}

impl Callers {
    /// Those of the configuration, with what its files hold.
    // threat: AGP-S1
    pub fn new(
        tls: &Tls,
        roots: &[Roots],
        lists: &[CertificateRevocationListDer<'static>],
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, Failure> {
        let limits = tls.client_cas.iter().cloned().map(Some);
        let limits = limits.chain(tls.client_ca.iter().map(|_| None));
        let mut authorities = Vec::with_capacity(roots.len());
        for (limits, roots) in limits.zip(roots) {
            let verifier = verifier(roots, lists, provider).map_err(Failure::new)?;
            authorities.push(Authority { verifier, limits });
        }
        let hints = authorities.iter();
        Ok(Self {
            hints: hints
                .flat_map(|one| one.verifier.root_hint_subjects().to_vec())
                .collect(),
            authorities,
            are_required: tls.client_certificates == ClientCertificates::Required,
            told: AtomicBool::new(false),
        })
    }

    fn first(&self) -> Result<&Arc<dyn ClientCertVerifier>, Error> {
        let first = self.authorities.first().map(|one| &one.verifier);
        first.ok_or_else(|| Error::General("no authority is configured".to_owned()))
    }

    /// Once for what was read, so that nobody fills the log by coming again.
    fn tell(&self, why: &Error) {
        let what = match why {
            Error::InvalidCertificate(
                CertificateError::ExpiredRevocationList
                | CertificateError::ExpiredRevocationListContext { .. },
            ) => "a list of revoked certificates has expired: give `listen.tls.client_crl` a new one",
            Error::InvalidCertificate(CertificateError::UnknownRevocationStatus) => {
                "an authority has no list of revoked certificates: add it to `listen.tls.client_crl`"
            }
            _ => return,
        };
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::error!("client certificates are refused: {what}");
        }
    }
}

/// A list is asked of every authority in a chain, and must be one of now.
// threat: AGP-S1
// threat: CTX-T3
fn verifier(
    roots: &Roots,
    lists: &[CertificateRevocationListDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store
            .add(root.clone())
            .map_err(|e| format!("an authority for client certificates: {e}"))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider.clone());
    let builder = builder.with_crls(lists.iter().cloned());
    builder
        .enforce_revocation_expiration()
        .build()
        .map_err(|e| format!("client certificates cannot be verified: {e}"))
}

impl ClientCertVerifier for Callers {
    fn client_auth_mandatory(&self) -> bool {
        self.are_required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    /// By whichever authority it is from, if that may name whom it names.
    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let mut refused = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        for authority in &self.authorities {
            match authority.verifier.verify_client_cert(own, chain, now) {
                Ok(verified) => {
                    let names = data::peer::named(own);
                    let limits = authority.limits.as_ref();
                    let wrong = limits.and_then(|limits| {
                        let name = names.iter().find(|name| !limits.may_name(name))?;
                        Some((&limits.name, name))
                    });
                    let Some((authority, name)) = wrong else {
                        return Ok(verified);
                    };
                    tracing::warn!(%authority, %name, "a client certificate is refused: its authority may not name this");
                    refused = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
                }
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
                Err(why) => refused = why,
            }
        }
        self.tell(&refused);
        Err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first()?.verify_tls12_signature(message, own, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.first()?.verify_tls13_signature(message, own, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.first()
            .map(|first| first.supported_verify_schemes())
            .unwrap_or_default()
    }
}
