//! What to do with findings: as configured, and as decided. Never looks at text.

use serde::{Deserialize, Serialize};

/// What is done about a finding. Ordered: where several apply, the greatest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Recorded, and the text passes unchanged.
    Observe,
    /// The finding is replaced by a marker, and the rest passes.
    Redact,
    /// Nothing passes.
    Block,
}

/// How a guard is set for one direction. Ordered by strictness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The guard does not look.
    Off,
    /// Findings are recorded only.
    Observe,
    /// Findings are replaced by markers.
    #[default]
    Redact,
    /// A finding refuses the request or the answer.
    Block,
}

impl Mode {
    /// The action that a finding calls for; `None` when the guard is off.
    #[must_use]
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Off => None,
            Self::Observe => Some(Action::Observe),
            Self::Redact => Some(Action::Redact),
            Self::Block => Some(Action::Block),
        }
    }
}

/// How one guard is set, in both directions. Redacts unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Towards the model: prompts, tool results.
    pub input: Mode,
    /// From the model: answers, tool calls.
    pub output: Mode,
}

impl Profile {
    /// The stricter of two settings, direction by direction.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_action_is_the_greatest() {
        assert!(Action::Observe < Action::Redact && Action::Redact < Action::Block);
        let loose = Profile {
            input: Mode::Off,
            output: Mode::Block,
        };
        let other = Profile {
            input: Mode::Observe,
            output: Mode::Redact,
        };
        assert_eq!(
            loose.strictest(other),
            Profile {
                input: Mode::Observe,
                output: Mode::Block
            }
        );
    }

    #[test]
    fn profiles_are_written_in_snake_case_and_default_to_redact() {
        let profile: Profile = serde_json::from_str(r#"{"input":"block"}"#).unwrap();
        assert_eq!(
            profile,
            Profile {
                input: Mode::Block,
                output: Mode::Redact
            }
        );
        assert!(serde_json::from_str::<Profile>(r#"{"inptu":"block"}"#).is_err());
        assert_eq!(serde_json::to_string(&Action::Observe).unwrap(), r#""observe""#);
        assert_eq!(Mode::Off.action(), None);
    }
}
