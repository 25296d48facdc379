//! The sections of the file. Every key is documented here once: the JSON Schema and the reference page are
//! generated from these comments, and every default is what `Default` says.

mod alerts;
mod approvals;
mod connector;
mod control;
mod delivery;
mod exports;
mod gate;
mod issuer;
mod listen;
mod model;
mod operations;
mod provider;
mod secrets;
mod server;
mod signals;
mod signatures;
mod store;
mod trust;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alerts::{Alerts, Carrier, Form, Kind, Mail, Severity, Sink};
pub use approvals::Approvals;
pub use connector::{Connector, ConnectorFailure, ConnectorKind, JudgeForm};
pub use control::{Control, ControlMode};
pub use delivery::{Delivery, Outbox};
pub use exports::{Destination, Every, ExportFormat, ExportGrain, Exports, Goal, Posting, Report, Schedule};
pub use gate::{
    BudgetEvents, BudgetWebhook, Budgets, Cache, Checks, Guards, History, KeyLimits, Limits, MaxByClass,
    OnFailure, OnTimeout, Policies, Reservations,
};
pub use issuer::{Claim, ClaimRule, ClaimValue, Issuer, TokenBinding};
pub use listen::{ClientAuthority, ClientCertificates, Listen, ProxyProtocol, Tls};
pub use model::{Model, PriceOverride, Prices, Target, Unpriced};
pub use operations::{
    Audit, Bucket, Credentials, Ledger, Log, LogFormat, LogLevel, Otlp, Telemetry, Witness, WitnessKind,
};
pub use provider::{Expose, Provider, ProviderKind, Routing, RoutingBreaker, StreamUsage, Timeouts};
pub use secrets::{AppRole, KubernetesRole, Secrets, Vault, VaultAuth};
pub use server::Server;
pub use signals::{SignalMode, Signals};
pub use signatures::Signatures;
pub use store::{Journal, JournalSync, Store, StoreEngine};
pub use trust::{IdentityToken, ProviderTls};

/// The whole configuration. Every key may be left out; what is left out has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How much the gate insists on: `production` refuses to start with anything that only development
    /// may have.
    pub posture: Posture,
    /// Where the gate keeps its master key, embedded store, journal and node identity. Made with mode 0700.
    pub data_dir: PathBuf,
    /// Whether requests are checked at all. `off` makes a plain proxy, to measure what the checks cost:
    /// only in posture `development` and on loopback.
    pub checks: Checks,
    /// Addresses to listen on.
    pub listen: Listen,
    /// The control plane.
    pub control: Control,
    /// Bounds on connections, requests and answers.
    pub server: Server,
    /// Where secret references lead.
    pub secrets: Secrets,
    /// Where tenants, keys, budgets and the ledger are kept.
    pub store: Store,
    /// The local journal every answer is written to before its end leaves.
    pub journal: Journal,
    /// Identity providers whose tokens machines may present instead of a key.
    pub issuers: Vec<Issuer>,
    /// When signed requests and proofs of possession are good.
    pub signatures: Signatures,
    /// Who serves models: LLM vendors and self-hosted engines.
    pub providers: Vec<Provider>,
    /// Names that callers may ask for, and what serves them.
    pub models: Vec<Model>,
    /// What models cost, where the built-in price list does not say or is not right.
    pub prices: Prices,
    /// Rates, concurrency and output bounds.
    pub limits: Limits,
    /// Cedar policies.
    pub policies: Policies,
    /// What wants a second person on the control plane.
    pub approvals: Approvals,
    /// How long audit records are kept.
    pub audit: Audit,
    /// Where audit records are pushed.
    pub alerts: Alerts,
    /// Reports that are delivered by themselves.
    pub exports: Exports,
    /// What tenants may have delivered by themselves.
    pub delivery: Delivery,
    /// What is told when a key is not used as it usually is.
    pub signals: Signals,
    /// What may pass in and out.
    pub guards: Guards,
    /// The exact cache of answers, sealed per tenant.
    pub cache: Cache,
    /// What tenants may keep of their calls.
    pub history: History,
    /// How budgets are leased from the store.
    pub budgets: Budgets,
    /// The signed ledger.
    pub ledger: Ledger,
    /// Looking after credentials.
    pub credentials: Credentials,
    /// Attempts, retries and circuit breaking.
    pub routing: Routing,
    /// Logs and traces.
    pub telemetry: Telemetry,
}

/// How much the gate insists on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Posture {
    /// On one's own machine.
    #[default]
    Development,
    /// As production, to try it out.
    Staging,
    /// Refuses development bypasses and plaintext beyond loopback.
    Production,
}

impl Config {
    /// Where browsers find the control plane.
    pub fn public_url(&self) -> String {
        let local = || format!("http://localhost:{}", self.listen.control.port());
        self.control.public_url.clone().unwrap_or_else(local)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            posture: Posture::default(),
            data_dir: PathBuf::from("./bartizan-data"),
            checks: Checks::default(),
            listen: Listen::default(),
            control: Control::default(),
            server: Server::default(),
            secrets: Secrets::default(),
            store: Store::default(),
            journal: Journal::default(),
            issuers: Vec::new(),
            signatures: Signatures::default(),
            providers: Vec::new(),
            models: Vec::new(),
            prices: Prices::default(),
            limits: Limits::default(),
            policies: Policies::default(),
            approvals: Approvals::default(),
            audit: Audit::default(),
            alerts: Alerts::default(),
            exports: Exports::default(),
            delivery: Delivery::default(),
            signals: Signals::default(),
            guards: Guards::default(),
            cache: Cache::default(),
            history: History::default(),
            budgets: Budgets::default(),
            ledger: Ledger::default(),
            credentials: Credentials::default(),
            routing: Routing::default(),
            telemetry: Telemetry::default(),
        }
    }
}
