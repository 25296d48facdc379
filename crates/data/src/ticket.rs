//! What is known of one call so far, and its one way out: a ticket is settled exactly once.
//!
//! It is made when the caller has been identified and ends as one ledger entry, whether the call was
//! answered, refused, cut off or abandoned. Dropping an open ticket does no accounting: it hands the
//! ticket to the settler.

use std::sync::Arc;
use std::time::Instant;

use dialect::{Dialect, Endpoint};
use domain::{DataClass, Money, Operation, RequestId, Tier, Units, UnixMillis, Usage};
use guard::{Action, Direction, Found, Plan, Unmasker};
use ledger::{Charge, Intent, Labels, Spend, Unit, UsageSource};
use limit::{Permit, Remaining};
use tokio::sync::mpsc;

use crate::allowance::Allowance;
use crate::book::{Reservation, Served};
use crate::connectors::{Attached, Unconsented};
use crate::directory::{KeyEntry, ScopeLimits, charged};
use crate::history::Capture;
use crate::receipt::Asked;
use crate::settings::{Settings, Target};
use crate::stage::admit::Rates;

/// One call's record in the making.
#[derive(Debug)]
pub struct Ticket {
    pub(crate) id: RequestId,
    pub(crate) started: UnixMillis,
    pub(crate) clock: Instant,
    pub(crate) key: Arc<KeyEntry>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) operation: Operation,
    pub(crate) endpoint: Endpoint,
    pub(crate) model: Option<Arc<str>>,
    pub(crate) target: Option<Arc<Target>>,
    pub(crate) attempts: u16,
    pub(crate) cached: bool,
    pub(crate) streamed: bool,
    /// Whether the call may have been billed by a provider although it failed.
    pub(crate) may_be_billed: bool,
    pub(crate) policies: Vec<String>,
    pub(crate) findings: Vec<String>,
    /// How its text is guarded; until it is known what it asks for, as every call's.
    pub(crate) plan: Arc<Plan>,
    /// Values that were put into a prompt template, as texts of their own: guards judge them as data.
    pub(crate) values: Vec<String>,
    /// What the request said, where its answer is judged by it.
    pub(crate) context: Option<Arc<guard::AnswerContext>>,
    /// How long its guards may still take.
    pub(crate) allowance: Allowance,
    /// What puts back into the answer what was masked in the request. It goes with the ticket.
    pub(crate) unmasker: Option<Unmasker>,
    /// Guards outside that are asked about it.
    pub(crate) connectors: Vec<Arc<Attached>>,
    /// Those that would be, and that its tenant lets the content not go to.
    pub(crate) unconsented: Vec<Unconsented>,
    /// Whether a guard outside makes this call, to ask a model about another one.
    pub(crate) is_a_guards: bool,
    pub(crate) request_digest: Option<blake3::Hash>,
    pub(crate) response_digest: Option<blake3::Hash>,
    /// The prompt, for counting when the provider does not say.
    pub(crate) prompt: bytes::Bytes,
    pub(crate) reservation: Option<Reservation>,
    /// The most that the call can take, in everything that budgets count.
    pub(crate) bound: Spend,
    /// The most tokens that the prompt can have and that can be generated: what the bound was reckoned from.
    pub(crate) tokens_bound: (u64, u64),
    /// What of it is not counted in tokens: no provider says, so what was sent is what was used.
    pub(crate) units: Units,
    pub(crate) permits: Vec<Permit>,
    /// Tokens taken from tokens-per-minute limits in advance.
    pub(crate) tokens_taken: Vec<(Arc<ScopeLimits>, Remaining)>,
    pub(crate) rates: Rates,
    pub(crate) intent_written: bool,
    pub(crate) traceparent: Option<http::HeaderValue>,
    pub(crate) shown: Shown,
    /// What a receipt is bound to, if the key wants receipts.
    pub(crate) asked: Option<Box<Asked>>,
    /// What the caller says of the call, for reports.
    pub(crate) labels: Labels,
    /// The session the call is a part of, as its caller names it.
    pub(crate) session: Option<Arc<str>>,
    pub(crate) first_byte: Option<Instant>,
    pub(crate) upstream_started: Option<Instant>,
    /// What it carries, once that is known.
    pub(crate) data_class: DataClass,
    /// What is captured of it, where its tenant keeps any.
    pub(crate) capture: Option<Box<Capture>>,
    /// What a stream has brought so far.
    pub(crate) seen: Seen,
    pub(crate) closed: bool,
    pub(crate) settler: mpsc::Sender<Box<Ticket>>,
}

/// So many different findings an entry has: what can be found is callers' and providers' to make, and an entry has to fit
/// the journal.
pub const FINDINGS_MAX: usize = 256;

/// What an entry says where there were more.
const MORE: &str = "more";

/// What a stream has brought so far: for the day it ends without saying what it used.
#[derive(Debug, Default)]
pub struct Seen {
    pub(crate) usage: Option<Usage>,
    /// How the provider says that it serves the call, also where it has not yet said what was used.
    pub(crate) tier: Tier,
    /// The generated text, up to [`SEEN_TEXT_MAX`] bytes of it.
    pub(crate) text: String,
    /// All of it, in bytes.
    pub(crate) text_bytes: u64,
}

/// Generated text is kept for counting up to here; beyond, the count is scaled.
pub const SEEN_TEXT_MAX: usize = 256 << 10;

impl Seen {
    /// Remembers a piece of generated text.
    pub(crate) fn text(&mut self, piece: &str) {
        self.text_bytes = self.text_bytes.saturating_add(piece.len() as u64);
        if self.text.len() + piece.len() <= SEEN_TEXT_MAX {
            self.text.push_str(piece);
        }
    }
}

/// What a call used, and how that is known.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// The tokens.
    pub usage: Usage,
    /// Where they come from.
    pub source: UsageSource,
}

impl Used {
    /// Nothing was used.
    pub const NOTHING: Self = Self {
        usage: Usage {
            input: 0,
            output: 0,
            cache_read: 0,
            cache_write: 0,
            reasoning: 0,
            cache_write_long: 0,
            audio_input: 0,
            audio_output: 0,
            tier: Tier::Standard,
            units: Units::UNKNOWN,
        },
        source: UsageSource::None,
    };
}

/// What a caller showed instead of its key, or beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown {
    /// What stood for the key; nothing where that itself was presented.
    pub credential: Option<&'static str>,
    /// Of the signature over the request.
    pub signature: Option<blake3::Hash>,
}

/// What a ticket is opened with.
#[derive(Debug)]
pub struct Opening {
    /// The request's id.
    pub id: RequestId,
    /// When its head had been read.
    pub started: UnixMillis,
    /// The same, on the monotonic clock.
    pub clock: Instant,
    /// Who calls.
    pub key: Arc<KeyEntry>,
    /// The configuration that serves it.
    pub settings: Arc<Settings>,
    /// What is called.
    pub endpoint: Endpoint,
    /// W3C Trace Context of the caller.
    pub traceparent: Option<http::HeaderValue>,
    /// What the caller showed.
    pub shown: Shown,
    /// What a receipt is bound to, if the key wants receipts.
    pub asked: Option<Box<Asked>>,
    /// What the caller says of the call, for reports.
    pub labels: Labels,
    /// The session the call is a part of.
    pub session: Option<Arc<str>>,
}

impl Ticket {
    /// An open ticket. Dropped open, it goes to `settler`.
    pub(crate) fn open(opening: Opening, settler: mpsc::Sender<Box<Self>>) -> Box<Self> {
        let Opening {
            id,
            started,
            clock,
            key,
            settings,
            endpoint,
            traceparent,
            shown,
            asked,
            labels,
            session,
        } = opening;
        let plan = settings.guards.base();
        let allowance = Allowance::new(settings.guarding.deadline);
        Box::new(Self {
            id,
            started,
            clock,
            key,
            settings,
            operation: endpoint.operation(),
            endpoint,
            model: None,
            target: None,
            attempts: 0,
            cached: false,
            streamed: false,
            may_be_billed: false,
            policies: Vec::new(),
            findings: Vec::new(),
            plan,
            values: Vec::new(),
            context: None,
            allowance,
            unmasker: None,
            connectors: Vec::new(),
            unconsented: Vec::new(),
            is_a_guards: false,
            request_digest: None,
            response_digest: None,
            prompt: bytes::Bytes::new(),
            reservation: None,
            bound: Spend::default(),
            tokens_bound: (u64::MAX, u64::MAX),
            units: Units::UNKNOWN,
            permits: Vec::new(),
            tokens_taken: Vec::new(),
            rates: Rates::default(),
            intent_written: false,
            traceparent,
            shown,
            asked,
            labels,
            session,
            first_byte: None,
            upstream_started: None,
            data_class: DataClass::Restricted,
            capture: None,
            seen: Seen::default(),
            closed: false,
            settler,
        })
    }

    /// What the ticket holds, in a new one; this one counts as closed.
    pub(crate) fn salvage(&mut self) -> Box<Self> {
        self.closed = true;
        let opening = Opening {
            id: self.id,
            started: self.started,
            clock: self.clock,
            key: self.key.clone(),
            settings: self.settings.clone(),
            endpoint: self.endpoint,
            traceparent: self.traceparent.take(),
            shown: self.shown,
            asked: self.asked.take(),
            labels: std::mem::take(&mut self.labels),
            session: self.session.take(),
        };
        let mut new = Self::open(opening, self.settler.clone());
        new.model = self.model.take();
        new.target = self.target.take();
        new.attempts = self.attempts;
        new.cached = self.cached;
        new.streamed = self.streamed;
        new.may_be_billed = self.may_be_billed;
        new.policies = std::mem::take(&mut self.policies);
        new.findings = std::mem::take(&mut self.findings);
        new.plan = self.plan.clone();
        new.request_digest = self.request_digest;
        new.response_digest = self.response_digest;
        new.prompt = std::mem::take(&mut self.prompt);
        new.reservation = self.reservation.take();
        new.bound = self.bound;
        new.tokens_bound = self.tokens_bound;
        new.units = self.units;
        new.permits = std::mem::take(&mut self.permits);
        new.tokens_taken = std::mem::take(&mut self.tokens_taken);
        new.rates = self.rates;
        new.intent_written = self.intent_written;
        new.first_byte = self.first_byte;
        new.data_class = self.data_class;
        new.capture = self.capture.take();
        new.upstream_started = self.upstream_started;
        new.seen = std::mem::take(&mut self.seen);
        new
    }

    /// Records which rules fired, where, and what was done about it; never what they matched.
    pub(crate) fn note_findings<'f>(
        &mut self,
        direction: Direction,
        found: impl IntoIterator<Item = &'f Found>,
    ) {
        for it in found {
            let action = if it.excepted && it.action == Action::Observe {
                "excepted"
            } else {
                it.action.as_str()
            };
            self.note_finding(direction, &it.finding.rule, action);
            if let Some(would) = it.would {
                self.note_finding(direction, &it.finding.rule, &format!("would_{}", would.as_str()));
            }
        }
    }

    /// Records one of them, once; of more than [`FINDINGS_MAX`] different ones only that there are more. What blocks has
    /// as much room again: it is why the call has ended.
    // threat: AGP-D2
    pub(crate) fn note_finding(&mut self, direction: Direction, rule: &str, verdict: &str) {
        let note = format!("{}:{rule}:{verdict}", direction.as_str());
        let room = if verdict == Action::Block.as_str() { 2 } else { 1 };
        if self.findings.len() < room * FINDINGS_MAX {
            self.note(note);
        } else if !self.findings.contains(&note) {
            self.note(MORE.to_owned());
        }
    }

    /// Records what the gate itself has to say, once. There are few of these, so that they always have room.
    pub(crate) fn note(&mut self, note: String) {
        if !self.findings.contains(&note) {
            self.findings.push(note);
        }
    }

    /// The caller's dialect.
    pub(crate) const fn dialect(&self) -> Dialect {
        self.endpoint.dialect()
    }

    /// What was used, and of what is not counted in tokens that by which the target that served is priced.
    pub(crate) fn counted(&self, used: Used) -> Used {
        let is_served_here = matches!(used.source, UsageSource::Provider | UsageSource::Estimated);
        let prices = self.target.as_ref().filter(|_| is_served_here);
        let prices = prices.map(|target| self.key.prices(target));
        let Some(price) = prices.as_ref().and_then(|prices| prices.at(self.started)) else {
            return used;
        };
        let units = price.counted(&self.units);
        let usage = Usage { units, ..used.usage };
        Used { usage, ..used }
    }

    /// What `used` takes, priced at the target that served, or would have.
    pub(crate) fn spend(&self, used: &Used) -> Spend {
        match used.source {
            UsageSource::None => Spend::default(),
            UsageSource::Bound => self.bound,
            UsageSource::Provider | UsageSource::Estimated | UsageSource::Reported => Spend {
                cost: self.cost(used),
                tokens: used.usage.total(),
            },
        }
    }

    /// Which target served the call. Billed at its bound with no target known, it may have been any.
    pub(crate) fn served(&self, used: &Used) -> Served<'_> {
        match (used.source, &self.target) {
            (UsageSource::Bound, None) => Served::Perhaps,
            (_, target) => Served::By(target.as_ref().map(|target| &*target.label)),
        }
    }

    /// Whether a crash could hide that the call took something of a budget.
    pub(crate) fn may_take(&self) -> bool {
        let counts_tokens = || self.reservation.as_ref().is_some_and(Reservation::counts_tokens);
        self.bound.cost > Money::ZERO || counts_tokens()
    }

    /// Gives everything back that the call holds, and forgets it: nothing was sent, so nothing is recorded.
    pub(crate) fn withdraw(mut self, now_ns: u64) {
        self.closed = true;
        if let Some(reservation) = self.reservation.take() {
            reservation.void();
        }
        for (level, taken) in std::mem::take(&mut self.tokens_taken) {
            if let Some(limit) = &level.tokens {
                limit.settle(&taken, 0, now_ns);
            }
        }
    }

    fn cost(&self, used: &Used) -> Money {
        let cost = |target: &Arc<Target>| {
            let prices = self.key.prices(target);
            prices.at(self.started).map(|price| price.cost(&used.usage))
        };
        self.target.as_ref().and_then(cost).unwrap_or(Money::ZERO)
    }

    /// By which prices it is reckoned.
    pub(crate) fn price_version(&self) -> Arc<str> {
        charged::version(self.key.charged.as_deref(), &self.settings)
    }

    /// What is held in each budget that counts so: also for targets that may yet be tried.
    fn reserved(&self, unit: Unit) -> Vec<Charge> {
        let charges = |held: &Reservation| held.charges(unit, self.bound, Served::Perhaps);
        self.reservation.as_ref().map(charges).unwrap_or_default()
    }

    /// What the journal holds before the call is sent.
    pub(crate) fn intent(&self, node: domain::NodeId) -> Intent {
        let principal = &self.key.principal;
        Intent {
            id: self.id,
            tenant: principal.tenant,
            team: principal.team,
            project: principal.project,
            key: principal.key,
            node,
            started: self.started,
            operation: self.operation,
            dialect: self.dialect().as_str().into(),
            model: self.model.clone().unwrap_or_default(),
            target: self.target.as_ref().map(|t| t.label.clone()),
            bound: self.bound.cost,
            charges: self.reserved(Unit::Money),
            price_version: self.price_version(),
            token_charges: self.reserved(Unit::Tokens),
            owner: self.key.record.owner,
            tags: self.key.tags.clone(),
            labels: self.labels.clone(),
            session: self.session.clone(),
        }
    }
}

impl Drop for Ticket {
    /// No accounting here: an open ticket goes to the settler. Should its queue be full, the journal's
    /// intent stays open and the money stays held until the next start settles it at its bound.
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        let settler = self.settler.clone();
        if let Err(mpsc::error::TrySendError::Full(mut lost) | mpsc::error::TrySendError::Closed(mut lost)) =
            settler.try_send(self.salvage())
        {
            lost.closed = true;
            tracing::error!(request = %lost.id, "a call could not be settled and stays held at its bound");
        }
    }
}
