//! What is judged profile by profile, and not by looking for something in a text: bounds of requests, what cannot be read,
//! the form of answers. Says why; never shows text.

use std::sync::Arc;

use domain::UnixMillis;
use serde_json::Value;

use crate::action::Direction;
use crate::bounds::{Bounds, Remark};
use crate::facts::{MediaFacts, RequestFacts};
use crate::format::FormFollow;
use crate::plan::{Found, Layer, Plan};
use crate::unread::Unread;

/// A finding that is of the whole and of no place in a text, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What was found, and what is done about it. Its span is empty.
    pub found: Found,
    /// Why, for the caller: limits, numbers and places, the same words for the same cause.
    pub why: String,
    /// The profile that asks for the most.
    pub profile: String,
}

impl Plan {
    /// Whether [`Plan::bounds`] needs the whole body.
    #[must_use]
    pub fn wants_body(&self) -> bool {
        self.layers().iter().any(|layer| layer.prepared().body.is_some())
    }

    /// What of a request is beyond its bounds. `body` is asked for where [`Plan::wants_body`] says so; there, one that is no
    /// JSON (`None`) does not meet a schema.
    // threat: AGP-T1
    #[must_use]
    pub fn bounds(&self, facts: &RequestFacts, body: Option<&Value>, now: UnixMillis) -> Vec<Explained> {
        self.weigh(Direction::Input, now, |layer| {
            let bounds: Option<&Bounds> = layer.profile.guards.bounds.as_ref();
            bounds.map_or_else(Vec::new, |bounds| {
                bounds.judge(facts, layer.prepared().body.as_ref(), body)
            })
        })
    }

    /// What of a request or an answer no guard can read.
    // threat: AGP-T1
    #[must_use]
    pub fn unread(&self, direction: Direction, facts: &MediaFacts, now: UnixMillis) -> Vec<Explained> {
        let asks = |layer: &Layer| layer.profile.guards.unread.is_some();
        self.weigh(direction, now, |layer| {
            if asks(layer) {
                Unread::found(facts)
            } else {
                Vec::new()
            }
        })
    }

    /// Follows the form of an answer's text; `None` where no profile asks for one. For what a model says, not for its
    /// thoughts or calls of tools.
    #[must_use]
    pub fn form(&self) -> Option<AnswerForm> {
        let forms = self.layers().iter().enumerate().filter_map(|(number, layer)| {
            let form = layer.prepared().form.as_ref()?;
            Some((number, FormFollow::new(form)))
        });
        let layers: Vec<_> = forms.collect();
        (!layers.is_empty()).then_some(AnswerForm { layers })
    }

    /// Whether nothing of an answer may leave before its end: a form is asked for that only the end shows, or an extension has
    /// to see all of it.
    #[must_use]
    pub fn holds_all(&self) -> bool {
        let mut earnest = self.layers().iter().filter(|layer| !layer.profile.shadow);
        let asks = |layer: &Arc<Layer>| {
            layer
                .profile
                .guards
                .format
                .as_ref()
                .is_some_and(|it| it.holds_all())
        };
        earnest.any(asks) || self.extensions_hold()
    }

    /// What each profile says of it, and what is done; the same of several profiles is told once, with the strictest.
    fn weigh(
        &self,
        direction: Direction,
        now: UnixMillis,
        mut tell: impl FnMut(&Layer) -> Vec<Remark>,
    ) -> Vec<Explained> {
        let mut all: Vec<Explained> = Vec::new();
        for layer in self.layers() {
            for remark in tell(layer) {
                self.add(layer, direction, remark, now, &mut all);
            }
        }
        all
    }

    fn add(
        &self,
        layer: &Arc<Layer>,
        direction: Direction,
        Remark { finding, why }: Remark,
        now: UnixMillis,
        all: &mut Vec<Explained>,
    ) {
        let Some(found) = self.judge_by(std::slice::from_ref(layer), direction, finding, None, now) else {
            return;
        };
        let is_same = |it: &&mut Explained| it.why == why && it.found.finding.rule == found.finding.rule;
        let Some(known) = all.iter_mut().find(is_same) else {
            let profile = layer.profile.name.clone();
            all.push(Explained { found, why, profile });
            return;
        };
        if found.action > known.found.action {
            known.profile.clone_from(&layer.profile.name);
        }
        known.found.action = known.found.action.max(found.action);
        known.found.excepted |= found.excepted;
        let would = known.found.would.max(found.would);
        known.found.would = would.filter(|would| *would > known.found.action);
    }
}

/// Follows the form of one answer's text, for all profiles that ask for one.
#[derive(Debug)]
pub struct AnswerForm {
    layers: Vec<(usize, FormFollow)>,
}

impl AnswerForm {
    /// Takes the next piece, and appends what the answer lacks as soon as that is certain: its length, at times its language.
    pub fn push(&mut self, plan: &Plan, piece: &str, now: UnixMillis, found: &mut Vec<Explained>) {
        self.tell(plan, now, found, |follow, form, out| {
            follow.push(form, piece, out)
        });
    }

    /// Ends the answer, and appends all else that it lacks.
    pub fn finish(&mut self, plan: &Plan, now: UnixMillis, found: &mut Vec<Explained>) {
        self.tell(plan, now, found, |follow, form, out| follow.finish(form, out));
    }

    fn tell(
        &mut self,
        plan: &Plan,
        now: UnixMillis,
        found: &mut Vec<Explained>,
        mut step: impl FnMut(&mut FormFollow, &crate::format::Form, &mut Vec<Remark>),
    ) {
        for (number, follow) in &mut self.layers {
            let Some(layer) = plan.layers().get(*number) else {
                continue;
            };
            let Some(form) = layer.prepared().form.as_ref() else {
                continue;
            };
            let mut remarks = Vec::new();
            step(follow, form, &mut remarks);
            for remark in remarks {
                plan.add(layer, Direction::Output, remark, now, found);
            }
        }
    }
}
