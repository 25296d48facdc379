//! Who else is asked about budgets, as the configuration says, and what questions are signed with: read again while the gate
//! runs, so that a new secret needs no new start.

use std::sync::Arc;
use std::time::Duration;

use config::section::OnFailure as Written;
use data::stage::asking::{Asker, AskerOptions, OnFailure};
use tokio::sync::watch;
use upstream::{Client, ClientOptions, Hook, HookKeys};
use worker::Keyring;

use super::alerts::Referenced;
use super::base::Base;
use super::ms;
use crate::failure::Failure;

/// How often secrets are read again.
const EVERY: Duration = Duration::from_secs(30);

/// The one who asks, if somebody is to be asked. What cannot be had now is a failure: later it is a warning.
pub async fn begin(base: &Base) -> Result<Option<Arc<Asker>>, Failure> {
    let Some(own) = &base.config.budgets.webhook else {
        return Ok(None);
    };
    let wrong = |why: String| Failure::usage(format!("`budgets.webhook`: {why}"));
    let timeout = ms(own.timeout_ms);
    let client = Client::new(&ClientOptions {
        connect_timeout: timeout,
        idle_per_host_max: usize::try_from(own.at_once_max).unwrap_or(usize::MAX),
        ..ClientOptions::default()
    });
    if own.address.starts_with("https:") {
        let ready = client.clone();
        let prepared = tokio::task::spawn_blocking(move || ready.prepare()).await;
        prepared
            .map_err(|error| wrong(error.to_string()))?
            .map_err(|error| wrong(error.to_string()))?;
    }
    let asker = Asker::new(AskerOptions {
        hook: Hook::parse(&own.address, own.allow_plaintext).map_err(wrong)?,
        client,
        timeout,
        on_failure: match own.on_failure {
            Written::Refuse => OnFailure::Refuse,
            Written::Permit => OnFailure::Permit,
        },
        at_once_max: usize::try_from(own.at_once_max).unwrap_or(usize::MAX),
        metrics: base.metrics.clone(),
    });
    asker.set_keys(keys(base).await.map_err(wrong)?);
    Ok(Some(Arc::new(asker)))
}

fn references(base: &Base) -> Referenced {
    let own = base.config.budgets.webhook.as_ref();
    let secrets = own.map(|own| own.secrets.clone()).unwrap_or_default();
    Referenced::new(secrets, base.resolver.clone(), Some(base.logs.scrubber().clone()))
}

async fn keys(base: &Base) -> Result<HookKeys, String> {
    HookKeys::read(&references(base).secrets().await?)
}

/// Reads secrets again, until told to stop.
pub fn start(base: &Base, asker: Option<Arc<Asker>>, mut stopped: watch::Receiver<bool>) {
    let Some(asker) = asker else { return };
    let references = references(base);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
            match references.secrets().await.and_then(|all| HookKeys::read(&all)) {
                Ok(keys) => asker.set_keys(keys),
                Err(why) => tracing::warn!(why, "secrets of the budget webhook stay as they were"),
            }
        }
    });
}
