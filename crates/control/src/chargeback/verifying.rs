//! Whether final statements are as they were made, and whether the ledger still says the same.

use std::collections::{BTreeMap, BTreeSet};

use finops::Quantities;
use ledger::merkle::{Hash, root_of};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use store::AuditQuery;

use super::reckoning::{ChargebackError, is_nothing, later, reckon, statements};
use super::statement::{Body, Statement, number_id};
use crate::outlook::From;

/// The longest ledger whose root is reckoned while somebody waits for an answer.
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
    /// Calls of its time that came into the ledger after it was made, and are in no statement. No fault of its own.
    pub came_later: u64,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// Whether nothing is wrong.
    pub holds: bool,
    /// Oldest first.
    pub statements: Vec<CheckedStatement>,
}

/// Looks at all of them. Roots of ledgers longer than `deep_max` are not reckoned.
// threat: AGP-R2
pub async fn verify(from: From<'_>, deep_max: u64) -> Result<Verified, ChargebackError> {
    let mut checked = Vec::new();
    let mut before: Option<String> = None;
    let recorded = recorded(from).await?;
    for (number, statement) in (1..).zip(statements(from).await?) {
        let mut one = CheckedStatement {
            number: statement.number,
            digest: statement.digest.clone(),
            ledger_read: false,
            problems: Vec::new(),
            came_later: 0,
        };
        one.chained(&statement, number, recorded.as_ref());
        match statement.body() {
            Err(why) => one.problems.push(why),
            Ok(body) => {
                if body.before != before || body.tenant != from.scope.tenant() {
                    one.problems
                        .push("it does not follow the statement before it".to_owned());
                }
                one.compare(from, &body, deep_max).await?;
            }
        }
        before = Some(statement.digest);
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

fn gone(id: &str, digest: &str) -> CheckedStatement {
    CheckedStatement {
        number: id.parse().unwrap_or(0),
        digest: digest.to_owned(),
        ledger_read: false,
        problems: vec!["the audit log says that it was made, and it is not there".to_owned()],
        came_later: 0,
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

    async fn compare(&mut self, from: From<'_>, body: &Body, deep_max: u64) -> Result<(), ChargebackError> {
        let sum = body
            .lines
            .iter()
            .map(|line| line.bears)
            .fold(Quantities::default(), Quantities::plus);
        if sum != body.total {
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
        let time = (body.from, body.until);
        let later = later(from, body.ledger.size, time).await?;
        self.came_later = later.map_or(0, |later| later.requests);
        let now = match reckon(from, body.rules.clone(), time).await {
            Err(ChargebackError::Unsettled) => {
                self.problems.push(ChargebackError::Unsettled.to_string());
                return Ok(());
            }
            now => now?.allocation,
        };
        let more = later.unwrap_or_default();
        let is_explained = now.total.cost == body.total.cost.plus(more.cost)
            && now.total.requests == body.total.requests + more.requests;
        if now.lines != body.lines && (is_nothing(&more) || !is_explained) {
            self.differences(body, &now);
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
