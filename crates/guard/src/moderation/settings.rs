//! What is done about harm in prompts and answers, as it is written. Never looks at text.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MODERATION_FLAG;
use super::harm::{Harm, PerHarm};
use crate::action::Gate;
use crate::finding::Finding;

/// Over every score: a harm that is not looked for.
const NEVER: u8 = 101;

/// What to do about hate, harassment, self-harm, sex, violence and crime in prompts and answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Moderation {
    /// In what callers send.
    pub input: Gate,
    /// In what models answer.
    pub output: Gate,
    /// How sure it must be, in percent: about one harmless text in a hundred reaches 80, one in twenty 50.
    #[schemars(range(min = 1, max = 100))]
    pub sure: u8,
    /// How sure single kinds of harm must be, where not as sure as `sure` says; or `off`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<Harm, Sure>,
}

/// How sure one kind of harm must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Sure {
    /// At least so, in percent.
    From(#[schemars(range(min = 1, max = 100))] u8),
    /// It is not looked for.
    Not(Off),
}

/// Not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// Not looked for.
    Off,
}

impl Sure {
    /// Not looked for.
    pub const OFF: Self = Self::Not(Off::Off);
}

impl Default for Moderation {
    fn default() -> Self {
        Self {
            input: Gate::Off,
            output: Gate::Off,
            sure: MODERATION_FLAG,
            categories: BTreeMap::new(),
        }
    }
}

impl Moderation {
    /// How sure each harm must be; over 100 where it is not looked for.
    #[must_use]
    pub fn least(&self) -> PerHarm<u8> {
        Harm::ALL.map(|harm| match self.categories.get(&harm) {
            None => self.sure,
            Some(Sure::From(sure)) => *sure,
            Some(Sure::Not(Off::Off)) => NEVER,
        })
    }

    /// The least that any of several settings asks; nothing is looked for where there are none.
    pub(crate) fn least_of<'a>(all: impl Iterator<Item = &'a Self>) -> PerHarm<u8> {
        all.fold([NEVER; Harm::ALL.len()], |mut least, one| {
            for (least, own) in least.iter_mut().zip(one.least()) {
                *least = own.min(*least);
            }
            least
        })
    }

    pub(crate) fn wants(&self, finding: &Finding) -> bool {
        let mut all = Harm::ALL.into_iter().zip(self.least());
        all.any(|(harm, least)| harm.as_str() == finding.category && finding.score >= least)
    }

    /// What of it cannot be done, with where it stands.
    pub(crate) fn problems(&self, tell: &mut impl FnMut(&'static str, u8)) {
        tell("moderation.sure", self.sure);
        for sure in self.categories.values() {
            if let Sure::From(sure) = sure {
                tell("moderation.categories", *sure);
            }
        }
    }
}
