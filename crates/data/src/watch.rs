//! The guard over a live stream: events wait until every text in them is cleared, and not longer.
//!
//! The hold-back is the guard's own bound ([`guard::HOLD_BACK_BYTES_MAX`]) in characters; a clean stream
//! is not delayed, since text that can begin no finding is cleared as it comes.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use dialect::{Channel, ChannelKind, Dialect, SseEvent, SseSplitter};

use domain::UnixMillis;
use guard::{Action, AnswerContext, AnswerForm, Direction, Explained, Follow, Found, Kind, Mode, Plan};

use crate::facts;
use crate::found::Findings;
use crate::ticket::Ticket;

mod late;

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
    /// What is kept until all was said, in bytes.
    kept_bytes: usize,
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
    pushed: u64,
    cleared: u64,
    found: Vec<Found>,
    /// So many of these are told to the ticket.
    noted: usize,
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
        let (plan, started) = (&ticket.plan, ticket.started);
        let watch = Self {
            plan: plan.clone(),
            started,
            channels: Vec::new(),
            queue: VecDeque::new(),
            parts: Vec::new(),
            asks,
            holds_all: plan.holds_all(),
            context: ticket.context.clone(),
            forms: Vec::new(),
            explained: Vec::new(),
            explained_noted: 0,
            kept_bytes: 0,
            damaged: None,
        };
        (asks != Asks::Nobody || !plan.is_off(Direction::Output)).then_some(watch)
    }

    /// How it watches.
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// A text of the event now being read.
    pub fn text(&mut self, channel: Channel, text: &str, dialect: Dialect) {
        if channel.kind == ChannelKind::Text {
            self.formed(channel, text, dialect);
        }
        let index = self.follow(channel);
        let Some(followed) = self.channels.get_mut(index) else {
            return;
        };
        if self.asks != Asks::Nobody {
            followed.kept.0.push_str(text);
            self.kept_bytes = self.kept_bytes.saturating_add(text.len());
        }
        let start = followed.pushed;
        followed.pushed = start.saturating_add(text.len() as u64);
        followed.cleared = followed
            .follow
            .push(&self.plan, text, self.started, &mut followed.found);
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
            pushed: 0,
            cleared: 0,
            found: Vec::new(),
            noted: 0,
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
            followed
                .follow
                .finish(&self.plan, self.started, &mut followed.found);
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
        self.pass(&held.parts);
        if !held.parts.iter().any(|part| self.overlaps(part)) {
            return Watched::Clear(held.event);
        }
        self.redacted(&held, dialect)
    }

    /// What ends the stream, of what the ticket has not been told of: with the first of it the stream is over.
    fn blocking(&self) -> Findings {
        let new = self
            .channels
            .iter()
            .flat_map(|followed| followed.found.get(followed.noted..).unwrap_or_default());
        let explained = self.explained.get(self.explained_noted..).unwrap_or_default();
        let blocks = |it: &Found| it.action == Action::Block;
        Findings {
            found: new.filter(|it| blocks(it)).cloned().collect(),
            explained: explained.iter().filter(|it| blocks(&it.found)).cloned().collect(),
        }
    }

    /// Findings that end before these parts are not looked at again: else a long answer full of them would cost their square.
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
        self.replaced(part)
            .iter()
            .any(|(start, end, _)| *start < part.end && *end > part.start)
    }

    /// What is replaced in the part's channel, in order.
    fn replaced(&self, part: &Part) -> Vec<(u64, u64, &str)> {
        let followed = self.channels.get(part.channel);
        let found = followed.and_then(|followed| followed.found.get(followed.passed..));
        replaced(found.unwrap_or_default())
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
            if end <= at || start >= part.end {
                continue;
            }
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

/// Findings that overlap or touch are one, with the first's rule.
fn replaced(found: &[Found]) -> Vec<(u64, u64, &str)> {
    let mut replaced: Vec<_> = found
        .iter()
        .filter(|it| matches!(it.action, Action::Mask | Action::Redact))
        .map(|Found { finding, .. }| (finding.span.start as u64, finding.span.end as u64, &*finding.rule))
        .collect();
    replaced.sort_by_key(|(start, ..)| *start);
    replaced.dedup_by(|next, one| {
        let is_one = next.0 <= one.1;
        if is_one {
            one.1 = one.1.max(next.1);
        }
        is_one
    });
    replaced
}

/// All that one channel said, for guards outside. Never shown in a log.
#[derive(Default)]
struct Kept(String);

/// What guards outside see of one channel, and where it comes from.
struct Shown {
    text: String,
    /// Stretches in order: where each begins and ends in `text`, and in what was said.
    pieces: Vec<(Range<usize>, Range<usize>)>,
}

impl Followed {
    fn shown(&self) -> Shown {
        let mut shown = Shown {
            text: String::with_capacity(self.kept.0.len()),
            pieces: Vec::new(),
        };
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(self.kept.0.len());
        let mut said = 0;
        for (start, end, rule) in replaced(&self.found) {
            let (start, end) = (place(start).max(said), place(end).max(said));
            shown.push(self.kept.0.get(said..start).unwrap_or_default(), said..start);
            shown.push(&format!("[redacted:{rule}]"), start..end);
            said = end;
        }
        shown.push(
            self.kept.0.get(said..).unwrap_or_default(),
            said..self.kept.0.len(),
        );
        shown
    }
}

impl Shown {
    fn push(&mut self, text: &str, said: Range<usize>) {
        let start = self.text.len();
        self.text.push_str(text);
        self.pieces.push((start..self.text.len(), said));
    }

    /// Where in what was said this is; a part of a marker is all that it stands for.
    fn place(&self, span: &Range<usize>) -> Range<usize> {
        let touched =
            |(shown, _): &&(Range<usize>, Range<usize>)| shown.start < span.end && span.start < shown.end;
        let within = |(shown, said): &(Range<usize>, Range<usize>)| {
            if shown.len() != said.len() {
                return said.clone();
            }
            let from = span.start.max(shown.start) - shown.start;
            let to = span.end.min(shown.end) - shown.start;
            said.start + from..said.start + to
        };
        let places = self.pieces.iter().filter(touched).map(within);
        places
            .reduce(|first, next| first.start..next.end)
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("bytes", &self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_guards_outside_find_is_found_where_it_was_said() {
        let said = "key AKIA0123 and añ name Ada, end";
        let mut shown = Shown {
            text: String::new(),
            pieces: Vec::new(),
        };
        shown.push(&said[..4], 0..4);
        shown.push("[redacted:k]", 4..12);
        shown.push(&said[12..], 12..said.len());
        let find = |text: &str| {
            let at = shown.text.find(text).unwrap();
            &said[shown.place(&(at..at + text.len()))]
        };
        assert_eq!(find("Ada"), "Ada");
        assert_eq!(find("key "), "key ");
        assert_eq!(find("dacted"), "AKIA0123");
        assert_eq!(find("y [redacted:k] an"), "y AKIA0123 an");
        assert_eq!(shown.place(&(900..901)), 0..0);
    }
}
