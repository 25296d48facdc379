//! What a sink will not take: given up where that is configured, kept as a dead letter in the step in which the log moves
//! on, told of on other sinks, and sent again when somebody asks for it. Nothing is given up in silence.

use domain::{AuditId, TenantScope, UnixMillis};
use ledger::{AuditActor, AuditRecord};
use serde_json::json;
use store::delivery::{Again, DeadLetter};
use store::{AuditEntry, Change, RecordKind, RecordQuery, StoreError};
use tokio::time::Instant;

use super::batch::DEAD;
use super::cursor::Cursor;
use super::message::Message;
use super::transport::BATCH_TIME;
use super::{Pusher, Trouble};

/// Who tells.
const TASK: &str = "alerts";
/// Dead letters that are read at once.
const READ_AT_ONCE: u64 = 50;

/// What is written when something is given up.
#[derive(Debug, Default)]
pub(super) struct Letters {
    pub(super) changes: Vec<Change>,
    pub(super) acts: Vec<AuditEntry>,
}

/// What became of a dead letter that was sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    Refused,
    Away,
}

impl Pusher {
    /// Those that are given up now: what is refused for good, and what has waited for too long.
    // threat: AGP-R3
    pub(super) fn given_up<'a>(
        &self,
        trouble: Option<&Trouble>,
        (waiting, at_stake): (&'a [Message], usize),
        (since, now): (UnixMillis, UnixMillis),
    ) -> &'a [Message] {
        let (Some(trouble), Some(after)) = (trouble, self.give_up_after) else {
            return &[];
        };
        let many = match trouble {
            Trouble::Store(_) => 0,
            Trouble::Refused { for_good: true, .. } => at_stake,
            _ => {
                let is_over = |message: &&Message| now.since(message.record.at.max(since)) >= after;
                waiting.iter().take_while(is_over).count()
            }
        };
        waiting.get(..many).unwrap_or_default()
    }

    /// A letter for each, and one record of all of them; none of what told of dead letters itself, or two sinks would
    /// tell each other for ever.
    pub(super) async fn letters(
        &self,
        scope: &TenantScope,
        lost: &[Message],
        (why, now): (&str, UnixMillis),
    ) -> Result<Letters, StoreError> {
        let mut letters = Letters::default();
        for message in lost {
            let letter = DeadLetter {
                index: message.index,
                record: message.record.id,
                act: message.record.act.chars().take(100).collect(),
                at: now,
                why: why.to_owned(),
            };
            let record = letter.to_record(&self.name)?;
            match self.store.record(scope, RecordKind::DeadLetter, &record.id).await {
                // It was there from before: it stays as it is.
                Ok(_) => {}
                Err(StoreError::NotFound) => letters.changes.push(Change::Create(record)),
                Err(error) => return Err(error),
            }
        }
        let told = lost.iter().filter(|message| message.record.act != DEAD).count();
        if told > 0 {
            let actor = AuditActor::Gate(TASK.to_owned());
            let first = lost.first().map(|message| message.record.id.to_string());
            let record = AuditRecord {
                target: Some(self.name.clone()),
                after: Some(json!({"count": lost.len(), "first": first, "why": why})),
                ..AuditRecord::done((AuditId::generate(), scope.tenant()), now, actor, DEAD)
            };
            letters.acts.push(record.into());
        }
        Ok(letters)
    }

    /// They were written down.
    pub(super) fn buried(&self, scope: &TenantScope, count: usize, why: &str) {
        if count == 0 {
            return;
        }
        self.metrics.dead.inc_by(count as u64);
        let (sink, tenant) = (self.name.as_str(), scope.tenant());
        tracing::error!(sink, %tenant, count, why, "a sink did not take audit records: they are dead letters now");
    }

    /// Sends dead letters again, as far as there is time: all from before `asked`, or the one that it names.
    pub(super) async fn send_again(
        &mut self,
        scope: &TenantScope,
        cursor: &mut Cursor,
        asked: &Message,
    ) -> Result<(), Trouble> {
        let only = asked
            .record
            .after
            .as_ref()
            .and_then(|after| after.get("index")?.as_u64());
        let until = Instant::now() + BATCH_TIME;
        let kept = cursor
            .standing
            .again
            .take()
            .filter(|again| again.asked == asked.index);
        let mut again = kept.unwrap_or(Again {
            asked: asked.index,
            tried: None,
            done: false,
        });
        while !again.done && Instant::now() < until {
            let query = RecordQuery {
                kind: RecordKind::DeadLetter,
                parent: Some(&self.name),
                after: again.tried.as_deref(),
                count: READ_AT_ONCE,
            };
            let found = self.store.records(scope, &query).await?;
            again.done = found.is_empty();
            for record in found {
                let letter = DeadLetter::of(&record)?;
                again.tried = Some(record.id.clone());
                if letter.index < asked.index && only.is_none_or(|only| only == letter.index) {
                    let fate = self.try_again(scope, cursor, letter.index).await?;
                    // Who cannot be reached is not asked for each: they stay, and somebody asks again.
                    again.done = fate == Fate::Away;
                    cursor.standing.again = Some(again.clone());
                    let changes = match fate {
                        Fate::Taken => vec![Change::Remove(record)],
                        Fate::Refused | Fate::Away => Vec::new(),
                    };
                    cursor.keep(self.store.as_ref(), scope, (changes, &[])).await?;
                }
                if again.done || Instant::now() >= until {
                    break;
                }
            }
        }
        cursor.standing.again = Some(again);
        cursor.keep(self.store.as_ref(), scope, (Vec::new(), &[])).await?;
        Ok(())
    }

    /// What becomes of it this time.
    async fn try_again(
        &mut self,
        scope: &TenantScope,
        cursor: &mut Cursor,
        index: u64,
    ) -> Result<Fate, Trouble> {
        let Some(message) = self.message_at(scope, index, 0).await? else {
            return Ok(Fate::Refused);
        };
        let mut opens = cursor.standing.open.clone();
        let delivered = self
            .transport
            .deliver(&[message], (&mut opens, &self.directory))
            .await;
        cursor.standing.open = opens;
        match delivered.trouble {
            None => {
                self.metrics.delivered.inc();
                cursor.standing.taken = Some(UnixMillis::now());
                Ok(Fate::Taken)
            }
            Some(trouble) => {
                let (sink, why) = (self.name.as_str(), trouble.why().unwrap_or_default());
                tracing::warn!(
                    sink,
                    index,
                    why,
                    "a dead letter was sent again and not taken: it stays one"
                );
                Ok(match trouble {
                    Trouble::Refused { .. } => Fate::Refused,
                    _ => Fate::Away,
                })
            }
        }
    }
}
