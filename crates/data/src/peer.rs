//! The other end of a connection: its address, and the certificate that its TLS handshake has verified.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use credential::Binding;
use domain::TenantId;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use crate::standing::Standing;

/// Who is at the other end.
#[derive(Debug, Clone)]
pub struct Peer {
    /// From where.
    pub address: IpAddr,
    /// Whether it may be a proxy's, and `X-Forwarded-For` be believed.
    pub may_forward: bool,
    /// Shown and verified, where certificates are asked for.
    pub certificate: Option<Arc<ClientCertificate>>,
    /// Whether that is still good.
    pub standing: Option<Arc<Standing>>,
}

/// What counts of a client's certificate.
#[derive(Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// What keys may be bound to: one SPIFFE id, or else host names.
    names: Vec<[u8; 32]>,
    /// SHA-256 of its DER: what tokens are bound to (RFC 8705).
    pub thumbprint: [u8; 32],
}

impl ClientCertificate {
    /// Reads one that was verified. Names that no key can be bound to are left out.
    // threat: AGP-S1
    pub fn of(der: &CertificateDer<'_>) -> Self {
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(digest(&SHA256, der.as_ref()).as_ref());
        let names = names(der);
        Self {
            names: names.iter().map(|name| name.digest(TenantId::PLATFORM)).collect(),
            thumbprint,
        }
    }

    /// Digests of the bindings it meets.
    pub fn bindings(&self) -> &[[u8; 32]] {
        &self.names
    }
}

/// What a certificate says that its holder is, as far as anybody can be bound to it: a SPIFFE id, or hosts.
pub fn named(der: &CertificateDer<'_>) -> Vec<String> {
    let text = |binding: Binding| match binding {
        Binding::Certificate { name } => Some(name),
        _ => None,
    };
    names(der).into_iter().filter_map(text).collect()
}

/// A workload has one SPIFFE id: with two nobody can say which it is. Its host names count only without one.
fn names(der: &CertificateDer<'_>) -> Vec<Binding> {
    let Ok(certificate) = EndEntityCert::try_from(der) else {
        return Vec::new();
    };
    let mut ids = certificate
        .valid_uri_names()
        .filter(|uri| uri.starts_with("spiffe:"));
    match (ids.next(), ids.next()) {
        (Some(id), None) => Binding::certificate(id).into_iter().collect(),
        (Some(_), Some(_)) => Vec::new(),
        _ => certificate
            .valid_dns_names()
            .filter_map(|name| Binding::certificate(name).ok())
            .collect(),
    }
}
