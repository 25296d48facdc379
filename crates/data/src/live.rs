//! A live answer: the provider's stream, pulled by the caller through guard, translator and settlement.
//!
//! Events that nothing changes leave as the very bytes that came. The stream's terminator leaves only
//! after the entry is in the journal. A stream that nobody pulls to its end is settled by the settler
//! with what was seen of it.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use dialect::{ChannelKind, EventClass, SseEvent, SseSplitter, StreamReader, StreamTranslator};
use guard::Direction;
use http_body::Body;
use hyper::body::Incoming;
use ledger::{Outcome, UsageSource};
use limit::Outcome as Health;
use telemetry::metrics::Entered;
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use crate::allowance::in_time;
use crate::connectors::{Inquiry, Judged};
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Deadlines, Target};
use crate::stage::settle::{self, End};
use crate::ticket::{Ticket, Used};
use crate::unmask::{self, Unmasking};
use crate::watch::{Asks, Watch, Watched};

mod late;
mod parts;

pub use parts::Parts;
use parts::Said;

/// How long a finished stream's connection may take to end, to be used again.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The state of one live answer.
pub struct Live {
    gate: Arc<Gate>,
    ticket: Option<Box<Ticket>>,
    health: Option<limit::Ticket>,
    target: Arc<Target>,
    upstream: Option<Incoming>,
    splitter: SseSplitter,
    reader: StreamReader,
    watch: Option<Watch>,
    /// What guards outside are asked when all has been said.
    inquiry: Option<Inquiry>,
    /// Whether the gate's own guards look no more, for want of time.
    own_given_up: bool,
    answer_bytes_max: usize,
    translator: Option<StreamTranslator>,
    /// Whether the caller asked for the usage event itself.
    usage_wanted: bool,
    /// What was masked in the request, put back.
    unmasking: Option<Unmasking>,
    out: VecDeque<Said>,
    digest: blake3::Hasher,
    phase: Phase,
    sleep: Pin<Box<Sleep>>,
    deadlines: Deadlines,
    started: Instant,
    progress: Instant,
    _open: Entered,
}

enum Phase {
    Flowing,
    /// Guards outside are asked; then this event ends the answer.
    Judging(JoinHandle<Judged>, Option<SseEvent>),
    /// Waiting for the record; then these bytes end the answer.
    Closing(Pin<Box<dyn Future<Output = Gated<()>> + Send + Sync>>, Said),
    Over,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("target", &self.target.label)
            .finish_non_exhaustive()
    }
}

impl Live {
    /// Arms the guard and the deadlines.
    pub fn new(gate: Arc<Gate>, parts: Parts) -> Box<Self> {
        let Parts {
            ticket,
            health,
            target,
            upstream,
            translator,
            usage_wanted,
        } = parts;
        let answer_bytes_max = ticket.settings.bounds.answer_bytes_max;
        let (settings, deadlines) = (ticket.settings.clone(), target.provider.deadlines);
        let inquiry = Inquiry::of(&ticket, Direction::Output);
        let asks = match &inquiry {
            None => Asks::Nobody,
            Some(inquiry) if inquiry.does_more_than_observe() => Asks::BeforeAnything,
            Some(_) => Asks::AtTheEnd,
        };
        let now = Instant::now();
        Box::new(Self {
            _open: gate.metrics.gauges().streams_open.enter(),
            gate,
            health: Some(health),
            splitter: SseSplitter::new(settings.bounds.event_bytes_max),
            reader: StreamReader::new(target.provider.dialect),
            watch: Watch::new(&ticket, asks),
            inquiry,
            own_given_up: false,
            answer_bytes_max,
            translator,
            usage_wanted,
            unmasking: ticket
                .unmasker
                .clone()
                .map(|it| Unmasking::new(ticket.dialect(), it)),
            out: VecDeque::with_capacity(4),
            digest: blake3::Hasher::new(),
            phase: Phase::Flowing,
            sleep: Box::pin(tokio::time::sleep(deadlines.idle.min(deadlines.total))),
            deadlines,
            started: ticket.clock,
            progress: now,
            target,
            upstream: Some(upstream),
            ticket: Some(ticket),
        })
    }

    /// Whether nothing will come any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over) && self.out.is_empty()
    }

    /// The next piece for the caller.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(said) = self.out.pop_front() {
                self.capture(&said);
                return Poll::Ready(Some(said.bytes));
            }
            match &mut self.phase {
                Phase::Over => return Poll::Ready(None),
                Phase::Closing(record, last) => {
                    let recorded = ready!(record.as_mut().poll(context));
                    let last = std::mem::take(last);
                    self.phase = Phase::Over;
                    self.end(recorded, last);
                }
                Phase::Judging(judging, end) => {
                    let judged = ready!(Pin::new(judging).poll(context));
                    let end = end.take();
                    self.phase = Phase::Flowing;
                    match judged {
                        Ok(judged) => self.judged(judged, end),
                        Err(error) => {
                            let refusal = Refusal::new(Code::Internal, "the answer could not be inspected");
                            self.fail(&refusal.internally(error.to_string()));
                        }
                    }
                }
                Phase::Flowing => ready!(self.poll_upstream(context)),
            }
        }
    }

    /// What the caller reads, where its tenant keeps any of it.
    fn capture(&mut self, said: &Said) {
        if let Some(capture) = self.ticket.as_mut().and_then(|ticket| ticket.capture.as_mut()) {
            capture.said(said.kept(capture), said.bytes.len(), self.gate.exchanges.room());
        }
    }

    /// Pulls one frame and works it off. Ready when there may be something to say.
    fn poll_upstream(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(upstream) = self.upstream.as_mut() else {
            self.phase = Phase::Over;
            return Poll::Ready(());
        };
        match Pin::new(upstream).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.progress = Instant::now();
                if let Ok(data) = frame.into_data() {
                    self.take(data);
                }
                Poll::Ready(())
            }
            Poll::Ready(Some(Err(error))) => {
                self.upstream = None;
                self.fail(
                    &Refusal::new(Code::UpstreamBroken, "the provider's stream broke off")
                        .internally(error.to_string()),
                );
                Poll::Ready(())
            }
            Poll::Ready(None) => {
                self.upstream = None;
                self.fail(&Refusal::new(
                    Code::UpstreamBroken,
                    "the provider's stream ended without its terminator",
                ));
                Poll::Ready(())
            }
            Poll::Pending => self.poll_deadlines(context),
        }
    }

    /// The timer is set anew only when it fires: a busy stream never touches it.
    // threat: ANP-0008
    fn poll_deadlines(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.sleep.as_mut().poll(context));
            let now = Instant::now();
            let until = (self.progress + self.deadlines.idle).min(self.started + self.deadlines.total);
            if now >= until {
                self.upstream = None;
                self.fail(&Refusal::new(
                    Code::UpstreamTimeout,
                    "the provider's stream stalled",
                ));
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(until.into());
        }
    }

    fn take(&mut self, data: Bytes) {
        if let Some(ticket) = self.ticket.as_mut().filter(|t| t.first_byte.is_none()) {
            ticket.first_byte = Some(self.progress);
        }
        self.splitter.push(data);
        while matches!(self.phase, Phase::Flowing) {
            match self.splitter.next() {
                Ok(Some(event)) => self.event(event),
                Ok(None) => return,
                Err(error) => {
                    let refusal = Refusal::new(Code::UpstreamGarbage, "the provider's stream makes no sense");
                    self.fail(&refusal.internally(error.to_string()));
                }
            }
        }
    }

    fn event(&mut self, event: SseEvent) {
        let (watch, ticket) = (&mut self.watch, &mut self.ticket);
        let dialect = self.target.provider.dialect;
        let read = self.reader.read_pieces(&event, &mut |piece| {
            let Some(ticket) = ticket.as_mut() else { return };
            if piece.channel.kind != ChannelKind::Logprobs {
                ticket.seen.text(piece.text);
            }
            if let Some(watch) = watch.as_mut() {
                let looked = ticket.allowance.spend(|| watch.text(piece, dialect));
                if looked.is_none() {
                    watch.keep(piece);
                }
            }
        });
        let class = match read {
            Ok(class) => class,
            Err(error) => {
                let refusal = Refusal::new(Code::UpstreamGarbage, "the provider's stream makes no sense");
                return self.fail(&refusal.internally(error.to_string()));
            }
        };
        let facts = self.reader.facts();
        if let Some(ticket) = self.ticket.as_mut() {
            ticket.seen.tier = facts.tier;
        }
        if let (Some(ticket), Some(usage)) = (self.ticket.as_mut(), facts.usage) {
            ticket.seen.usage = Some(usage);
        }
        let is_late = self.watch.is_some() && self.ticket.as_ref().is_some_and(|it| it.allowance.is_over());
        if let Some(ticket) = self.ticket.as_mut().filter(|_| is_late)
            && let Err(refusal) = in_time(ticket, Direction::Output)
        {
            return self.fail(&refusal);
        }
        match class {
            EventClass::Terminator => self.terminate(&event),
            EventClass::UsageOnly if !self.usage_wanted && self.translator.is_none() => {
                if let Some(watch) = self.watch.as_mut() {
                    watch.skip();
                }
            }
            _ => self.pass(event),
        }
        if is_late && matches!(self.phase, Phase::Flowing) {
            self.stop_watching();
        }
    }

    /// Through the guard, then out.
    fn pass(&mut self, event: SseEvent) {
        let Some(watch) = self.watch.as_mut() else {
            return self.emit(&event);
        };
        watch.hold(event);
        if !self.has_room() {
            let bytes_max = self.answer_bytes_max;
            let detail = format!(
                "the provider's answer is larger than {bytes_max} bytes, and a guard has to see all of it"
            );
            return self.fail(&Refusal::new(Code::UpstreamTooLarge, detail));
        }
        self.release();
    }

    /// Emits all that the guard has cleared; ends the stream where it blocks.
    // threat: AGP-I3
    // threat: ANP-0023
    fn release(&mut self) {
        while matches!(self.phase, Phase::Flowing) {
            let Some(watch) = self.watch.as_mut() else { return };
            match watch.next(self.target.provider.dialect) {
                Watched::Nothing => break,
                Watched::Clear(event) => self.emit(&event),
                Watched::Blocked(found) => {
                    let blocked = found.refusal(watch.plan(), Direction::Output);
                    self.note();
                    return self.fail(&blocked);
                }
                Watched::Damaged(error) => {
                    let refusal = Refusal::new(
                        Code::UpstreamGarbage,
                        "the provider's stream could not be inspected",
                    );
                    return self.fail(&refusal.internally(error));
                }
            }
        }
        self.note();
    }

    fn note(&mut self) {
        if let (Some(watch), Some(ticket)) = (self.watch.as_mut(), self.ticket.as_mut()) {
            watch.note(ticket);
        }
    }

    fn emit(&mut self, event: &SseEvent) {
        let Some(translator) = self.translator.as_mut() else {
            return self.say(event.raw.clone());
        };
        let mut out = Vec::new();
        match translator.push(event, &mut out) {
            Ok(()) if out.is_empty() => {}
            Ok(()) => self.say(out.into()),
            Err(error) => {
                let refusal = Refusal::new(
                    Code::UpstreamGarbage,
                    "the provider's stream cannot be translated",
                );
                self.fail(&refusal.internally(error.to_string()));
            }
        }
    }

    fn say(&mut self, bytes: Bytes) {
        if let Some(said) = self.restored(bytes) {
            self.digest.update(&said.bytes);
            self.out.push_back(said);
        }
    }

    /// What the caller reads of it. Where that cannot be said the answer is over.
    fn restored(&mut self, bytes: Bytes) -> Option<Said> {
        let Some(unmasking) = self.unmasking.as_mut() else {
            return Some(Said { bytes, masked: None });
        };
        match unmasking.push(bytes.clone()) {
            Ok(restored) => Some(Said {
                bytes: restored,
                masked: Some(bytes),
            }),
            Err(error) => {
                self.fail(&unmask::not_restored(&error));
                None
            }
        }
    }

    /// The provider has finished: the rest leaves the guard, the record is written, the end is said.
    fn terminate(&mut self, event: &SseEvent) {
        if let Some(watch) = self.watch.as_mut() {
            watch.end(event);
            self.release();
        }
        if !matches!(self.phase, Phase::Flowing) {
            return;
        }
        match (self.inquiry.take(), &self.watch) {
            (Some(inquiry), Some(watch)) => {
                let (gate, inquiry) = (self.gate.clone(), inquiry.about(watch.shown()));
                // Should the caller leave, it ends by its own deadline.
                let judging = tokio::spawn(async move { inquiry.judged(&gate).await });
                self.phase = Phase::Judging(judging, Some(event.clone()));
            }
            _ => self.ended(event),
        }
    }

    /// Guards outside have seen all that was said.
    // threat: ANP-0010
    // threat: ANP-0023
    fn judged(&mut self, judged: Judged, end: Option<SseEvent>) {
        if let Some(ticket) = self.ticket.as_mut() {
            judged.note(Direction::Output, ticket);
        }
        if let Some(refusal) = &judged.refusal {
            return self.fail(refusal);
        }
        if let Some(watch) = self.watch.as_mut() {
            watch.judged(judged.found);
        }
        self.release();
        if let (Phase::Flowing, Some(end)) = (&self.phase, end) {
            self.ended(&end);
        }
    }

    /// All that was said has left: the end is recorded and said.
    fn ended(&mut self, event: &SseEvent) {
        let mut last = Vec::new();
        match self.translator.as_mut() {
            None => last.extend_from_slice(&event.raw),
            Some(translator) => {
                if let Err(error) = translator.push(event, &mut last) {
                    let refusal = Refusal::new(
                        Code::UpstreamGarbage,
                        "the provider's stream cannot be translated",
                    );
                    return self.fail(&refusal.internally(error.to_string()));
                }
                translator.finish(&mut last);
            }
        }
        let Some(last) = self.restored(last.into()) else {
            return;
        };
        let failed = self.reader.facts().error.is_some();
        self.report(if failed { Health::Failure } else { Health::Success });
        let outcome = if failed {
            Outcome::UpstreamFailed("upstream_refused".into())
        } else {
            Outcome::Completed
        };
        self.close(outcome, last);
        self.drain();
    }

    /// Ends the stream with an error event in the caller's dialect, and bills what was used.
    fn fail(&mut self, refusal: &Refusal) {
        self.report(
            if matches!(
                refusal.code,
                Code::OutputBlocked | Code::GuardTimeout | Code::GuardUnavailable
            ) {
                Health::Success
            } else {
                Health::Failure
            },
        );
        if let Some(internal) = &refusal.internal {
            tracing::warn!(target = %self.target.label, code = refusal.code.as_str(), internal, "a live answer failed");
        }
        self.upstream = None;
        let last = match &self.ticket {
            Some(ticket) => dialect::error_event(
                ticket.dialect(),
                refusal.status,
                refusal.code.as_str(),
                &refusal.detail,
                &ticket.id.to_string(),
            ),
            None => Vec::new(),
        };
        self.close(Outcome::UpstreamFailed(refusal.code.as_str().into()), last.into());
    }

    /// Settles, at once where nothing has to be waited for.
    fn close(&mut self, outcome: Outcome, last: Said) {
        let Some(mut ticket) = self.ticket.take() else {
            self.phase = Phase::Over;
            return;
        };
        if let Some(capture) = &mut ticket.capture {
            for said in self.out.iter().chain([&last]) {
                let piece = said.kept(capture);
                capture.said(piece, said.bytes.len(), self.gate.exchanges.room());
            }
        }
        self.digest.update(&last.bytes);
        ticket.response_digest = Some(self.digest.finalize());
        let complete = outcome == Outcome::Completed && self.reader.facts().saw_terminator;
        let said = ticket.seen.usage.filter(|_| complete);
        match said {
            Some(usage) if self.gate.records_at_once() => {
                let used = Used {
                    usage,
                    source: UsageSource::Provider,
                };
                let recorded = settle::run_now(
                    &self.gate,
                    ticket,
                    End {
                        outcome,
                        status: 200,
                        used,
                    },
                );
                self.phase = Phase::Over;
                self.end(recorded, last);
            }
            said => {
                let gate = self.gate.clone();
                let record = async move {
                    let used = match said {
                        Some(usage) => Used {
                            usage,
                            source: UsageSource::Provider,
                        },
                        None => settle::estimate(&ticket).await,
                    };
                    settle::run(
                        &gate,
                        ticket,
                        End {
                            outcome,
                            status: 200,
                            used,
                        },
                    )
                    .await
                };
                self.phase = Phase::Closing(Box::pin(record), last);
            }
        }
    }

    /// The last bytes leave if the record stands. Otherwise the answer stays without its end, which
    /// every client takes for the failure it is.
    fn end(&mut self, recorded: Gated<()>, last: Said) {
        match recorded {
            Ok(()) => self.out.push_back(last),
            Err(refusal) => {
                tracing::error!(internal = refusal.internal, "a live answer could not be recorded")
            }
        }
    }

    fn report(&mut self, outcome: Health) {
        if let Some(health) = self.health.take() {
            health.report(outcome, self.gate.monotonic_ns(Instant::now()));
        }
    }

    /// Reads the provider's last bytes so that the connection can serve again; off the caller's path.
    fn drain(&mut self) {
        let Some(mut upstream) = self.upstream.take() else {
            return;
        };
        if upstream.is_end_stream() {
            return;
        }
        tokio::spawn(async move {
            let to_end = async {
                while let Some(Ok(_)) =
                    std::future::poll_fn(|cx| Pin::new(&mut upstream).poll_frame(cx)).await
                {}
            };
            let _ = tokio::time::timeout(DRAIN_TIMEOUT, to_end).await;
        });
    }
}

impl Drop for Live {
    /// A caller that leaves is no fault of the provider's. The ticket, still open, goes to the settler.
    fn drop(&mut self) {
        self.report(Health::Success);
    }
}
