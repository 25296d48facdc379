//! Guards outside that are asked about the texts of calls, and what is done about what they say. Belongs to stages 5 and
//! 10; where none is configured, nothing is done.
//!
//! They see texts as the gate's own guards leave them. What they do not answer in time, or not understandably, is decided
//! as the configuration says in so many words, and is never an empty answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use credential::{KeyRecord, Pepper, VirtualKey};
use dialect::Endpoint;
use domain::{RequestId, Secret, TenantId, Threat, UnixMillis};
use futures_util::future::join_all;
use guard::{Action, Call, Direction, Finding, Found, Masker, Mode, Origin, Plan, When};
use inspector::{Connector, Question, Report, Text, Unanswered};
use policy::Place;
use telemetry::metrics::ConnectorMetrics;

use crate::directory::Consented;
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::stage::inspect_input::{invalid, origin, unreadable};
use crate::stage::inspect_output::uninspected;
use crate::ticket::Ticket;

mod consent;

pub(crate) use consent::Unconsented;

/// All guards outside, as configured.
#[derive(Debug, Default)]
pub struct Connectors(Vec<Arc<Attached>>);

/// One guard outside, and what is done about what it says.
#[derive(Debug)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// For which calls it is asked.
    pub when: When,
    /// What is done about findings in what callers send.
    pub input: Mode,
    /// What is done about findings in what models answer.
    pub output: Mode,
    /// What a call is when it gives no verdict.
    pub on_failure: OnFailure,
    /// Where it is, for tenants' consents; its name is the provider's.
    pub place: Place,
    /// Who asks it.
    pub connector: Connector,
    /// The virtual key that it is shown, by digest: with it, it may ask this very gate.
    pub presented: Presented,
    /// Where it is counted.
    pub metrics: ConnectorMetrics,
}

/// The digest of the virtual key that a guard outside is shown, if it is shown one.
#[derive(Default)]
pub struct Presented(ArcSwapOption<[u8; 32]>);

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presented")
    }
}

impl Presented {
    /// Whether it is this key, or the one before it.
    fn is(&self, key: &KeyRecord) -> bool {
        let before = key.predecessor.map(|old| old.digest);
        let presented = self.0.load();
        presented
            .as_deref()
            .is_some_and(|own| *own == key.digest || Some(*own) == before)
    }
}

/// What a call is when a guard outside gives no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Refused.
    Block,
    /// Passed, and marked.
    Flag,
}

impl Attached {
    /// What it is shown from now on; `None` while that cannot be had.
    pub fn show(&self, credential: Option<&Secret>, pepper: &Pepper) {
        let key = credential.and_then(|it| VirtualKey::parse(it.expose()).ok());
        self.presented.0.store(key.map(|it| Arc::new(it.digest(pepper))));
        self.connector.set_credential(credential);
    }

    /// Whether what it is shown is a virtual key.
    pub fn presents_key(&self) -> bool {
        self.presented.0.load().is_some()
    }

    const fn mode(&self, direction: Direction) -> Mode {
        match direction {
            Direction::Input => self.input,
            Direction::Output => self.output,
        }
    }
}

impl Connectors {
    /// These.
    #[must_use]
    pub fn new(all: Vec<Attached>) -> Self {
        Self(all.into_iter().map(Arc::new).collect())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Attached>> {
        self.0.iter()
    }

    /// The one whose own call this is: it was made with the key that it is shown. Nothing but the credential says so.
    pub(crate) fn caller(&self, key: &KeyRecord) -> Option<&Arc<Attached>> {
        self.0.iter().find(|one| one.presented.is(key))
    }

    /// Those that are asked about a call. About one of a guard's own nobody is asked who could make another of it: no guard
    /// that asks this gate waits for one that waits for it.
    // threat: AGP-D2
    pub(crate) fn of(&self, call: &Call<'_>, is_a_guards: bool) -> impl Iterator<Item = &Arc<Attached>> {
        let may = move |one: &&Arc<Attached>| !(is_a_guards && one.presents_key()) && one.when.means(call);
        self.0.iter().filter(may)
    }

    /// The same for this call's ticket; of these, those apart that its tenant lets the content not go to.
    // threat: ANP-0017
    pub(crate) fn attach(&self, call: &Call<'_>, own: Option<&Consented>, ticket: &mut Ticket) {
        for one in self.of(call, ticket.is_a_guards) {
            match Unconsented::of(one, own, (call.data_class, ticket.started)) {
                Some(lacking) => ticket.unconsented.push(lacking),
                None => ticket.connectors.push(one.clone()),
            }
        }
    }
}

/// What is asked about one call, one way.
#[derive(Debug)]
pub(crate) struct Inquiry {
    connectors: Vec<Arc<Attached>>,
    plan: Arc<Plan>,
    now: UnixMillis,
    tenant: TenantId,
    request: RequestId,
    model: Option<Arc<str>>,
    direction: Direction,
    texts: Texts,
}

/// Texts, each once.
#[derive(Default)]
struct Texts {
    all: Vec<(Origin, String)>,
    known: HashSet<(u8, String)>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Findings by the number of their text.
    pub(crate) found: Vec<(usize, Found)>,
    /// What the record says beside them.
    pub(crate) notes: Vec<String>,
    /// Why nothing passes.
    pub(crate) refusal: Option<Box<Refusal>>,
}

impl Inquiry {
    /// What is to be asked about this call, if anything is.
    pub(crate) fn of(ticket: &Ticket, direction: Direction) -> Option<Self> {
        let asked = ticket
            .connectors
            .iter()
            .filter(|it| it.mode(direction) != Mode::Off);
        let connectors: Vec<Arc<Attached>> = asked.cloned().collect();
        (!connectors.is_empty()).then(|| Self {
            connectors,
            plan: ticket.plan.clone(),
            now: ticket.started,
            tenant: ticket.key.principal.tenant,
            request: ticket.id,
            model: ticket.model.clone(),
            direction,
            texts: Texts::default(),
        })
    }

    /// Whether more may come of it than a line in the record.
    pub(crate) fn does_more_than_observe(&self) -> bool {
        let mut modes = self.connectors.iter().map(|it| it.mode(self.direction));
        modes.any(|mode| mode > Mode::Observe)
    }

    /// What it is when nobody is asked, because what there is to see could not be kept for them.
    pub(crate) fn unasked(&self) -> Judged {
        let mut judged = Judged::default();
        for one in &self.connectors {
            one.metrics.needed.inc();
            self.unanswered(one, &Unanswered::TooLong, &mut judged);
        }
        judged
    }

    /// One text more. What was said before by the same is asked about once.
    fn text(&mut self, origin: Origin, text: &str) {
        if self.texts.known.insert((origin as u8, text.to_owned())) {
            self.texts.all.push((origin, text.to_owned()));
        }
    }

    /// About these texts of an answer, whose numbers stay.
    pub(crate) fn about(mut self, answers: Vec<String>) -> Self {
        self.texts.all = answers.into_iter().map(|it| (Origin::Assistant, it)).collect();
        self
    }

    /// Asks all of them at once: the slowest one's deadline is that of all.
    // threat: ANP-0003
    // threat: AGP-D2
    pub(crate) async fn judged(&self, gate: &Gate) -> Judged {
        let all = self.texts.all.iter();
        let texts: Vec<Text<'_>> = all
            .map(|(origin, text)| Text {
                origin: *origin,
                text,
            })
            .collect();
        let question = Question {
            tenant: self.tenant,
            request: self.request,
            direction: self.direction,
            model: self.model.as_deref(),
            texts: &texts,
        };
        let now_ns = || gate.monotonic_ns(Instant::now());
        let asked = join_all(self.connectors.iter().map(|one| async {
            let said = one.connector.inspect(&question, now_ns).await;
            one.metrics
                .resting
                .set(i64::from(one.connector.is_resting(now_ns())));
            said
        }));
        let mut judged = Judged::default();
        for (one, said) in self.connectors.iter().zip(asked.await) {
            one.metrics.needed.inc();
            match said {
                Ok(report) => self.found(one, report, &mut judged),
                Err(why) => self.unanswered(one, &why, &mut judged),
            }
        }
        judged
    }

    fn found(&self, one: &Attached, report: Report, judged: &mut Judged) {
        one.metrics.texts.inc_by(report.asked as u64);
        one.metrics.findings.inc_by(report.findings.len() as u64);
        one.metrics
            .tokens
            .inc_by(report.spent.input.saturating_add(report.spent.output));
        let Some(asked) = one.mode(self.direction).action_in(self.direction) else {
            return;
        };
        let mut blocks = Vec::new();
        for (at, finding) in report.findings {
            let text = self.texts.all.get(at).map(|(_, text)| text.as_str());
            let value = text.and_then(|text| text.get(finding.span.clone()));
            let excepted = self.plan.excepts(self.direction, &finding, value, self.now);
            let action = if excepted { Action::Observe } else { asked };
            if action == Action::Block && !blocks.contains(&finding.rule) {
                blocks.push(finding.rule.clone());
            }
            let found = Found {
                finding,
                action,
                would: None,
                excepted,
            };
            judged.found.push((at, found));
        }
        if !blocks.is_empty() {
            // What was found outweighs what could not be asked.
            judged.refusal = Some(self.blocked(&one.name, &blocks.join(", ")));
        }
    }

    fn blocked(&self, name: &str, rules: &str) -> Box<Refusal> {
        match self.direction {
            Direction::Input => Refusal::new(
                Code::InputBlocked,
                format!("the request holds what guard connector `{name}` does not let pass ({rules}): change or remove it"),
            )
            .against(Threat::Anp0003),
            Direction::Output => Refusal::new(
                Code::OutputBlocked,
                format!("the answer held what guard connector `{name}` does not let pass ({rules}) and was withheld"),
            )
            .against(Threat::Anp0010),
        }
    }

    /// No verdict: as is written.
    fn unanswered(&self, one: &Attached, why: &Unanswered, judged: &mut Judged) {
        one.metrics.failures.inc();
        let (direction, name) = (self.direction.as_str(), &one.name);
        judged.notes.push(format!("{direction}:{name}:unavailable"));
        let passes = one.on_failure == OnFailure::Flag || one.mode(self.direction) == Mode::Observe;
        if passes {
            tracing::warn!(request = %self.request, connector = %name, direction, %why, "a guard connector gave no verdict: the call passes, as configured");
        } else if judged.refusal.is_none() {
            let detail = format!(
                "guard connector `{name}` cannot be asked now, so nothing passes that it has not seen"
            );
            let refusal = Refusal::new(Code::GuardUnavailable, detail).against(Threat::Anp0003);
            judged.refusal = Some(refusal.internally(why.to_string()).retry_after(1));
        }
    }
}

impl Judged {
    /// Tells the record, and refuses what is to be refused.
    fn told(&mut self, direction: Direction, ticket: &mut Ticket) -> Gated<()> {
        self.note(direction, ticket);
        self.refusal.take().map_or(Ok(()), Err)
    }

    /// Tells the record.
    pub(crate) fn note(&self, direction: Direction, ticket: &mut Ticket) {
        ticket.note_findings(direction, self.found.iter().map(|(_, found)| found));
        for note in &self.notes {
            ticket.note(note.clone());
        }
    }
}

/// The texts of a request, asked about; the request as that leaves it, where it changes anything. What is masked gets
/// placeholders of the same table as what the gate found itself.
// threat: ANP-0003
// threat: ANP-0017
pub(crate) async fn input(
    gate: &Gate,
    (endpoint, ids): (Endpoint, bool),
    body: &Bytes,
    masker: &mut Masker,
    ticket: &mut Ticket,
) -> Gated<Option<Bytes>> {
    consent::told(ticket)?;
    let Some(mut inquiry) = Inquiry::of(ticket, Direction::Input) else {
        return Ok(None);
    };
    if ids && inquiry.does_more_than_observe() {
        return Err(unreadable());
    }
    dialect::visit_request_text(endpoint, body, &mut |part| {
        inquiry.text(origin(part.role), &part.text);
    })
    .map_err(|error| invalid(&error))?;
    let mut judged = Box::pin(inquiry.judged(gate)).await;
    judged.told(Direction::Input, ticket)?;
    let Some(found) = Replaced::of(&inquiry.texts.all, judged.found, masker) else {
        return Ok(None);
    };
    let redacted = dialect::redact_request(endpoint, body, &mut |_, text| found.text(text, masker));
    redacted
        .map(|it| Some(it.into()))
        .map_err(|error| invalid(&error))
}

/// The texts of a whole answer, asked about; the answer with what is to be replaced replaced.
// threat: ANP-0010
// threat: AGP-I3
pub(crate) async fn output(
    gate: &Gate,
    endpoint: Endpoint,
    body: Bytes,
    ticket: &mut Ticket,
) -> Gated<Bytes> {
    let Some(mut inquiry) = Inquiry::of(ticket, Direction::Output) else {
        return Ok(body);
    };
    dialect::visit_response_text(endpoint, &body, &mut |text| inquiry.text(Origin::Assistant, text))
        .map_err(|error| uninspected(&error))?;
    let mut judged = Box::pin(inquiry.judged(gate)).await;
    judged.told(Direction::Output, ticket)?;
    // In answers nothing is masked: it only puts markers.
    let mut masker = Masker::new();
    let Some(found) = Replaced::of(&inquiry.texts.all, judged.found, &mut masker) else {
        return Ok(body);
    };
    dialect::redact_response(endpoint, &body, &mut |text| found.text(text, &mut masker))
        .map(Bytes::from)
        .map_err(|error| uninspected(&error))
}

/// What is replaced in texts. The same text gets the same, whoever wrote it.
struct Replaced<'t> {
    by_text: HashMap<&'t str, Vec<Found>>,
    /// Of JSON in texts: what was found in it. Its own strings are replaced first, and then it is another text than the one
    /// that was asked about.
    inside: Vec<(&'t str, Found)>,
}

impl<'t> Replaced<'t> {
    /// What was found in which text. The masker learns all of it, where anything is to be replaced.
    fn of(texts: &'t [(Origin, String)], found: Vec<(usize, Found)>, masker: &mut Masker) -> Option<Self> {
        let mut by_text: HashMap<&str, Vec<Found>> = HashMap::new();
        for (at, it) in found {
            if let (Some((_, text)), Action::Mask | Action::Redact) = (texts.get(at), it.action) {
                by_text.entry(text).or_default().push(it);
            }
        }
        if by_text.is_empty() {
            return None;
        }
        for (_, text) in texts {
            masker.learn(text, by_text.get(&**text).map_or(&[], Vec::as_slice));
        }
        let json = by_text.iter().filter(|(text, _)| is_json(text));
        let inside = json.flat_map(|(text, own)| {
            let value = |it: &Found| Some((text.get(it.finding.span.clone())?, it.clone()));
            own.iter().filter_map(value).collect::<Vec<_>>()
        });
        Some(Self {
            inside: inside.collect(),
            by_text,
        })
    }

    fn text(&self, text: &str, masker: &mut Masker) -> Option<String> {
        if let Some(found) = self.by_text.get(text) {
            return masker.replace(text, found);
        }
        let mut found = Vec::new();
        for (value, it) in self.inside.iter().filter(|_| is_json(text)) {
            found.extend(text.match_indices(value).map(|(at, _)| Found {
                finding: Finding {
                    span: at..at + value.len(),
                    ..it.finding.clone()
                },
                ..it.clone()
            }));
        }
        masker.replace(text, &found)
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").field("count", &self.all.len()).finish()
    }
}
