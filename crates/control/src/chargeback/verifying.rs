//! Whether final statements are as they were made, and whether the ledger still says the same.

use std::collections::{BTreeMap, BTreeSet};

use finops::{Closed, Late, Quantities};
use ledger::merkle::{Hash, root_of};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use store::AuditQuery;

use super::late::gathered;
use super::reckoning::{ChargebackError, reckon, statements};
use super::statement::{Body, Statement, number_id};
use crate::outlook::From;

/// The longest ledger whose root is reckoned, and the most entries that are looked through for what came late, while
/// somebody waits for an answer.
pub const DEEP_MAX: u64 = 1_000_000;
/// Leaves of a part of the ledger, whose root stands for them: a power of two, as trees are made (RFC 6962).
const PART: u64 = 1024;
/// Leaves that are read at once.
const READ_AT_ONCE: u64 = 16 * PART;
/// Differences that are said of a statement.
const SAID_MAX: usize = 20;
/// The act by which a statement is made final.
const ACT: &str = "chargeback.finalize";

/// One statement, looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckedStatement {
    /// Which.
    pub number: u64,
    /// Its digest.
    pub digest: String,
    /// Whether the ledger's root was reckoned again: not of ledgers that are too long to do it here.
    pub ledger_read: bool,
    /// What is wrong with the statement or with what it was reckoned from; nothing when all is well.
    pub problems: Vec<String>,
    /// Calls of its time that came into the ledger after it was made. No fault of its own.
    pub came_later: u64,
    /// What of that is in no statement yet: the next that is made has it.
    pub waiting: Quantities,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// Whether nothing is wrong.
    pub holds: bool,
    /// Oldest first.
    pub statements: Vec<CheckedStatement>,
}

/// Looks at all of them. Roots of ledgers longer than `deep_max` are not reckoned, and no more entries than that looked
/// through for what came late.
// threat: AGP-R2
pub async fn verify(from: From<'_>, deep_max: u64) -> Result<Verified, ChargebackError> {
    let mut checked = Vec::new();
    let mut before: Option<String> = None;
    let recorded = recorded(from).await?;
    let all = statements(from).await?;
    let bodies: Vec<Result<Body, String>> = all.iter().map(Statement::body).collect();
    let chain = Chain::of(from, bodies.iter().flatten(), deep_max).await?;
    for (number, (statement, body)) in (1..).zip(all.iter().zip(&bodies)) {
        let mut one = CheckedStatement {
            number: statement.number,
            digest: statement.digest.clone(),
            ledger_read: false,
            problems: Vec::new(),
            came_later: 0,
            waiting: Quantities::default(),
        };
        one.chained(statement, number, recorded.as_ref());
        match body {
            Err(why) => one.problems.push(why.clone()),
            Ok(body) => {
                if body.before != before || body.tenant != from.scope.tenant() {
                    one.problems
                        .push("it does not follow the statement before it".to_owned());
                }
                one.compare(from, (body, &chain), deep_max).await?;
            }
        }
        before = Some(statement.digest.clone());
        checked.push(one);
    }
    if let Some(recorded) = recorded {
        let there: BTreeSet<String> = checked.iter().map(|one| number_id(one.number)).collect();
        checked.extend(
            recorded
                .iter()
                .filter(|(id, _)| !there.contains(*id))
                .map(|(id, digest)| gone(id, digest)),
        );
    }
    Ok(Verified {
        holds: checked.iter().all(|one| one.problems.is_empty()),
        statements: checked,
    })
}

/// What the statements that read say together of what came late.
struct Chain {
    closed: Vec<Closed>,
    /// By number: what later statements have of its time.
    charged: BTreeMap<u64, Quantities>,
    /// By number: what none has. Nothing where there is too much to look through.
    waiting: Option<BTreeMap<u64, Quantities>>,
    /// The first entry that is there.
    kept_from: u64,
}

impl Chain {
    async fn of<'b>(
        from: From<'_>,
        bodies: impl Iterator<Item = &'b Body>,
        most: u64,
    ) -> Result<Self, ChargebackError> {
        let (mut closed, mut charged) = (Vec::new(), BTreeMap::<u64, Quantities>::new());
        for body in bodies {
            closed.push(body.closed());
            for item in &body.late {
                let sum = charged.entry(item.statement).or_default();
                *sum = sum.plus(item.total);
            }
        }
        let size = from.store.size(from.scope).await?;
        let waiting = match gathered(from, &closed, (size, most)).await {
            // Said of each statement whose entries they are.
            Err(ChargebackError::Lacks(_)) => None,
            found => found?.map(|late| late.sums()),
        };
        Ok(Self {
            closed,
            charged,
            waiting,
            kept_from: from.store.entries_kept(from.scope).await?.from,
        })
    }

    /// Those before this one.
    fn before(&self, number: u64) -> Vec<Closed> {
        let before = self.closed.iter().filter(|closed| closed.number < number);
        before.copied().collect()
    }

    /// Whether all that came late for this one can still be read.
    fn is_kept(&self, number: u64) -> bool {
        let later = self.closed.iter().filter(|closed| closed.number >= number);
        let since = later
            .filter(|closed| closed.takes_late || closed.number == number)
            .map(|closed| closed.size);
        since.max().is_some_and(|since| self.kept_from <= since)
    }
}

fn gone(id: &str, digest: &str) -> CheckedStatement {
    CheckedStatement {
        number: id.parse().unwrap_or(0),
        digest: digest.to_owned(),
        ledger_read: false,
        problems: vec!["the audit log says that it was made, and it is not there".to_owned()],
        came_later: 0,
        waiting: Quantities::default(),
    }
}

/// What the audit log says was made final: ids and digests. Nothing if its beginning was removed by retention.
async fn recorded(from: From<'_>) -> Result<Option<BTreeMap<String, String>>, ChargebackError> {
    if from.store.audits_kept_from(from.scope).await? > 0 {
        return Ok(None);
    }
    let (mut all, mut before) = (BTreeMap::new(), None);
    loop {
        let query = AuditQuery {
            before,
            act: Some(ACT.to_owned()),
            count: 100,
            ..AuditQuery::default()
        };
        let records = from.store.audit(from.scope, &query).await?;
        let Some(last) = records.last() else {
            return Ok(Some(all));
        };
        before = Some(last.index);
        for stored in &records {
            let record: Value = serde_json::from_slice(&stored.bytes).unwrap_or_default();
            let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
            let digest = text(record.get("after").and_then(|after| after.get("digest")));
            if let (Some(id), Some(digest)) = (text(record.get("target")), digest) {
                all.insert(id, digest);
            }
        }
    }
}

impl CheckedStatement {
    fn chained(&mut self, statement: &Statement, number: u64, recorded: Option<&BTreeMap<String, String>>) {
        if statement.number != number {
            self.problems.push(format!("statement {number} is not there"));
        }
        if let Some(recorded) = recorded
            && recorded.get(&number_id(statement.number)) != Some(&statement.digest)
        {
            self.problems
                .push("the audit log does not say that it was made so".to_owned());
        }
    }

    async fn compare(
        &mut self,
        from: From<'_>,
        (body, chain): (&Body, &Chain),
        deep_max: u64,
    ) -> Result<(), ChargebackError> {
        let late = body
            .late
            .iter()
            .flat_map(|item| &item.lines)
            .map(|line| line.bears);
        if late.fold(body.own(), Quantities::plus) != body.total {
            self.problems.push("its lines do not sum to its total".to_owned());
        }
        let size = from.store.size(from.scope).await?;
        if size < body.ledger.size {
            let said = format!(
                "the ledger has {size} entries, and had {} when it was made",
                body.ledger.size
            );
            self.problems.push(said);
            return Ok(());
        }
        if body.ledger.size <= deep_max {
            self.ledger_read = true;
            if hex::encode(root(from, body.ledger.size).await?) != body.ledger.root {
                self.problems
                    .push("the ledger is not the one that it was reckoned from".to_owned());
            }
        }
        self.came_late(from, (body, chain), deep_max).await?;
        let charged = chain.charged.get(&body.number).copied().unwrap_or_default();
        let waiting = chain.waiting.as_ref().and_then(|all| all.get(&body.number));
        self.waiting = waiting.copied().unwrap_or_default();
        let more = charged.plus(self.waiting);
        self.came_later = more.requests;
        let time = (body.from, body.until);
        let now = match reckon(from, body.rules.clone(), time).await {
            Err(ChargebackError::Unsettled) => {
                self.problems.push(ChargebackError::Unsettled.to_string());
                return Ok(());
            }
            now => now?.allocation,
        };
        let is_explained = match more == Quantities::default() {
            true => now.lines == body.lines,
            false => now.total == body.own().plus(more),
        };
        // Roll-ups also have what came late and went with its month before a statement had it.
        if !is_explained && chain.is_kept(body.number) {
            self.differences(body, &now);
        }
        Ok(())
    }

    /// Whether it has what came late for those before it, all of it and nothing else.
    async fn came_late(
        &mut self,
        from: From<'_>,
        (body, chain): (&Body, &Chain),
        deep_max: u64,
    ) -> Result<(), ChargebackError> {
        let before = chain.before(body.number);
        let since = Late::behind(&before).since();
        if !body.closed().takes_late || since.is_some_and(|since| since < chain.kept_from) {
            return Ok(());
        }
        let late = match gathered(from, &before, (body.ledger.size, deep_max)).await {
            Err(error @ ChargebackError::Lacks(_)) => {
                self.problems.push(error.to_string());
                return Ok(());
            }
            late => late?,
        };
        if late.is_some_and(|late| late.items(&body.rules) != body.late) {
            let said = "what it has of calls that came late is not what the ledger has";
            self.problems.push(said.to_owned());
        }
        Ok(())
    }

    fn differences(&mut self, body: &Body, now: &finops::Allocation) {
        let then = finops::Allocation {
            lines: body.lines.clone(),
            total: body.total,
        };
        let (then, today) = (then.targets(), now.targets());
        let names: BTreeSet<&str> = then.keys().chain(today.keys()).copied().collect();
        let mut said: Vec<String> = Vec::new();
        for name in names {
            let of = |all: &BTreeMap<&str, Quantities>| all.get(name).copied().unwrap_or_default();
            let (was, is) = (of(&then), of(&today));
            if was != is {
                said.push(format!(
                    "`{name}` bears ${}, and by the ledger as it is now ${}",
                    was.cost, is.cost
                ));
            }
        }
        if said.is_empty() {
            said.push("reckoned again, its lines are others".to_owned());
        }
        said.truncate(SAID_MAX);
        self.problems.append(&mut said);
    }
}

/// The root over the ledger's first `size` entries, from the hashes of their bytes. A part of it at a time.
async fn root(from: From<'_>, size: u64) -> Result<Hash, ChargebackError> {
    let (mut roots, mut at) = (Vec::new(), 0);
    while at < size {
        let until = size.min(at + READ_AT_ONCE);
        let leaves = from.store.leaf_hashes(from.scope, at, until).await?;
        let part = usize::try_from(PART).unwrap_or(1024);
        roots.extend(leaves.chunks(part).map(root_of));
        at = until;
    }
    Ok(root_of(&roots))
}
