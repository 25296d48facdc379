//! Keys of issuers, fetched and fetched again: on time, and when a token came whose key nobody knows, but never
//! more often than every few seconds. What is not good replaces nothing.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use data::Gate;
use data::issuers::RegisteredIssuer;
use http::header::HOST;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use identity::jwt::{KEY_SET_BYTES_MAX, KeySet};
use tokio::sync::watch;
use upstream::{Base, Client, ClientOptions};

/// How often the settings are looked at for issuers that are new.
const LOOK: Duration = Duration::from_millis(200);
/// The least time between two fetches for one issuer, whatever tokens come.
const PAUSE: Duration = Duration::from_secs(5);
/// How long one fetch may take.
const FETCH: Duration = Duration::from_secs(10);

/// Fetches for all issuers of the settings in force, until stopped.
// threat: AGP-S3
// threat: AGP-D2
pub async fn run(gate: Arc<Gate>, mut stop: watch::Receiver<bool>) {
    let client = Client::new(&ClientOptions {
        connect_timeout: FETCH,
        idle_per_host_max: 1,
        ..ClientOptions::default()
    });
    let mut known: HashSet<usize> = HashSet::new();
    loop {
        let view = gate.view();
        let here: HashSet<usize> = view.settings.issuers.iter().map(place).collect();
        for issuer in view.settings.issuers.iter() {
            if !known.contains(&place(issuer)) {
                tokio::spawn(keep(Arc::downgrade(issuer), client.clone(), stop.clone()));
            }
        }
        known = here;
        drop(view);
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// While an issuer is in the settings nobody else has its place.
fn place(issuer: &Arc<RegisteredIssuer>) -> usize {
    Arc::as_ptr(issuer).addr()
}

/// Looks after one issuer while anybody has it.
async fn keep(issuer: Weak<RegisteredIssuer>, client: Client, mut stop: watch::Receiver<bool>) {
    loop {
        let Some(issuer) = issuer.upgrade() else { return };
        let next = match refresh(&issuer, &client).await {
            Ok(keys) => {
                tracing::debug!(issuer = issuer.name, keys, "the keys of an issuer were read");
                issuer.source.refresh
            }
            Err(why) => {
                tracing::warn!(
                    issuer = issuer.name,
                    why,
                    "the keys of an issuer cannot be had: those known last are used while they are good"
                );
                PAUSE
            }
        };
        let waiting = async {
            tokio::time::sleep(PAUSE.min(next)).await;
            let rest = next.saturating_sub(PAUSE);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = issuer.wants_keys() => {}
            }
        };
        tokio::select! {
            () = waiting => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn refresh(issuer: &RegisteredIssuer, client: &Client) -> Result<usize, String> {
    let source = issuer.source.place.as_str();
    let text = if source.contains("://") {
        let fetched = tokio::time::timeout(FETCH, fetch(source, client)).await;
        fetched.map_err(|_| "no answer in time".to_owned())??
    } else {
        read(Path::new(source)).await?
    };
    let keys = KeySet::parse(&text).map_err(|e| e.to_string())?;
    let usable = keys.usable();
    issuer.put(keys).map_err(|e| e.to_string())?;
    Ok(usable)
}

async fn read(path: &Path) -> Result<String, String> {
    let size = tokio::fs::metadata(path).await.map_err(|e| e.to_string())?.len();
    if size > KEY_SET_BYTES_MAX as u64 {
        return Err(format!("more than {KEY_SET_BYTES_MAX} bytes"));
    }
    tokio::fs::read_to_string(path).await.map_err(|e| e.to_string())
}

/// TLS beyond loopback, no redirect is followed, and no more is read than a key set may have.
// threat: ANP-0018
async fn fetch(address: &str, client: &Client) -> Result<String, String> {
    let at = address.find("://").map_or(0, |at| at + 3);
    let path_at = address
        .get(at..)
        .and_then(|rest| rest.find('/'))
        .map_or(address.len(), |path| at + path);
    let (origin, path) = address.split_at_checked(path_at).ok_or("no address")?;
    let base = Base::parse(origin, false).map_err(|e| e.to_string())?;
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = base
        .uri(if path.is_empty() { "/" } else { path })
        .ok_or("no address")?;
    if !base.is_tls() {
        request
            .headers_mut()
            .insert(HOST, base.host().ok_or("no address")?);
    }
    let response = client.send(request, FETCH).await.map_err(|e| e.to_string())?;
    if response.status() != StatusCode::OK {
        return Err(format!("answered with {}", response.status()));
    }
    let body = Limited::new(response.into_body(), KEY_SET_BYTES_MAX)
        .collect()
        .await;
    let bytes = body.map_err(|e| e.to_string())?.to_bytes();
    String::from_utf8(bytes.into()).map_err(|_| "not text".to_owned())
}
