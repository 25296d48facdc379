//! Audit records, newest first, and proofs of single ones. Never changed here, and never removed.

use ledger::bundle::{Handover, HexHash, LogHead, Proof, prove_audit, verify_audit_proof};
use ledger::{AuditActor, AuditOutcome, AuditRecord};
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use store::cosigned::Cosigned;
use store::{AuditQuery, LogKind, SigningError, StoreError, StoredAudit, StoredCheckpoint};

use super::words::{read_time, time};
use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Deed, Done};
use crate::export::{Format, UnknownFormat};
use crate::page::Page;
use crate::problem::{Code, Problem};
use crate::shapes;

/// The most records of one export; `bartizan audit export` has no such bound.
const EXPORTED_MAX: u64 = 10_000;

/// The longest log of which a proof is reckoned for a request: its hashes are all read.
const LEAVES_MAX: u64 = 1 << 20;

/// An audit record as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditView {
    /// Its place in the log.
    pub index: u64,
    /// When, RFC 3339.
    pub at: String,
    /// Who: an address, a service account's name, an account of the machine.
    pub who: String,
    /// What was done.
    pub act: String,
    /// The id of what it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `done`, or the code of the refusal.
    pub outcome: String,
    /// The record, as it was hashed.
    pub record: Value,
}

/// The proof of one audit record, as `bartizan audit verify-proof` takes it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProofView {
    /// `bartizan-audit-proof/1`.
    pub format: String,
    /// The record's canonical bytes, as text.
    pub entry: String,
    /// Its place in the log, from 0.
    pub index: u64,
    /// How many records the signed root covers.
    pub size: u64,
    /// The inclusion path, hex, from the leaf up.
    pub inclusion: Vec<String>,
    /// The signed root of that size, a C2SP signed note.
    pub checkpoint: String,
    /// How the log went from key to key, the oldest succession first; left out where its key was never replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub successions: Vec<HandoverView>,
}

/// One succession of the log's key.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HandoverView {
    /// The signed statement.
    pub note: String,
    /// How the log stood; left out if it had no signed head then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<LogHeadView>,
}

/// How the log stood at a succession.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogHeadView {
    /// How many records it had.
    pub size: u64,
    /// The root over them, hex.
    pub root: String,
    /// Its place among the heads that the statement speaks of.
    pub index: u64,
    /// The path to what the statement signed, hex, from the leaf up.
    pub path: Vec<String>,
}

impl From<Handover> for HandoverView {
    fn from(handover: Handover) -> Self {
        Self {
            note: handover.note,
            head: handover.head.map(LogHeadView::from),
        }
    }
}

impl From<LogHead> for LogHeadView {
    fn from(head: LogHead) -> Self {
        Self {
            size: head.size,
            root: head.root.to_string(),
            index: head.index,
            path: head.path.iter().map(HexHash::to_string).collect(),
        }
    }
}

impl From<Proof> for ProofView {
    fn from(proof: Proof) -> Self {
        Self {
            format: proof.format,
            entry: proof.entry,
            index: proof.index,
            size: proof.size,
            inclusion: proof.inclusion.iter().map(HexHash::to_string).collect(),
            checkpoint: proof.checkpoint,
            successions: proof.successions.into_iter().map(HandoverView::from).collect(),
        }
    }
}

shapes! { given: ; shown: AuditView, ProofView }

pub fn who(actor: &AuditActor) -> String {
    match actor {
        AuditActor::User(_, name) | AuditActor::Service(_, name) => name.clone(),
        AuditActor::Operator(account) => format!("the machine's {account}"),
        AuditActor::Gate(task) => format!("the gate: {task}"),
        AuditActor::Stranger(typed) => format!("a stranger: {typed}"),
    }
}

fn damaged(why: &str) -> Problem {
    Problem {
        internal: Some(why.to_owned()),
        ..Problem::new(Code::Internal, "an audit record does not read")
    }
}

fn view(stored: &StoredAudit) -> Result<AuditView, Problem> {
    let record = AuditRecord::from_bytes(&stored.bytes).map_err(|error| damaged(&error.to_string()))?;
    Ok(AuditView {
        index: stored.index,
        at: time(record.at),
        who: who(&record.actor),
        outcome: match &record.outcome {
            AuditOutcome::Done => "done".to_owned(),
            AuditOutcome::Refused(code) => code.clone(),
        },
        act: record.act,
        target: record.target,
        record: serde_json::from_slice(&stored.bytes).map_err(|error| damaged(&error.to_string()))?,
    })
}

/// `GET …/audit`.
pub async fn list(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let resource = Resource::AuditLog {
        tenant: entered.tenant(),
    };
    call.permit(&entered, resource).await?;
    let (after, limit) = call.page()?;
    let owned = |name: &str| call.query(name).map(str::to_owned);
    let moment = |name: &str| call.query(name).map(|text| read_time(text, name)).transpose();
    let query = AuditQuery {
        before: after.and_then(|text| text.parse().ok()),
        from: moment("from")?,
        until: moment("until")?,
        act: owned("act"),
        actor: owned("actor"),
        target: owned("target"),
        count: limit as u64 + 1,
    };
    let mut stored = call.control.store.audit(entered.scope(), &query).await?;
    let goes_on = stored.len() > limit;
    stored.truncate(limit);
    let last = stored
        .last()
        .filter(|_| goes_on)
        .map(|last| last.index.to_string());
    let page = Page {
        items: stored.iter().map(view).collect::<Result<Vec<_>, _>>()?,
        next_cursor: last.and_then(|last| call.control.keys.cursors.seal(&call.list_name(), &last)),
    };
    Ok(Answer::json(http::StatusCode::OK, &page)?)
}

/// `GET …/audit/{record}/proof`.
// threat: AGP-R3
// threat: ANP-0012
pub async fn proof(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let resource = Resource::AuditLog {
        tenant: entered.tenant(),
    };
    call.permit(&entered, resource).await?;
    let (store, scope) = (&call.control.store, entered.scope());
    let stored = store.audit_record(scope, call.id("record")?).await?;
    let head = store.log_checkpoint(scope, LogKind::Audit).await?;
    let head = head.filter(|head| head.size > stored.index).ok_or_else(|| {
        let detail = "no signed root covers the record yet: ask again within a minute";
        Problem::new(Code::Conflict, detail)
    })?;
    if head.size > LEAVES_MAX {
        let detail =
            format!("the log has more than {LEAVES_MAX} records: use `bartizan audit proof` on the machine");
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    let leaves = store.log_leaves(scope, LogKind::Audit, 0, head.size).await?;
    let kept = Cosigned::read(store.as_ref(), scope, LogKind::Audit).await?;
    let keys = call.control.signing.now().await.map_err(unsigned)?;
    let signer = keys.signer().map_err(unsigned)?;
    let origin = call.control.signing.origin(entered.tenant(), LogKind::Audit);
    let under = |head: StoredCheckpoint| {
        let leaves = leaves.get(..usize::try_from(head.size).ok()?)?;
        let proof = prove_audit(&stored.bytes, stored.index, leaves, &head.note, None)?;
        Some(Proof {
            successions: keys.handovers(&origin),
            ..proof
        })
    };
    // A proof that does not hold is found here and not by whoever gets it.
    let holds = |proof: &Proof| verify_audit_proof(proof, signer.verifier()).is_ok();
    let mut heads = kept.to_prove_under(stored.index, head).into_iter();
    let proof = heads.find_map(|head| under(head).filter(holds));
    let proof = proof.ok_or_else(|| damaged("the log does not bear out one of its records"))?;
    Ok(Answer::view(&ProofView::from(proof))?)
}

fn unsigned(error: SigningError) -> Problem {
    StoreError::Unavailable(error.to_string()).into()
}

/// `GET …/audit/export`. Taking records out is an act, and recorded like one.
// threat: AGP-R3
pub async fn export(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let resource = Resource::AuditLog {
        tenant: entered.tenant(),
    };
    let permitted = call.permit(&entered, resource).await?;
    let unknown = |error: UnknownFormat| Problem::new(Code::Malformed, error.to_string());
    let format: Format = call.query("format").unwrap_or("jsonl").parse().map_err(unknown)?;
    let moment = |name: &str| call.query(name).map(|text| read_time(text, name)).transpose();
    let query = AuditQuery {
        from: moment("from")?,
        until: moment("until")?,
        count: EXPORTED_MAX + 1,
        ..AuditQuery::default()
    };
    let stored = call.control.store.audit(entered.scope(), &query).await?;
    if stored.len() as u64 > EXPORTED_MAX {
        let detail = format!("at most {EXPORTED_MAX} records at once: narrow `from` and `until`");
        return Err(Problem::new(Code::Invalid, detail).into());
    }
    let mut text = format.beginning().to_owned();
    for stored in stored.iter().rev() {
        let record = AuditRecord::from_bytes(&stored.bytes).map_err(|error| damaged(&error.to_string()))?;
        text.push_str(&format.line(stored.index, &record));
    }
    let what = serde_json::json!({
        "format": format.as_str(),
        "from": query.from.map(time),
        "until": query.until.map(time),
        "records": stored.len(),
    });
    let deed = Deed::made(entered.tenant(), &what);
    let answer = Answer::text(format.media_type(), text);
    call.done(&permitted, deed, Vec::new(), answer).await
}
