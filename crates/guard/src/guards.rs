//! All guards together: what is looked for in a text, in which direction, and what is done about it. Never does I/O.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::action::{Action, Mode};
use crate::finding::{Finding, Kind};
use crate::injection::{FLAG, Injection, Origin};
use crate::personal::{Personal, PersonalStream};
use crate::secrets::Secrets;
use crate::stream::StreamScan;

/// What is done about each family of findings, in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Modes {
    /// Credentials.
    pub secrets: Mode,
    /// Personal data.
    pub personal: Mode,
    /// Text that is to be taken for an instruction. It is never redacted: half an attack is one too.
    pub injection: Mode,
}

impl Modes {
    /// Nobody looks.
    pub const OFF: Self = Self {
        secrets: Mode::Off,
        personal: Mode::Off,
        injection: Mode::Off,
    };

    /// Whether nobody looks.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self::OFF
    }

    /// Whether anybody does more than look.
    #[must_use]
    pub fn does_more_than_observe(&self) -> bool {
        [self.secrets, self.personal, self.injection]
            .into_iter()
            .any(|mode| mode > Mode::Observe)
    }

    /// What is done about a family.
    #[must_use]
    pub const fn of(&self, kind: Kind) -> Mode {
        match kind {
            Kind::Secret => self.secrets,
            Kind::Personal => self.personal,
            Kind::Injection => self.injection,
            Kind::Moderation => Mode::Off,
        }
    }

    /// The stricter of two settings, family by family.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        Self {
            secrets: self.secrets.max(other.secrets),
            personal: self.personal.max(other.personal),
            injection: self.injection.max(other.injection),
        }
    }

    /// The most that these findings call for; `None` where they call for nothing.
    #[must_use]
    pub fn verdict(&self, found: &[Finding]) -> Option<Action> {
        found
            .iter()
            .filter_map(|finding| self.of(finding.kind).action())
            .max()
    }

    /// Those of the findings that call for this.
    pub fn calling<'f>(&self, action: Action, found: &'f [Finding]) -> impl Iterator<Item = &'f Finding> {
        let modes = *self;
        found
            .iter()
            .filter(move |finding| modes.of(finding.kind).action() == Some(action))
    }
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            secrets: Mode::Redact,
            ..Self::OFF
        }
    }
}

/// All guards. Built once, shared; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Credentials.
    pub secrets: Arc<Secrets>,
    /// Personal data.
    pub personal: Arc<Personal>,
    /// Injection and jailbreak.
    pub injection: Arc<Injection>,
}

impl Guards {
    /// Whether anything can be found in these raw bytes, a JSON body for example. `false` is certain.
    #[must_use]
    pub fn may_match(&self, modes: &Modes, raw: &[u8]) -> bool {
        let others = Modes {
            secrets: Mode::Off,
            ..*modes
        };
        !others.is_off() || (modes.secrets != Mode::Off && self.secrets.may_match(raw))
    }

    /// Appends what is found in a text of this origin by the guards that look. Findings may overlap.
    // threat: AGP-T1 AGP-I1 AGP-R-004 ANP-0003 ANP-0017
    pub fn scan(&self, modes: &Modes, text: &str, origin: Origin, found: &mut Vec<Finding>) {
        if modes.secrets != Mode::Off {
            self.secrets.scan(text, found);
        }
        if modes.personal != Mode::Off {
            self.personal.scan(text, found);
        }
        if modes.injection != Mode::Off {
            self.injected(text, origin, found);
        }
    }

    fn injected(&self, text: &str, origin: Origin, found: &mut Vec<Finding>) {
        let verdict = self.injection.judge(text, origin);
        if verdict.score < FLAG {
            return;
        }
        let known = found.len();
        found.extend(verdict.findings);
        if found.len() == known {
            // The layers together are sure where none of them is alone.
            found.push(Finding {
                span: 0..text.len(),
                rule: "injection",
                kind: Kind::Injection,
                score: verdict.score,
            });
        }
    }

    /// The text with what is to be replaced replaced; `None` where nothing is.
    #[must_use]
    pub fn redacted(&self, modes: &Modes, text: &str, origin: Origin) -> Option<String> {
        let mut found = Vec::new();
        self.scan(modes, text, origin, &mut found);
        let replaced: Vec<Finding> = modes.calling(Action::Redact, &found).cloned().collect();
        (!replaced.is_empty()).then(|| crate::redact::redact(text, &replaced))
    }

    /// A follower of one text channel of a live stream. Injection is not looked for in what a model says.
    #[must_use]
    pub fn follow(&self, modes: &Modes) -> Follow {
        let looks = |mode: Mode| mode != Mode::Off;
        Follow {
            secrets: looks(modes.secrets).then(|| StreamScan::new(self.secrets.clone())),
            personal: looks(modes.personal).then(|| PersonalStream::new(self.personal.clone())),
            pushed: 0,
        }
    }
}

/// Follows one text channel of a live stream with all guards that look.
#[derive(Debug)]
pub struct Follow {
    secrets: Option<StreamScan>,
    personal: Option<PersonalStream>,
    pushed: u64,
}

impl Follow {
    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are cleared by all.
    // threat: AGP-I3 ANP-0010 ANP-0023
    pub fn push(&mut self, piece: &str, found: &mut Vec<Finding>) -> u64 {
        self.pushed = self.pushed.saturating_add(piece.len() as u64);
        let mut cleared = self.pushed;
        if let Some(secrets) = &mut self.secrets {
            cleared = cleared.min(secrets.push(piece, found));
        }
        if let Some(personal) = &mut self.personal {
            cleared = cleared.min(personal.push(piece, found));
        }
        cleared
    }

    /// Ends the channel: what was held back is decided, and everything is cleared.
    pub fn finish(&mut self, found: &mut Vec<Finding>) -> u64 {
        if let Some(secrets) = &mut self.secrets {
            secrets.finish(found);
        }
        if let Some(personal) = &mut self.personal {
            personal.finish(found);
        }
        self.pushed
    }
}
