//! Every "no" of the data plane: one table of stable codes. The only file that knows their HTTP status.

use std::sync::Arc;

use domain::Threat;

use crate::book::Cell;

/// Which stage refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Connection, head, framing.
    Accept,
    /// Who calls.
    Identify,
    /// What they may do.
    Authorize,
    /// Rates, concurrency, money.
    Admit,
    /// Guards on the way in.
    InspectInput,
    /// Which target.
    Route,
    /// Dialects.
    Translate,
    /// The provider.
    Upstream,
    /// Guards on the way out.
    InspectOutput,
    /// The record.
    Settle,
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The caller's.
    Downstream,
    /// The provider's.
    Upstream,
    /// The gate's.
    Ours,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $status:literal, $stage:ident, $fault:ident;)*) => {
        /// What was refused. The code is stable and documented; the text beside it may change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[doc = $doc])* $name,)* }

        impl Code {
            /// All codes, in the pipeline's order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name, as callers see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The stage that refuses so.
            pub const fn stage(self) -> Stage {
                match self { $(Self::$name => Stage::$stage,)* }
            }

            /// Whose fault it is.
            pub const fn fault(self) -> Fault {
                match self { $(Self::$name => Fault::$fault,)* }
            }

            /// What it means, for the reference.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*),)* }
            }
        }
    };
}

codes! {
    /// The path is none of the gate's.
    UnknownPath = "unknown_path", 404, Accept, Downstream;
    /// The path is known, the method is not.
    MethodNotAllowed = "method_not_allowed", 405, Accept, Downstream;
    /// The message's framing can be read in two ways.
    AmbiguousFraming = "ambiguous_framing", 400, Accept, Downstream;
    /// The content type is not JSON, or the body is encoded.
    UnsupportedMediaType = "unsupported_media_type", 415, Accept, Downstream;
    /// The header that says how grave the call's data is says no class, or two.
    DataClassInvalid = "data_class_invalid", 400, Accept, Downstream;
    /// The header with the call's labels does not read, or is given twice.
    LabelsInvalid = "labels_invalid", 400, Accept, Downstream;
    /// The header with the call's session does not read, or is given twice.
    SessionInvalid = "session_invalid", 400, Accept, Downstream;
    /// The gate is shutting down; try another replica or later.
    Draining = "draining", 503, Accept, Ours;
    /// No credential was presented.
    CredentialMissing = "credential_missing", 401, Identify, Downstream;
    /// The credential is not one of ours, revoked, or expired.
    CredentialInvalid = "credential_invalid", 401, Identify, Downstream;
    /// Two different credentials were presented.
    CredentialAmbiguous = "credential_ambiguous", 401, Identify, Downstream;
    /// The credential wants each request signed, and this one is not.
    SignatureMissing = "signature_missing", 401, Identify, Downstream;
    /// The signature does not hold: another request or body, another key, too old, or from the future.
    SignatureInvalid = "signature_invalid", 401, Identify, Downstream;
    /// The signature or proof was used before.
    SignatureReplayed = "signature_replayed", 401, Identify, Downstream;
    /// Whether the signature or proof was used before cannot be checked now.
    ReplayCheckUnavailable = "replay_check_unavailable", 503, Identify, Ours;
    /// The form of a token exchange is not understood.
    TokenRequestInvalid = "token_request_invalid", 400, Identify, Downstream;
    /// What was presented cannot be exchanged for a token: only a virtual key can.
    NotExchangeable = "not_exchangeable", 403, Identify, Downstream;
    /// The credential may not be used from this address.
    NetworkForbidden = "network_forbidden", 403, Identify, Downstream;
    /// The key is suspended: nothing that stands for it is taken until somebody resumes it.
    KeySuspended = "key_suspended", 403, Identify, Downstream;
    /// The credential's tenant is suspended, or has ended.
    TenantInactive = "tenant_inactive", 403, Identify, Downstream;
    /// Something of the tenant's own by which its calls are judged or charged does not read in the gate's store.
    TenantUnreadable = "tenant_unreadable", 503, Identify, Ours;
    /// There is no receipt of that request for this key.
    ReceiptNotFound = "receipt_not_found", 404, Identify, Downstream;
    /// The receipt cannot be made now.
    ReceiptUnavailable = "receipt_unavailable", 503, Identify, Ours;
    /// What the key used cannot be summed up now.
    UsageUnavailable = "usage_unavailable", 503, Identify, Ours;
    /// The body is larger than the limit.
    BodyTooLarge = "body_too_large", 413, Authorize, Downstream;
    /// The body did not arrive in time.
    BodyTimeout = "body_timeout", 408, Authorize, Downstream;
    /// The body broke off.
    BodyIncomplete = "body_incomplete", 400, Authorize, Downstream;
    /// The body is not a request of this endpoint.
    RequestInvalid = "request_invalid", 400, Authorize, Downstream;
    /// There is no such prompt for this caller, or it is not published.
    PromptNotFound = "prompt_not_found", 404, Authorize, Downstream;
    /// The prompt's values do not fit its variables.
    PromptInvalid = "prompt_invalid", 400, Authorize, Downstream;
    /// The prompt, or a sample in it, is not stored as it was written.
    PromptDamaged = "prompt_damaged", 500, Authorize, Ours;
    /// There is no such model for this caller.
    ModelNotFound = "model_not_found", 404, Authorize, Downstream;
    /// Policy forbids it.
    PolicyForbidden = "policy_forbidden", 403, Authorize, Downstream;
    /// The call's tenant does not let data of its class go to any provider of the model, or to a guard outside that has to see it.
    ConsentMissing = "consent_missing", 403, Authorize, Downstream;
    /// More output tokens were asked for than allowed.
    OutputTooLong = "output_too_long", 400, Authorize, Downstream;
    /// Too many requests a minute.
    RateLimited = "rate_limited", 429, Admit, Downstream;
    /// Too many tokens a minute.
    TokensRateLimited = "tokens_rate_limited", 429, Admit, Downstream;
    /// Too many requests at once.
    TooManyConcurrent = "too_many_concurrent", 429, Admit, Downstream;
    /// The call may cost more than one request may.
    RequestTooCostly = "request_too_costly", 402, Admit, Downstream;
    /// A budget over the call is paused: nothing is spent from it until somebody resumes it.
    BudgetPaused = "budget_paused", 403, Admit, Downstream;
    /// A budget over the call is for another stretch of time, which is not yet or no more.
    BudgetClosed = "budget_closed", 403, Admit, Downstream;
    /// A budget counts by session, and the call names none.
    SessionRequired = "session_required", 400, Admit, Downstream;
    /// The budget does not hold what the call could cost.
    BudgetExhausted = "budget_exhausted", 402, Admit, Downstream;
    /// The budget cannot be read now, so nothing may be spent from it.
    BudgetUnavailable = "budget_unavailable", 503, Admit, Ours;
    /// The model has no price, and unpriced models are refused.
    ModelUnpriced = "model_unpriced", 402, Admit, Ours;
    /// The system outside that is asked about budgets refuses the call.
    BudgetWebhookRefused = "budget_webhook_refused", 402, Admit, Downstream;
    /// The system outside that is asked about budgets does not answer, and calls are refused then.
    BudgetWebhookUnavailable = "budget_webhook_unavailable", 503, Admit, Ours;
    /// A guard blocked the request.
    InputBlocked = "input_blocked", 400, InspectInput, Downstream;
    /// The guards did not get through the texts of the request, or of its answer, in time.
    GuardTimeout = "guard_timeout", 503, InspectInput, Ours;
    /// A guard outside cannot be asked about the request or the answer, and nothing passes then.
    GuardUnavailable = "guard_unavailable", 503, InspectInput, Ours;
    /// No target of the model can be called now.
    NoTarget = "no_target", 503, Route, Upstream;
    /// The request holds something that the target's dialect cannot carry.
    NotTranslatable = "not_translatable", 400, Translate, Downstream;
    /// The provider could not be reached.
    UpstreamUnreachable = "upstream_unreachable", 502, Upstream, Upstream;
    /// The provider did not answer in time.
    UpstreamTimeout = "upstream_timeout", 504, Upstream, Upstream;
    /// The provider's answer broke off.
    UpstreamBroken = "upstream_broken", 502, Upstream, Upstream;
    /// The provider's answer makes no sense.
    UpstreamGarbage = "upstream_garbage", 502, Upstream, Upstream;
    /// The provider's answer is larger than the limit.
    UpstreamTooLarge = "upstream_too_large", 502, Upstream, Upstream;
    /// The provider refused the gate's own credential.
    UpstreamCredential = "upstream_credential", 502, Upstream, Ours;
    /// The provider said no; its status is passed on.
    UpstreamRefused = "upstream_refused", 502, Upstream, Upstream;
    /// A guard blocked the answer.
    OutputBlocked = "output_blocked", 502, InspectOutput, Upstream;
    /// There is no such reservation for this key.
    ReservationNotFound = "reservation_not_found", 404, Settle, Downstream;
    /// The reservation has ended in another way than is said now, or its name stands for another one.
    ReservationConflict = "reservation_conflict", 409, Settle, Downstream;
    /// Another node holds the reservation.
    ReservationElsewhere = "reservation_elsewhere", 409, Settle, Downstream;
    /// Whether the reservation has ended cannot be looked up now.
    ReservationUnavailable = "reservation_unavailable", 503, Settle, Ours;
    /// The record of the call cannot be kept, so no call is made.
    JournalUnavailable = "journal_unavailable", 503, Settle, Ours;
    /// A fault of the gate's own.
    Internal = "internal", 500, Settle, Ours;
}

/// One refusal: what the caller is told, and what only the log is.
#[derive(Debug)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// The HTTP status; the code's own, but for `upstream_refused`, which passes the provider's on.
    pub status: u16,
    /// For the caller: a sentence, lower case, no full stop.
    pub detail: String,
    /// For the log only.
    pub internal: Option<String>,
    /// The threat it answers, where it answers one.
    pub threat: Option<Threat>,
    /// When trying again makes sense, in seconds.
    pub retry_after_s: Option<u64>,
    /// The budget that does not hold the call, where that is why.
    pub(crate) exhausted: Option<Arc<Cell>>,
}

impl Refusal {
    /// A refusal with a sentence for the caller.
    pub fn new(code: Code, detail: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            code,
            status: code.status(),
            detail: detail.into(),
            internal: None,
            threat: None,
            retry_after_s: None,
            exhausted: None,
        })
    }

    /// With what the log should know.
    #[must_use]
    pub fn internally(mut self: Box<Self>, internal: impl Into<String>) -> Box<Self> {
        self.internal = Some(internal.into());
        self
    }

    /// With the threat it answers.
    #[must_use]
    pub fn against(mut self: Box<Self>, threat: Threat) -> Box<Self> {
        self.threat = Some(threat);
        self
    }

    /// With when to try again.
    #[must_use]
    pub fn retry_after(mut self: Box<Self>, seconds: u64) -> Box<Self> {
        self.retry_after_s = Some(seconds.max(1));
        self
    }

    /// With a status of the provider's.
    #[must_use]
    pub fn with_status(mut self: Box<Self>, status: u16) -> Box<Self> {
        self.status = status;
        self
    }
}

/// What a stage gives: the next stage's key, or a refusal.
pub type Gated<T> = Result<T, Box<Refusal>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_in_pipeline_order() {
        let names: std::collections::HashSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        let stages: Vec<_> = Code::ALL.iter().map(|c| c.stage() as u8).collect();
        assert!(stages.is_sorted());
        assert!(Code::ALL.iter().all(|c| (400..600).contains(&c.status())));
    }
}
