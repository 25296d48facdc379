//! What is asked, and how the one who asks comes.

use domain::Permission;

use super::names::Names;
use super::{Actor, Resource};
use crate::Posture;
use crate::entities::{Attribute, flag, link, number, uid};

/// May this actor do this to that?
///
/// Everything in it was established by the control plane: the actor from its session or credential, the
/// resource from the store. Nothing is taken from the caller on trust.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// Who acts.
    pub actor: &'a Actor<'a>,
    /// What is done.
    pub permission: Permission,
    /// To what; for what is made or listed, in what. See `docs/policies.md`.
    pub resource: Resource,
    /// How the actor comes.
    pub context: ActContext,
}

/// How the one who acts comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActContext {
    /// A second factor was given in this session. For a service account: it came by a credential that
    /// stands for one.
    pub second_factor: bool,
    /// Time since the sign-in or since it was last confirmed; 0 for a service account.
    pub sign_in_age_ms: u64,
    /// How strict the instance is.
    pub posture: Posture,
    /// The instance is set up so that this act wants a second person.
    pub wants_second_person: bool,
    /// A second person has approved this very act.
    pub approved: bool,
    /// The actor has broken the glass: it acts for a while without a second person, loudly.
    pub break_glass: bool,
}

impl ActContext {
    /// Somebody who just signed in with all that can be asked for: no policy about signing in stands in
    /// the way.
    pub const AT_BEST: Self = Self {
        second_factor: true,
        sign_in_age_ms: 0,
        posture: Posture::Production,
        wants_second_person: false,
        approved: true,
        break_glass: false,
    };

    /// The context in Cedar's words.
    pub(super) fn attributes(&self, names: &Names) -> [Attribute; 6] {
        let age = i64::try_from(self.sign_in_age_ms).unwrap_or(i64::MAX);
        [
            flag("second_factor", self.second_factor),
            number("sign_in_age_ms", age),
            link("posture", uid(&names.posture, self.posture.as_str())),
            flag("wants_second_person", self.wants_second_person),
            flag("approved", self.approved),
            flag("break_glass", self.break_glass),
        ]
    }
}
