//! Who a provider must be where SPIFFE ids are configured: its certificate chains to the configured authority and
//! carries one URI, which is one of those ids. The host's name does not count then. It judges certificates and
//! nothing else; signatures are verified by rustls' own means.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};
use webpki::EndEntityCert;

/// Why a certificate that its authority vouches for is still refused.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
enum NotWho {
    #[error("the certificate has {0} URIs where an X.509-SVID has exactly one")]
    Uris(usize),
    #[error("the certificate is that of `{0}`, which is not among `spiffe_ids`")]
    Other(String),
}

/// In words: rustls shows this form of it where it says why a handshake failed.
impl fmt::Debug for NotWho {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes certificates of these workloads, from this authority.
#[derive(Debug)]
pub(crate) struct Workloads {
    roots: RootCertStore,
    ids: Vec<String>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Workloads {
    pub(crate) const fn new(
        roots: RootCertStore,
        ids: Vec<String>,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self {
            roots,
            ids,
            algorithms,
        }
    }

    /// One id, and one of ours. Ids have one spelling, so bytes are compared.
    // threat: AGP-S2
    // threat: AGP-CRED-4.1
    fn is_one(&self, leaf: &CertificateDer<'_>) -> Result<(), NotWho> {
        let uris: Vec<&str> = EndEntityCert::try_from(leaf)
            .map(|leaf| leaf.valid_uri_names().collect())
            .unwrap_or_default();
        match uris.as_slice() {
            [uri] if self.ids.iter().any(|id| id == uri) => Ok(()),
            [uri] => Err(NotWho::Other(uri.chars().take(256).collect())),
            uris => Err(NotWho::Uris(uris.len())),
        }
    }
}

impl ServerCertVerifier for Workloads {
    // threat: ANP-0018
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        self.is_one(end_entity)
            .map_err(|why| CertificateError::Other(OtherError(Arc::new(why))))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
