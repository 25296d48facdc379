//! Whether witnesses of the ledgers can be asked as they are configured. What a key says is read by whoever asks.

use crate::Problem;
use crate::bounds::{DAY_MS, within};
use crate::section::{Config, Witness, WitnessKind};
use crate::validate::{at_most, name, unique};

/// More would be asked than one look has time for.
const WITNESSES_MAX: usize = 16;

impl Config {
    // threat: ANP-0012
    pub(crate) fn witnesses_fit(&self, problems: &mut Vec<Problem>) {
        let witnesses = &self.ledger.witnesses;
        at_most(problems, "ledger.witnesses", witnesses.len(), WITNESSES_MAX);
        unique(
            problems,
            "ledger.witnesses",
            witnesses.iter().map(|witness| witness.name.as_str()),
        );
        for (i, witness) in witnesses.iter().enumerate() {
            witness.fits(&format!("ledger.witnesses[{i}]"), problems);
        }
    }
}

impl Witness {
    fn fits(&self, path: &str, problems: &mut Vec<Problem>) {
        name(problems, &format!("{path}.name"), &self.name);
        within(
            problems,
            format!("{path}.every_ms"),
            self.every_ms,
            1_000..=DAY_MS,
        );
        let longest = self.every_ms..=30 * DAY_MS;
        within(
            problems,
            format!("{path}.silent_after_ms"),
            self.silent_after_ms,
            longest,
        );
        let is_http = self.kind == WitnessKind::Http;
        for (key, is_there, is_due) in [
            ("url", self.url.is_some(), is_http),
            ("key", self.key.is_some(), is_http),
            ("path", self.path.is_some(), !is_http),
        ] {
            let message = match (is_due, is_there) {
                (true, false) => "is missing: an `http` witness has `url` and `key`, a `file` has `path`",
                (false, true) => {
                    "means nothing here: an `http` witness has `url` and `key`, a `file` has `path`"
                }
                _ => continue,
            };
            problems.push(Problem::new(format!("{path}.{key}"), message));
        }
        let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if self.url.as_ref().is_some_and(|url| !is_url(url)) {
            problems.push(Problem::new(format!("{path}.url"), "is no http or https address"));
        }
    }
}
