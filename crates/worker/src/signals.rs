//! The watcher: learns how keys are used, beside the calls, and tells what stands out. Where that is wished, it
//! suspends the key. It answers no call and keeps none waiting; what it cannot take is counted.

mod known;
mod suspend;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{AuditId, KeyId, TenantId, Threat};
use habit::{Mode, Rules, Sign, Signal, Use};
use ledger::{AuditActor, AuditRecord};
use serde_json::{Value, json};
use store::{Store, StoreError};
use telemetry::Metrics;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use crate::pace::stopped;

use self::known::{Known, Told};

/// Uses that wait to be learnt.
pub const USES_MAX: usize = 8_192;
/// Uses taken at once.
const BATCH: usize = 256;
/// For how long the watcher rests when it has taken all there was. Who hands over a use meanwhile wakes nobody, which
/// would cost a call more than the learning does.
const REST: Duration = Duration::from_millis(20);
/// Keys whose habits are in memory.
const KEYS_MAX: usize = 10_000;
/// Habits that go to the store in one transaction.
const KEPT_AT_ONCE: usize = 50;
/// After so long without a use a habit is no longer held in memory.
const IDLE: Duration = Duration::from_secs(600);
/// For how long a store that does not answer is left alone.
const AWAY: Duration = Duration::from_secs(2);
/// The act that is recorded.
const ACT: &str = "keys.anomaly";
/// Who acts.
const TASK: &str = "signals";

/// Where what stands out goes, and what counts.
#[derive(Debug)]
pub struct Outlets {
    /// To whoever writes audit records: a queue that is not waited for.
    pub alarms: mpsc::Sender<AuditRecord>,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

/// Learns and tells.
#[derive(Debug)]
pub struct Watcher {
    store: Arc<dyn Store>,
    outlets: Outlets,
    rules: watch::Receiver<Arc<Rules>>,
    every: Duration,
    keys: HashMap<KeyId, Known>,
    /// Keys that are to be suspended, and why.
    due: BTreeMap<KeyId, (TenantId, Signal)>,
    away_until: Option<Instant>,
}

impl Watcher {
    /// One that keeps what it learns in this store, so often.
    pub fn new(
        store: Arc<dyn Store>,
        outlets: Outlets,
        rules: watch::Receiver<Arc<Rules>>,
        every: Duration,
    ) -> Self {
        Self {
            store,
            outlets,
            rules,
            every,
            keys: HashMap::new(),
            due: BTreeMap::new(),
            away_until: None,
        }
    }

    /// Learns until told to stop, and then what has come by then.
    pub async fn run(mut self, mut uses: mpsc::Receiver<Use>, mut shutdown: watch::Receiver<bool>) {
        let mut often = tokio::time::interval(self.every);
        often.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                count = uses.recv_many(&mut batch, BATCH) => if count == 0 { break },
                _ = often.tick() => self.keep_all().await,
                () = stopped(&mut shutdown) => break,
            }
            let rests = !batch.is_empty() && batch.len() < BATCH;
            let rules = self.rules.borrow().clone();
            for used in batch.drain(..) {
                self.take(used, &rules).await;
            }
            if rests {
                tokio::select! {
                    () = tokio::time::sleep(REST) => {}
                    () = stopped(&mut shutdown) => break,
                }
            }
        }
        let rules = self.rules.borrow().clone();
        while let Ok(used) = uses.try_recv() {
            self.take(used, &rules).await;
        }
        self.keep_all().await;
    }

    /// Learns one use. What stands out here decides nothing before it stood out against what all replicas know.
    // threat: AGP-S1
    // threat: ANP-0001
    async fn take(&mut self, used: Use, rules: &Rules) {
        let known = match self.keys.get_mut(&used.key) {
            Some(known) => known,
            None => {
                self.load(&used).await;
                let Some(known) = self.keys.get_mut(&used.key) else {
                    self.outlets.metrics.gauges().key_uses_dropped.inc();
                    return;
                };
                known
            }
        };
        let mut told = known.observe(used, rules);
        if told.is_empty() && !known.is_full() {
            return;
        }
        if !is_away(self.away_until) {
            match known.keep(self.store.as_ref(), rules).await {
                Ok(None) => {}
                Ok(Some(again)) => told = again,
                Err(error) => self.failed(&error),
            }
        }
        self.tell(&told, rules);
        self.suspend_due().await;
    }

    /// Brings a habit into memory, if it can be had and there is room.
    // threat: AGP-D2
    async fn load(&mut self, used: &Use) {
        if is_away(self.away_until) {
            return;
        }
        if self.keys.len() >= KEYS_MAX {
            self.keys.retain(|_, known| known.is_dirty());
        }
        if self.keys.len() >= KEYS_MAX {
            return;
        }
        match Known::load(self.store.as_ref(), used).await {
            Ok(known) => {
                self.keys.insert(used.key, known);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &StoreError) {
        tracing::warn!(%error, "how keys are used cannot be kept now: less is learnt until it can");
        self.away_until = Some(Instant::now() + AWAY);
    }

    /// Keeps what was learnt, forgets who was not heard of, and suspends who is still to be suspended.
    async fn keep_all(&mut self) {
        let mut dirty: BTreeMap<TenantId, Vec<KeyId>> = BTreeMap::new();
        for (id, known) in self.keys.iter().filter(|(_, known)| known.is_dirty()) {
            dirty.entry(known.tenant()).or_default().push(*id);
        }
        for (tenant, ids) in dirty {
            for some in ids.chunks(KEPT_AT_ONCE) {
                if !is_away(self.away_until) {
                    self.keep_some(tenant, some).await;
                }
            }
        }
        self.keys
            .retain(|_, known| known.is_dirty() || known.lately() < IDLE);
        self.suspend_due().await;
    }

    /// All in one transaction; one by one where another replica had learnt something of one of them.
    async fn keep_some(&mut self, tenant: TenantId, ids: &[KeyId]) {
        match known::keep_together(self.store.as_ref(), tenant, &mut self.keys, ids).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => return self.failed(&error),
        }
        let rules = self.rules.borrow().clone();
        let mut told = Vec::new();
        for id in ids {
            let Some(known) = self.keys.get_mut(id) else {
                continue;
            };
            match known.keep(self.store.as_ref(), &rules).await {
                Ok(again) => told.extend(again.unwrap_or_default()),
                Err(error) => self.failed(&error),
            }
        }
        self.tell(&told, &rules);
    }

    /// Counts it, hands it to whoever writes audit records, and remembers whom to suspend.
    // threat: AGP-R3
    fn tell(&mut self, told: &[Told], rules: &Rules) {
        for Told { used, sign } in told {
            let signal = sign.signal();
            let gauges = self.outlets.metrics.gauges();
            gauges.key_signals(signal.as_str()).inc();
            if self.outlets.alarms.try_send(record(used, sign, rules)).is_err() {
                gauges.alarms_dropped.inc();
            }
            if rules.mode(signal) == Mode::Suspend {
                self.due.entry(used.key).or_insert((used.tenant, signal));
            }
        }
    }

    /// Whoever cannot be suspended now is tried again.
    // threat: ANP-0001
    async fn suspend_due(&mut self) {
        for (key, (tenant, signal)) in std::mem::take(&mut self.due) {
            match suspend::suspend(self.store.as_ref(), (tenant, key), signal).await {
                Ok(false) => {}
                Ok(true) => {
                    self.outlets.metrics.gauges().keys_suspended.inc();
                    tracing::warn!(%tenant, %key, signal = signal.as_str(), "a key was suspended");
                }
                Err(error) => {
                    tracing::error!(%tenant, %key, %error, "a key could not be suspended yet");
                    self.due.insert(key, (tenant, signal));
                }
            }
        }
    }
}

/// Whether the store is left alone.
fn is_away(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() < until)
}

/// What is written down: who, what stood out, and what was usual.
fn record(used: &Use, sign: &Sign, rules: &Rules) -> AuditRecord {
    let actor = AuditActor::Gate(TASK.to_owned());
    AuditRecord {
        address: used.address,
        target: Some(used.key.to_string()),
        threat: Some(Threat::AgpS1),
        after: Some(seen(sign, rules)),
        ..AuditRecord::done((AuditId::generate(), used.tenant), used.at, actor, ACT)
    }
}

fn seen(sign: &Sign, rules: &Rules) -> Value {
    let signal = sign.signal();
    let leads_to = match rules.mode(signal) {
        Mode::Suspend => "suspend",
        Mode::Observe | Mode::Off => "observe",
    };
    let mut seen = match sign {
        Sign::NewNetwork(network) => json!({"network": network}),
        Sign::UnusualHour(hour) => json!({"utc_hour": hour}),
        Sign::NewModel(model) => json!({"model": &**model}),
        Sign::Volume {
            calls,
            usual_calls,
            tokens,
            usual_tokens,
        } => json!({
            "window_ms": rules.window_ms,
            "calls": calls, "usual_calls": usual_calls,
            "tokens": tokens, "usual_tokens": usual_tokens,
        }),
    };
    if let Some(fields) = seen.as_object_mut() {
        fields.insert("signal".to_owned(), signal.as_str().into());
        fields.insert("leads_to".to_owned(), leads_to.into());
    }
    seen
}
