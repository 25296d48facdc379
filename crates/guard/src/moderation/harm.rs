//! The kinds of harm, by the names that OpenAI's moderation made usual. Never looks at text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Harm {
    /// Against people for what they are: origin, belief, body, love.
    #[serde(rename = "hate")]
    Hate,
    /// Against a person: insults, threats, stalking, bullying.
    #[serde(rename = "harassment")]
    Harassment,
    /// Suicide and hurting oneself: intent, encouragement, directions. Who writes so may need help rather than a refusal.
    #[serde(rename = "self_harm")]
    SelfHarm,
    /// Sex, to arouse.
    #[serde(rename = "sexual")]
    Sexual,
    /// Sex with or before children.
    #[serde(rename = "sexual/minors")]
    SexualMinors,
    /// Death and injury wished, planned, praised or painted.
    #[serde(rename = "violence")]
    Violence,
    /// Help with what is against the law or deceives people: drugs, malware, theft, fraud, forged news.
    #[serde(rename = "illicit")]
    Illicit,
    /// The same with weapons, explosives, poisons.
    #[serde(rename = "illicit/violent")]
    IllicitViolent,
}

impl Harm {
    /// All of them, in the order of the model's heads.
    pub const ALL: [Self; 8] = [
        Self::Hate,
        Self::Harassment,
        Self::SelfHarm,
        Self::Sexual,
        Self::SexualMinors,
        Self::Violence,
        Self::Illicit,
        Self::IllicitViolent,
    ];

    /// Its name in settings and findings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hate => "hate",
            Self::Harassment => "harassment",
            Self::SelfHarm => "self_harm",
            Self::Sexual => "sexual",
            Self::SexualMinors => "sexual/minors",
            Self::Violence => "violence",
            Self::Illicit => "illicit",
            Self::IllicitViolent => "illicit/violent",
        }
    }

    /// The rule under which it is found.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Hate => "moderation:hate",
            Self::Harassment => "moderation:harassment",
            Self::SelfHarm => "moderation:self_harm",
            Self::Sexual => "moderation:sexual",
            Self::SexualMinors => "moderation:sexual/minors",
            Self::Violence => "moderation:violence",
            Self::Illicit => "moderation:illicit",
            Self::IllicitViolent => "moderation:illicit/violent",
        }
    }
}

/// One value for each kind of harm, in the order of [`Harm::ALL`].
pub(crate) type PerHarm<T> = [T; Harm::ALL.len()];
