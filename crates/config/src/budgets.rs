//! Whether what is said of budgets can be done as described.

use credential::SecretRef;

use crate::Problem;
use crate::address::Address;
use crate::bounds::within;
use crate::section::Config;
use crate::validate::at_most;

const SECRETS_MAX: usize = 4;

impl Config {
    // threat: ANP-D0005
    pub(crate) fn budgets_fit(&self, problems: &mut Vec<Problem>) {
        let settle_at = &self.budgets.reservations.settle_at;
        if let Some(Err(message)) = settle_at.as_deref().map(Address::read) {
            problems.push(Problem::new("budgets.reservations.settle_at", message));
        }
        if let Some(asked) = &self.budgets.webhook {
            let own = (&*asked.address, asked.allow_plaintext, &*asked.secrets);
            hook_fits("budgets.webhook", own, problems);
            within(
                problems,
                "budgets.webhook.timeout_ms",
                asked.timeout_ms,
                10..=5_000,
            );
            within(
                problems,
                "budgets.webhook.at_once_max",
                asked.at_once_max,
                1..=10_000,
            );
        }
        if let Some(told) = &self.budgets.events {
            let own = (&*told.address, told.allow_plaintext, &*told.secrets);
            hook_fits("budgets.events", own, problems);
            within(
                problems,
                "budgets.events.every_ms",
                told.every_ms,
                100..=3_600_000,
            );
        }
    }
}

fn hook_fits(
    path: &str,
    (address, allow_plaintext, secrets): (&str, bool, &[SecretRef]),
    problems: &mut Vec<Problem>,
) {
    let fits = Address::read(address).and_then(|address| address.permitted(allow_plaintext));
    if let Err(message) = fits {
        problems.push(Problem::new(format!("{path}.address"), message));
    }
    at_most(problems, &format!("{path}.secrets"), secrets.len(), SECRETS_MAX);
    if secrets.is_empty() {
        problems.push(
            Problem::new(format!("{path}.secrets"), "is empty: webhooks are signed")
                .hint("name where the secret is kept, such as `env:WEBHOOK_SECRET`"),
        );
    }
}
