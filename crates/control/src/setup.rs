//! The first start: a token that makes the first administrator, good once and for an hour, known only to
//! whoever saw it printed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::{Secret, TenantId, TenantScope, UnixMillis};
use identity::token::SetupToken;
use store::{Change, Record, RecordKind, StoreError};

use crate::Control;
use crate::problem::{Code, Problem};
use crate::record::Setup;

/// How long the token is good.
const LIFE: Duration = Duration::from_secs(3600);
/// The record that says it is done: of several nodes only one can make it.
const DONE: &str = "set-up";

/// The token, while it is good.
#[derive(Debug, Default)]
pub struct Offer(Mutex<Option<Setup>>);

/// The change that says: it is done.
pub fn done_mark(now: UnixMillis) -> Change {
    Change::Create(Record {
        kind: RecordKind::Login,
        id: DONE.to_owned(),
        parent: None,
        name: None,
        created: now,
        document: "{}".to_owned(),
    })
}

impl Offer {
    /// A fresh token, unless there is an administrator already. To be printed once and never logged.
    // threat: CTX-T2
    pub async fn make(&self, control: &Control, now: UnixMillis) -> Result<Option<Secret>, StoreError> {
        let scope = TenantScope::operator(TenantId::PLATFORM);
        match control.store.record(&scope, RecordKind::Login, DONE).await {
            Ok(_) => return Ok(None),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error),
        }
        let Ok(token) = SetupToken::generate() else {
            return Err(StoreError::Unavailable(
                "the system gave no randomness".to_owned(),
            ));
        };
        let setup = Setup {
            digest: hex::encode(token.digest(&control.keys.pepper)),
            expires: now.plus(LIFE),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(setup);
        Ok(Some(token.to_secret()))
    }

    /// Whether this is the token.
    pub fn check(&self, control: &Control, text: &str, now: UnixMillis) -> Result<(), Problem> {
        let wrong = || {
            Problem::new(
                Code::SignInFailed,
                "the token is wrong, used or older than an hour: start the gate again for another",
            )
        };
        let token = SetupToken::parse(text).map_err(|_| wrong())?;
        let digest = hex::encode(token.digest(&control.keys.pepper));
        let offer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_good = offer
            .as_ref()
            .is_some_and(|offer| now < offer.expires && credential::same_text(&offer.digest, &digest));
        if is_good { Ok(()) } else { Err(wrong()) }
    }

    /// Nobody can use it any more.
    pub fn is_over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
