//! What to do with findings: as set, and as decided. Never looks at text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done about a finding. Ordered: where several apply, the greatest wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Recorded, and the text passes unchanged.
    Observe,
    /// The finding is replaced by a placeholder, which is put back where it comes out again.
    Mask,
    /// The finding is replaced by a marker, and the rest passes.
    Redact,
    /// Nothing passes.
    Block,
}

impl Action {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Mask => "mask",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }
}

/// What a guard does about what it finds. Ordered by strictness.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "GuardMode")]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Does not look.
    #[default]
    Off,
    /// Records findings and lets them pass.
    Observe,
    /// Replaces what it finds by placeholders such as `<EMAIL_ADDRESS_1>`, and puts the values back into the answer. In
    /// answers, where nothing can be put back, it does what `redact` does.
    Mask,
    /// Replaces what it finds by markers.
    Redact,
    /// Refuses the request, or ends the answer.
    Block,
}

impl Mode {
    /// The action that a finding calls for; `None` when the guard is off.
    #[must_use]
    pub const fn action(self) -> Option<Action> {
        match self {
            Self::Off => None,
            Self::Observe => Some(Action::Observe),
            Self::Mask => Some(Action::Mask),
            Self::Redact => Some(Action::Redact),
            Self::Block => Some(Action::Block),
        }
    }

    /// The same for what goes this way: in an answer nothing can be put back, and what is masked is redacted.
    #[must_use]
    pub const fn action_in(self, direction: Direction) -> Option<Action> {
        match (self, direction) {
            (Self::Mask, Direction::Output) => Some(Action::Redact),
            (mode, _) => mode.action(),
        }
    }
}

/// What a guard does that replaces nothing, because half of what it finds is as bad as the whole.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[schemars(rename = "GuardGate")]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Does not look.
    #[default]
    Off,
    /// Records findings and lets them pass.
    Observe,
    /// Refuses the request, or ends the answer.
    Block,
}

impl From<Gate> for Mode {
    fn from(gate: Gate) -> Self {
        match gate {
            Gate::Off => Self::Off,
            Gate::Observe => Self::Observe,
            Gate::Block => Self::Block,
        }
    }
}

/// Which way a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards the model: prompts, tool results.
    Input,
    /// From the model: answers, tool calls.
    Output,
}

impl Direction {
    /// Its name in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    /// What is set for this one of both.
    pub(crate) const fn pick<T: Copy>(self, input: T, output: T) -> T {
        match self {
            Self::Input => input,
            Self::Output => output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_is_the_greatest_and_modes_and_actions_keep_one_order() {
        let modes = [Mode::Off, Mode::Observe, Mode::Mask, Mode::Redact, Mode::Block];
        for pair in modes.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].action() < pair[1].action());
        }
        assert_eq!(Mode::Off.action(), None);
        assert_eq!(Mode::Mask.action_in(Direction::Output), Some(Action::Redact));
        assert_eq!(Mode::Mask.action_in(Direction::Input), Some(Action::Mask));
        assert_eq!(serde_json::to_string(&Action::Mask).unwrap(), r#""mask""#);
        assert!(Mode::from(Gate::Block) > Mode::from(Gate::Observe));
    }
}
