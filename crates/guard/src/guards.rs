//! All guards of text together: what is looked for in one, and in a stream of it. Never decides what is done, never does
//! I/O.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use domain::UnixMillis;

use crate::action::{Direction, Mode};
use crate::context::AnswerContext;
use crate::custom::{Compiled, CustomStream, Extensions, Whole};
use crate::finding::{Finding, Kind};
use crate::injection::{Injection, Origin, SUSPECT, Verdict};
use crate::leaks::{LeakEngine, LeakFollow};
use crate::links::{LinkStream, Links};
use crate::moderation::{MODERATION_BLOCK_BYTES_MAX, Moderation, ModerationStream};
use crate::personal::{Personal, PersonalStream};
use crate::plan::{Found, Plan};
use crate::secrets::Secrets;
use crate::stream::StreamScan;
use crate::topics::{TopicStream, Topics};

/// All guards. Built once, shared; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    /// Credentials.
    pub secrets: Arc<Secrets>,
    /// Personal data.
    pub personal: Arc<Personal>,
    /// Injection and jailbreak; made when it is first needed, for it takes memory.
    pub injection: Arc<LazyLock<Injection>>,
    /// Modules of operators' own, which settings call by name.
    pub extensions: Arc<Extensions>,
    /// Harm.
    pub moderation: Arc<Moderation>,
    /// Topics; none of their own, a plan brings them.
    pub topics: Arc<Topics>,
    /// Links; a plan's own, for they are judged by its lists.
    pub links: Arc<Links>,
    /// System prompts that come out again; a plan's own too.
    pub(crate) leaks: Arc<LeakEngine>,
}

impl Guards {
    /// The same with these modules.
    #[must_use]
    pub fn with_extensions(self, extensions: Extensions) -> Self {
        Self {
            extensions: Arc::new(extensions),
            ..self
        }
    }

    /// Appends what the guards find that a plan looks with. Findings may overlap.
    pub(crate) fn scan(
        &self,
        plan: &Plan,
        direction: Direction,
        (text, origin): (&str, Origin),
        context: Option<&AnswerContext>,
        found: &mut Vec<Finding>,
    ) {
        let judge = || self.injection.judge_as(text, origin);
        self.look(plan, direction, (text, origin), judge, found);
        self.look_with(plan, direction, text, context, found);
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
        for (number, (text, origin)) in parts.iter().enumerate() {
            let verdict = verdicts.next().unwrap_or_default();
            self.look(plan, direction, (text, *origin), || verdict, &mut findings);
            self.look_with(plan, direction, text, None, &mut findings);
            found.extend(findings.drain(..).map(|finding| (number, finding)));
        }
    }

    fn look(
        &self,
        plan: &Plan,
        direction: Direction,
        (text, origin): (&str, Origin),
        judge: impl FnOnce() -> Verdict,
        found: &mut Vec<Finding>,
    ) {
        let looks = |kind: Kind| plan.looks(direction, kind) != Mode::Off;
        if looks(Kind::Secret) {
            self.secrets.scan(text, found);
        }
        if looks(Kind::Personal) {
            personal(plan.personal(), text, found);
        }
        if looks(Kind::Injection) {
            injected(text, judge(), found);
        }
        if looks(Kind::Custom) {
            for rules in plan.rules() {
                rules.scan(direction, text, found);
            }
            for extension in plan.extensions() {
                extension.inspect(direction, text, origin, found);
            }
        }
        if looks(Kind::Moderation) {
            // In answers encodings are not undone: a stream of one is judged like the whole.
            let judgement = match direction {
                Direction::Input => self.moderation.judge_readings(text),
                Direction::Output => self.moderation.judge(text),
            };
            found.extend(judgement.findings);
        }
        if looks(Kind::Topic) {
            let is_users = direction == Direction::Input && origin == Origin::User;
            self.topics.scan(text, is_users, found);
        }
    }

    /// What is judged by what the request said.
    fn look_with(
        &self,
        plan: &Plan,
        direction: Direction,
        text: &str,
        context: Option<&AnswerContext>,
        found: &mut Vec<Finding>,
    ) {
        let looks = |kind: Kind| plan.looks(direction, kind) != Mode::Off;
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

    /// A follower of one text channel of a live answer. Injection is not looked for in what a model says.
    pub(crate) fn follow(&self, plan: &Plan, context: Option<Arc<AnswerContext>>) -> Follow {
        let looks = |kind: Kind| plan.looks(Direction::Output, kind) != Mode::Off;
        Follow {
            secrets: looks(Kind::Secret).then(|| StreamScan::new(self.secrets.clone())),
            personal: plan
                .personal()
                .iter()
                .filter(|_| looks(Kind::Personal))
                .map(|one| PersonalStream::new(one.clone()))
                .collect(),
            custom: plan.rules().iter().filter_map(Compiled::follow).collect(),
            whole: Whole::of(plan.extensions(), plan.extensions_hold()),
            moderation: looks(Kind::Moderation).then(|| ModerationStream::new(self.moderation.clone())),
            topics: looks(Kind::Topic).then(|| TopicStream::new(self.topics.clone())),
            links: looks(Kind::Link).then(LinkStream::new),
            leaks: looks(Kind::Leak).then(|| LeakFollow::new(&self.leaks)),
            context,
            open: String::new(),
            open_at: 0,
            cleared: 0,
        }
    }
}

/// What each of them finds, once.
fn personal(engines: &[Arc<Personal>], text: &str, found: &mut Vec<Finding>) {
    if let [one] = engines {
        return one.scan(text, found);
    }
    let mut all = Vec::new();
    for one in engines {
        one.scan(text, &mut all);
    }
    let mut known = HashSet::new();
    all.retain(|it| known.insert(it.clone()));
    found.append(&mut all);
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
    personal: Vec<PersonalStream>,
    custom: Vec<CustomStream>,
    whole: Option<Whole>,
    moderation: Option<ModerationStream>,
    topics: Option<TopicStream>,
    links: Option<LinkStream>,
    leaks: Option<LeakFollow>,
    /// What the request said, where it is asked for.
    context: Option<Arc<AnswerContext>>,
    /// The text from `open_at` on: what exceptions of one text alone are compared with.
    open: String,
    open_at: u64,
    cleared: u64,
}

/// What is kept of cleared text: a window of moderation, and longer than any topic's phrase.
const KEPT_BYTES: u64 = 2 * MODERATION_BLOCK_BYTES_MAX as u64;

impl Follow {
    /// Takes the next piece, appends new findings, and returns how many bytes of the channel are cleared by all. Guards that
    /// only observe hold nothing back where what they would find is replaced by nobody.
    // threat: AGP-I3 ANP-0010 ANP-0023
    pub fn push(&mut self, plan: &Plan, piece: &str, now: UnixMillis, found: &mut Vec<Found>) -> u64 {
        self.open.push_str(piece);
        let mut cleared = self.open_at.saturating_add(self.open.len() as u64);
        let mut findings = Vec::new();
        let holds = |kind: Kind| plan.looks(Direction::Output, kind) > Mode::Observe;
        if let Some(secrets) = &mut self.secrets {
            cleared = cleared.min(secrets.push(piece, &mut findings));
        }
        for personal in &mut self.personal {
            cleared = cleared.min(personal.push(piece, &mut findings));
        }
        for custom in &mut self.custom {
            cleared = cleared.min(custom.push(piece, &mut findings));
        }
        if let Some(whole) = &mut self.whole {
            whole.push(piece, &mut findings);
            if whole.holds() {
                cleared = 0;
            }
        }
        if let Some(moderation) = &mut self.moderation {
            let judged = moderation.push(piece, &mut findings);
            if holds(Kind::Moderation) {
                cleared = cleared.min(judged);
            }
        }
        if let Some(topics) = &mut self.topics {
            let judged = topics.push(piece, &mut findings);
            if holds(Kind::Topic) {
                cleared = cleared.min(judged);
            }
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
        for personal in &mut self.personal {
            personal.finish(&mut findings);
        }
        for custom in &mut self.custom {
            custom.finish(&mut findings);
        }
        if let Some(whole) = &mut self.whole {
            let mut findings = Vec::new();
            let text = whole.finish(&mut findings);
            let judged = findings.into_iter().filter_map(|finding| {
                let value = text.get(finding.span.clone());
                plan.judge(Direction::Output, finding, value, now)
            });
            found.extend(judged);
        }
        if let Some(moderation) = &mut self.moderation {
            moderation.finish(&mut findings);
        }
        if let Some(topics) = &mut self.topics {
            topics.finish(&mut findings);
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
        self.clear(self.open_at.saturating_add(self.open.len() as u64));
        self.cleared
    }

    fn judge(&self, plan: &Plan, findings: Vec<Finding>, now: UnixMillis, found: &mut Vec<Found>) {
        let base = usize::try_from(self.open_at).unwrap_or(usize::MAX);
        found.extend(findings.into_iter().filter_map(|finding| {
            let place = |at: usize| at.checked_sub(base);
            let span = place(finding.span.start).zip(place(finding.span.end));
            let value = span.and_then(|(from, to)| self.open.get(from..to));
            plan.judge(Direction::Output, finding, value, now)
        }));
    }

    fn clear(&mut self, cleared: u64) {
        self.cleared = cleared;
        let kept = if self.moderation.is_some() || self.topics.is_some() {
            KEPT_BYTES
        } else {
            0
        };
        // What waits in a block may be behind what is cleared: the window that it ends begins before it.
        let over = cleared
            .saturating_sub(self.open_at)
            .saturating_sub(kept + kept / 2);
        let over = self
            .open
            .floor_char_boundary(usize::try_from(over).unwrap_or(usize::MAX));
        self.open.drain(..over);
        self.open_at = self.open_at.saturating_add(over as u64);
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow")
            .field("cleared", &self.cleared)
            .finish_non_exhaustive()
    }
}
