//! Heads that witnesses cosigned: a document for each of a tenant's logs. Of all heads those are kept that somebody can
//! still want: for any number of witnesses the newest that so many cosigned.
//!
//! Believes nothing: whoever verifies has the witnesses' keys.

use std::collections::{BTreeMap, BTreeSet};

use domain::{TenantScope, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::{Change, LogKind, Record, RecordKind, Store, StoreError, StoredCheckpoint};

/// How often it is tried again when another witness's word came in between.
const TRIES: u32 = 8;

/// One log's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cosigned {
    /// The oldest first.
    heads: Vec<Head>,
}

/// A head, and what witnesses put below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    size: u64,
    signed: UnixMillis,
    note: String,
    /// Lines, by the name of the witness's key.
    by: BTreeMap<String, String>,
}

impl Head {
    fn cosigned(&self) -> StoredCheckpoint {
        let lines = self.by.values().map(String::as_str);
        StoredCheckpoint {
            size: self.size,
            signed: self.signed,
            note: std::iter::once(&*self.note).chain(lines).collect(),
        }
    }
}

impl Cosigned {
    /// What is kept of a log.
    pub async fn read(store: &dyn Store, scope: &TenantScope, log: LogKind) -> Result<Self, StoreError> {
        Ok(find(store, scope, log).await?.1)
    }

    /// Keeps `lines`, which the witness of this name put below `head`.
    // threat: ANP-0012
    pub async fn keep(
        store: &dyn Store,
        (scope, log): (&TenantScope, LogKind),
        head: &StoredCheckpoint,
        (witness, lines): (&str, &str),
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let (before, mut kept) = find(store, scope, log).await?;
            kept.add(head, witness, lines);
            let after = Record {
                kind: RecordKind::Cosigned,
                id: log.as_str().to_owned(),
                parent: None,
                name: None,
                created: before.as_ref().map_or(head.signed, |before| before.created),
                document: serde_json::to_string(&kept).map_err(damaged)?,
            };
            let change = match before {
                None => Change::Create(after),
                Some(before) => Change::Replace { before, after },
            };
            match store.commit(scope, &[change], None).await {
                Err(StoreError::Conflict(_)) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict(
            "others keep what witnesses said all the time".to_owned(),
        ))
    }

    /// The newest head that at least so many witnesses cosigned, with their lines below it.
    pub fn newest(&self, witnesses: usize) -> Option<StoredCheckpoint> {
        let enough = |head: &&Head| head.by.len() >= witnesses;
        self.heads.iter().rev().find(enough).map(Head::cosigned)
    }

    /// The heads to prove the entry or record at `index` under, the best first: of those that cover it the one that most
    /// witnesses cosigned, and the newest of these; then `head`, the log's newest, with what witnesses put below it.
    pub fn to_prove_under(&self, index: u64, head: StoredCheckpoint) -> Vec<StoredCheckpoint> {
        let covers = |kept: &&Head| kept.size > index && kept.size <= head.size && !kept.by.is_empty();
        let most = self
            .heads
            .iter()
            .filter(covers)
            .max_by_key(|kept| (kept.by.len(), kept.size));
        let newest = self.below(head);
        let best = most.map(Head::cosigned).filter(|best| *best != newest);
        best.into_iter().chain([newest]).collect()
    }

    /// The head with what witnesses put below it, if any did.
    pub fn below(&self, head: StoredCheckpoint) -> StoredCheckpoint {
        let same = |kept: &&Head| kept.size == head.size && kept.note == head.note;
        self.heads.iter().find(same).map_or(head.clone(), Head::cosigned)
    }

    fn add(&mut self, head: &StoredCheckpoint, witness: &str, lines: &str) {
        let line = (witness.to_owned(), lines.to_owned());
        match self.heads.iter_mut().find(|kept| kept.size == head.size) {
            // After a new key the same head has another note: what is below goes with the note that it is over, and
            // the text of both is the same.
            Some(kept) => {
                kept.note.clone_from(&head.note);
                kept.by.insert(line.0, line.1);
            }
            None => self.heads.push(Head {
                size: head.size,
                signed: head.signed,
                note: head.note.clone(),
                by: BTreeMap::from([line]),
            }),
        }
        self.heads.sort_by_key(|kept| kept.size);
        self.thin();
    }

    /// A head stays that has more witnesses than every newer one, or the newest word of one.
    fn thin(&mut self) {
        let (mut most, mut heard) = (0, BTreeSet::new());
        let mut stay = Vec::new();
        for head in std::mem::take(&mut self.heads).into_iter().rev() {
            let says_new = head.by.keys().any(|name| !heard.contains(name));
            if head.by.len() > most || says_new {
                most = most.max(head.by.len());
                heard.extend(head.by.keys().cloned());
                stay.push(head);
            }
        }
        stay.reverse();
        self.heads = stay;
    }
}

async fn find(
    store: &dyn Store,
    scope: &TenantScope,
    log: LogKind,
) -> Result<(Option<Record>, Cosigned), StoreError> {
    match store.record(scope, RecordKind::Cosigned, log.as_str()).await {
        Ok(record) => {
            let kept = serde_json::from_str(&record.document).map_err(damaged)?;
            Ok((Some(record), kept))
        }
        Err(StoreError::NotFound) => Ok((None, Cosigned::default())),
        Err(error) => Err(error),
    }
}

fn damaged(error: serde_json::Error) -> StoreError {
    StoreError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64) -> StoredCheckpoint {
        StoredCheckpoint {
            size,
            signed: UnixMillis(1),
            note: format!("log\n{size}\n\nlog's\n"),
        }
    }

    #[test]
    fn anp_0012_the_newest_head_of_any_number_of_witnesses_is_kept_and_no_more() {
        let mut kept = Cosigned::default();
        for size in 1..=50 {
            kept.add(&head(size), "a", "a's\n");
            if size <= 40 {
                kept.add(&head(size), "b", "b's\n");
            }
            if size % 10 == 0 && size <= 30 {
                kept.add(&head(size), "c", "c's\n");
            }
        }
        let newest = |witnesses| kept.newest(witnesses).map(|head| head.size);
        assert_eq!(
            [newest(1), newest(2), newest(3), newest(4)],
            [Some(50), Some(40), Some(30), None]
        );
        assert_eq!(kept.heads.len(), 3);
        assert_eq!(kept.newest(2).unwrap().note, "log\n40\n\nlog's\na's\nb's\n");
        assert_eq!(kept.below(head(50)).note, "log\n50\n\nlog's\na's\n");
        // Proved under the one that most have seen, where it covers what is proved and is no newer than the log.
        let under = |index, newest| {
            let heads = kept.to_prove_under(index, head(newest)).into_iter();
            heads.map(|head| head.size).collect::<Vec<_>>()
        };
        assert_eq!(under(29, 60), [30, 60]);
        assert_eq!(under(30, 60), [40, 60]);
        assert_eq!(
            (under(49, 50), under(50, 60), under(45, 46)),
            (vec![50], vec![60], vec![46])
        );
        assert_eq!(kept.below(head(49)), head(49));
    }

    #[test]
    fn anp_0012_the_last_word_of_a_witness_that_fell_silent_stays() {
        let mut kept = Cosigned::default();
        kept.add(&head(1), "silent", "s\n");
        for size in 2..20 {
            kept.add(&head(size), "a", "a\n");
            kept.add(&head(size), "b", "b\n");
        }
        assert_eq!(kept.newest(2).unwrap().size, 19);
        assert!(kept.below(head(1)).note.ends_with("s\n"));
    }
}
