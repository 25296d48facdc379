//! What a request said, as far as its answer is judged by it. Never keeps text: it is hashes of pieces.

use std::fmt;

use crate::injection::{Leak, Origin};
use crate::links::Said;
use crate::plan::Plan;

/// What a request said. Made by [`Plan::context`] for each request, only where a profile asks for it; shared by all
/// channels of the answer.
#[derive(Default)]
pub struct AnswerContext {
    leak: Option<Leak>,
    said: Option<Said>,
}

impl AnswerContext {
    /// For a plan: what it does not ask for is not kept.
    pub(crate) fn of(leaks: bool, links: bool) -> Option<Self> {
        (leaks || links).then(|| Self {
            leak: leaks.then(Leak::default),
            said: links.then(Said::default),
        })
    }

    /// Notes one text of the request: every text a model will see, with who it is from.
    pub fn add(&mut self, plan: &Plan, text: &str, origin: Origin) {
        if let Some(leak) = self.leak.as_mut().filter(|_| origin == Origin::System) {
            leak.add(&plan.engines().injection, text);
        }
        if let Some(said) = &mut self.said {
            said.add(text);
        }
    }

    pub(crate) const fn leak(&self) -> Option<&Leak> {
        self.leak.as_ref()
    }

    pub(crate) const fn said(&self) -> Option<&Said> {
        self.said.as_ref()
    }
}

impl fmt::Debug for AnswerContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerContext").finish_non_exhaustive()
    }
}
