//! The door: passwords and codes are judged here, slowly, and slower for whoever guesses.
//!
//! What is said outside never tells whether an account exists, which part was wrong, or why.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use credential::purpose;
use domain::{Secret, TenantId, UnixMillis};
use identity::password::{NewPassword, PasswordHash, Verdict, verify};
use identity::session::Factor;
use identity::throttle::{Attempt, Throttle};
use identity::totp::{SECRET_BYTES, TotpSecret};
use tokio::sync::Semaphore;

use crate::Control;
use crate::content::is_older;
use crate::problem::{Code, Problem};
use crate::record::{Login, Totp};

/// Passwords that are judged at once: each fills 19 MiB.
const HASHING_AT_ONCE: usize = 4;

/// What is remembered of attempts, and room for judging them.
#[derive(Debug)]
pub struct Door {
    throttle: Mutex<Throttle>,
    hashing: Semaphore,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            throttle: Mutex::default(),
            hashing: Semaphore::new(HASHING_AT_ONCE),
        }
    }
}

/// What a password and a code have shown.
#[derive(Debug)]
pub struct Shown {
    /// The second factor, if one was shown.
    pub factor: Option<Factor>,
    /// The login as it must be stored before anything is granted: no code is good twice.
    pub login: Login,
}

/// Who tries.
#[derive(Debug, Clone, Copy)]
pub struct Knock<'a> {
    /// In which tenant.
    pub tenant: TenantId,
    /// As typed, in lower case.
    pub email: &'a str,
    /// From where.
    pub address: IpAddr,
    /// When.
    pub now: UnixMillis,
}

impl Door {
    /// Counts an attempt, unless it must wait.
    // threat: CTX-T2
    pub fn begin(&self, knock: &Knock<'_>) -> Result<(), Problem> {
        let begun = self.throttled(knock, |throttle, attempt| throttle.begin(attempt, knock.now));
        begun.map_err(|wait| Problem {
            retry_after_s: Some(wait.0.as_secs().max(1)),
            ..Problem::new(Code::TooManyAttempts, wait.to_string())
        })
    }

    /// Takes the attempt back: it was no guess.
    pub fn succeeded(&self, knock: &Knock<'_>) {
        self.throttled(knock, |throttle, attempt| throttle.succeeded(attempt));
    }

    fn throttled<T>(&self, knock: &Knock<'_>, step: impl FnOnce(&mut Throttle, &Attempt<'_>) -> T) -> T {
        let account = format!("{}/{}", knock.tenant, knock.email);
        let attempt = Attempt {
            account: &account,
            address: knock.address,
            known_device: None,
        };
        step(
            &mut self.throttle.lock().unwrap_or_else(PoisonError::into_inner),
            &attempt,
        )
    }

    /// Runs slow work away from the other requests.
    async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::new(Code::Internal, "nothing was changed; try again");
        let _room = self.hashing.acquire().await.map_err(|_| busy())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| busy())
    }

    /// Judges a password and, where the account has one, a code. `login` is `None` for whoever is not there:
    /// it takes as long.
    // threat: CTX-T1
    // threat: CTX-T2
    pub async fn judge(
        &self,
        control: &Control,
        knock: &Knock<'_>,
        login: Option<Login>,
        (password, code): (Secret, Option<&str>),
    ) -> Result<Shown, Problem> {
        self.begin(knock)?;
        let wrong = || {
            Problem::new(
                Code::SignInFailed,
                "the e-mail address, password or code is wrong",
            )
        };
        let stored = login.as_ref().and_then(|login| login.password.clone());
        let verdict = self.slowly(move || {
            let stored = stored.and_then(|text| PasswordHash::from_str(&text).ok());
            let verdict = verify(stored.as_ref(), &password);
            let fresh = matches!(verdict, Verdict::RightButOld)
                .then(|| rehash(password))
                .flatten();
            (verdict, fresh)
        });
        let (verdict, fresh) = verdict.await?;
        let (Some(mut login), Verdict::Right | Verdict::RightButOld) = (login, verdict) else {
            return Err(wrong());
        };
        if let Some(fresh) = fresh {
            login.password = Some(fresh);
        }
        let factor = match (login.totp.as_ref().is_some_and(|totp| totp.is_confirmed), code) {
            (false, _) => None,
            (true, None) => {
                return Err(Problem::new(
                    Code::CodeRequired,
                    "send a code of your authenticator app as `code`",
                ));
            }
            (true, Some(code)) => {
                let used = use_code(control, knock, &mut login, code).await;
                Some(used.ok_or_else(wrong)?)
            }
        };
        self.succeeded(knock);
        Ok(Shown { factor, login })
    }

    /// The hash of a password that is fit to be set.
    pub async fn hash(&self, password: Secret, about: Vec<String>) -> Result<String, Problem> {
        let hashed = self.slowly(move || {
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            let fit = NewPassword::check(password, &about)
                .map_err(|unfit| Problem::new(Code::Invalid, unfit.to_string()).at("/password"))?;
            PasswordHash::of(&fit).map_err(|error| Problem {
                internal: Some(error.to_string()),
                ..Problem::new(
                    Code::Internal,
                    "the password could not be kept, so nothing was changed",
                )
            })
        });
        Ok(hashed.await??.as_str().to_owned())
    }
}

/// A hash with today's parameters. A password that is no longer fit keeps its old one.
fn rehash(password: Secret) -> Option<String> {
    let fit = NewPassword::check(password, &[]).ok()?;
    Some(PasswordHash::of(&fit).ok()?.as_str().to_owned())
}

/// Uses up a code of the app, or a recovery code.
// threat: CTX-T3
async fn use_code(control: &Control, knock: &Knock<'_>, login: &mut Login, code: &str) -> Option<Factor> {
    let account = login.user.to_string();
    let totp = login.totp.as_mut()?;
    let seed = open_totp(control, knock.tenant, &account, totp).await?;
    if let Ok(step) = seed.check(code, knock.now, totp.last_step) {
        totp.last_step = Some(step);
        if is_older(&totp.sealed)
            && let Ok(fresh) = seal_totp(control, (knock.tenant, &account), &seed, knock.now).await
        {
            totp.sealed = fresh.sealed;
        }
        return Some(Factor::Totp);
    }
    let rest = login
        .recovery
        .as_ref()?
        .consume(&control.keys.pepper, &account, code)?;
    login.recovery = Some(rest);
    Some(Factor::RecoveryCode)
}

/// The app's seed.
pub async fn open_totp(
    control: &Control,
    tenant: TenantId,
    account: &str,
    totp: &Totp,
) -> Option<TotpSecret> {
    let (what, sealed) = (
        (tenant, purpose::LOGINS),
        (totp.sealed.as_str(), account.as_bytes()),
    );
    let bytes = control.content.open(what, sealed, &control.keys.logins).await;
    let bytes: [u8; SECRET_BYTES] = bytes.ok()?.try_into().ok()?;
    Some(TotpSecret::from_bytes(bytes))
}

/// The app's seed as it is stored.
// threat: ANP-0010
pub async fn seal_totp(
    control: &Control,
    (tenant, account): (TenantId, &str),
    secret: &TotpSecret,
    now: UnixMillis,
) -> Result<Totp, Problem> {
    let text = (secret.expose().as_slice(), account.as_bytes());
    let sealed = control.content.seal((tenant, purpose::LOGINS), text, now).await?;
    Ok(Totp {
        sealed,
        is_confirmed: false,
        last_step: None,
    })
}
