//! Every secret reference in the file, and whether something is there to resolve it.

use credential::SecretRef;

use crate::address::Address;
use crate::error::quoted;
use crate::section::{AppRole, Config, Vault};
use crate::{Problem, validate};

impl Config {
    /// All secret references with their keys, but for what the engines of secrets themselves begin with.
    pub fn references(&self) -> Vec<(String, &SecretRef)> {
        let providers = self.providers.iter().enumerate();
        let credentials = providers.filter_map(|(i, provider)| {
            let reference = provider.credential.as_ref()?;
            Some((format!("providers[{i}].credential"), reference))
        });
        let providers = self.providers.iter().enumerate();
        let shown = providers.filter_map(|(i, provider)| {
            let reference = provider.tls.as_ref()?.client_key.as_ref()?;
            Some((format!("providers[{i}].tls.client_key"), reference))
        });
        let url = self.store.url.as_ref();
        let key = self.listen.tls.as_ref().map(|tls| &tls.private_key);
        let headers = self.telemetry.otlp.iter().flat_map(|otlp| &otlp.headers);
        let sinks = self.alerts.sinks.iter().enumerate().flat_map(|(i, sink)| {
            let all = sink.secrets.iter().enumerate();
            all.map(move |(j, to)| (format!("alerts.sinks[{i}].secrets[{j}]"), to))
        });
        let taken = self.exports.destinations.iter().enumerate().flat_map(|(i, to)| {
            let all = to.secrets.iter().enumerate();
            all.map(move |(j, to)| (format!("exports.destinations[{i}].secrets[{j}]"), to))
        });
        let witnesses = self.ledger.witnesses.iter().enumerate();
        let buckets = witnesses.flat_map(|(i, witness)| {
            let all = witness
                .bucket
                .iter()
                .flat_map(|bucket| &bucket.secrets)
                .enumerate();
            all.map(move |(j, to)| (format!("ledger.witnesses[{i}].bucket.secrets[{j}]"), to))
        });
        let outbox = self.delivery.mail.as_ref().map_or(&[][..], |mail| &mail.secrets);
        let asked = self
            .budgets
            .webhook
            .as_ref()
            .map_or(&[][..], |hook| &hook.secrets);
        let told = self.budgets.events.as_ref().map_or(&[][..], |hook| &hook.secrets);
        let connectors = self.guards.connectors.iter().enumerate();
        let connectors = connectors.filter_map(|(i, connector)| {
            let reference = connector.credential.as_ref()?;
            Some((format!("guards.connectors[{i}].credential"), reference))
        });
        credentials
            .chain(shown)
            .chain(connectors)
            .chain(sinks)
            .chain(taken)
            .chain(buckets)
            .chain(listed("delivery.mail.secrets", outbox))
            .chain(listed("budgets.webhook.secrets", asked))
            .chain(listed("budgets.events.secrets", told))
            .chain(url.map(|url| ("store.url".to_owned(), url)))
            .chain(key.map(|key| ("listen.tls.private_key".to_owned(), key)))
            .chain(headers.map(|(name, reference)| (format!("telemetry.otlp.headers.{name}"), reference)))
            .collect()
    }

    // threat: ANP-D0007
    pub(crate) fn secrets_fit(&self, problems: &mut Vec<Problem>) {
        let secrets = &self.secrets;
        if let Some(vault) = &secrets.vault {
            vault.fits(problems);
        } else {
            let homeless = self.references().into_iter();
            problems.extend(homeless.filter(|(_, to)| is_vault(to)).map(|(path, _)| {
                Problem::new(path, "is a `vault:` reference, and no server is configured")
                    .hint("configure `secrets.vault`")
            }));
        }
        let is_credential = |at: &str| at.starts_with("providers[") && at.ends_with("].credential");
        let early = self.references().into_iter();
        let early = early.filter(|(at, to)| matches!(to, SecretRef::Stored(_)) && !is_credential(at));
        problems.extend(early.map(|(at, _)| {
            Problem::new(
                at,
                "is a `stored:` reference, and those are for credentials of providers",
            )
            .hint("keep it in a file, in the sealed file or in a vault")
        }));
        for (at, key) in [
            ("secrets.sealed_under", &secrets.sealed_under),
            ("secrets.master_key", &secrets.master_key),
        ] {
            if key.as_ref().is_some_and(|to| !stands_alone(to)) {
                problems.push(Problem::new(at, "must be an `env:` or `file:` reference"));
            }
        }
        // A command would open the wrapping that `serve` waits for.
        if self.approle().is_some_and(|approle| approle.wrapped)
            && self.store.url.as_ref().is_some_and(is_vault)
        {
            let problem = Problem::new("store.url", "cannot be in a vault whose secret id opens once");
            problems.push(problem.hint("commands open the store too: keep its address in a file"));
        }
    }

    fn approle(&self) -> Option<&AppRole> {
        self.secrets.vault.as_ref()?.auth.approle.as_ref()
    }
}

/// Whether it can be read before anything of ours is open.
const fn stands_alone(reference: &SecretRef) -> bool {
    matches!(reference, SecretRef::Env(_) | SecretRef::File(_))
}

const fn is_vault(reference: &SecretRef) -> bool {
    matches!(reference, SecretRef::Vault(_))
}

impl Vault {
    // threat: AGP-CRED-1.1.2
    fn fits(&self, problems: &mut Vec<Problem>) {
        if let Err(message) = Address::read(&self.address).and_then(|address| address.permitted(false)) {
            // A server of secrets is never spoken to in clear, whatever is declared.
            let message = message.split(", or set").next().unwrap_or_default().to_owned();
            problems.push(Problem::new("secrets.vault.address", message));
        }
        if let Some(namespace) = &self.namespace {
            path(problems, "secrets.vault.namespace", namespace);
        }
        let auth = &self.auth;
        let ways = [
            auth.approle.is_some(),
            auth.kubernetes.is_some(),
            auth.token_file.is_some(),
        ];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            problems.push(Problem::new(
                "secrets.vault.auth",
                "needs exactly one of `approle`, `kubernetes` and `token_file`",
            ));
        }
        if let Some(approle) = &auth.approle {
            validate::name(problems, "secrets.vault.auth.approle.mount", &approle.mount);
            validate::name(problems, "secrets.vault.auth.approle.role_id", &approle.role_id);
            if is_vault(&approle.secret_id) || matches!(approle.secret_id, SecretRef::Stored(_)) {
                let problem = Problem::new(
                    "secrets.vault.auth.approle.secret_id",
                    "cannot be in the vault it opens, nor in the store",
                );
                problems.push(problem.hint("name a file: `file:/run/bartizan/vault-secret-id`"));
            }
        }
        if let Some(kubernetes) = &auth.kubernetes {
            validate::name(problems, "secrets.vault.auth.kubernetes.mount", &kubernetes.mount);
            validate::name(problems, "secrets.vault.auth.kubernetes.role", &kubernetes.role);
        }
    }
}

/// Names with slashes between them.
fn path(problems: &mut Vec<Problem>, at: &str, text: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let word = |word: &str| !word.is_empty() && word.chars().all(plain) && word != "." && word != "..";
    let trimmed = text.strip_suffix('/').unwrap_or(text);
    if text.len() > 256 || !trimmed.split('/').all(word) {
        problems.push(Problem::new(at, format!("{} is no path", quoted(text))));
    }
}

/// The secrets of one list.
fn listed<'a>(at: &'static str, all: &'a [SecretRef]) -> impl Iterator<Item = (String, &'a SecretRef)> {
    let all = all.iter().enumerate();
    all.map(move |(i, to)| (format!("{at}[{i}]"), to))
}
