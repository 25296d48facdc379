//! TLS towards single providers: what is read for it, and the client that is made of that. A client is never changed:
//! where files have changed, another takes its place for calls to come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::{Provider, ProviderTls};
use domain::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use upstream::{Client, ClientOptions, Shown, Unfit};

use crate::failure::{Failure, Hint};
use crate::pem::certificates;
use crate::resolve::Resolver;

/// What was read for one provider.
#[derive(Debug)]
pub struct Material {
    authorities: Vec<CertificateDer<'static>>,
    chain: Vec<CertificateDer<'static>>,
    /// Nothing where it is left for `serve` to open.
    key: Option<Secret>,
}

/// By provider; those without TLS of their own are left out.
pub type Materials = BTreeMap<String, Material>;

impl PartialEq for Material {
    /// All are this machine's own files: nobody guesses at them, so time tells nothing.
    fn eq(&self, other: &Self) -> bool {
        let text = |material: &Self| material.key.as_ref().map(|key| key.expose().to_owned());
        self.chain == other.chain && self.authorities == other.authorities && text(self) == text(other)
    }
}

/// A provider's client, and what it was made of.
#[derive(Debug)]
pub struct Way {
    described: (ProviderTls, u64),
    material: Material,
    shown: Option<Arc<Shown>>,
    /// Calls go over this.
    pub client: Client,
}

impl Way {
    /// The client that the configuration describes, made of what was read. A certificate whose time is over is no
    /// certificate: its provider would refuse every call.
    // threat: AGP-S2
    // threat: ANP-0018
    pub fn new(described: &Provider, tls: &ProviderTls, material: Material) -> Result<Self, Failure> {
        let trouble = |what: String| Failure::new(format!("provider `{}`: `tls`: {what}", described.name));
        let shown = material.shown(tls).map_err(|e| trouble(e.to_string()))?;
        if let Some(shown) = &shown {
            let current = shown.is_current(UnixTime::now());
            current.map_err(|e| trouble(e.to_string()).hint(RENEW))?;
        }
        let client = Client::new(&ClientOptions {
            connect_timeout: Duration::from_millis(described.timeouts.connect_ms),
            system_roots: tls.ca.is_none(),
            extra_roots: material.authorities.clone(),
            shown: shown.clone(),
            spiffe_ids: tls.spiffe_ids.clone(),
            server_name: tls.server_name.clone(),
            ..ClientOptions::default()
        });
        client.prepare().map_err(|e| trouble(e.to_string()))?;
        Ok(Self {
            described: (tls.clone(), described.timeouts.connect_ms),
            material,
            shown,
            client,
        })
    }

    /// Whether the same would come out again.
    pub fn is_of(&self, described: &Provider, material: &Material) -> bool {
        let (tls, connect_ms) = &self.described;
        described.tls.as_ref() == Some(tls)
            && described.timeouts.connect_ms == *connect_ms
            && self.material == *material
    }

    /// Whether what it shows is still good.
    pub fn is_current(&self) -> Result<(), Unfit> {
        let shown = self.shown.as_ref();
        shown.map_or(Ok(()), |shown| shown.is_current(UnixTime::now()))
    }
}

const RENEW: &str =
    "put a renewed certificate and its key in its place: they are looked at every few seconds";

impl Material {
    /// Reads what the configuration names.
    async fn read(tls: &ProviderTls, resolver: &Resolver) -> Result<Self, Failure> {
        let pem = |path: &Option<std::path::PathBuf>| path.as_deref().map_or(Ok(Vec::new()), certificates);
        let key = tls.client_key.as_ref().filter(|key| !resolver.spares(key));
        Ok(Self {
            authorities: pem(&tls.ca)?,
            chain: pem(&tls.client_certificate)?,
            key: match key {
                Some(key) => Some(resolver.resolve(key).await?),
                None => None,
            },
        })
    }

    fn shown(&self, tls: &ProviderTls) -> Result<Option<Arc<Shown>>, Unfit> {
        let (Some(key), Some(at)) = (&self.key, &tls.client_key) else {
            return Ok(None);
        };
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|e| Unfit::Unreadable(format!("no private key at `{at}`: {e}")))?;
        Shown::new(self.chain.clone(), key).map(|shown| Some(Arc::new(shown)))
    }
}

/// Reads for one provider, if it has TLS of its own.
pub async fn read(described: &Provider, resolver: &Resolver) -> Option<Result<Material, Failure>> {
    let read = Material::read(described.tls.as_ref()?, resolver).await;
    Some(read.map_err(|failure| failure.within(&format!("provider `{}`: `tls`", described.name))))
}

/// Reads for all; the first that cannot be had is the failure.
pub async fn read_all(config: &Config, resolver: &Resolver) -> Result<Materials, Failure> {
    let mut all = Materials::new();
    for described in &config.providers {
        if let Some(read) = read(described, resolver).await {
            all.insert(described.name.clone(), read?);
        }
    }
    Ok(all)
}
