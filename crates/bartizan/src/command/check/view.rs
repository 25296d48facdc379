//! What a checked configuration would serve.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use config::section::{Checks, ClientCertificates, Connector, Provider, ProviderKind, StoreEngine};
use config::{Config, Posture};
use data::settings::Settings;
use domain::UnixMillis;
use policy::Configured;
use serde::Serialize;

use crate::command::show::Shown;
use crate::command::table::facts;

#[derive(Debug, Serialize)]
struct Listeners {
    data: SocketAddr,
    control: SocketAddr,
    health: SocketAddr,
}

#[derive(Debug, Serialize)]
struct ProviderView {
    name: String,
    kind: ProviderKind,
    base_url: String,
    /// Where its credential is, never what it is.
    credential: Option<String>,
}

#[derive(Debug, Serialize)]
struct Policies {
    files: Vec<PathBuf>,
    control_files: Vec<PathBuf>,
    defaults: bool,
    fingerprint: String,
    test_files: usize,
}

#[derive(Debug, Serialize)]
struct Guards {
    secrets_input: guard::Mode,
    secrets_output: guard::Mode,
    personal_input: guard::Mode,
    personal_output: guard::Mode,
    injection_input: guard::Gate,
    profiles: Vec<String>,
    exceptions: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    connectors: Vec<String>,
}

/// A configuration that would serve.
#[derive(Debug, Serialize)]
pub struct CheckView {
    ok: bool,
    file: Option<PathBuf>,
    posture: Posture,
    checks: Checks,
    data_dir: PathBuf,
    store: StoreEngine,
    listeners: Listeners,
    tls: bool,
    client_certificates: Option<ClientCertificates>,
    providers: Vec<ProviderView>,
    /// Whether providers were found rather than configured.
    discovered: bool,
    models: usize,
    unpriced_models: Vec<String>,
    policies: Policies,
    guards: Guards,
    cache: bool,
}

impl CheckView {
    /// What was found.
    pub fn new(
        config: &Config,
        file: Option<&Path>,
        settings: &Settings,
        configured: &Configured,
        discovered: bool,
    ) -> Self {
        let tls = config.listen.tls.as_ref();
        Self {
            ok: true,
            file: file.map(Path::to_owned),
            posture: config.posture,
            checks: config.checks,
            data_dir: config.data_dir.clone(),
            store: config.store.engine,
            listeners: Listeners {
                data: config.listen.data,
                control: config.listen.control,
                health: config.listen.health,
            },
            tls: tls.is_some(),
            client_certificates: tls.map(|tls| tls.client_certificates),
            providers: config.providers.iter().map(ProviderView::new).collect(),
            discovered,
            models: settings.models.len(),
            unpriced_models: unpriced(settings),
            policies: Policies {
                files: config.policies.files.clone(),
                control_files: config.policies.control_files.clone(),
                defaults: !config.policies.replace_defaults,
                fingerprint: settings.policy_fingerprint.to_string(),
                test_files: configured.calls.tests.len() + configured.control.tests.len(),
            },
            guards: Guards {
                secrets_input: config.guards.secrets.input,
                secrets_output: config.guards.secrets.output,
                personal_input: config.guards.personal.input,
                personal_output: config.guards.personal.output,
                injection_input: config.guards.injection.input,
                profiles: profiles(&config.guards),
                exceptions: config.guards.exceptions.len(),
                connectors: connectors(config),
            },
            cache: config.cache.enabled,
        }
    }

    fn policies(&self) -> String {
        let Policies {
            files,
            control_files,
            defaults,
            fingerprint,
            test_files,
        } = &self.policies;
        let defaults = if *defaults { "the defaults and " } else { "" };
        let short: String = fingerprint.chars().take(12).collect();
        let tests = if *test_files == 0 {
            String::new()
        } else {
            format!(", {test_files} files of tests passed")
        };
        let control = match control_files.len() {
            0 => String::new(),
            count => format!(", {count} for the control plane"),
        };
        format!("{defaults}{} files ({short}){control}{tests}", files.len())
    }

    fn tls(&self) -> String {
        match self.client_certificates {
            None => "off".to_owned(),
            Some(client) => format!("on, client certificates: {}", word(&client)),
        }
    }
}

impl ProviderView {
    fn new(provider: &Provider) -> Self {
        Self {
            name: provider.name.clone(),
            kind: provider.kind,
            base_url: provider.base_url().to_owned(),
            credential: provider.credential.as_ref().map(ToString::to_string),
        }
    }

    fn text(&self) -> String {
        let credential = self.credential.as_deref().unwrap_or("no credential");
        format!(
            "{} ({}, {}, {credential})",
            self.name,
            word(&self.kind),
            self.base_url
        )
    }
}

/// Models that no target has a price for: refused, unless the configuration lets them pass.
fn unpriced(settings: &Settings) -> Vec<String> {
    let models = settings.models.values();
    let without = models.filter(|model| {
        model
            .targets
            .iter()
            .all(|target| target.prices.at(UnixMillis::now()).is_none())
    });
    let mut names: Vec<_> = without.map(|model| model.name.to_string()).collect();
    names.sort();
    names
}

/// A setting's word as the file writes it.
fn word(setting: &impl Serialize) -> String {
    match serde_json::to_value(setting) {
        Ok(serde_json::Value::String(word)) => word,
        other => other.map(|value| value.to_string()).unwrap_or_default(),
    }
}

impl Shown for CheckView {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let file = self
            .file
            .as_ref()
            .map_or_else(|| "the defaults".to_owned(), |file| file.display().to_string());
        writeln!(out, "good: {file}")?;
        let found = if self.discovered {
            " (found by looking around)"
        } else {
            ""
        };
        let mut lines = vec![
            ("posture", word(&self.posture)),
            ("data folder", self.data_dir.display().to_string()),
            ("store", word(&self.store)),
            ("data", self.listeners.data.to_string()),
            ("control", self.listeners.control.to_string()),
            ("health", self.listeners.health.to_string()),
            ("tls", self.tls()),
            ("providers", format!("{}{found}", self.providers.len())),
        ];
        lines.extend(self.providers.iter().map(|provider| ("", provider.text())));
        lines.push(("models", self.models.to_string()));
        if !self.unpriced_models.is_empty() {
            lines.push(("unpriced", self.unpriced_models.join(", ")));
        }
        lines.extend([
            ("policies", self.policies()),
            (
                "guards",
                format!(
                    "secrets in: {}, out: {}; personal data in: {}, out: {}; injection in: {}{}{}",
                    word(&self.guards.secrets_input),
                    word(&self.guards.secrets_output),
                    word(&self.guards.personal_input),
                    word(&self.guards.personal_output),
                    word(&self.guards.injection_input),
                    match self.guards.profiles.as_slice() {
                        [] => String::new(),
                        some => format!("; profiles: {}", some.join(", ")),
                    },
                    match self.guards.connectors.as_slice() {
                        [] => String::new(),
                        some => format!("; connectors: {}", some.join(", ")),
                    }
                ),
            ),
            ("cache", if self.cache { "on" } else { "off" }.to_owned()),
        ]);
        if self.checks == Checks::Off {
            lines.push((
                "CHECKS",
                "OFF: a plain proxy that asks no one anything and records nothing".to_owned(),
            ));
        }
        facts(out, &lines)
    }
}

/// The names of profiles; of those in shadow that too.
fn profiles(guards: &config::section::Guards) -> Vec<String> {
    let name = |profile: &guard::Profile| match profile.shadow {
        true => format!("{} (shadow)", profile.name),
        false => profile.name.clone(),
    };
    guards.profiles.iter().map(name).collect()
}

/// The names of guards outside; of those that ask this gate that too.
fn connectors(config: &Config) -> Vec<String> {
    let name = |connector: &Connector| match config.asks_itself(connector) {
        true => format!("{} (through this gate)", connector.name),
        false => connector.name.clone(),
    };
    config.guards.connectors.iter().map(name).collect()
}
