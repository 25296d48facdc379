//! TLS of the data listener: rustls, TLS 1.3 preferred, 1.2 with forward secrecy, optional client certificates.

use std::sync::Arc;

use config::section::{ClientCertificates, Tls};
use domain::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::failure::{Failure, Hint};
use crate::pem::certificates;
use crate::resolve::Resolver;

/// What is read for TLS, to see whether it has changed.
pub struct Files {
    chain: Vec<CertificateDer<'static>>,
    key: Secret,
    authority: Vec<CertificateDer<'static>>,
}

impl PartialEq for Files {
    /// Both are this machine's own files: nobody guesses at them, so time tells nothing.
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain
            && self.authority == other.authority
            && self.key.expose() == other.key.expose()
    }
}

impl Files {
    /// Reads what the configuration names.
    pub async fn read(tls: &Tls, resolver: &Resolver) -> Result<Self, Failure> {
        Ok(Self {
            chain: certificates(&tls.certificate)?,
            key: resolver.resolve(&tls.private_key).await?,
            authority: tls.client_ca.as_deref().map_or(Ok(Vec::new()), certificates)?,
        })
    }
}

/// The acceptor the configuration describes, made of `files`. rustls offers no suite without forward secrecy.
// threat: ANP-D0001
// threat: CTX-T8
pub fn acceptor(tls: &Tls, files: &Files, http2: bool) -> Result<TlsAcceptor, Failure> {
    let key = PrivateKeyDer::from_pem_slice(files.key.expose().as_bytes()).map_err(|e| {
        Failure::new(format!(
            "the private key at `{}` cannot be read: {e}",
            tls.private_key
        ))
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|e| Failure::new(e.to_string()))?;
    let builder = match (tls.client_certificates, &tls.client_ca) {
        (ClientCertificates::None, _) => builder.with_no_client_auth(),
        (_, None) => {
            return Err(
                Failure::usage("`listen.tls.client_certificates` needs `listen.tls.client_ca`")
                    .hint("name the file with the authority's certificate"),
            );
        }
        (wanted, Some(authority)) => {
            let mut roots = RootCertStore::empty();
            for certificate in &files.authority {
                roots
                    .add(certificate.clone())
                    .map_err(|e| Failure::new(format!("`{}`: {e}", authority.display())))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if wanted == ClientCertificates::Optional {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            builder.with_client_cert_verifier(verifier.build().map_err(|e| Failure::new(e.to_string()))?)
        }
    };
    let mut config = builder
        .with_single_cert(files.chain.clone(), key)
        .map_err(|e| Failure::new(format!("certificate and private key do not serve together: {e}")))?;
    if tls.client_certificates != ClientCertificates::None {
        // A resumed session would bring a certificate that has expired since, or whose authority is gone.
        // threat: AGP-S1
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    config.alpn_protocols = if http2 {
        vec![b"h2".to_vec(), b"http/1.1".to_vec()]
    } else {
        vec![b"http/1.1".to_vec()]
    };
    Ok(TlsAcceptor::from(Arc::new(config)))
}
