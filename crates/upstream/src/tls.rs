//! TLS on the way out: whom the client believes, and what it shows of itself. There is no switch that turns
//! verification off.

use std::fmt;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::client::{Resumption, WantsClientCert};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use webpki::{EndEntityCert, KeyUsage};

use crate::client::ClientOptions;
use crate::error::{Unfit, UpstreamError};
use crate::spiffe::Workloads;

/// A certificate and its private key, shown to servers that ask for one.
pub struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[certificate and key]")
    }
}

impl Shown {
    /// A certificate with its chain, leaf first, and the key that belongs to it.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, Unfit> {
        match CertifiedKey::from_der(chain.clone(), key.clone_key(), &cryptography()) {
            Ok(_) => Ok(Self { chain, key }),
            Err(rustls::Error::InconsistentKeys(_)) => Err(Unfit::Apart),
            Err(error) => Err(Unfit::Unreadable(error.to_string())),
        }
    }

    /// Whether its time has come and is not over; an authority above it that has expired counts too.
    ///
    /// Who must believe it is the other side's business, so it is verified against nobody: that nobody vouches for it
    /// is expected, and anything that is said of times is said before.
    pub fn is_current(&self, now: UnixTime) -> Result<(), Unfit> {
        let (leaf, above) = self.chain.split_first().ok_or(Unfit::Apart)?;
        let leaf = EndEntityCert::try_from(leaf).map_err(|e| Unfit::Unreadable(e.to_string()))?;
        let algorithms = cryptography().signature_verification_algorithms;
        let usage = KeyUsage::client_auth();
        match leaf.verify_for_usage(algorithms.all, &[], above, now, usage, None, None) {
            Err(webpki::Error::CertExpired { .. }) => Err(Unfit::Expired),
            Err(webpki::Error::CertNotValidYet { .. }) => Err(Unfit::Early),
            _ => Ok(()),
        }
    }
}

fn cryptography() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// TLS 1.2 with forward secrecy or 1.3, verified by what the options say.
// threat: ANP-0018
// threat: AGP-CRED-4.2
pub(crate) fn config(options: &ClientOptions) -> Result<ClientConfig, UpstreamError> {
    let trouble = |e: rustls::Error| UpstreamError::Connect(e.to_string());
    let verified = verified(options)?;
    let mut config = match &options.shown {
        None => verified.with_no_client_auth(),
        Some(shown) => verified
            .with_client_auth_cert(shown.chain.clone(), shown.key.clone_key())
            .map_err(trouble)?,
    };
    if options.shown.is_some() || !options.spiffe_ids.is_empty() {
        // A resumed session would go on with a certificate that has expired since, ours or theirs.
        config.resumption = Resumption::disabled();
    }
    Ok(config)
}

fn verified(options: &ClientOptions) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, UpstreamError> {
    let provider = Arc::new(cryptography());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|e| UpstreamError::Connect(e.to_string()))?;
    if !options.spiffe_ids.is_empty() {
        let roots = roots(&options.extra_roots, false)?;
        let verifier = Workloads::new(roots, options.spiffe_ids.clone(), algorithms);
        let builder = builder.dangerous();
        return Ok(builder.with_custom_certificate_verifier(Arc::new(verifier)));
    }
    if options.extra_roots.is_empty() && options.system_roots {
        return builder
            .try_with_platform_verifier()
            .map_err(|e| UpstreamError::Connect(e.to_string()));
    }
    Ok(builder.with_root_certificates(roots(&options.extra_roots, options.system_roots)?))
}

fn roots(extra: &[CertificateDer<'static>], system: bool) -> Result<RootCertStore, UpstreamError> {
    let mut roots = RootCertStore::empty();
    if system {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for root in extra {
        roots
            .add(root.clone())
            .map_err(|e| UpstreamError::Connect(e.to_string()))?;
    }
    Ok(roots)
}
