//! The certificate of an open connection, looked at again: one that was revoked, has expired, or whose authority is no
//! longer believed ends with the next request, and not with the connection.
//!
//! It is verified as at the handshake, and by what is in force now: after every change of it, and once a minute at
//! most. In between nothing is done but to look at a clock.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

const EVERY: Duration = Duration::from_secs(60);

/// How the listener speaks TLS.
#[derive(Clone)]
pub struct Tls {
    /// Takes connections.
    pub acceptor: TlsAcceptor,
    /// Whose certificates it takes, if it asks for any.
    pub callers: Option<Arc<dyn ClientCertVerifier>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[tls]")
    }
}

/// A connection's certificate, and whether it is good.
#[derive(Debug)]
pub struct Standing {
    /// As it was shown, the caller's own first.
    chain: Vec<CertificateDer<'static>>,
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    tls: watch::Receiver<Option<Tls>>,
    /// When it was found good; nothing once it was not.
    found_good: Option<Instant>,
}

impl Standing {
    /// Of a certificate that was verified by what `tls` has seen last.
    pub fn new(chain: &[CertificateDer<'_>], tls: watch::Receiver<Option<Tls>>) -> Self {
        Self {
            chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
            last: Mutex::new(Last {
                tls,
                found_good: Some(Instant::now()),
            }),
        }
    }

    /// Whether it is good now.
    // threat: AGP-S1
    // threat: CTX-T3
    pub fn is_good(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = last.tls.has_changed().unwrap_or(false);
        if !is_new && last.found_good.is_some_and(|at| at.elapsed() < EVERY) {
            return true;
        }
        let callers = last
            .tls
            .borrow_and_update()
            .as_ref()
            .and_then(|tls| tls.callers.clone());
        let good = callers.is_some_and(|callers| self.is_taken_by(callers.as_ref()));
        last.found_good = good.then(Instant::now);
        good
    }

    fn is_taken_by(&self, callers: &dyn ClientCertVerifier) -> bool {
        let Some((own, chain)) = self.chain.split_first() else {
            return false;
        };
        callers.verify_client_cert(own, chain, UnixTime::now()).is_ok()
    }
}
