//! Whether things are changed here one by one, or by files alone.
//!
//! In declarative mode what a document can say is changed by a document. What none can say stays possible: signing
//! in, secrets, tokens, and every emergency stop. A new endpoint is refused until it is put into the list.

use serde::Deserialize;

use crate::api::Endpoint;
use crate::problem::{Code, Problem};

/// How things are changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One by one, or by documents.
    #[default]
    Interactive,
    /// By documents.
    Declarative,
}

/// Changes that stay possible: the document's own; what ends something; what no document says; what only asks.
const POSSIBLE: [&str; 67] = [
    "configuration.apply",
    "policies.explain",
    "policies.who_can",
    "tenants.create",
    "tenants.suspend",
    "tenants.resume",
    "offboarding.start",
    "policies.create",
    "policies.activate",
    "policies.shadow",
    "policies.end_shadow",
    "policies.rollback",
    "credentials.create",
    "credentials.remove",
    "credentials.propose",
    "credentials.activate",
    "credentials.rollback",
    "credentials.revoke",
    "sso.put",
    "sso.remove",
    "scim.create",
    "scim.remove",
    "keys.suspend",
    "keys.resume",
    "budgets.pause",
    "budgets.resume",
    "budgets.revoke",
    "stops.pause",
    "stops.resume",
    "keys.revoke",
    "keys.rotate",
    "grants.remove",
    "sessions.revoke",
    "tokens.create",
    "tokens.revoke",
    "users.reset",
    "approvals.approve",
    "approvals.deny",
    "price_sheet.put",
    "consents.put",
    "consents.remove",
    "samples.put",
    "samples.remove",
    "prompts.put",
    "prompts.remove",
    "prompts.submit",
    "prompts.approve",
    "prompts.reject",
    "prompts.retire",
    "reratings.create",
    "chargeback.put_rules",
    "chargeback.finalize",
    "history.purge",
    "reconciliations.create",
    "alerts.resend",
    "alerts.drop_letters",
    "alerts.test",
    "sinks.create",
    "sinks.put",
    "sinks.remove",
    "sinks.test",
    "sinks.resend",
    "sinks.drop_letters",
    "schedules.create",
    "schedules.remove",
    "break_glass.open",
    "break_glass.close",
];
/// Changes that are a stop when all they say is `disabled`.
const STOPS: [&str; 2] = ["users.update", "services.update"];

/// Nothing but the end of somebody's acting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    state: State,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum State {
    Active,
    Disabled,
}

fn is_stop(endpoint: &Endpoint, body: &[u8]) -> bool {
    let stop = serde_json::from_slice::<Stop>(body);
    STOPS.contains(&endpoint.name) && stop.is_ok_and(|stop| stop.state == State::Disabled)
}

impl Mode {
    /// Refuses what is to be changed by a document.
    // threat: AGP-T3
    pub fn check(self, endpoint: &Endpoint, body: &[u8]) -> Result<(), Problem> {
        // Without a permission it is about nobody but the caller.
        let is_free = !endpoint.is_write() || endpoint.permission.is_none();
        if self == Self::Interactive
            || is_free
            || POSSIBLE.contains(&endpoint.name)
            || is_stop(endpoint, body)
        {
            return Ok(());
        }
        Err(Problem::new(
            Code::DeclarativeMode,
            "this instance is changed by files: change the tenant's file, then `bartizan apply -f` it \
             (`PUT /api/v1/tenants/{tenant}/configuration`)",
        ))
    }
}
