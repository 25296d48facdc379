//! Logging in: from what the configuration names to a token and its lease.

use credential::SecretRef;
use domain::Secret;
use http::Method;
use secrets::{SecretError, Secrets};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::Auth;
use crate::api::{Api, Fault};
use crate::session::{Lease, Token};

/// A text that arrives as JSON and is a secret from then on.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(crate) struct Text(pub(crate) Secret);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

/// What a login or a renewal answers.
#[derive(Deserialize)]
pub(crate) struct Granted {
    pub(crate) auth: Grant,
}

#[derive(Deserialize)]
pub(crate) struct Grant {
    client_token: Text,
    #[serde(default)]
    pub(crate) lease_duration: u64,
    #[serde(default)]
    pub(crate) renewable: bool,
}

/// A secret id taken out of its wrapping, and the token it was wrapped in: that opens once, so it is kept.
pub(crate) struct Unwrapped {
    from: Secret,
    secret_id: Secret,
}

/// Logs in as the configuration says.
// threat: AGP-CRED-1.1.1
pub(crate) async fn login(
    api: &Api,
    auth: &Auth,
    bootstrap: &dyn Secrets,
    kept: &mut Option<Unwrapped>,
) -> Result<Token, Fault> {
    match auth {
        Auth::AppRole {
            mount,
            role_id,
            secret_id,
            wrapped,
        } => {
            let found = presented(bootstrap, secret_id).await?;
            let opened = match wrapped {
                true => unwrapped(api, mount, secret_id, found, kept).await?,
                false => found,
            };
            let body = Credentials {
                role_id: Some(role_id),
                secret_id: Some(opened.expose()),
                ..Credentials::default()
            };
            with(api, mount, &body).await
        }
        Auth::Kubernetes { mount, role, token } => {
            let jwt = presented(bootstrap, token).await?;
            let body = Credentials {
                role: Some(role),
                jwt: Some(jwt.expose()),
                ..Credentials::default()
            };
            with(api, mount, &body).await
        }
        Auth::Token { token } => found(api, presented(bootstrap, token).await?).await,
    }
}

/// Whether a wrapped secret id still waits in its wrapping; says nothing of other methods.
pub(crate) async fn look(api: &Api, auth: &Auth, bootstrap: &dyn Secrets) -> Result<(), SecretError> {
    let Auth::AppRole {
        mount,
        secret_id,
        wrapped: true,
        ..
    } = auth
    else {
        return Ok(());
    };
    let wrapping = bootstrap.get(secret_id).await?.value;
    let waits = waits(api, mount, secret_id, &wrapping).await;
    waits.map_err(|fault| fault.at(secret_id))
}

#[derive(Default, Serialize)]
struct Credentials<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

impl Credentials<'_> {
    /// One buffer of the right size: none is left behind by growing.
    fn json(&self) -> Zeroizing<Vec<u8>> {
        let parts = [self.role_id, self.secret_id, self.role, self.jwt, self.token];
        let size: usize = parts.iter().flatten().map(|part| 6 * part.len() + 16).sum();
        let mut json = Zeroizing::new(Vec::with_capacity(size + 16));
        // Text into memory: there is nothing that could fail.
        let _ = serde_json::to_writer(&mut *json, self);
        json
    }
}

/// What this machine holds. That it cannot be read is not the server's answer.
async fn presented(bootstrap: &dyn Secrets, at: &SecretRef) -> Result<Secret, Fault> {
    let found = bootstrap.get(at).await;
    found
        .map(|found| found.value)
        .map_err(|error| Fault::Away(format!("cannot be asked for: {error}").into()))
}

async fn with(api: &Api, mount: &str, body: &Credentials<'_>) -> Result<Token, Fault> {
    let path = format!("/v1/auth/{mount}/login");
    let asked = Instant::now();
    let answer = api.call(Method::POST, &path, None, Some(body.json())).await;
    let grant = answer.map_err(not_logged_in)?.read::<Granted>()?.auth;
    let lease = Lease::new(asked, grant.lease_duration, grant.renewable);
    Ok(Token::new(grant.client_token.0, lease))
}

/// The server's "no" to a login. It says so with 400 as well as 403.
fn not_logged_in(fault: Fault) -> Fault {
    match fault {
        Fault::Refused(_) | Fault::Unclear(_) | Fault::Absent(_) => {
            Fault::Refused("cannot be asked for: the vault refuses the gate's login".into())
        }
        away => away,
    }
}

/// A token that is there already: how long it lasts.
async fn found(api: &Api, token: Secret) -> Result<Token, Fault> {
    #[derive(Deserialize)]
    struct Looked {
        data: Facts,
    }
    #[derive(Deserialize)]
    struct Facts {
        ttl: u64,
        #[serde(default)]
        renewable: bool,
    }
    let asked = Instant::now();
    let answer = api.call(Method::GET, LOOKUP_SELF, Some(&token), None).await;
    let facts = answer.map_err(not_logged_in)?.read::<Looked>()?.data;
    Ok(Token::new(token, Lease::new(asked, facts.ttl, facts.renewable)))
}

pub(crate) const LOOKUP_SELF: &str = "/v1/auth/token/lookup-self";

/// The secret id in `wrapping`. Opened once and kept: asking again would look like somebody else's asking.
async fn unwrapped(
    api: &Api,
    mount: &str,
    at: &SecretRef,
    wrapping: Secret,
    kept: &mut Option<Unwrapped>,
) -> Result<Secret, Fault> {
    #[derive(Deserialize)]
    struct Opened {
        data: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        secret_id: Text,
    }
    if let Some(known) = kept
        .as_ref()
        .filter(|known| known.from.expose() == wrapping.expose())
    {
        return Ok(known.secret_id.duplicate());
    }
    waits(api, mount, at, &wrapping).await?;
    let answer = api
        .call(Method::POST, "/v1/sys/wrapping/unwrap", Some(&wrapping), None)
        .await;
    let answer = answer.map_err(|fault| match fault {
        Fault::Silent(_) | Fault::Away(_) => fault,
        _ => intercepted(at, "it was opened by somebody else in this very moment"),
    })?;
    let secret_id = answer.read::<Opened>()?.data.secret_id.0;
    let copy = secret_id.duplicate();
    *kept = Some(Unwrapped {
        from: wrapping,
        secret_id,
    });
    Ok(copy)
}

/// Whether what is in the wrapping is still there, and is what the role's own endpoint put there: whoever
/// opens a wrapping may wrap something else.
// threat: AGP-CRED-1.1.2
async fn waits(api: &Api, mount: &str, at: &SecretRef, wrapping: &Secret) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct Looked {
        data: Facts,
    }
    #[derive(Deserialize)]
    struct Facts {
        creation_path: String,
    }
    let body = Credentials {
        token: Some(wrapping.expose()),
        ..Credentials::default()
    };
    let answer = api
        .call(Method::POST, "/v1/sys/wrapping/lookup", None, Some(body.json()))
        .await;
    let answer = answer.map_err(|fault| match fault {
        Fault::Silent(_) | Fault::Away(_) => fault,
        _ => intercepted(at, "it was opened before, or has expired"),
    })?;
    let path = answer.read::<Looked>()?.data.creation_path;
    let within = path.strip_prefix(&format!("auth/{mount}/role/"));
    match within.and_then(|rest| rest.strip_suffix("/secret-id")) {
        Some(role) if !role.contains('/') => Ok(()),
        _ => Err(intercepted(
            at,
            "what it wraps was not made by the role's own endpoint",
        )),
    }
}

/// Said loudly: somebody may hold the secret id in our place.
fn intercepted(at: &SecretRef, how: &'static str) -> Fault {
    tracing::error!(
        reference = %at,
        threat = %domain::Threat::AgpCred112,
        "the wrapping token is not good: {how}. Somebody may have taken the secret id: revoke it, look into the \
         vault's audit log, and deliver a new one"
    );
    Fault::Refused(
        format!("cannot be asked for: the wrapping token at `{at}` is not good: {how}; this may be an interception").into(),
    )
}
