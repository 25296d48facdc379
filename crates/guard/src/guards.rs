//! All guards of text together: what is looked for in one, and in a stream of it. Never decides what is done, never does
//! I/O.

use std::sync::Arc;

use domain::UnixMillis;

use crate::action::{Direction, Mode};
use crate::context::AnswerContext;
use crate::finding::{Finding, Kind};
use crate::injection::{Injection, Origin, SUSPECT};
use crate::leaks::{LeakEngine, LeakFollow};
use crate::links::{LinkStream, Links};
use crate::personal::{Personal, PersonalStream};
use crate::plan::{Found, Plan};
use crate::secrets::Secrets;
use crate::stream::StreamScan;

/// All guards. Built once, shared; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Credentials.
    pub secrets: Arc<Secrets>,
    /// Personal data.
    pub personal: Arc<Personal>,
    /// Injection and jailbreak.
    pub injection: Arc<Injection>,
    /// Links; a plan's own, for they are judged by its lists.
    pub links: Arc<Links>,
    /// System prompts that come out again; a plan's own too.
    pub(crate) leaks: Arc<LeakEngine>,
}

impl Guards {
    /// Appends what the guards find that a plan looks with. Findings may overlap.
    pub(crate) fn scan(
        &self,
        plan: &Plan,
        direction: Direction,
        (text, origin): (&str, Origin),
        context: Option<&AnswerContext>,
        found: &mut Vec<Finding>,
    ) {
        let looks = |kind: Kind| plan.looks(direction, kind) != Mode::Off;
        if looks(Kind::Secret) {
            self.secrets.scan(text, found);
        }
        if looks(Kind::Personal) {
            self.personal.scan(text, found);
        }
        if looks(Kind::Injection) {
            self.injected(text, origin, found);
        }
        if looks(Kind::Link) {
            self.links
                .scan(text, context.and_then(AnswerContext::said), found);
        }
        if looks(Kind::Leak) {
            let mut leaks = LeakFollow::new(&self.leaks);
            leaks.push(&self.injection, context, text, found);
            leaks.finish(&self.injection, context, found);
        }
    }

    /// What all layers together say is the score of each finding: none of them is an attack because one rule says so.
    fn injected(&self, text: &str, origin: Origin, found: &mut Vec<Finding>) {
        let verdict = self.injection.judge(text, origin);
        if verdict.score < SUSPECT {
            return;
        }
        let known = found.len();
        found.extend(verdict.findings.into_iter().map(|finding| Finding {
            score: verdict.score,
            ..finding
        }));
        if found.len() == known {
            // The layers together are sure where none of them is alone.
            found.push(Finding {
                span: 0..text.len(),
                rule: "injection".into(),
                kind: Kind::Injection,
                category: "",
                score: verdict.score,
            });
        }
    }

    /// A follower of one text channel of a live answer. Injection is not looked for in what a model says.
    pub(crate) fn follow(&self, plan: &Plan, context: Option<Arc<AnswerContext>>) -> Follow {
        let looks = |kind: Kind| plan.looks(Direction::Output, kind) != Mode::Off;
        Follow {
            secrets: looks(Kind::Secret).then(|| StreamScan::new(self.secrets.clone())),
            personal: looks(Kind::Personal).then(|| PersonalStream::new(self.personal.clone())),
            links: looks(Kind::Link).then(LinkStream::new),
            leaks: looks(Kind::Leak).then(|| LeakFollow::new(&self.leaks)),
            context,
            open: String::new(),
            cleared: 0,
        }
    }
}

/// Follows one text channel of a live answer with all guards that look.
pub struct Follow {
    secrets: Option<StreamScan>,
    personal: Option<PersonalStream>,
    links: Option<LinkStream>,
    leaks: Option<LeakFollow>,
    /// What the request said, where it is asked for.
    context: Option<Arc<AnswerContext>>,
    /// The text from `cleared` on: what exceptions of one text alone are compared with.
    open: String,
    cleared: u64,
}

impl Follow {
    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are cleared by all.
    // threat: AGP-I3 ANP-0010 ANP-0023
    pub fn push(&mut self, plan: &Plan, piece: &str, now: UnixMillis, found: &mut Vec<Found>) -> u64 {
        self.open.push_str(piece);
        let mut cleared = self.cleared.saturating_add(self.open.len() as u64);
        let mut findings = Vec::new();
        if let Some(secrets) = &mut self.secrets {
            cleared = cleared.min(secrets.push(piece, &mut findings));
        }
        if let Some(personal) = &mut self.personal {
            cleared = cleared.min(personal.push(piece, &mut findings));
        }
        let (engines, context) = (plan.engines(), self.context.as_deref());
        if let Some(links) = &mut self.links {
            let said = context.and_then(AnswerContext::said);
            cleared = cleared.min(links.push(&engines.links, said, piece, &mut findings));
        }
        if let Some(leaks) = &mut self.leaks {
            let held = leaks.push(&engines.injection, context, piece, &mut findings);
            cleared = cleared.min(held.unwrap_or(cleared));
        }
        self.judge(plan, findings, now, found);
        self.clear(cleared);
        cleared
    }

    /// Ends the channel: what was held back is decided, and everything is cleared.
    pub fn finish(&mut self, plan: &Plan, now: UnixMillis, found: &mut Vec<Found>) -> u64 {
        let mut findings = Vec::new();
        if let Some(secrets) = &mut self.secrets {
            secrets.finish(&mut findings);
        }
        if let Some(personal) = &mut self.personal {
            personal.finish(&mut findings);
        }
        let (engines, context) = (plan.engines(), self.context.as_deref());
        if let Some(links) = &mut self.links {
            links.finish(
                &engines.links,
                context.and_then(AnswerContext::said),
                &mut findings,
            );
        }
        if let Some(leaks) = &mut self.leaks {
            leaks.finish(&engines.injection, context, &mut findings);
        }
        self.judge(plan, findings, now, found);
        self.clear(self.cleared.saturating_add(self.open.len() as u64));
        self.cleared
    }

    fn judge(&self, plan: &Plan, findings: Vec<Finding>, now: UnixMillis, found: &mut Vec<Found>) {
        let base = usize::try_from(self.cleared).unwrap_or(usize::MAX);
        found.extend(findings.into_iter().filter_map(|finding| {
            let place = |at: usize| at.checked_sub(base);
            let span = place(finding.span.start).zip(place(finding.span.end));
            let value = span.and_then(|(from, to)| self.open.get(from..to));
            plan.judge(Direction::Output, finding, value, now)
        }));
    }

    fn clear(&mut self, cleared: u64) {
        let over = usize::try_from(cleared.saturating_sub(self.cleared)).unwrap_or(usize::MAX);
        self.open.drain(..self.open.floor_char_boundary(over));
        self.cleared = cleared;
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow")
            .field("cleared", &self.cleared)
            .finish_non_exhaustive()
    }
}
