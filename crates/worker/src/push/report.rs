//! The reporter: delivers a report of every time that is over, tenant by tenant and time by time, under names that are the
//! same however often it does. How far it has come is kept in the store: replicas take turns, a restart goes on where it
//! was, and what was missed is caught up with. What cannot be delivered is given up after a while, kept and told.

mod goal;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{AuditId, NodeId, TenantId, TenantScope, UnixMillis};
use exports::{Every, Time, digest_of, rfc3339};
use jiff::tz::TimeZone;
use ledger::{AuditActor, AuditRecord};
use serde_json::json;
use store::exported::{Delivered, Exported, kept_as};
use store::{Change, RecordKind, Store, StoreError, Tenant, TenantState};
use telemetry::metrics::SinkMetrics;
use tokio::sync::watch;

use super::Trouble;
use super::batch::note;
use super::cursor::{self, Claim, Cursor};
use super::letter::Letter;
use super::rounds::{self, Rounds};
use goal::Way;
pub(crate) use goal::s3_keys;
pub use goal::{Goal, InBucket};

/// The shortest pause where another replica's turn is about to end.
const LOOK_MIN: Duration = Duration::from_millis(50);
/// The longest pause: each time a report is made anew.
const PAUSE_MAX: Duration = Duration::from_secs(900);
/// Who delivers, and the acts.
const TASK: &str = "exports";
const DELIVERED: &str = "exports.deliver";
const FAILED: &str = "exports.failed";

/// Times of which reports are due.
#[derive(Debug, Clone)]
pub struct Due {
    /// How long each is.
    pub every: Every,
    /// Where days begin.
    pub zone: TimeZone,
    /// With which it begins; with the one in which it is first seen when left out.
    pub since: Option<UnixMillis>,
    /// How long after its end one is left to what is still on its way into the ledger.
    pub settle: Duration,
}

/// What is delivered, when, and where to.
#[derive(Debug)]
pub struct ReportOptions {
    /// Its name, under which it is kept how far it has come.
    pub name: String,
    /// What it is called where it arrives: the folder's name.
    pub folder: String,
    /// What the destination is called.
    pub to: String,
    /// Where that is.
    pub goal: Goal,
    /// Names or ids of tenants; all when there are none.
    pub tenants: Vec<String>,
    /// When.
    pub due: Due,
    /// How often it is looked.
    pub every: Duration,
    /// For how long one replica has its turn; renewed as long as it makes and delivers, over soon when it is no more.
    pub turn: Duration,
    /// After how long one that cannot be delivered is given up.
    pub give_up_after: Duration,
}

/// A report.
#[derive(Debug, Clone)]
pub struct Made {
    /// What its name ends with.
    pub extension: String,
    /// Its media type.
    pub media_type: &'static str,
    /// The file.
    pub file: Bytes,
    /// What it says of itself.
    pub manifest: String,
    /// The same for people, where it is for people.
    pub letter: Option<Letter>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else; it is tried again.
    #[error("{0}")]
    Not(String),
}

/// Makes reports. The same of the same ledger, names and prices.
#[async_trait]
pub trait Maker: Send + Sync + std::fmt::Debug {
    /// The report of this time.
    async fn make(&self, scope: &TenantScope, time: &Time) -> Result<Made, MakeError>;
}

/// Delivers one schedule's reports.
#[derive(Debug)]
pub struct Reporter {
    store: Arc<dyn Store>,
    node: NodeId,
    name: String,
    folder: String,
    /// What the standing is kept under: no sink can have the name.
    kept_as: String,
    to: String,
    way: Way,
    tenants: Vec<String>,
    due: Due,
    every: Duration,
    turn: Duration,
    /// When the turn of another replica is over that has what is due.
    others_until: Option<UnixMillis>,
    give_up_after: Duration,
    maker: Arc<dyn Maker>,
    metrics: SinkMetrics,
    revision: Option<u64>,
    active: Vec<TenantId>,
    /// The beginning of the first time of each tenant that was not dealt with, as far as this node knows.
    nexts: HashMap<TenantId, UnixMillis>,
}

impl Due {
    /// The first time from `next` on, if it is over and settled.
    fn first(&self, next: UnixMillis, now: UnixMillis) -> Option<Time> {
        let time = self.every.with(next, &self.zone)?;
        (now.since(time.until) >= self.settle && now >= time.until).then_some(time)
    }

    /// The last time that is over and settled.
    pub fn last(&self, now: UnixMillis) -> Option<Time> {
        let settle = i64::try_from(self.settle.as_millis()).unwrap_or(i64::MAX);
        self.every
            .over_at(UnixMillis(now.0.saturating_sub(settle)), &self.zone)
    }

    /// The time that has this moment, if it is over and settled.
    pub fn with(&self, at: UnixMillis, now: UnixMillis) -> Option<Time> {
        self.first(at, now)
    }

    /// Where it begins for whoever has not had any.
    fn begins(&self, now: UnixMillis) -> Option<UnixMillis> {
        let at = self.since.unwrap_or(now);
        Some(self.every.with(at, &self.zone)?.from)
    }

    /// How many times are over from `next` on; not counted beyond a hundred.
    fn waiting(&self, mut next: UnixMillis, now: UnixMillis) -> u64 {
        let mut many = 0;
        while let Some(time) = self.first(next, now).filter(|_| many < 100) {
            (many, next) = (many + 1, time.until);
        }
        many
    }
}

impl Reporter {
    /// One for this schedule. The error says what is wrong with the destination's address.
    pub fn new(
        (store, node): (Arc<dyn Store>, NodeId),
        options: ReportOptions,
        (maker, metrics): (Arc<dyn Maker>, SinkMetrics),
    ) -> Result<Self, String> {
        Ok(Self {
            store,
            node,
            kept_as: kept_as(&options.name),
            name: options.name,
            folder: options.folder,
            to: options.to,
            way: Way::new(options.goal)?,
            tenants: options.tenants,
            due: options.due,
            every: options.every,
            turn: options.turn,
            others_until: None,
            give_up_after: options.give_up_after,
            maker,
            metrics,
            revision: None,
            active: Vec::new(),
            nexts: HashMap::new(),
        })
    }

    /// Delivers until told to stop. What was under way then is delivered again, under the same name.
    // threat: AGP-R2
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        rounds::run(self, shutdown).await;
    }

    /// Delivers the report of one time now, on behalf of somebody, whether it was before or not.
    pub async fn deliver_now(
        &self,
        tenant: TenantId,
        time: &Time,
        actor: AuditActor,
    ) -> Result<Exported, String> {
        let scope = TenantScope::operator(tenant);
        let said = |trouble: Trouble| match trouble {
            Trouble::Store(error) => error.to_string(),
            other => other.why().unwrap_or_default(),
        };
        let file = self.deliver(&scope, time).await.map_err(said)?;
        let now = UnixMillis::now();
        let exported = self.exported(time, now, Ok(file));
        let (change, act) = self
            .kept(&scope, &exported, actor)
            .await
            .map_err(|e| e.to_string())?;
        let kept = self.store.commit(&scope, &[change], Some(&act.into())).await;
        kept.map(|()| exported).map_err(|error| error.to_string())
    }

    async fn refresh(&mut self) -> Result<(), StoreError> {
        let revision = self.store.revision().await?;
        if self.revision != Some(revision) {
            let dump = self.store.load().await?;
            let is_meant = |tenant: &&Tenant| {
                let is_named = |name: &String| *name == tenant.name || *name == tenant.id.to_string();
                // What a tenant that ends still wants, it takes out before.
                matches!(tenant.state, TenantState::Active | TenantState::Suspended)
                    && (self.tenants.is_empty() || self.tenants.iter().any(is_named))
            };
            self.active = dump
                .tenants
                .iter()
                .filter(is_meant)
                .map(|tenant| tenant.id)
                .collect();
            if self.tenants.iter().any(|name| name == "platform") {
                self.active.push(TenantId::PLATFORM);
            }
            self.nexts.retain(|tenant, _| self.active.contains(tenant));
            self.revision = Some(dump.revision);
        }
        Ok(())
    }

    /// Where a tenant stands; where it begins is kept when it is first seen, or a time could be missed while nobody runs.
    async fn next(&mut self, scope: &TenantScope, now: UnixMillis) -> Result<Option<UnixMillis>, StoreError> {
        if let Some(next) = self.nexts.get(&scope.tenant()) {
            return Ok(Some(*next));
        }
        let store = self.store.as_ref();
        let next = match cursor::standing(store, scope, &self.kept_as)
            .await?
            .map(|it| it.next)
        {
            Some(next @ 1..) => Some(at(next)),
            _ => {
                let us = (self.kept_as.as_str(), self.node);
                let Some(begins) = self.due.begins(now) else {
                    return Ok(None);
                };
                match Cursor::claim(store, scope, us, now).await? {
                    Claim::Held(mut cursor) => {
                        cursor.standing.next = index(begins);
                        cursor.keep(store, scope, (Vec::new(), &[])).await?;
                        Some(begins)
                    }
                    Claim::Elsewhere(_) => None,
                }
            }
        };
        if let Some(next) = next {
            self.nexts.insert(scope.tenant(), next);
        }
        Ok(next)
    }

    /// The next report of one tenant, if one is due and no other replica is at it. Whether there may be more.
    async fn push(&mut self, tenant: TenantId) -> Result<bool, Trouble> {
        let (scope, now) = (TenantScope::operator(tenant), UnixMillis::now());
        let next = self.next(&scope, now).await?;
        if next.and_then(|next| self.due.first(next, now)).is_none() {
            return Ok(false);
        }
        let store = self.store.clone();
        let us = (self.kept_as.as_str(), self.node);
        let mut cursor = match Cursor::claim_for(store.as_ref(), &scope, us, (now, self.turn)).await? {
            Claim::Held(cursor) => cursor,
            Claim::Elsewhere(standing) => {
                if let Some(standing) = standing {
                    let until = self
                        .others_until
                        .map_or(standing.until, |it| it.min(standing.until));
                    self.others_until = Some(until);
                    self.nexts.insert(tenant, at(standing.next));
                }
                return Ok(false);
            }
        };
        let Some(time) = self.due.first(at(cursor.standing.next), now) else {
            self.nexts.insert(tenant, at(cursor.standing.next));
            return Ok(false);
        };
        let work = self.deliver(&scope, &time);
        let done = cursor.holding(store.as_ref(), (&scope, self.turn), work).await?;
        let now = UnixMillis::now();
        let (outcome, trouble) = match done {
            Ok(file) => {
                (cursor.standing.taken, cursor.standing.failing) = (Some(now), None);
                (Ok(file), None)
            }
            Err(trouble) => {
                let since = note(&mut cursor.standing.failing, Some(&trouble), now);
                match trouble.why().filter(|_| now.since(since) >= self.give_up_after) {
                    Some(why) => (Err(why), Some(trouble)),
                    None => {
                        cursor.keep(store.as_ref(), &scope, (Vec::new(), &[])).await?;
                        return Err(trouble);
                    }
                }
            }
        };
        if outcome.is_err() {
            cursor.standing.failing = None;
        }
        self.dealt_with(&scope, cursor, (&time, now, outcome)).await?;
        trouble.map_or(Ok(true), Err)
    }

    /// Writes down what became of a time, and that the next one is next, in one step.
    // threat: AGP-R3
    async fn dealt_with(
        &mut self,
        scope: &TenantScope,
        mut cursor: Cursor,
        (time, now, outcome): (&Time, UnixMillis, Result<Delivered, String>),
    ) -> Result<(), StoreError> {
        let is_delivered = outcome.is_ok();
        let exported = self.exported(time, now, outcome);
        let actor = AuditActor::Gate(TASK.to_owned());
        let (change, act) = self.kept(scope, &exported, actor).await?;
        (cursor.standing.next, cursor.standing.until) = (index(time.until), now);
        cursor
            .keep(self.store.as_ref(), scope, (vec![change], &[act.into()]))
            .await?;
        self.nexts.insert(scope.tenant(), time.until);
        match is_delivered {
            true => drop(self.metrics.delivered.inc()),
            false => {
                self.metrics.dead.inc();
                let (schedule, tenant) = (self.name.as_str(), scope.tenant());
                let why = exported.why.unwrap_or_default();
                tracing::error!(schedule, %tenant, time = time.name, why, "a report could not be delivered and is given up");
            }
        }
        Ok(())
    }

    async fn deliver(&self, scope: &TenantScope, time: &Time) -> Result<Delivered, Trouble> {
        let made = self.maker.make(scope, time).await.map_err(|error| match error {
            MakeError::Store(error) => Trouble::Store(error),
            MakeError::Not(why) => Trouble::refused(why, false),
        })?;
        let unread = |error: std::io::Error| Trouble::refused(error.to_string(), false);
        let (sha256, bytes) = digest_of(&made.file[..]).map_err(unread)?;
        let (manifest_sha256, _) = digest_of(made.manifest.as_bytes()).map_err(unread)?;
        let name = format!(
            "{}/{}/{}.{}",
            scope.tenant(),
            self.folder,
            time.name,
            made.extension
        );
        let file = Delivered {
            name,
            bytes,
            sha256,
            manifest_sha256,
        };
        let place = (self.folder.as_str(), scope.tenant(), time);
        self.way.put(place, &file, &made).await?;
        Ok(file)
    }

    fn exported(&self, time: &Time, now: UnixMillis, outcome: Result<Delivered, String>) -> Exported {
        let (file, why) = match outcome {
            Ok(file) => (Some(file), None),
            Err(why) => (None, Some(why)),
        };
        Exported {
            schedule: self.name.clone(),
            name: time.name.clone(),
            from: time.from,
            until: time.until,
            at: now,
            to: self.to.clone(),
            file,
            why,
        }
    }

    /// The document of what was delivered or given up, in place of one there may be, and the record of it.
    async fn kept(
        &self,
        scope: &TenantScope,
        exported: &Exported,
        actor: AuditActor,
    ) -> Result<(Change, AuditRecord), StoreError> {
        let id = Exported::id(&exported.schedule, exported.from);
        let change = match self.store.record(scope, RecordKind::Exported, &id).await {
            Ok(before) => Change::Replace {
                after: exported.to_record(before.created)?,
                before,
            },
            Err(StoreError::NotFound) => Change::Create(exported.to_record(exported.at)?),
            Err(error) => return Err(error),
        };
        let act = if exported.file.is_some() {
            DELIVERED
        } else {
            FAILED
        };
        let ids = (AuditId::generate(), scope.tenant());
        let record = AuditRecord {
            target: Some(exported.schedule.clone()),
            after: Some(said(exported)),
            ..AuditRecord::done(ids, exported.at, actor, act)
        };
        Ok((change, record))
    }
}

impl Rounds for Reporter {
    fn rests(&self) -> (Duration, Duration) {
        // Whoever had a turn may be no more: it is looked as soon as that is over.
        let left = self.others_until.map(|until| until.since(UnixMillis::now()));
        let every = left.map_or(self.every, |left| self.every.min(left.max(LOOK_MIN)));
        (every, PAUSE_MAX)
    }

    fn metrics(&self) -> &SinkMetrics {
        &self.metrics
    }

    fn pending(&self) -> u64 {
        let now = UnixMillis::now();
        self.nexts.values().map(|next| self.due.waiting(*next, now)).sum()
    }

    fn tell(&self, trouble: &Trouble, pending: u64) {
        self.metrics.failures.inc();
        tracing::warn!(
            schedule = self.name,
            to = self.to,
            why = trouble.why().unwrap_or_else(|| format!("{trouble:?}")),
            pending,
            "a report cannot be delivered: it waits and is tried again"
        );
    }

    /// One report of every tenant. Whether there may be more to deliver at once. One tenant's trouble keeps no other from
    /// its own, unless nobody is there to take any.
    async fn round(&mut self) -> Result<bool, Trouble> {
        self.refresh().await?;
        self.others_until = None;
        let (mut more, mut trouble) = (false, None);
        for tenant in self.active.clone() {
            match self.push(tenant).await {
                Ok(rest) => more |= rest,
                Err(other @ Trouble::Refused { .. }) => trouble = Some(other),
                // Another replica, or somebody at the command line, was at the same: as it stands now is seen next time.
                Err(Trouble::Store(StoreError::Conflict(_))) => drop(self.nexts.remove(&tenant)),
                Err(other) => return Err(other),
            }
        }
        trouble.map_or(Ok(more), Err)
    }
}

fn said(exported: &Exported) -> serde_json::Value {
    let mut said = json!({
        "name": format!("{} of {}", exported.schedule, exported.name),
        "from": rfc3339(exported.from),
        "until": rfc3339(exported.until),
        "to": exported.to,
    });
    if let Some(fields) = said.as_object_mut() {
        let mut add = |name: &str, value: serde_json::Value| drop(fields.insert(name.to_owned(), value));
        if let Some(why) = &exported.why {
            add("why", json!(why));
        }
        if let Some(file) = &exported.file {
            add("file", json!(file.name));
            add("bytes", json!(file.bytes));
            add("sha256", json!(file.sha256));
            add("manifest_sha256", json!(file.manifest_sha256));
        }
    }
    said
}

fn index(at: UnixMillis) -> u64 {
    u64::try_from(at.0).unwrap_or(1).max(1)
}

fn at(index: u64) -> UnixMillis {
    UnixMillis(i64::try_from(index).unwrap_or(i64::MAX))
}
