//! Certificates towards providers, kept as new as their files: they may live for minutes. New calls go over new
//! connections with the new certificate; calls under way end on the old ones. What does not serve changes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use config::Config;
use config::section::Provider;
use tokio::task::JoinSet;

use super::reload::Reloader;
use crate::failure::Failure;
use crate::resolve::Resolver;
use crate::upstream_tls::{self, Material};

/// How often files are looked at.
pub const LOOK_MS: u64 = 2_000;

/// What was read for a provider, as it was described then.
pub type Seen = Vec<(Provider, Result<Material, Failure>)>;

async fn look(config: Config, resolver: Arc<Resolver>) -> Seen {
    let mut seen = Vec::new();
    for described in config.providers {
        if let Some(read) = upstream_tls::read(&described, &resolver).await {
            seen.push((described, read));
        }
    }
    seen
}

impl Reloader {
    /// Reads apart, one round at a time: a private key may be in a vault that does not answer.
    pub(super) fn look_at_certificates(&self, reading: &mut JoinSet<Seen>) {
        let is_any = self.current.providers.iter().any(|one| one.tls.is_some());
        if is_any && reading.is_empty() {
            reading.spawn(look(self.current.clone(), self.resolver.clone()));
        }
    }

    /// What is new and serves takes effect.
    // threat: ANP-0018
    // threat: AGP-S2
    pub(super) fn take_in_certificates(&mut self, seen: Seen) {
        let mut changed = HashMap::new();
        for (described, read) in seen {
            if !self.current.providers.contains(&described) {
                continue; // The file says something else by now, and has been taken up with what it names.
            }
            match read.and_then(|material| self.workshop.renewed(&described, material)) {
                Ok(None) => drop(self.unfit.remove(&described.name)),
                Ok(Some(client)) => {
                    self.unfit.remove(&described.name);
                    tracing::info!(provider = %described.name, "what its TLS is made of was renewed: new calls use it");
                    changed.insert(described.name, client);
                }
                Err(failure) => self.tell_unfit(described.name, &failure),
            }
        }
        if !changed.is_empty() {
            self.gate
                .change_settings(|settings| settings.with_clients(&changed));
        }
    }

    /// Once for each thing that is wrong.
    fn tell_unfit(&mut self, provider: String, failure: &Failure) {
        let why = failure.to_string();
        if self.unfit.get(&provider) != Some(&why) {
            tracing::error!(%provider, "a certificate towards a provider is refused, what is in force stays: {why}");
            self.unfit.insert(provider, why);
        }
    }
}
