//! Facts about the instance that anybody on this listener may know: nothing secret, nothing of a tenant's.

use ledger::note::Verifier;
use schemars::JsonSchema;
use serde::Serialize;
use store::{SigningError, StoreError};

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::mode::Mode;
use crate::problem::Problem;
use crate::shapes;

/// Which release.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VersionView {
    /// `bartizan`.
    pub name: &'static str,
    /// The release.
    pub version: &'static str,
    /// The store's engine.
    pub store: &'static str,
    /// `interactive`, or `declarative`: changed by files alone.
    pub mode: Mode,
}

/// The public key of the instance's logs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LedgerKeyView {
    /// The key that signs now, as `bartizan ledger verify` takes it.
    pub verifier: String,
    /// The key that signed first.
    pub first: String,
    /// The signed statements of which key came after which, the oldest first.
    pub successions: Vec<String>,
}

shapes! { given: ; shown: VersionView, LedgerKeyView }

/// `GET /version`.
pub async fn version(call: Call, _: Nothing) -> Done {
    Ok(Answer::view(&VersionView {
        name: "bartizan",
        version: env!("CARGO_PKG_VERSION"),
        store: call.control.store.engine(),
        mode: call.control.mode,
    })?)
}

/// `GET /ledger/key`.
pub async fn ledger_key(call: Call, _: Nothing) -> Done {
    let keys = call.control.signing.now().await.map_err(unknown)?;
    let named = |key: Option<&Verifier>| key.map(ToString::to_string).unwrap_or_default();
    Ok(Answer::view(&LedgerKeyView {
        verifier: named(keys.keys().last()),
        first: named(keys.keys().first()),
        successions: keys.successions(),
    })?)
}

fn unknown(error: SigningError) -> Problem {
    StoreError::Unavailable(error.to_string()).into()
}

/// `GET /openapi.json`.
pub async fn openapi(_: Call, _: Nothing) -> Done {
    Ok(Answer::view(&crate::openapi::document())?)
}
