//! Asks one guard outside. Never decides what its silence means.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::Secret;
use futures_util::future::try_join_all;
use guard::Finding;
use limit::{Breaker, BreakerSettings, BreakerState, Outcome};
use upstream::Client;

use crate::kind::{Kind, Spent};
use crate::question::{Question, Report, Text};
use crate::turns::{Share, Turns};
use crate::unanswered::Unanswered;
use crate::verdicts::{Key, Verdicts};
use crate::way::Way;

/// What a connector is made of.
#[derive(Debug)]
pub struct ConnectorOptions {
    /// Its name, which a server of one's own has in its rules.
    pub name: String,
    /// What it speaks.
    pub kind: Kind,
    /// `https://host[:port][/path]`: the very address for a server of one's own, the base for all others.
    pub address: String,
    /// Permits plain http beyond this machine.
    pub allow_plaintext: bool,
    /// The way out.
    pub client: Client,
    /// Whether it is shown a credential; then none is asked before [`Connector::set_credential`].
    pub wants_credential: bool,
    /// How long all that is asked about one call may take, one way.
    pub timeout: Duration,
    /// How many requests may be under way; of one tenant three quarters of them.
    pub at_once_max: usize,
    /// What is asked about one call, one way: so many texts, or conversations that are judged as one. What is remembered does
    /// not count.
    pub texts_max: usize,
    /// How long a verdict is good.
    pub cache: Duration,
    /// What a text may have, or all of a conversation that is judged as one; more is not shown.
    pub text_bytes_max: usize,
    /// Random, and known to nobody else.
    pub seed: [u8; 32],
}

/// Asks one guard outside.
#[derive(Debug)]
pub struct Connector {
    kind: Kind,
    name: String,
    way: Way,
    timeout: Duration,
    turns: Turns,
    breaker: Breaker,
    verdicts: Verdicts,
    texts_max: usize,
    text_bytes_max: usize,
}

/// What is judged as one: a text, or a whole conversation.
struct Unit {
    texts: Vec<usize>,
    key: Key,
}

impl Connector {
    /// One that has asked nothing yet. The error says what is wrong with the address.
    pub fn new(options: ConnectorOptions) -> Result<Self, String> {
        let ConnectorOptions {
            name,
            kind,
            address,
            allow_plaintext,
            client,
            wants_credential,
            timeout,
            at_once_max,
            texts_max,
            cache,
            text_bytes_max,
            seed,
        } = options;
        let way = Way::new((&address, allow_plaintext), kind.path(), client, wants_credential)?;
        Ok(Self {
            verdicts: Verdicts::new(seed, &format!("{name} {address} {kind:?}"), cache),
            way,
            kind,
            name,
            timeout,
            turns: Turns::new(at_once_max),
            texts_max,
            breaker: Breaker::new(BreakerSettings::default()),
            text_bytes_max,
        })
    }

    /// What it is shown from now on; `None` while that cannot be had.
    pub fn set_credential(&self, credential: Option<&Secret>) {
        self.way.set_credential(credential);
    }

    /// Whether it is not asked, or only tried, after failures.
    pub fn is_resting(&self, now_ns: u64) -> bool {
        !matches!(self.breaker.state(now_ns), BreakerState::Closed)
    }

    /// Its verdict on all texts, or none at all. `now_ns` is a monotonic clock.
    // threat: AGP-D2
    // threat: ANP-0003
    pub async fn inspect(
        &self,
        question: &Question<'_>,
        now_ns: impl Fn() -> u64,
    ) -> Result<Report, Unanswered> {
        let mut report = Report::default();
        let mut open = Vec::new();
        for unit in self.units(question) {
            match self.verdicts.get(&unit.key) {
                Some(known) => report.add(&unit, known.iter()),
                None => open.push(unit),
            }
        }
        if open.is_empty() {
            return Ok(report);
        }
        if open.iter().any(|unit| self.is_too_long(question, unit)) {
            return Err(Unanswered::TooLong);
        }
        if open.len() > self.texts_max {
            return Err(Unanswered::TooMany);
        }
        let leave = self.breaker.admit(now_ns()).map_err(|_| Unanswered::Resting)?;
        let silent = AtomicUsize::new(0);
        let asked = tokio::time::timeout(self.timeout, self.ask_all(question, &open, &silent)).await;
        let asked = asked.unwrap_or_else(|_| {
            // Only who was asked from the first moment on had all of the time.
            Err(match silent.load(Ordering::Relaxed) {
                0 => Unanswered::Crowded,
                _ => Unanswered::Late,
            })
        });
        match asked.as_ref().err() {
            None => leave.report(Outcome::Success, now_ns()),
            Some(why) if why.is_its_fault() => leave.report(Outcome::Failure, now_ns()),
            // Nothing is known of the server by it, so that it mends nothing either.
            Some(Unanswered::Crowded) => drop(leave),
            Some(_) => leave.report(Outcome::Success, now_ns()),
        }
        for (unit, found, spent) in asked? {
            report.add(unit, found.iter());
            report.asked += unit.texts.len();
            report.spent = report.spent.and(spent);
        }
        report
            .findings
            .sort_by_key(|(at, finding)| (*at, finding.span.start));
        Ok(report)
    }

    /// What is not blank, as it is judged.
    fn units(&self, question: &Question<'_>) -> Vec<Unit> {
        let shown = question.texts.iter().enumerate();
        let shown = shown.filter(|(_, text)| !text.text.trim().is_empty());
        let shown: Vec<usize> = shown.map(|(at, _)| at).collect();
        let groups: Vec<Vec<usize>> = match () {
            () if shown.is_empty() => Vec::new(),
            () if self.kind.judges_all_as_one() => vec![shown],
            () => shown.into_iter().map(|at| vec![at]).collect(),
        };
        let unit = |texts: Vec<usize>| Unit {
            key: self.verdicts.key(question, &texts),
            texts,
        };
        groups.into_iter().map(unit).collect()
    }

    fn is_too_long(&self, question: &Question<'_>, unit: &Unit) -> bool {
        let texts = unit.texts.iter().filter_map(|at| question.texts.get(*at));
        texts.map(|text| text.text.len()).sum::<usize>() > self.text_bytes_max
    }

    async fn ask_all<'u>(
        &self,
        question: &Question<'_>,
        open: &'u [Unit],
        silent: &AtomicUsize,
    ) -> Result<Vec<(&'u Unit, Vec<(usize, Finding)>, Spent)>, Unanswered> {
        let share = self.turns.of(question.tenant);
        let batches = open.chunks(self.kind.together_max());
        let all = try_join_all(batches.map(|batch| self.ask(question, batch, (&share, silent)))).await?;
        Ok(all.into_iter().flatten().collect())
    }

    async fn ask<'u>(
        &self,
        question: &Question<'_>,
        batch: &'u [Unit],
        (share, silent): (&Share<'_>, &AtomicUsize),
    ) -> Result<Vec<(&'u Unit, Vec<(usize, Finding)>, Spent)>, Unanswered> {
        let unreached = |why: &dyn std::fmt::Display| Unanswered::Unreached(why.to_string());
        let texts: Vec<Text<'_>> = batch
            .iter()
            .flat_map(|unit| &unit.texts)
            .filter_map(|at| question.texts.get(*at).copied())
            .collect();
        let turn = share.turn().await.map_err(|error| unreached(&error))?;
        let body = self
            .kind
            .write(question, &texts)
            .map_err(|error| unreached(&error))?;
        let whole_time = usize::from(turn.at_once);
        silent.fetch_add(whole_time, Ordering::Relaxed);
        let answer = self.way.post(body, self.timeout).await?;
        silent.fetch_sub(whole_time, Ordering::Relaxed);
        let read = self.kind.read(&self.name, &texts, &answer)?;
        let (mut spent, mut findings) = (read.spent, read.findings.into_iter());
        let units = batch.iter().map(|unit| {
            let own = findings.by_ref().take(unit.texts.len()).enumerate();
            let own = own.flat_map(|(at, all)| all.into_iter().map(move |finding| (at, finding)));
            let found: Vec<(usize, Finding)> = own.collect();
            self.verdicts.keep(unit.key, found.clone().into());
            (unit, found, std::mem::take(&mut spent))
        });
        Ok(units.collect())
    }
}

impl Report {
    fn add<'f>(&mut self, unit: &Unit, found: impl Iterator<Item = &'f (usize, Finding)>) {
        let placed = found.filter_map(|(at, finding)| Some((*unit.texts.get(*at)?, finding.clone())));
        self.findings.extend(placed);
    }
}
