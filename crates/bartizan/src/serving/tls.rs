//! TLS of the data listener: rustls, TLS 1.3 preferred, 1.2 with forward secrecy, optional client certificates.

use std::sync::Arc;

use config::section::{ClientCertificates, Tls};
use domain::Secret;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;
use tokio_rustls::TlsAcceptor;

use super::callers::{Callers, Roots};
use crate::failure::{Failure, Hint};
use crate::pem::{certificates, revocation_lists};
use crate::resolve::Resolver;

/// What is read for TLS, to see whether it has changed.
pub struct Files {
    chain: Vec<CertificateDer<'static>>,
    key: Secret,
    /// One for each authority of the configuration, in its order.
    authorities: Vec<Roots>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
}

impl PartialEq for Files {
    /// Both are this machine's own files: nobody guesses at them, so time tells nothing.
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain
            && self.authorities == other.authorities
            && self.revoked == other.revoked
            && self.key.expose() == other.key.expose()
    }
}

impl Files {
    /// Reads what the configuration names.
    pub async fn read(tls: &Tls, resolver: &Resolver) -> Result<Self, Failure> {
        let named = tls.client_cas.iter().map(|one| &one.certificate);
        let authorities = named.chain(&tls.client_ca).map(|path| certificates(path));
        let mut revoked = Vec::new();
        for path in &tls.client_crl {
            revoked.extend(revocation_lists(path)?);
        }
        Ok(Self {
            chain: certificates(&tls.certificate)?,
            key: resolver.resolve(&tls.private_key).await?,
            authorities: authorities.collect::<Result<_, _>>()?,
            revoked,
        })
    }
}

/// What the configuration describes, made of `files`. rustls offers no suite without forward secrecy.
// threat: ANP-D0001
// threat: CTX-T8
pub fn listener(tls: &Tls, files: &Files, http2: bool) -> Result<data::standing::Tls, Failure> {
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
    let callers: Option<Arc<dyn ClientCertVerifier>> = match tls.client_certificates {
        ClientCertificates::None => None,
        _ if files.authorities.is_empty() => {
            return Err(
                Failure::usage("`listen.tls.client_certificates` needs `listen.tls.client_ca`")
                    .hint("name the file with the authority's certificate"),
            );
        }
        _ => Some(Arc::new(Callers::new(
            tls,
            &files.authorities,
            &files.revoked,
            &provider,
        )?)),
    };
    let builder = match callers.clone() {
        None => builder.with_no_client_auth(),
        Some(callers) => builder.with_client_cert_verifier(callers),
    };
    let mut config = builder
        .with_single_cert(files.chain.clone(), key)
        .map_err(|e| Failure::new(format!("certificate and private key do not serve together: {e}")))?;
    if callers.is_some() {
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
    Ok(data::standing::Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        callers,
    })
}
