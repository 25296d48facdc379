//! The control plane as the configuration wants it, and what it does by itself: ends of tenants, neglected credentials.

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use config::section::ControlMode;
use control::{Control, ControlParts};

use super::{Node, OPERATIONS, ms, new_key_limits, shown};
use crate::assemble::posture;
use crate::failure::Failure;
use crate::pem;
use crate::stored::ByGate;

/// The control plane, which nobody can reach yet.
pub fn control_plane(node: Node<'_>, keys: control::Keys) -> Result<Arc<Control>, Failure> {
    let (base, plane) = (node.base, node.plane);
    let config = &base.config;
    let own = config.control.sso_ca_file.as_deref();
    Ok(Control::new(ControlParts {
        store: base.store.clone(),
        signing: node.signing.clone(),
        keys,
        prober: Arc::new(ByGate(plane.gate.clone())),
        policies: plane.configured.clone(),
        ignore_activated: config.policies.ignore_activated,
        differences: plane.differences.clone(),
        posture: posture(config),
        two_people: two_people(config),
        public_url: config.public_url(),
        hosts: config.control.hosts.clone(),
        provider_authorities: own.map_or(Ok(Vec::new()), pem::certificates)?,
        new_keys: control::NewKeys {
            limits: new_key_limits(config),
            operations: OPERATIONS.to_vec(),
        },
        patience: patience(config),
        mode: match config.control.mode {
            ControlMode::Interactive => control::Mode::Interactive,
            ControlMode::Declarative => control::Mode::Declarative,
        },
        serving: Arc::new(shown::Shown {
            gate: plane.gate.clone(),
            config: node.switches.showing.clone(),
        }),
    }))
}

/// Starts what is done without anybody's asking.
pub fn start(node: Node<'_>) {
    let (base, stopped) = (node.base, || node.switches.stopped.clone());
    let ending = control::Offboarding::new(base.store.clone(), node.signing.clone());
    tokio::spawn(ending.run(stopped()));
    let every = ms(base.config.credentials.sweep_every_ms);
    let patience = patience(&base.config);
    let sweeper = control::CredentialSweeper::new(base.store.clone(), patience, every, base.metrics.clone());
    tokio::spawn(sweeper.run(stopped()));
    tokio::spawn(control::outlook::SpendSweeper::new(base.store.clone()).run(stopped()));
}

/// What wants a second person. Names were checked with the configuration.
fn two_people(config: &Config) -> control::TwoPeople {
    let acts = config.approvals.acts.iter();
    control::TwoPeople {
        acts: acts.filter_map(|act| domain::Permission::named(act)).collect(),
        budgets_above: config.approvals.budgets_above.map(|mark| mark.0),
        token_budgets_above: config.approvals.token_budgets_above.map(tokens),
        lasts: ms(config.approvals.lasts_ms),
    }
}

/// Budgets of tokens count them in the integers of money.
fn tokens(count: u64) -> domain::Money {
    domain::Money::from_nanos(i64::try_from(count).unwrap_or(i64::MAX))
}

/// After how long credentials are reported.
const fn patience(config: &Config) -> control::Patience {
    const DAY_S: u64 = 86_400;
    let own = &config.credentials;
    control::Patience {
        warn: Duration::from_secs(own.expiry_warning_days * DAY_S),
        unused: Duration::from_secs(own.unused_days * DAY_S),
        idle: Duration::from_secs(own.idle_days * DAY_S),
    }
}
