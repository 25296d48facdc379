//! The guard over a live stream: events wait until every text in them is cleared, and not longer.
//!
//! The hold-back is the guard's own bound ([`guard::HOLD_BACK_BYTES_MAX`]) in characters; a clean stream
//! is not delayed, since text that can begin no finding is cleared as it comes.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use dialect::{Channel, ChannelKind, Dialect, SseEvent, SseSplitter, StreamPiece};

use domain::UnixMillis;
use guard::{
    Action, AnswerContext, AnswerForm, Direction, Explained, Follow, Found, Kind, Mode, Origin, Plan,
};

use crate::facts;
use crate::found::Findings;
use crate::ticket::Ticket;

mod cuts;
mod late;
mod shown;
mod written;

use cuts::Cuts;
use shown::{Kept, Shown};
use written::Written;

/// How many choices, blocks and calls of tools one stream may put together: each is followed by itself.
const CHANNELS_MAX: usize = 1024;

/// All channels of one stream.
#[derive(Debug)]
pub struct Watch {
    plan: Arc<Plan>,
    /// When the call began: what is excepted until then is excepted for the whole of it.
    started: UnixMillis,
    channels: Vec<Followed>,
    queue: VecDeque<Held>,
    /// Texts of the event now being read.
    parts: Vec<Part>,
    asks: Asks,
    /// Whether nothing leaves before the end, because only that shows whether it may.
    holds_all: bool,
    /// What the request said, where its answer is judged by it.
    context: Option<Arc<AnswerContext>>,
    /// What is asked of the form of each answer's main text; none where no profile asks.
    forms: Vec<(u32, AnswerForm)>,
    /// What an answer lacks of its form.
    explained: Vec<Explained>,
    /// So many of these are told to the ticket.
    explained_noted: usize,
    /// So many of these end nothing.
    explained_looked_at: usize,
    /// What is kept until all was said, in bytes.
    kept_bytes: usize,
    /// Whether token probabilities are taken away: guards outside did not see them, and replace what they spell.
    drops_logprobs: bool,
    /// Why an event could not be looked at.
    damaged: Option<String>,
}

/// When guards outside are asked about a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// Never.
    Nobody,
    /// When all has been said and has left: they only observe.
    AtTheEnd,
    /// Before anything that was said leaves.
    BeforeAnything,
}

#[derive(Debug)]
struct Followed {
    channel: Channel,
    /// All of it, for guards outside.
    kept: Kept,
    follow: Follow,
    /// Of arguments: how what was read is written.
    written: Option<Written>,
    pushed: u64,
    cleared: u64,
    /// The same in what was read.
    read_cleared: u64,
    found: Vec<Found>,
    /// What of it is replaced.
    cuts: Cuts,
    /// So many of these are told to the ticket.
    noted: usize,
    /// So many of them end nothing.
    looked_at: usize,
    /// So many of them end before everything that is still held.
    passed: usize,
}

#[derive(Debug)]
struct Held {
    event: SseEvent,
    parts: Vec<Part>,
}

/// One text in an event: which channel, from where to where in it.
#[derive(Debug, Clone, Copy)]
struct Part {
    channel: usize,
    start: u64,
    end: u64,
}

/// What may leave next.
#[derive(Debug)]
pub enum Watched {
    /// Nothing now.
    Nothing,
    /// This event, as it came or redacted.
    Clear(SseEvent),
    /// Nothing any more, because of these.
    Blocked(Findings),
    /// An event could not be rewritten.
    Damaged(String),
}

impl Watch {
    /// A watch, unless the guard is off.
    pub fn new(ticket: &Ticket, asks: Asks) -> Option<Self> {
        let plan = &ticket.plan;
        let watch = Self::of(plan.clone(), ticket.started, ticket.context.clone(), asks);
        (asks != Asks::Nobody || !plan.is_off(Direction::Output)).then_some(watch)
    }

    fn of(plan: Arc<Plan>, started: UnixMillis, context: Option<Arc<AnswerContext>>, asks: Asks) -> Self {
        Self {
            holds_all: plan.holds_all(),
            plan,
            started,
            channels: Vec::new(),
            queue: VecDeque::new(),
            parts: Vec::new(),
            asks,
            context,
            forms: Vec::new(),
            explained: Vec::new(),
            explained_noted: 0,
            explained_looked_at: 0,
            kept_bytes: 0,
            drops_logprobs: false,
            damaged: None,
        }
    }

    /// How it watches.
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// A text of the event now being read.
    pub fn text(&mut self, piece: StreamPiece<'_>, dialect: Dialect) {
        let StreamPiece {
            channel,
            text,
            is_whole,
        } = piece;
        if channel.kind == ChannelKind::Text {
            self.formed(channel, text, dialect);
        }
        // threat: CTX-T5
        if self.channels.len() > CHANNELS_MAX {
            self.damaged = Some(format!("more than {CHANNELS_MAX} texts side by side"));
            return;
        }
        let index = self.follow(channel);
        let Some(followed) = self.channels.get_mut(index) else {
            return;
        };
        if self.asks != Asks::Nobody && channel.kind != ChannelKind::Logprobs {
            followed.kept.push(text);
            self.kept_bytes = self.kept_bytes.saturating_add(text.len());
        }
        let start = followed.pushed;
        followed.pushed = start.saturating_add(text.len() as u64);
        if is_whole {
            followed.whole(&self.plan, text, (start, self.started), self.context.as_deref());
        }
        followed.read(&self.plan, text, is_whole, self.started);
        self.parts.push(Part {
            channel: index,
            start,
            end: followed.pushed,
        });
    }

    fn follow(&mut self, channel: Channel) -> usize {
        if let Some(index) = self.channels.iter().position(|f| f.channel == channel) {
            return index;
        }
        self.channels.push(Followed {
            channel,
            kept: Kept::default(),
            follow: self.plan.follow_with(self.context.as_ref()),
            written: matches!(channel.kind, ChannelKind::ToolArguments(_)).then(Written::default),
            pushed: 0,
            cleared: 0,
            read_cleared: 0,
            found: Vec::new(),
            cuts: Cuts::default(),
            noted: 0,
            looked_at: 0,
            passed: 0,
        });
        self.channels.len() - 1
    }

    /// The main text of an answer goes through its form: of OpenAI's choice by choice, of Anthropic's all blocks together.
    fn formed(&mut self, channel: Channel, text: &str, dialect: Dialect) {
        let answer = match dialect {
            Dialect::OpenAi => channel.choice,
            Dialect::Anthropic => 0,
        };
        if !self.forms.iter().any(|(of, _)| *of == answer) {
            let Some(form) = self.plan.form() else { return };
            self.forms.push((answer, form));
        }
        if let Some((_, form)) = self.forms.iter_mut().find(|(of, _)| *of == answer) {
            form.push(&self.plan, text, self.started, &mut self.explained);
        }
    }

    /// The event whose texts were just read.
    pub fn hold(&mut self, event: SseEvent) {
        self.unread(&event);
        let parts = std::mem::take(&mut self.parts);
        if self.asks == Asks::BeforeAnything || self.holds_all {
            self.kept_bytes = self.kept_bytes.saturating_add(event.raw.len());
        }
        self.queue.push_back(Held { event, parts });
    }

    /// The event just read is not passed on.
    pub fn skip(&mut self) {
        self.parts.clear();
    }

    /// What of an event no guard can read: it is told once, and ends the stream where a profile says so, before it leaves.
    // threat: AGP-T1
    // threat: AGP-I3
    fn unread(&mut self, event: &SseEvent) {
        let is_asked = self.plan.looks(Direction::Output, Kind::Unread) != Mode::Off;
        // What ends a stream of OpenAI's is no JSON.
        if !is_asked || !event.has_data() || event.data().trim_ascii() == b"[DONE]" {
            return;
        }
        match serde_json::from_slice(event.data()) {
            Ok(value) => {
                let found = self
                    .plan
                    .unread(Direction::Output, &facts::answered(&value), self.started);
                for it in found {
                    let rule = |one: &Explained| (one.found.finding.rule.clone(), one.profile.clone());
                    if !self.explained.iter().any(|known| rule(known) == rule(&it)) {
                        self.explained.push(it);
                    }
                }
            }
            Err(error) => self.damaged = Some(error.to_string()),
        }
    }

    /// This event ends the stream.
    pub fn end(&mut self, event: &SseEvent) {
        self.unread(event);
        self.finish();
    }

    /// No more text comes: everything left is cleared.
    fn finish(&mut self) {
        self.parts.clear();
        self.holds_all = false;
        for (_, form) in &mut self.forms {
            form.finish(&self.plan, self.started, &mut self.explained);
        }
        self.forms.clear();
        for followed in &mut self.channels {
            let known = followed.found.len();
            followed
                .follow
                .finish(&self.plan, self.started, &mut followed.found);
            followed.place(known);
            followed.cleared = followed.pushed;
        }
    }

    /// There is no time left to look: what was found is dealt with, nobody outside is asked, no form is judged by half an answer,
    /// and everything may leave.
    pub fn give_up(&mut self) {
        self.forms.clear();
        self.asks = Asks::Nobody;
        self.finish();
    }

    /// The next event that may leave.
    pub fn next(&mut self, dialect: Dialect) -> Watched {
        if let Some(error) = self.damaged.take() {
            return Watched::Damaged(error);
        }
        let blocking = self.blocking();
        if blocking.strictest().is_some() {
            // Nothing that was held may leave after all.
            self.queue.clear();
            return Watched::Blocked(blocking);
        }
        let clear = self
            .queue
            .front()
            .is_some_and(|held| held.parts.iter().all(|part| self.is_clear(part)))
            && self.asks != Asks::BeforeAnything
            && !self.holds_all;
        let Some(held) = self.queue.pop_front_if(|_| clear) else {
            return Watched::Nothing;
        };
        for part in &held.parts {
            if let Some(followed) = self.channels.get_mut(part.channel) {
                followed.cuts.update(&followed.found, followed.passed);
            }
        }
        let watched = if held.parts.iter().any(|part| self.overlaps(part)) {
            self.redacted(&held, dialect)
        } else {
            Watched::Clear(held.event)
        };
        self.pass(&held.parts);
        watched
    }

    /// What ends the stream, of what was not looked at before: with the first of it the stream is over.
    fn blocking(&mut self) -> Findings {
        let blocks = |it: &Found| it.action == Action::Block;
        let mut blocking = Findings {
            found: Vec::new(),
            explained: Vec::new(),
        };
        for followed in &mut self.channels {
            let new = followed.found.get(followed.looked_at..).unwrap_or_default();
            blocking.found.extend(new.iter().filter(|it| blocks(it)).cloned());
            followed.looked_at = followed.found.len();
        }
        let new = self.explained.get(self.explained_looked_at..).unwrap_or_default();
        let ends = new.iter().filter(|it| blocks(&it.found));
        blocking.explained.extend(ends.cloned());
        self.explained_looked_at = self.explained.len();
        blocking
    }

    /// Findings that end before these parts, which have left, are not looked at again: else a long answer full of them would cost their square.
    fn pass(&mut self, parts: &[Part]) {
        for part in parts {
            if let Some(followed) = self.channels.get_mut(part.channel) {
                let open = followed.found.get(followed.passed..).unwrap_or_default();
                let over = open
                    .iter()
                    .take_while(|it| (it.finding.span.end as u64) < part.start);
                followed.passed += over.count();
            }
        }
    }

    fn is_clear(&self, part: &Part) -> bool {
        self.channels
            .get(part.channel)
            .is_some_and(|followed| part.end <= followed.cleared)
    }

    fn overlaps(&self, part: &Part) -> bool {
        let is_spelt = self.drops_logprobs
            && self
                .channels
                .get(part.channel)
                .is_some_and(|followed| followed.channel.kind == ChannelKind::Logprobs);
        is_spelt || self.replaced(part).next().is_some()
    }

    /// What is replaced in the part, in order.
    fn replaced(&self, part: &Part) -> impl Iterator<Item = &(u64, u64, Cow<'static, str>)> {
        let cuts = self.channels.get(part.channel).map(|followed| &followed.cuts);
        cuts.into_iter()
            .flat_map(|cuts| cuts.within(part.start..part.end))
    }

    /// What was said, channel by channel, as guards outside see it: with what ours replace replaced.
    pub fn shown(&self) -> Vec<String> {
        let texts = self.channels.iter().map(|followed| followed.shown().text);
        texts.collect()
    }

    /// What is kept for guards outside, in bytes.
    pub const fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// What guards outside found in [`Watch::shown`]: from now on everything may leave, without what they want replaced.
    pub fn judged(&mut self, found: Vec<(usize, Found)>) {
        let shown: Vec<Shown> = self.channels.iter().map(Followed::shown).collect();
        for (channel, mut it) in found {
            self.drops_logprobs |= matches!(it.action, Action::Mask | Action::Redact);
            if let (Some(followed), Some(shown)) = (self.channels.get_mut(channel), shown.get(channel)) {
                it.finding.span = shown.place(&it.finding.span);
                followed.found.push(it);
            }
        }
        self.asks = Asks::Nobody;
    }

    fn redacted(&self, held: &Held, dialect: Dialect) -> Watched {
        let mut parts = held.parts.iter();
        let edited = dialect::edit_event(dialect, &held.event, &mut |_, text| {
            let part = parts.next()?;
            self.overlaps(part).then(|| self.cut(part, text))
        });
        let mut splitter = SseSplitter::new(usize::MAX);
        match edited {
            Ok(raw) => splitter.push(raw),
            Err(error) => return Watched::Damaged(error.to_string()),
        }
        match splitter.next() {
            Ok(Some(event)) => Watched::Clear(event),
            _ => Watched::Damaged("the redacted event is no event".to_owned()),
        }
    }

    /// The part's text without what was found; the placeholder stands where a finding begins.
    fn cut(&self, part: &Part, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = part.start;
        for (start, end, rule) in self.replaced(part) {
            let (start, end) = (*start, *end);
            out.push_str(slice(text, part, at, start));
            if start >= part.start {
                out.push_str("[redacted:");
                out.push_str(rule);
                out.push(']');
            }
            at = end.min(part.end);
        }
        out.push_str(slice(text, part, at, part.end));
        out
    }

    /// Tells the ticket of rules that fired since the last time.
    pub fn note(&mut self, ticket: &mut Ticket) {
        for followed in &mut self.channels {
            let new = followed.found.get(followed.noted..).unwrap_or_default();
            ticket.note_findings(Direction::Output, new);
            followed.noted = followed.found.len();
        }
        let explained = self.explained.get(self.explained_noted..).unwrap_or_default();
        ticket.note_findings(Direction::Output, explained.iter().map(|it| &it.found));
        self.explained_noted = self.explained.len();
    }
}

/// The text from `from` to `to`, both counted in the channel.
fn slice<'t>(text: &'t str, part: &Part, from: u64, to: u64) -> &'t str {
    let place = |at: u64| {
        usize::try_from(at.saturating_sub(part.start))
            .unwrap_or(usize::MAX)
            .min(text.len())
    };
    text.get(place(from)..place(to.max(from))).unwrap_or_default()
}

impl Followed {
    fn shown(&self) -> Shown {
        self.kept.shown(&self.found)
    }

    /// What a text holds that is one by itself.
    fn whole(
        &mut self,
        plan: &Plan,
        text: &str,
        (start, now): (u64, UnixMillis),
        context: Option<&AnswerContext>,
    ) {
        let known = self.found.len();
        let said = (text, Origin::Assistant);
        plan.scan_with(Direction::Output, said, context, now, &mut self.found);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        for it in self.found.iter_mut().skip(known) {
            let span = &it.finding.span;
            it.finding.span = span.start.saturating_add(start)..span.end.saturating_add(start);
        }
    }

    /// Goes on with the channel. Whole arguments are no JSON in pieces; other whole texts may go on all the same, as
    /// engines send parts of content that are pieces.
    fn read(&mut self, plan: &Plan, text: &str, is_whole: bool, now: UnixMillis) {
        let known = self.found.len();
        let read = match &mut self.written {
            Some(written) if is_whole => {
                written.skip(text.len());
                None
            }
            Some(written) => Some(written.read(text)),
            None => Some(Cow::Borrowed(text)),
        };
        if let Some(read) = read {
            self.read_cleared = self.follow.push(plan, &read, now, &mut self.found);
        }
        self.place(known);
        let cleared = |written: &Written| written.cleared(self.read_cleared);
        self.cleared = self.written.as_ref().map_or(self.read_cleared, cleared);
    }

    /// Puts what was found where it was written.
    fn place(&mut self, known: usize) {
        if let Some(written) = &self.written {
            for it in self.found.iter_mut().skip(known) {
                it.finding.span = written.place(&it.finding.span);
            }
        }
    }
}

#[cfg(test)]
mod tests;
