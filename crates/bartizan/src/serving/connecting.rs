//! Guards outside, as the configuration says. What they are shown is read again while the gate runs, so that a new
//! credential needs no new start.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use config::section::{Connector as Written, ConnectorFailure, ConnectorKind, JudgeForm};
use data::connectors::{Attached, Connectors, OnFailure, Presented};
use domain::Secret;
use inspector::{Connector, ConnectorOptions, Form, Judge, Kind, Moderation, Own, Presidio};
use policy::Place;
use tokio::sync::watch;
use upstream::{Client, ClientOptions};
use worker::Keyring;

use super::alerts::Referenced;
use super::base::Base;
use super::ms;
use crate::failure::Failure;

/// How often credentials are read again.
const EVERY: Duration = Duration::from_secs(30);
/// From which score Presidio's findings count unless said, in percent.
const PRESIDIO_SCORE_MIN: u8 = 40;

/// All of them. What cannot be had now is a failure: later it is a warning.
pub async fn begin(base: &Base) -> Result<Arc<Connectors>, Failure> {
    let mut all = Vec::with_capacity(base.config.guards.connectors.len());
    for written in &base.config.guards.connectors {
        let wrong = |why: String| Failure::usage(format!("guard connector `{}`: {why}", written.name));
        let attached = attached(base, written).await.map_err(wrong)?;
        let credential = credential(base, written).await.map_err(wrong)?;
        attached.show(credential.as_ref(), &base.home.master.pepper());
        if base.config.asks_itself(written) && !attached.presents_key() {
            let why = "asks this gate with something else than a virtual key: by that alone its own calls are known";
            return Err(wrong(why.to_owned()));
        }
        all.push(attached);
    }
    Ok(Arc::new(Connectors::new(all)))
}

async fn attached(base: &Base, written: &Written) -> Result<Attached, String> {
    let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let timeout = ms(written.timeout_ms);
    let client = Client::new(&ClientOptions {
        connect_timeout: timeout,
        idle_per_host_max: size(written.at_once_max.into()),
        ..ClientOptions::default()
    });
    if written.address.starts_with("https:") {
        let ready = client.clone();
        let prepared = tokio::task::spawn_blocking(move || ready.prepare()).await;
        prepared
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
    }
    let mut seed = [0; 32];
    rand::fill(&mut seed).map_err(|_| "there is no randomness".to_owned())?;
    Ok(Attached {
        name: written.name.clone(),
        when: written.when.clone(),
        input: written.input,
        output: written.output,
        on_failure: match written.on_failure {
            ConnectorFailure::Block => OnFailure::Block,
            ConnectorFailure::Flag => OnFailure::Flag,
        },
        place: Place {
            provider: written.name.as_str().into(),
            model: written.model.clone().unwrap_or_default(),
            region: written.region.clone(),
            self_hosted: written.self_hosted,
        },
        connector: Connector::new(ConnectorOptions {
            name: written.name.clone(),
            kind: kind(written),
            address: written.address.clone(),
            allow_plaintext: written.allow_plaintext,
            client,
            wants_credential: written.credential.is_some(),
            timeout,
            at_once_max: size(written.at_once_max.into()),
            texts_max: size(written.texts_max.into()),
            cache: ms(written.cache_ms),
            text_bytes_max: size(written.text_bytes_max),
            seed,
        })?,
        presented: Presented::default(),
        metrics: base.metrics.connector(&written.name),
    })
}

fn kind(written: &Written) -> Kind {
    match written.kind {
        ConnectorKind::Http => Kind::Own(Own {
            score_min: written.score_min.unwrap_or(0),
        }),
        ConnectorKind::Presidio => Kind::Presidio(Presidio {
            language: written.language.clone().unwrap_or_else(|| "en".to_owned()),
            score_min: written.score_min.unwrap_or(PRESIDIO_SCORE_MIN),
            entities: written.entities.clone(),
        }),
        ConnectorKind::OpenaiModeration => Kind::Moderation(Moderation {
            model: written.model.clone(),
            score_min: written.score_min,
        }),
        ConnectorKind::Judge => Kind::Judge(Judge {
            model: written.model.clone().unwrap_or_default(),
            form: match written.form.unwrap_or_default() {
                JudgeForm::Instructed => Form::Instructed,
                JudgeForm::LlamaGuard => Form::LlamaGuard,
            },
        }),
    }
}

fn referenced(base: &Base, written: &Written) -> Option<Referenced> {
    let reference = written.credential.clone()?;
    let scrubber = base.logs.scrubber().clone();
    Some(Referenced::new(
        vec![reference],
        base.resolver.clone(),
        Some(scrubber),
    ))
}

async fn credential(base: &Base, written: &Written) -> Result<Option<Secret>, String> {
    match referenced(base, written) {
        Some(referenced) => Ok(referenced.secrets().await?.pop()),
        None => Ok(None),
    }
}

/// Reads credentials again, until told to stop.
// threat: AGP-CRED-1.1.3
pub fn start(base: &Base, connectors: &Connectors, stopped: &watch::Receiver<bool>) {
    for attached in connectors.iter().cloned() {
        let mut all = base.config.guards.connectors.iter();
        let written = all.find(|written| written.name == attached.name);
        let Some(referenced) = written.and_then(|written| referenced(base, written)) else {
            continue;
        };
        let (mut stopped, pepper) = (stopped.clone(), base.home.master.pepper());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = stopped.wait_for(|stop| *stop) => return,
                }
                match referenced.secrets().await {
                    Ok(mut all) => attached.show(all.pop().as_ref(), &pepper),
                    Err(why) => {
                        tracing::warn!(connector = %attached.name, why, "the credential of a guard connector stays as it was");
                    }
                }
            }
        });
    }
}
