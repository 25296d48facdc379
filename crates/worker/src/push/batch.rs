//! One batch of one log: what is read, folded, sent, given up, and written down in one step.

use domain::{TenantId, TenantScope, UnixMillis};
use store::delivery::{Failing, Told};
use store::{AuditQuery, StoreError, StoredAudit};

use super::alert::{Around, Severity, sameness};
use super::cursor::{Claim, Cursor};
use super::message::Message;
use super::route::is_meant;
use super::transport::{Delivered, Transport};
use super::{Pusher, Trouble, pagerduty, repeats};

/// Records that are read and pushed at once.
const BATCH: u64 = 100;
/// The acts that ask for what was given up to be sent again: of the instance's sinks, and of a tenant's own.
const RESEND: [&str; 2] = ["alerts.resend", "delivery.resend"];
/// The acts that try a sink.
const TEST: [&str; 2] = ["alerts.test", "delivery.test"];
/// The act that says that something was given up.
pub(super) const DEAD: &str = "alerts.dead";

/// What of a log is to be sent now.
struct Batch {
    /// Counts of what came again, then what is new.
    messages: Vec<Message>,
    /// What the first of them count.
    counts: Vec<Told>,
    /// What is new, with what is not sent because it is a repeat.
    read: Vec<(u64, String)>,
    /// One past the last record that was looked at.
    end: u64,
}

impl Batch {
    /// Up to where the log has come when so many of `messages` are done with.
    fn reached(&self, passed: usize, from: u64) -> u64 {
        if passed < self.counts.len() {
            return from;
        }
        self.messages
            .get(passed)
            .map_or(self.end, |message| message.index)
    }
}

impl Pusher {
    /// A batch of one log, if it has grown and no other replica is at it. Whether there is more.
    pub(super) async fn push(&mut self, tenant: TenantId) -> Result<bool, Trouble> {
        let (scope, now) = (TenantScope::operator(tenant), UnixMillis::now());
        let seen = self.look(tenant).await?;
        if seen.next >= seen.size && seen.due.is_none_or(|due| due > now) {
            return Ok(false);
        }
        let us = (self.name.as_str(), self.node);
        let store = self.store.as_ref();
        let claim = match self.own {
            Some(_) => Cursor::claim_known(store, &scope, us, now).await?,
            None => Cursor::claim(store, &scope, us, now).await?,
        };
        let mut cursor = match claim {
            Claim::Held(cursor) => cursor,
            Claim::Elsewhere(standing) => {
                let seen = self.seen(standing.as_ref(), seen.size);
                self.logs.insert(tenant, seen);
                return Ok(false);
            }
        };
        // A new sink begins with what is left.
        let from = cursor
            .standing
            .next
            .max(self.store.audits_kept_from(&scope).await?);
        let batch = self.batch(&scope, &mut cursor, (from, seen.size), now).await?;
        let Some(batch) = batch else {
            return Ok(true);
        };
        if self.gathers(&batch, now) {
            return Ok(false);
        }
        let mut opens = cursor.standing.open.clone();
        let delivered = self
            .transport
            .deliver(&batch.messages, (&mut opens, self.directory.as_ref()))
            .await;
        self.metrics.delivered.inc_by(delivered.done as u64);
        cursor.standing.open = opens;
        let rest = self
            .settle(&scope, cursor, (&batch, delivered), (from, now))
            .await;
        let next = self.logs.get(&tenant).map_or(from, |log| log.next);
        rest.map(|more| more || next < seen.size)
    }

    /// Writes down what was taken and what is given up. Whether there is more, or why not.
    async fn settle(
        &mut self,
        scope: &TenantScope,
        mut cursor: Cursor,
        (batch, delivered): (&Batch, Delivered),
        (from, now): (u64, UnixMillis),
    ) -> Result<bool, Trouble> {
        let Delivered {
            done,
            trouble,
            at_stake,
        } = delivered;
        let standing = &mut cursor.standing;
        if done > 0 {
            (standing.taken, standing.failing) = (Some(now), None);
        }
        let since = note(&mut standing.failing, trouble.as_ref(), now);
        let waiting = batch.messages.get(done..).unwrap_or_default();
        let lost = self.given_up(trouble.as_ref(), (waiting, at_stake), (since, now));
        let passed = done + lost.len();
        let next = batch.reached(passed, from);
        for count in batch.counts.iter().take(passed) {
            repeats::counted(&mut standing.told, &count.what, now);
        }
        for (index, what) in batch.read.iter().filter(|(index, _)| *index < next) {
            repeats::is_repeat(&mut standing.told, (what.clone(), *index), now, self.repeat);
        }
        standing.next = standing.next.max(next);
        let mut seen = self.seen(Some(standing), 0);
        let why = trouble.as_ref().and_then(Trouble::why).unwrap_or_default();
        let letters = self.letters(scope, lost, (why.as_str(), now)).await?;
        cursor
            .keep(self.store.as_ref(), scope, (letters.changes, &letters.acts))
            .await?;
        self.buried(scope, lost.len(), &why);
        seen.size = self.logs.get(&scope.tenant()).map_or(next, |log| log.size);
        self.logs.insert(scope.tenant(), seen);
        match trouble {
            Some(Trouble::Refused { for_good: true, .. }) if !lost.is_empty() => Ok(true),
            Some(trouble) => Err(trouble),
            None => Ok(passed < batch.messages.len()),
        }
    }

    /// Whether what has just come waits for more.
    fn gathers(&self, batch: &Batch, now: UnixMillis) -> bool {
        let waits = |message: &Message| {
            now.since(message.record.at) < self.gather && message.alert.severity < Severity::Critical
        };
        let is_room = (batch.messages.len() as u64) < BATCH / 2;
        !self.gather.is_zero() && !batch.messages.is_empty() && is_room && batch.messages.iter().all(waits)
    }

    /// What is to be sent; nothing if first something else had to be done.
    async fn batch(
        &mut self,
        scope: &TenantScope,
        cursor: &mut Cursor,
        (from, size): (u64, u64),
        now: UnixMillis,
    ) -> Result<Option<Batch>, Trouble> {
        let mut end = size.min(from.saturating_add(BATCH));
        let stored = if from < end {
            self.read(scope, from, end).await?
        } else {
            Vec::new()
        };
        let mut records = Vec::with_capacity(stored.len());
        for one in stored {
            let index = one.index;
            let message = Message::of(one, self.around(scope, 0))?;
            if RESEND.contains(&message.record.act.as_str())
                && message.record.target.as_deref() == Some(&self.name)
            {
                let is_done = cursor
                    .standing
                    .again
                    .as_ref()
                    .is_some_and(|it| it.asked == index && it.done);
                if index == from && !is_done {
                    self.send_again(scope, cursor, &message).await?;
                    return Ok(None);
                }
                if index > from {
                    end = index;
                    break;
                }
            }
            records.push(message);
        }
        let is_end = |message: &Message| pagerduty::is_end(&message.record.act);
        if matches!(self.transport, Transport::PagerDuty(_)) && records.iter().any(is_end) {
            // What a record changed was changed with it: as it stands now is at least so.
            self.refresh_directory().await?;
        }
        let counts = repeats::due(&cursor.standing.told, now, self.repeat);
        let mut told = cursor.standing.told.clone();
        let mut messages = Vec::with_capacity(records.len());
        for count in &counts {
            repeats::counted(&mut told, &count.what, now);
        }
        for count in &counts {
            messages.extend(self.message_at(scope, count.last, count.more).await?);
        }
        let counts = if messages.len() == counts.len() {
            counts
        } else {
            self.still_there(scope, counts, cursor, now).await?
        };
        let mut read = Vec::new();
        for mut message in records {
            let Some(is_asked_for) = self.wants(&message) else {
                continue;
            };
            message.is_asked_for = is_asked_for;
            let what = sameness(&message.record);
            read.push((message.index, what.clone()));
            if !repeats::is_repeat(&mut told, (what, message.index), now, self.repeat) {
                messages.push(message);
            }
        }
        Ok(Some(Batch {
            messages,
            counts,
            read,
            end,
        }))
    }

    /// Of counts, those whose last record retention has left; the others are over.
    async fn still_there(
        &self,
        scope: &TenantScope,
        counts: Vec<Told>,
        cursor: &mut Cursor,
        now: UnixMillis,
    ) -> Result<Vec<Told>, StoreError> {
        let kept_from = self.store.audits_kept_from(scope).await?;
        let (kept, gone): (Vec<_>, Vec<_>) = counts.into_iter().partition(|count| count.last >= kept_from);
        for count in gone {
            repeats::counted(&mut cursor.standing.told, &count.what, now);
        }
        Ok(kept)
    }

    fn around(&self, scope: &TenantScope, more: u64) -> Around<'_> {
        Around {
            tenant: self.directory.tenant(scope.tenant()),
            public_url: self.public_url.as_deref(),
            more,
        }
    }

    /// Whether a record is sent: `false` only as the end of what is.
    fn wants(&self, message: &Message) -> Option<bool> {
        let record = &message.record;
        let is_own = record.target.as_deref() == Some(&self.name);
        if TEST.contains(&record.act.as_str()) && is_own {
            return Some(true);
        }
        // Who did not take something is not told that it did not.
        if record.act == DEAD && is_own && self.give_up_after.is_some() {
            return None;
        }
        if self
            .route
            .asks_for(record, message.alert.severity, &self.directory)
        {
            return Some(true);
        }
        let ends = |act: &&str| is_meant(act, &self.route.acts);
        let is_end = matches!(self.transport, Transport::PagerDuty(_))
            && pagerduty::is_end(&record.act)
            && pagerduty::ends(&record.act).iter().any(ends)
            && self.route.is_about(record, &self.directory);
        is_end.then_some(false)
    }

    /// One record, if it is still there.
    pub(super) async fn message_at(
        &self,
        scope: &TenantScope,
        index: u64,
        more: u64,
    ) -> Result<Option<Message>, StoreError> {
        if index < self.store.audits_kept_from(scope).await? {
            return Ok(None);
        }
        let found = self.read(scope, index, index + 1).await?.pop();
        found
            .map(|one| Message::of(one, self.around(scope, more)))
            .transpose()
    }

    /// Records from `from` up to `end`, oldest first. All must be there: a gap is damage.
    async fn read(&self, scope: &TenantScope, from: u64, end: u64) -> Result<Vec<StoredAudit>, StoreError> {
        let query = AuditQuery {
            before: Some(end),
            count: end - from,
            ..AuditQuery::default()
        };
        let mut stored = self.store.audit(scope, &query).await?;
        stored.reverse();
        if !stored.iter().map(|one| one.index).eq(from..end) {
            return Err(StoreError::Damaged(format!(
                "audit records {from} to {end} are not all there"
            )));
        }
        Ok(stored)
    }
}

/// Notes what is the matter, which stays noted until something is taken. Since when it is.
pub(super) fn note(failing: &mut Option<Failing>, trouble: Option<&Trouble>, now: UnixMillis) -> UnixMillis {
    let Some(why) = trouble.and_then(Trouble::why) else {
        return now;
    };
    let since = failing.as_ref().map_or(now, |before| before.since);
    *failing = Some(Failing { since, at: now, why });
    since
}
