//! Whether witnesses of the ledgers can be asked as they are configured. What a key says is read by whoever asks.

use crate::Problem;
use crate::bounds::{DAY_MS, within};
use crate::exports::{KEY_IS_TWO, bucket_fits, endpoint_fits};
use crate::section::{Bucket, Config, Witness, WitnessKind};
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
        for (key, is_there, of) in [
            ("url", self.url.is_some(), WitnessKind::Http),
            ("key", self.key.is_some(), WitnessKind::Http),
            ("path", self.path.is_some(), WitnessKind::File),
            ("bucket", self.bucket.is_some(), WitnessKind::S3),
        ] {
            const HAVE: &str =
                "an `http` witness has `url` and `key`, a `file` has `path`, an `s3` has `bucket`";
            let message = match (of == self.kind, is_there) {
                (true, false) => format!("is missing: {HAVE}"),
                (false, true) => format!("means nothing here: {HAVE}"),
                _ => continue,
            };
            problems.push(Problem::new(format!("{path}.{key}"), message));
        }
        if let Some(bucket) = &self.bucket {
            bucket.fits(&format!("{path}.bucket"), problems);
        }
        let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
        if self.url.as_ref().is_some_and(|url| !is_url(url)) {
            problems.push(Problem::new(format!("{path}.url"), "is no http or https address"));
        }
    }
}

impl Bucket {
    // threat: ANP-D0005
    fn fits(&self, path: &str, problems: &mut Vec<Problem>) {
        let place = match self.place() {
            Some((bucket, prefix)) => bucket_fits(bucket, prefix),
            None => Err("is no bucket: expected `s3://bucket` or `s3://bucket/beginning`".to_owned()),
        };
        if let Err(message) = place {
            problems.push(Problem::new(format!("{path}.address"), message));
        }
        if let Err(message) = endpoint_fits(&self.endpoint(), &self.region, self.allow_plaintext) {
            problems.push(Problem::new(format!("{path}.endpoint"), message));
        }
        if self.secrets.len() != 2 {
            problems.push(Problem::new(format!("{path}.secrets"), KEY_IS_TWO));
        }
    }
}
