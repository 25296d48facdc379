//! Where a tenant lets the content of its calls go: which data to which providers and regions, by whose word and for how
//! long. Beside the policies and after them: it takes targets away and gives none back. Asks nobody what time it is.

use domain::{DataClass, UnixMillis};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Place;

/// So many consents one document may have.
pub const CONSENTS_MAX: usize = 256;
/// So many providers or regions one consent may name.
pub const NAMED_MAX: usize = 64;
/// So long a statement, or the name of who gave a consent, may be, in characters.
pub const STATEMENT_CHARS_MAX: usize = 2_000;

/// What holds for data of which no consent speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ConsentDefault")]
pub enum Unsaid {
    /// It may go wherever policies let it.
    #[default]
    Permit,
    /// It goes nowhere but to the house's own machines.
    Refuse,
}

/// Data of a class, and of every class below it, may go there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The gravest data that may: `public`, `internal`, `confidential` or `restricted`.
    #[schemars(with = "String")]
    pub data_class: DataClass,
    /// To these providers, by their names in the configuration, or beginnings with `*`; to any when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// To providers in these regions, as the configuration says them, or beginnings with `*`; in any when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Who gave it.
    pub by: String,
    /// On which day, in UTC; it holds from then on.
    #[schemars(with = "String")]
    pub on: Date,
    /// What was said, or where that is written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub statement: String,
    /// The last day on which it holds, in UTC; without end when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
    /// The day on which it was taken back: it holds no more from its beginning on, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub withdrawn: Option<Date>,
}

/// What need not leave with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// Who asks, as the caller says it.
    User,
    /// What the caller says of the call: to OpenAI words of its own, to Anthropic who asks.
    Metadata,
    /// A stable name of who asks, for the provider's watch over misuse.
    SafetyIdentifier,
    /// What the provider tells calls of one prefix by.
    PromptCacheKey,
}

impl Dropped {
    /// Its name in a call.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Metadata => "metadata",
            Self::SafetyIdentifier => "safety_identifier",
            Self::PromptCacheKey => "prompt_cache_key",
        }
    }
}

/// What is left out of every call before anything leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Minimisation {
    /// Members of calls that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<Dropped>,
    /// Of a conversation so many messages leave, the last ones, and system prompts; all when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub history_messages_max: Option<u32>,
}

/// Where a tenant lets the content of its calls go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Consents {
    /// What holds for data of which no consent speaks.
    pub default: Unsaid,
    /// Whether content may leave the house's own machines at all.
    pub content_leaves: bool,
    /// What may go where. A consent speaks of its class and of every class above it: as soon as there is one, what is as
    /// grave goes only where a consent says.
    pub consents: Vec<Consent>,
    /// What is left out of every call before anything leaves.
    pub minimise: Minimisation,
}

impl Default for Consents {
    fn default() -> Self {
        Self {
            default: Unsaid::Permit,
            content_leaves: true,
            consents: Vec::new(),
            minimise: Minimisation::default(),
        }
    }
}

/// Whether something is meant by a list of names or beginnings; an empty list means everything.
fn means(list: &[String], name: Option<&str>) -> bool {
    let is_meant = |one: &String| match (one.strip_suffix('*'), name) {
        (Some(head), Some(name)) => name.starts_with(head),
        (None, Some(name)) => one == name,
        (_, None) => false,
    };
    list.is_empty() || list.iter().any(is_meant)
}

fn day(now: UnixMillis) -> Date {
    let at = jiff::Timestamp::from_millisecond(now.0).unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(TimeZone::UTC).date()
}

impl Consent {
    /// Whether it holds now.
    #[must_use]
    pub fn holds(&self, now: UnixMillis) -> bool {
        self.is_in_force(day(now))
    }

    fn is_in_force(&self, today: Date) -> bool {
        let is_over = self.until.is_some_and(|last| last < today);
        self.on <= today && !is_over && self.withdrawn.is_none_or(|gone| today < gone)
    }

    /// Whether it lets data of this class go there on this day.
    fn covers(&self, class: DataClass, place: &Place, today: Date) -> bool {
        class <= self.data_class
            && self.is_in_force(today)
            && means(&self.providers, Some(&place.provider))
            && means(&self.regions, place.region.as_deref())
    }
}

impl Consents {
    /// Whether it has anything to say of data of this class.
    #[must_use]
    pub fn concerns(&self, class: DataClass) -> bool {
        !self.content_leaves || self.is_wanted(class)
    }

    /// Whether data of this class wants a consent to leave.
    fn is_wanted(&self, class: DataClass) -> bool {
        self.default == Unsaid::Refuse || self.speaks_from().is_some_and(|least| least <= class)
    }

    /// The least grave data that a consent speaks of.
    #[must_use]
    pub fn speaks_from(&self) -> Option<DataClass> {
        self.consents.iter().map(|consent| consent.data_class).min()
    }

    /// Whether data of this class may go there now. What runs on the house's own machines is nowhere else: nobody need
    /// consent to that.
    // threat: ANP-0017
    #[must_use]
    pub fn permits(&self, class: DataClass, place: &Place, now: UnixMillis) -> bool {
        if place.self_hosted {
            return true;
        }
        let today = day(now);
        let is_covered = || {
            self.consents
                .iter()
                .any(|consent| consent.covers(class, place, today))
        };
        self.content_leaves && (!self.is_wanted(class) || is_covered())
    }

    /// The class of which `before` wanted a consent and this one does not, because none speaks of it any more: what was
    /// taken back would go anywhere.
    #[must_use]
    pub fn forgets(&self, before: &Self) -> Option<DataClass> {
        let was = before.speaks_from().filter(|class| before.is_wanted(*class))?;
        (!self.is_wanted(was)).then_some(was)
    }

    /// What of it cannot be, with where it stands; empty where all can.
    #[must_use]
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        if self.consents.len() > CONSENTS_MAX {
            let what = format!("are more than {CONSENTS_MAX}: drop what is over and spoken of by others");
            problems.push(("consents".into(), what));
        }
        if self.minimise.history_messages_max == Some(0) {
            let what = "is 0: one message at least is asked with";
            problems.push(("minimise.history_messages_max".into(), what.into()));
        }
        for (number, consent) in self.consents.iter().enumerate() {
            let mut wrong = |place: &str, what: String| {
                problems.push((format!("consents[{number}].{place}"), what));
            };
            if consent.providers.is_empty() && consent.regions.is_empty() {
                wrong(
                    "providers",
                    "and `regions` are empty: say `*` if anywhere is meant".into(),
                );
            }
            for (place, list) in [("providers", &consent.providers), ("regions", &consent.regions)] {
                if list.len() > NAMED_MAX {
                    wrong(
                        place,
                        format!("are more than {NAMED_MAX}: name beginnings with `*`"),
                    );
                }
                let is_odd = |one: &String| one.trim().is_empty() || one.trim_end_matches('*').contains('*');
                if list.iter().any(is_odd) {
                    wrong(
                        place,
                        "hold an empty name, or a `*` that is not at its end".into(),
                    );
                }
            }
            if consent.by.trim().is_empty() {
                wrong("by", "is empty: say who gave it".into());
            }
            for (place, text) in [("by", &consent.by), ("statement", &consent.statement)] {
                if text.chars().count() > STATEMENT_CHARS_MAX {
                    wrong(
                        place,
                        format!("is longer than {STATEMENT_CHARS_MAX} characters: say where it is written"),
                    );
                }
            }
            if consent.until.is_some_and(|until| until < consent.on) {
                wrong("until", "is before `on`".into());
            }
        }
        problems
    }
}
