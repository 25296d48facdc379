//! A renewed certificate is served without a restart: the files are looked at once a minute, and on SIGHUP.
//!
//! New connections get the new certificate, old ones keep theirs; but what callers have shown is verified anew, by the
//! authorities and lists of revoked certificates of now ([`data::standing`]). Files that do not serve together are
//! reported and change nothing.

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::Tls;
use data::standing::Tls as Listening;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::tls::{self, Files};
use crate::failure::Failure;
use crate::resolve::Resolver;

const EVERY: Duration = Duration::from_secs(60);

/// The acceptor that the configuration describes, kept as new as its files; none where it describes none.
pub async fn start(
    config: &Config,
    resolver: &Arc<Resolver>,
    stopped: &watch::Receiver<bool>,
) -> Result<watch::Receiver<Option<Listening>>, Failure> {
    let http2 = config.server.http2;
    let Some(tls) = config.listen.tls.clone() else {
        return Ok(watch::channel(None).1);
    };
    let current = Files::read(&tls, resolver).await?;
    let (acceptor, receiver) = watch::channel(Some(tls::listener(&tls, &current, http2)?));
    let renewer = Renewer {
        tls,
        http2,
        resolver: resolver.clone(),
        current,
        acceptor,
    };
    tokio::spawn(renewer.run(stopped.clone()));
    Ok(receiver)
}

/// Keeps the acceptor as new as its files.
struct Renewer {
    /// What the configuration says.
    tls: Tls,
    /// Whether HTTP/2 is offered.
    http2: bool,
    /// Where its private key is read.
    resolver: Arc<Resolver>,
    /// What is in force was made of this.
    current: Files,
    /// Where the listener looks for it.
    acceptor: watch::Sender<Option<Listening>>,
}

impl Renewer {
    /// Runs until stopped.
    // threat: CTX-T8
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else {
            return;
        };
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = every.tick() => {}
                _ = hangup.recv() => {}
                _ = stop.changed() => return,
            }
            self.look().await;
        }
    }

    /// What is new and serves.
    async fn renewed(&self) -> Result<Option<(Files, Listening)>, Failure> {
        let files = Files::read(&self.tls, &self.resolver).await?;
        if files == self.current {
            return Ok(None);
        }
        let acceptor = tls::listener(&self.tls, &files, self.http2)?;
        Ok(Some((files, acceptor)))
    }

    async fn look(&mut self) {
        match self.renewed().await {
            Ok(None) => {}
            Ok(Some((files, acceptor))) => {
                self.acceptor.send_replace(Some(acceptor));
                self.current = files;
                tracing::info!("what is new on disk for TLS is in force");
            }
            Err(failure) => {
                tracing::error!("what is new on disk for TLS is refused, what is in force stays: {failure}");
            }
        }
    }
}
