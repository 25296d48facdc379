//! The gate's token: kept as long as it works, renewed before it expires, fetched anew when it does not.
//! It is held in memory only.

use std::sync::Arc;
use std::time::Duration;

use domain::Secret;
use http::Method;
use secrets::Secrets;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Auth;
use crate::api::{Api, Fault};
use crate::login::{Granted, LOOKUP_SELF, Unwrapped, login};

/// After a login that failed nobody tries again for so long: a server in trouble is not stormed.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a token lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    since: Instant,
    /// `None` is for ever.
    lasts: Option<Duration>,
    /// What it lasted at first: a renewal that gives much less is one of the last.
    first: Option<Duration>,
    renewable: bool,
}

impl Lease {
    pub(crate) fn new(since: Instant, seconds: u64, renewable: bool) -> Self {
        let lasts = (seconds > 0).then(|| Duration::from_secs(seconds));
        Self {
            since,
            lasts,
            first: lasts,
            renewable,
        }
    }

    /// From two thirds on it is time for another.
    fn is_due(&self, now: Instant) -> bool {
        self.lasts.is_some_and(|lasts| now >= self.since + lasts * 2 / 3)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.lasts.is_some_and(|lasts| now >= self.since + lasts)
    }

    /// The lease after a renewal, unless there is not much left to renew.
    fn renewed(&self, since: Instant, seconds: u64) -> Option<Self> {
        let lasts = Duration::from_secs(seconds);
        let enough = self.first.is_none_or(|first| lasts * 3 >= first);
        enough.then_some(Self {
            since,
            lasts: Some(lasts),
            ..*self
        })
    }
}

/// A token and its lease.
pub(crate) struct Token {
    secret: Arc<Secret>,
    lease: Lease,
}

impl Token {
    pub(crate) fn new(secret: Secret, lease: Lease) -> Self {
        Self {
            secret: Arc::new(secret),
            lease,
        }
    }
}

pub(crate) struct Session {
    auth: Auth,
    bootstrap: Arc<dyn Secrets>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    unwrapped: Option<Unwrapped>,
    failed: Option<(Instant, Fault)>,
}

impl Session {
    pub(crate) fn new(auth: Auth, bootstrap: Arc<dyn Secrets>) -> Self {
        Self {
            auth,
            bootstrap,
            state: Mutex::default(),
        }
    }

    pub(crate) const fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(crate) fn bootstrap(&self) -> &dyn Secrets {
        self.bootstrap.as_ref()
    }

    /// A token that works as far as we know. One flight: who comes while another logs in waits for that.
    pub(crate) async fn token(&self, api: &Api) -> Result<Arc<Secret>, Fault> {
        let arrived = Instant::now();
        let mut state = self.state.lock().await;
        let now = Instant::now();
        state.token.take_if(|token| token.lease.is_over(now));
        if let Some(token) = state.token.as_ref().filter(|token| !token.lease.is_due(now)) {
            return Ok(token.secret.clone());
        }
        if let Some((at, fault)) = &state.failed
            && (*at >= arrived || now < *at + PAUSE)
        {
            let fault = fault.clone();
            return state.stand_in(fault);
        }
        match self.anew(api, &mut state).await {
            Ok(token) => {
                let secret = token.secret.clone();
                state.token = Some(token);
                state.failed = None;
                Ok(secret)
            }
            Err(fault) => {
                tracing::warn!(
                    auth = self.auth.name(),
                    why = fault.why(),
                    "the gate has no new vault token"
                );
                state.failed = Some((Instant::now(), fault.clone()));
                state.stand_in(fault)
            }
        }
    }

    /// Forgets a token that the server no longer knows.
    pub(crate) async fn forget(&self, token: &Arc<Secret>) {
        let mut state = self.state.lock().await;
        if state
            .token
            .take_if(|held| Arc::ptr_eq(&held.secret, token))
            .is_some()
        {
            tracing::warn!(
                auth = self.auth.name(),
                "the vault no longer knows the gate's token: logging in anew"
            );
        }
    }

    /// Gives the token back, if it is the gate's own: one that somebody else keeps valid is somebody else's.
    // threat: AGP-CRED-1.1.1
    pub(crate) async fn close(&self, api: &Api) -> Result<(), Fault> {
        let token = self.state.lock().await.token.take();
        let Some(token) = token.filter(|_| !matches!(self.auth, Auth::Token { .. })) else {
            return Ok(());
        };
        let path = "/v1/auth/token/revoke-self";
        api.call(Method::POST, path, Some(&token.secret), None).await?;
        Ok(())
    }

    /// Whether the server still knows the token, whatever else it refuses.
    pub(crate) async fn is_known(&self, api: &Api, token: &Secret) -> Result<bool, Fault> {
        match api.call(Method::GET, LOOKUP_SELF, Some(token), None).await {
            Ok(_) => Ok(true),
            Err(Fault::Refused(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// The token renewed, or another.
    // threat: AGP-CRED-1.1.2
    async fn anew(&self, api: &Api, state: &mut State) -> Result<Token, Fault> {
        if let Some(token) = state.token.as_ref().filter(|token| token.lease.renewable) {
            match renewed(api, token).await {
                Ok(Some(token)) => return Ok(token),
                Ok(None) => tracing::info!("the vault token is near the end of its life: logging in anew"),
                Err(fault @ Fault::Silent(_)) => return Err(fault),
                // Past its last renewal a server says 500 as well as 403.
                Err(_) => tracing::warn!("the vault does not renew the gate's token: logging in anew"),
            }
        }
        let token = login(api, &self.auth, self.bootstrap(), &mut state.unwrapped).await?;
        let lasts_s = token.lease.lasts.map_or(0, |lasts| lasts.as_secs());
        tracing::info!(auth = self.auth.name(), lasts_s, "logged in to the vault");
        Ok(token)
    }
}

impl State {
    /// The token that is held still works until its end, when there is no other.
    fn stand_in(&self, fault: Fault) -> Result<Arc<Secret>, Fault> {
        let held = self.token.as_ref().map(|token| token.secret.clone());
        held.ok_or(fault)
    }
}

/// `None` when so little is left that another token is better.
async fn renewed(api: &Api, token: &Token) -> Result<Option<Token>, Fault> {
    let asked = Instant::now();
    let path = "/v1/auth/token/renew-self";
    let answer = api.call(Method::POST, path, Some(&token.secret), None).await?;
    let grant = answer.read::<Granted>()?.auth;
    tracing::debug!(lasts_s = grant.lease_duration, "the vault token is renewed");
    let lease = token.lease.renewed(asked, grant.lease_duration);
    Ok(lease.map(|lease| Token {
        secret: token.secret.clone(),
        lease: Lease {
            renewable: grant.renewable,
            ..lease
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_due_before_it_is_over() {
        let now = Instant::now();
        let lease = Lease::new(now, 30, true);
        let after = |seconds| now + Duration::from_secs(seconds);
        assert!(!lease.is_due(after(19)) && lease.is_due(after(20)));
        assert!(!lease.is_over(after(29)) && lease.is_over(after(30)));
        let endless = Lease::new(now, 0, false);
        assert!(!endless.is_due(after(1 << 30)) && !endless.is_over(after(1 << 30)));
    }

    #[test]
    fn a_renewal_that_gives_little_is_the_last() {
        let now = Instant::now();
        let lease = Lease::new(now, 30, true);
        assert!(lease.renewed(now, 10).is_some());
        assert!(lease.renewed(now, 9).is_none());
        let shorter = lease.renewed(now, 12).unwrap();
        assert!(shorter.is_due(now + Duration::from_secs(8)));
        assert!(shorter.renewed(now, 9).is_none(), "measured by the first lease");
    }
}
