//! Facts about the instance that anybody on this listener may know: nothing secret, nothing of a tenant's.

use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::mode::Mode;
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
    /// As `bartizan ledger verify` takes it.
    pub verifier: String,
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
    Ok(Answer::view(&LedgerKeyView {
        verifier: call.control.signer.verifier_text(),
    })?)
}

/// `GET /openapi.json`.
pub async fn openapi(_: Call, _: Nothing) -> Done {
    Ok(Answer::view(&crate::openapi::document())?)
}
