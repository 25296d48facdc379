//! TLS for what is not HTTP: one connection to a place that the configuration names, its certificate verified.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{ClientOptions, addresses, tls};

/// Opens connections over TLS.
#[derive(Clone)]
pub struct TlsSockets {
    options: ClientOptions,
    connector: Arc<OnceLock<Result<TlsConnector, String>>>,
}

impl std::fmt::Debug for TlsSockets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsSockets").finish_non_exhaustive()
    }
}

impl TlsSockets {
    /// Connections to those whom these authorities vouch for; the system's where none is named.
    pub fn new(authorities: Vec<CertificateDer<'static>>) -> Self {
        let options = ClientOptions {
            system_roots: authorities.is_empty(),
            extra_roots: authorities,
            ..ClientOptions::default()
        };
        Self {
            options,
            connector: Arc::default(),
        }
    }

    /// A connection to `host:port`, whose certificate is that host's. There is no switch that turns this off.
    // threat: ANP-0018
    // threat: AGP-CRED-4.2
    pub async fn connect(&self, place: &str) -> Result<TlsStream<TcpStream>, std::io::Error> {
        let connector = self.connector.get_or_init(|| {
            let made = tls::config(&self.options).map(|config| TlsConnector::from(Arc::new(config)));
            made.map_err(|error| error.to_string())
        });
        let connector = connector
            .as_ref()
            .map_err(|why| std::io::Error::other(why.clone()))?;
        let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
        let socket = TcpStream::connect(addresses(place).await?.as_slice()).await?;
        connector.connect(name, socket).await
    }
}
