//! Whether what is to be delivered can be, as described.

use jiff::civil::Date;

use crate::Problem;
use crate::address::Address;
use crate::bounds::within;
use crate::error::quoted;
use crate::section::{Config, Destination, ExportFormat, Goal, Posting, Report, Schedule};
use crate::validate::{at_most, name, unique};

const DESTINATIONS_MAX: usize = 20;
const SCHEDULES_MAX: usize = 50;
const SECRETS_MAX: usize = 4;
const NAMES_MAX: usize = 100;
const DAY_MS: u64 = 86_400_000;
const PREFIX_BYTES_MAX: usize = 200;
/// What is said of a bucket's secrets that are not.
pub(crate) const KEY_IS_TWO: &str = "must be two: the id of the access key, then its secret";

impl Config {
    // threat: ANP-D0005
    pub(crate) fn exports_fit(&self, problems: &mut Vec<Problem>) {
        let exports = &self.exports;
        within(problems, "exports.every_ms", exports.every_ms, 100..=3_600_000);
        within(problems, "exports.settle_ms", exports.settle_ms, 0..=DAY_MS);
        let (to, all) = (&exports.destinations, &exports.schedules);
        at_most(problems, "exports.destinations", to.len(), DESTINATIONS_MAX);
        at_most(problems, "exports.schedules", all.len(), SCHEDULES_MAX);
        unique(
            problems,
            "exports.destinations",
            to.iter().map(|it| it.name.as_str()),
        );
        unique(
            problems,
            "exports.schedules",
            all.iter().map(|it| it.name.as_str()),
        );
        for (i, destination) in to.iter().enumerate() {
            destination.fits(&format!("exports.destinations[{i}]"), problems);
        }
        for (i, schedule) in all.iter().enumerate() {
            let path = format!("exports.schedules[{i}]");
            if !to.iter().any(|destination| destination.name == schedule.to) {
                let message = format!("{} is no destination", quoted(&schedule.to));
                problems.push(Problem::new(format!("{path}.to"), message));
            }
            let found = to.iter().find(|destination| destination.name == schedule.to);
            let is_for_people = found.is_some_and(|destination| destination.goal().is_for_people());
            if is_for_people && schedule.report != Report::Digest {
                let message = "is read by people: only `report: digest` goes there";
                problems.push(Problem::new(format!("{path}.to"), message));
            }
            schedule.fits(&path, problems);
        }
    }
}

impl Destination {
    fn fits(&self, path: &str, problems: &mut Vec<Problem>) {
        name(problems, &format!("{path}.name"), &self.name);
        if let Err(message) = self.place_fits() {
            problems.push(Problem::new(format!("{path}.address"), message));
        }
        let count = self.secrets.len();
        let (is_right, message) = match self.goal() {
            Goal::Folder(_) => (count == 0, "means nothing to a folder"),
            Goal::Bucket { .. } => (count == 2, KEY_IS_TWO),
            Goal::Slack => (count == 1, "must be one: the whole address, which is the secret"),
            Goal::Mail(..) => {
                let signs_in = self.mail.as_ref().is_some_and(|mail| mail.user.is_some());
                let message = "must be one, the password of `mail.user`; or none, where nobody signs in";
                (count == usize::from(signs_in), message)
            }
            Goal::Webhook => (
                (1..=SECRETS_MAX).contains(&count),
                "must be one to four: webhooks are signed",
            ),
        };
        if !is_right {
            problems.push(Problem::new(format!("{path}.secrets"), message));
        }
        self.people_fit(path, problems);
        let is_bucket = matches!(self.goal(), Goal::Bucket { .. });
        if !is_bucket && (self.endpoint.is_some() || self.virtual_host) {
            let message = "means nothing here: only `s3://` destinations take it";
            problems.push(Problem::new(format!("{path}.endpoint"), message));
        }
        if is_bucket && let Err(message) = self.endpoint_fits() {
            problems.push(Problem::new(format!("{path}.endpoint"), message));
        }
    }

    /// Mail has somebody who writes and somebody who reads, and is what nothing else has.
    fn people_fit(&self, path: &str, problems: &mut Vec<Problem>) {
        let at = |key: &str| format!("{path}.{key}");
        let is_mail = matches!(self.goal(), Goal::Mail(..));
        if !is_mail && (self.mail.is_some() || self.ca_file.is_some()) {
            let message = "means nothing here: only `smtps://` and `smtp://` destinations take it";
            problems.push(Problem::new(at("mail"), message));
        }
        if self.form == Posting::Slack && self.goal() != Goal::Slack {
            let message = "means nothing here: it is for addresses that are posted to";
            problems.push(Problem::new(at("form"), message));
        }
        match (&self.mail, is_mail) {
            (None, true) => problems.push(Problem::new(at("mail"), "is missing: say `from` and `to`")),
            (Some(mail), true) => mail.fits(path, self.allow_plaintext, problems),
            _ => {}
        }
    }

    fn place_fits(&self) -> Result<(), String> {
        match self.goal() {
            Goal::Folder(folder) if folder.is_absolute() => Ok(()),
            Goal::Folder(_) => Err("is no folder: expected `file:///folder`".to_owned()),
            Goal::Bucket { bucket, prefix } => bucket_fits(bucket, prefix),
            Goal::Mail(place, _) => {
                let port = place.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
                if place.contains('/') || port.is_none() {
                    return Err(
                        "is not an address: expected `smtps://host:port` or `smtp://host:port`".to_owned(),
                    );
                }
                Address::read(&format!("https://{place}"))?.permitted(false)
            }
            Goal::Webhook | Goal::Slack => Address::read(&self.address)?.permitted(self.allow_plaintext),
        }
    }

    fn endpoint_fits(&self) -> Result<(), String> {
        endpoint_fits(&self.endpoint(), &self.region, self.allow_plaintext)
    }
}

/// Whether there can be a bucket of that name, and names in it that begin so.
pub(crate) fn bucket_fits(bucket: &str, prefix: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(is_plain) {
        return Err("names no bucket: expected `s3://bucket` or `s3://bucket/beginning`".to_owned());
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._=-".contains(c);
    let is_part = |part: &str| !["", ".", ".."].contains(&part) && part.chars().all(is_plain);
    let is_good = prefix.len() <= PREFIX_BYTES_MAX && prefix.split('/').all(is_part);
    match prefix.is_empty() || is_good {
        true => Ok(()),
        false => Err("has a beginning that is no path of plain names".to_owned()),
    }
}

/// Whether S3 can be spoken there.
// threat: ANP-D0005
pub(crate) fn endpoint_fits(endpoint: &str, region: &str, allow_plaintext: bool) -> Result<(), String> {
    let is_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.is_empty() || region.len() > 64 || !region.chars().all(is_region) {
        return Err(format!("{} is no region", quoted(region)));
    }
    Address::read(endpoint)?.permitted(allow_plaintext)
}

impl Schedule {
    fn fits(&self, path: &str, problems: &mut Vec<Problem>) {
        let at = |key: &str| format!("{path}.{key}");
        name(problems, &at("name"), &self.name);
        // It is a folder's name, too.
        if self.name.contains(':') || self.name.starts_with('.') {
            let message = format!("{} cannot be a folder's name", quoted(&self.name));
            problems.push(Problem::new(at("name"), message));
        }
        // A digest has one form, and says nothing of it.
        let is_report = !matches!(self.report, Report::Costs | Report::Digest);
        if is_report && !matches!(self.format, ExportFormat::Csv | ExportFormat::Json) {
            problems.push(Problem::new(
                at("format"),
                "must be `csv` or `json` for this report",
            ));
        }
        match ledger::zone::named(&self.zone) {
            None => problems.push(Problem::new(
                at("zone"),
                format!("{} is no time zone", quoted(&self.zone)),
            )),
            Some((_, written)) if self.report == Report::Chargeback && written != "UTC" => {
                problems.push(Problem::new(
                    at("zone"),
                    "must be `UTC`: chargeback is reckoned in it",
                ));
            }
            Some(_) => {}
        }
        if let Some(since) = &self.since
            && since.parse::<Date>().is_err()
        {
            let message = format!("{} is no day: expected one like `2026-10-01`", quoted(since));
            problems.push(Problem::new(at("since"), message));
        }
        at_most(problems, &at("tenants"), self.tenants.len(), NAMES_MAX);
        within(
            problems,
            at("give_up_after_ms"),
            self.give_up_after_ms,
            1_000..=30 * DAY_MS,
        );
    }
}
