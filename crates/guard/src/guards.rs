//! All guards of text together: what is looked for in one, and in a stream of it. Never decides what is done, never does
//! I/O.

use std::sync::Arc;

use domain::UnixMillis;

use crate::action::{Direction, Mode};
use crate::finding::{Finding, Kind};
use crate::injection::{Injection, Origin, SUSPECT, Verdict};
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
}

impl Guards {
    /// Appends what the guards find that a plan looks with. Findings may overlap.
    pub(crate) fn scan(
        &self,
        plan: &Plan,
        direction: Direction,
        text: &str,
        origin: Origin,
        found: &mut Vec<Finding>,
    ) {
        let judge = || self.injection.judge(text, origin);
        self.look(plan, direction, text, judge, found);
    }

    /// The same for the parts of a conversation, with the number of each finding's part. Injection is looked for in all
    /// parts together too.
    pub(crate) fn scan_parts(
        &self,
        plan: &Plan,
        direction: Direction,
        parts: &[(&str, Origin)],
        found: &mut Vec<(usize, Finding)>,
    ) {
        let judged = plan.looks(direction, Kind::Injection) != Mode::Off;
        let verdicts = judged.then(|| self.injection.judge_parts(parts));
        let mut verdicts = verdicts.into_iter().flatten();
        let mut findings = Vec::new();
        for (number, (text, _)) in parts.iter().enumerate() {
            let verdict = verdicts.next().unwrap_or_default();
            self.look(plan, direction, text, || verdict, &mut findings);
            found.extend(findings.drain(..).map(|finding| (number, finding)));
        }
    }

    fn look(
        &self,
        plan: &Plan,
        direction: Direction,
        text: &str,
        judge: impl FnOnce() -> Verdict,
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
            injected(text, judge(), found);
        }
    }

    /// A follower of one text channel of a live answer. Injection is not looked for in what a model says.
    pub(crate) fn follow(&self, plan: &Plan) -> Follow {
        let looks = |kind: Kind| plan.looks(Direction::Output, kind) != Mode::Off;
        Follow {
            secrets: looks(Kind::Secret).then(|| StreamScan::new(self.secrets.clone())),
            personal: looks(Kind::Personal).then(|| PersonalStream::new(self.personal.clone())),
            open: String::new(),
            cleared: 0,
        }
    }
}

/// What all layers together say is the score of each finding: none of them is an attack because one rule says so.
fn injected(text: &str, verdict: Verdict, found: &mut Vec<Finding>) {
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

/// Follows one text channel of a live answer with all guards that look.
pub struct Follow {
    secrets: Option<StreamScan>,
    personal: Option<PersonalStream>,
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
