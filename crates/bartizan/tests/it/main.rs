//! The running gate attacked from outside: the real binary, real sockets, a scripted provider.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "test code"
)]

mod administration;
mod alert_forms;
mod alert_mail;
mod alerts;
mod auditing;
mod budget_webhook;
mod canary;
mod certificates;
mod claim_rules;
mod cluster;
mod commands_postgres;
mod consents;
mod costs;
mod credentials;
mod estimates;
mod finops;
mod gitops;
mod guard_commands;
mod guard_conformance;
mod guard_connector_bounds;
mod guard_connectors;
mod guard_families;
mod guard_files;
mod guard_judges;
mod guard_profiles;
mod guard_redteam;
mod guards;
mod guards_late;
mod headers;
mod history;
mod history_people;
mod history_stores;
mod honey;
mod identity_tokens;
mod incidents;
mod inherited;
mod invoices;
mod issuers;
mod log_keys;
mod masked;
mod master;
mod memory;
mod money_asking;
mod money_budget;
mod money_faults;
mod money_kill;
mod money_leaving;
mod money_limits;
mod money_nodes;
mod money_postgres;
mod money_scene;
mod money_scopes;
mod money_sessions;
mod money_store;
mod money_windows;
mod offboarding;
mod own_delivery;
mod own_usage;
mod passthrough;
mod policies;
mod price_sheets;
mod prices_commands;
mod proxied;
mod receipts;
mod refusals;
mod refusals_around;
mod refusals_page;
mod reload;
mod replicas;
mod reports;
mod retention;
mod revoked;
mod scene;
mod sealed;
mod sending;
mod signals;
mod signed_calls;
mod signing;
mod smuggling;
mod spend;
mod spend_replicas;
mod spend_webhook;
mod stored;
mod surfaces;
mod syslog_tls;
mod tenant_guards;
mod tenants;
mod tls;
mod tokens;
mod unauthenticated;
mod upstream_tls;
mod vault;
mod who_spent;
mod windows;
mod witness;
mod witness_bucket;
mod witnesses;
