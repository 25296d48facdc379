//! What is looked for, family by family, and what is done about it: as configuration and tenants write it. Never looks
//! at text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Direction, Gate, Mode};
pub use crate::bounds::Bounds;
pub use crate::custom::Custom;
use crate::finding::{Finding, Kind};
pub use crate::format::Format;
use crate::injection::FLAG;
pub use crate::leaks::Leaks;
pub use crate::links::{Images, LinkRules};
pub use crate::moderation::{ModerationSettings as Moderation, Off, Sure};
use crate::personal::{PERSONAL_SCORE_MIN, PersonalKind, PersonalKinds};
pub use crate::topics::{Topic, TopicsSettings as Topics};
pub use crate::unread::{Unread, Unseen};

/// What is looked for and what is done about it. What is left out is not looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GuardFamilies")]
#[serde(default, deny_unknown_fields)]
pub struct Families {
    /// Credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<Secrets>,
    /// What says who somebody is, or how to reach them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personal: Option<Personal>,
    /// Text that is to be taken for an instruction where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub injection: Option<Injection>,
    /// What operators look for themselves: patterns, words, and modules of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<Custom>,
    /// Hate, harassment, self-harm, sex, violence, crime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation: Option<Moderation>,
    /// What an application is for and not for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topics: Option<Topics>,
    /// Links: where they lead, and what they carry away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<LinkRules>,
    /// System prompts that come out again in answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaks: Option<Leaks>,
    /// What an answer must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// How large, how deep and of what form a request may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// What no guard can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<Unread>,
}

/// What to do about credentials in prompts and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SecretsGuard")]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// In what callers send.
    pub input: Mode,
    /// In what models answer.
    pub output: Mode,
    /// How sure it must be, in percent: 100 leaves what its form proves, 80 what a name assigns, 50 values that look typed
    /// too, less what may be meant to be public, such as a Google API key that nothing names.
    #[schemars(range(min = 1, max = 100))]
    pub sure: u8,
}

/// How sure a finding of the guard against credentials must be unless set otherwise, in percent.
pub const SECRETS_SCORE_MIN: u8 = 50;

impl Default for Secrets {
    fn default() -> Self {
        Self {
            input: Mode::Redact,
            output: Mode::Redact,
            sure: SECRETS_SCORE_MIN,
        }
    }
}

/// What to do about personal data in prompts and answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PersonalGuard")]
#[serde(default, deny_unknown_fields)]
pub struct Personal {
    /// In what callers send.
    pub input: Mode,
    /// In what models answer.
    pub output: Mode,
    /// Which kinds are looked for; all of them unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<PersonalKind>>,
    /// How sure it must be, in percent: 100 leaves what check digits prove, less finds more and errs more.
    #[schemars(range(min = 1, max = 100))]
    pub sure: u8,
}

impl Default for Personal {
    fn default() -> Self {
        Self {
            input: Mode::Off,
            output: Mode::Off,
            kinds: None,
            sure: PERSONAL_SCORE_MIN,
        }
    }
}

impl Personal {
    /// The kinds that are looked for.
    #[must_use]
    pub fn kinds(&self) -> PersonalKinds {
        let some = self.kinds.as_ref();
        some.map_or(PersonalKinds::ALL, |kinds| kinds.iter().copied().collect())
    }

    fn wants(&self, finding: &Finding) -> bool {
        let is_named = |kinds: &Vec<PersonalKind>| kinds.iter().any(|kind| kind.as_str() == finding.category);
        finding.score >= self.sure && self.kinds.as_ref().is_none_or(is_named)
    }
}

/// What to do about text that is to be taken for an instruction where it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "InjectionGuard")]
#[serde(default, deny_unknown_fields)]
pub struct Injection {
    /// In what callers send: what they say, what tools returned, what tools say of themselves.
    pub input: Gate,
    /// How sure it must be, in percent: about one harmless text in a hundred reaches 80, one in twenty 50.
    #[schemars(range(min = 1, max = 100))]
    pub sure: u8,
}

impl Default for Injection {
    fn default() -> Self {
        Self {
            input: Gate::Off,
            sure: FLAG,
        }
    }
}

impl Families {
    /// What is done about a finding that goes this way.
    #[must_use]
    pub fn mode(&self, direction: Direction, finding: &Finding) -> Mode {
        match finding.kind {
            Kind::Secret if self.secrets.is_none_or(|it| finding.score < it.sure) => Mode::Off,
            Kind::Personal if !self.personal.as_ref().is_some_and(|it| it.wants(finding)) => Mode::Off,
            Kind::Injection if self.injection.is_none_or(|it| finding.score < it.sure) => Mode::Off,
            Kind::Custom => self
                .custom
                .as_ref()
                .map_or(Mode::Off, |it| it.mode(direction, finding)),
            Kind::Moderation if !self.moderation.as_ref().is_some_and(|it| it.wants(finding)) => Mode::Off,
            Kind::Topic if !self.topics.as_ref().is_some_and(|it| it.wants(finding)) => Mode::Off,
            Kind::Link if !self.links.as_ref().is_some_and(|it| it.asks(finding, None, None)) => Mode::Off,
            Kind::Leak if !self.leaks.as_ref().is_some_and(|it| it.asks(finding, None)) => Mode::Off,
            Kind::Unread => self.unread.map_or(Mode::Off, |it| it.mode(finding)),
            kind => self.looks(direction, kind),
        }
    }

    /// The most that is done about a family in this direction.
    #[must_use]
    pub fn looks(&self, direction: Direction, kind: Kind) -> Mode {
        let mode = match kind {
            Kind::Secret => self.secrets.map(|it| direction.pick(it.input, it.output)),
            Kind::Personal => self
                .personal
                .as_ref()
                .map(|it| direction.pick(it.input, it.output)),
            Kind::Injection => self
                .injection
                .map(|it| direction.pick(it.input, Gate::Off).into()),
            Kind::Custom => self.custom.as_ref().map(|it| it.looks(direction)),
            Kind::Moderation => self
                .moderation
                .as_ref()
                .map(|it| direction.pick(it.input, it.output).into()),
            Kind::Topic => self
                .topics
                .as_ref()
                .map(|it| direction.pick(it.input, it.output).into()),
            Kind::Link => self.links.as_ref().map(|it| direction.pick(it.input, it.output)),
            Kind::Leak => self
                .leaks
                .as_ref()
                .map(|it| direction.pick(Gate::Off, it.output).into()),
            Kind::Format => self
                .format
                .as_ref()
                .map(|it| direction.pick(Gate::Off, it.output).into()),
            Kind::Bounds => self
                .bounds
                .as_ref()
                .map(|it| direction.pick(it.input, Gate::Off).into()),
            Kind::Unread => self.unread.map(|it| it.most()),
        };
        mode.unwrap_or_default()
    }

    /// What of it cannot be done, with where it stands; empty where all can.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut percent = |at: &'static str, value: u8| {
            if !(1..=100).contains(&value) {
                problems.push((
                    at.to_owned(),
                    format!("is {value}: give a percentage from 1 to 100"),
                ));
            }
        };
        if let Some(secrets) = &self.secrets {
            percent("secrets.sure", secrets.sure);
        }
        if let Some(personal) = &self.personal {
            percent("personal.sure", personal.sure);
        }
        if let Some(injection) = &self.injection {
            percent("injection.sure", injection.sure);
        }
        if let Some(moderation) = &self.moderation {
            moderation.problems(&mut percent);
        }
        if let Some(leaks) = &self.leaks {
            percent("leaks.share", leaks.share);
        }
        let others = self.topics.iter().flat_map(Topics::problems);
        let others = others
            .chain(self.leaks.iter().flat_map(Leaks::problems))
            .chain(self.links.iter().flat_map(LinkRules::problems))
            .chain(self.format.iter().flat_map(Format::problems))
            .chain(self.bounds.iter().flat_map(Bounds::problems));
        problems.extend(others.map(|(place, what)| (place.to_owned(), what)));
        let customs = self.custom.iter().flat_map(Custom::problems);
        problems.extend(customs.map(|(place, what)| (format!("custom.{place}"), what)));
        problems
    }
}
