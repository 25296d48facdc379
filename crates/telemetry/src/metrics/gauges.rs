//! Values that go up and down, and counters of the work beside requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;

use super::catalogue::{Catalogue, Named};
use super::labels::Listener;

/// What is counted of one witness.
#[derive(Debug, Clone)]
pub struct WitnessMetrics {
    /// Since when the oldest head that it has not taken waits, in Unix seconds; 0 where none does.
    pub waiting_since: Gauge,
    /// When it took a head last, in Unix seconds.
    pub taken_at: Gauge,
    /// Heads it took.
    pub taken: Counter,
    /// Times it took none.
    pub failures: Counter,
    /// Logs that are not what it saw.
    pub disagreements: Gauge,
}

/// What is counted of one sink of audit records.
#[derive(Debug, Clone)]
pub struct SinkMetrics {
    /// Records that wait for it.
    pub pending: Gauge,
    /// Records it took.
    pub delivered: Counter,
    /// Times it did not take one.
    pub failures: Counter,
    /// Records that were given up.
    pub dead: Counter,
}

/// How many of something are under way.
#[derive(Debug, Clone, Default)]
pub struct Level(Gauge);

impl Level {
    /// One more, until the guard is dropped.
    pub fn enter(&self) -> Entered {
        self.0.inc();
        Entered(self.0.clone())
    }

    /// One more, for as long as the caller says.
    pub fn inc(&self) {
        self.0.inc();
    }

    /// One fewer.
    pub fn dec(&self) {
        self.0.dec();
    }

    /// How many there are.
    pub fn get(&self) -> i64 {
        self.0.get()
    }
}

/// One that is under way.
#[derive(Debug)]
pub struct Entered(Gauge);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Handles to single values; each is an atomic.
#[derive(Debug)]
pub struct Gauges {
    /// Bytes in the journal that the store does not have yet.
    pub journal_depth_bytes: Gauge,
    /// Entries shipped into the store.
    pub entries_shipped: Counter,
    /// Attempts to ship that the store did not take.
    pub ship_failures: Counter,
    /// Entries set aside because they could not be read.
    pub entries_quarantined: Counter,
    /// Leases this node holds.
    pub leases_held: Gauge,
    /// What they amount to, in nano-US-dollars.
    pub lease_nanos: Gauge,
    /// Other nodes' leases found expired.
    pub leases_expired: Counter,
    /// Reservations under way.
    pub reservations_open: Gauge,
    /// Calls about which the budget webhook was asked.
    pub budget_webhook_asked: Counter,
    /// Those it refused.
    pub budget_webhook_refused: Counter,
    /// Those about which it did not answer.
    pub budget_webhook_failures: Counter,
    /// Whether it rests after failures.
    pub budget_webhook_resting: Gauge,
    /// Reservations that nobody settled.
    pub reservations_expired: Counter,
    /// Reservations for which there was no place.
    pub reservations_refused: Counter,
    /// Streams under way.
    pub streams_open: Level,
    /// Checkpoints signed.
    pub checkpoints_signed: Counter,
    /// Entries removed because their time is over.
    pub entries_removed: Counter,
    /// How often nothing of a ledger was removed, because of what was found there.
    pub entries_not_removed: Counter,
    /// Credentials that want looking after, over all tenants.
    pub credential_findings: Gauge,
    /// Of them, those that were told for the first time.
    pub credential_findings_new: Counter,
    /// The revision of the configuration in force.
    pub config_revision: Gauge,
    /// Tenants of whom something in the store does not read.
    pub tenants_unreadable: Gauge,
    /// Configurations refused because they were bad.
    pub config_rejected: Counter,
    /// Providers that are not called because the gate has no credential for them.
    pub credentials_withheld: Gauge,
    /// New credentials that a provider did not take when they were tried.
    pub credential_probe_failures: Counter,
    /// Stored credentials that should have been replaced by now.
    pub credentials_due: Gauge,
    /// Calls with keys that are baits.
    pub honey_keys_used: Counter,
    /// What should have been written into audit logs and found no room.
    pub alarms_dropped: Counter,
    /// Marks of budgets that were told.
    pub budget_marks: Counter,
    /// Keys that were suspended because something stood out.
    pub keys_suspended: Counter,
    /// Uses of keys that found no room on their way to where habits are learnt.
    pub key_uses_dropped: Counter,
    /// Exchanges that tenants keep and that were stored.
    pub exchanges_kept: Counter,
    /// Exchanges that tenants keep and that could not be.
    pub exchanges_dropped: Counter,
    /// Log lines dropped because the sink was slower than the log.
    pub log_lines_dropped: Gauge,
    connections: Named<Gauge>,
    policy_differences: Named<Counter>,
    key_signals: Named<Counter>,
    alerts_pending: Named<Gauge>,
    alerts_delivered: Named<Counter>,
    alert_failures: Named<Counter>,
    alerts_dead: Named<Counter>,
    witness_waiting: Named<Gauge>,
    witness_taken_at: Named<Gauge>,
    witness_taken: Named<Counter>,
    witness_failures: Named<Counter>,
    witness_disagreements: Named<Gauge>,
    checkpoint_age: Gauge,
    began: Instant,
    /// Milliseconds after `began`, plus one; 0 for never.
    checkpoint_at: AtomicU64,
}

impl Gauges {
    pub(super) fn register(catalogue: &mut Catalogue, version: &str) -> Self {
        let info = Info::new(vec![("version", version.to_owned())]);
        catalogue.own(
            "info",
            "bartizan_build_info",
            &["version"],
            "The running build.",
            info,
        );
        Self {
            journal_depth_bytes: catalogue.gauge(
                "bartizan_journal_depth_bytes",
                "Bytes in the journal that the store does not have yet.",
            ),
            entries_shipped: catalogue
                .counter("bartizan_journal_entries_shipped_total", "Ledger entries shipped into the store."),
            ship_failures: catalogue
                .counter("bartizan_journal_ship_failures_total", "Attempts to ship that the store did not take."),
            entries_quarantined: catalogue.counter(
                "bartizan_journal_entries_quarantined_total",
                "Entries set aside because they could not be read; each needs a person.",
            ),
            leases_held: catalogue.gauge("bartizan_leases_held", "Leases of budgets this node holds."),
            lease_nanos: catalogue
                .gauge("bartizan_lease_nanos", "What this node's leases amount to, in nano-US-dollars."),
            leases_expired: catalogue.counter(
                "bartizan_leases_expired_total",
                "Leases of any node found expired; their remainders count as spent until the node has replayed.",
            ),
            reservations_open: catalogue.gauge(
                "bartizan_reservations_open",
                "Reservations of this node for calls that are made elsewhere, and that have not ended.",
            ),
            budget_webhook_asked: catalogue.counter(
                "bartizan_budget_webhook_asked_total",
                "Calls that the budget webhook had to decide on, by an answer that is remembered or a new one.",
            ),
            budget_webhook_refused: catalogue.counter(
                "bartizan_budget_webhook_refused_total",
                "Calls that the budget webhook refused.",
            ),
            budget_webhook_failures: catalogue.counter(
                "bartizan_budget_webhook_failures_total",
                "Calls on which the budget webhook gave no answer that makes sense in time, or was not asked because it rests.",
            ),
            budget_webhook_resting: catalogue.gauge(
                "bartizan_budget_webhook_resting",
                "1 while the budget webhook is not asked, or only tried, after failures.",
            ),
            reservations_expired: catalogue.counter(
                "bartizan_reservations_expired_total",
                "Reservations that nobody settled in time: they ended at their bound.",
            ),
            reservations_refused: catalogue.counter(
                "bartizan_reservations_refused_total",
                "Reservations that were refused because their key, their tenant or this node had as many open as it may.",
            ),
            streams_open: Level(catalogue.gauge("bartizan_streams_open", "Streamed answers under way.")),
            checkpoints_signed: catalogue
                .counter("bartizan_ledger_checkpoints_signed_total", "Checkpoints of ledgers and audit logs signed."),
            entries_removed: catalogue.counter(
                "bartizan_ledger_entries_removed_total",
                "Entries removed because their time is over.",
            ),
            entries_not_removed: catalogue.counter(
                "bartizan_ledger_removals_refused_total",
                "Ledgers of which nothing was removed because hashes, roll-ups or the store were not as they should be: see the log.",
            ),
            credential_findings: catalogue.gauge(
                "bartizan_credential_findings",
                "Credentials of all tenants that want looking after, as of this node's last sweep.",
            ),
            credential_findings_new: catalogue.counter(
                "bartizan_credential_findings_new_total",
                "Credentials that were found wanting for the first time, and recorded.",
            ),
            config_revision: catalogue
                .gauge("bartizan_config_revision", "The revision of the configuration in force."),
            tenants_unreadable: catalogue.gauge(
                "bartizan_tenants_unreadable",
                "Tenants whose guards, consents or price sheet in the store do not read: their calls are refused.",
            ),
            config_rejected: catalogue.counter(
                "bartizan_config_rejected_total",
                "Configurations that were refused; the one in force stayed.",
            ),
            credentials_withheld: catalogue.gauge(
                "bartizan_credentials_withheld",
                "Providers that are not called because the gate has no credential for them now.",
            ),
            credential_probe_failures: catalogue.counter(
                "bartizan_credential_probe_failures_total",
                "New credentials that a provider did not take when they were tried; the old ones stayed.",
            ),
            credentials_due: catalogue.gauge(
                "bartizan_credentials_due",
                "Stored credentials that are in force for longer than they should be.",
            ),
            honey_keys_used: catalogue
                .counter("bartizan_honey_key_uses_total", "Calls with honey keys; each of them was stolen."),
            alarms_dropped: catalogue.counter(
                "bartizan_alarms_dropped_total",
                "Alarms of the data plane that found no room on their way into an audit log.",
            ),
            budget_marks: catalogue.counter(
                "bartizan_budget_marks_total",
                "Marks of budgets that were reached and that this node has told of: see the audit log.",
            ),
            keys_suspended: catalogue.counter(
                "bartizan_keys_suspended_total",
                "Keys that this node suspended because something stood out in their use.",
            ),
            exchanges_kept: catalogue.counter(
                "bartizan_exchanges_kept_total",
                "Exchanges that tenants keep and that were stored.",
            ),
            exchanges_dropped: catalogue.counter(
                "bartizan_exchanges_dropped_total",
                "Exchanges that tenants keep and that were not stored: no room, no store, or no key. The ledger shows which.",
            ),
            key_uses_dropped: catalogue.counter(
                "bartizan_key_uses_dropped_total",
                "Uses of keys that are not learnt: there was no room for them, or the store was away.",
            ),
            log_lines_dropped: catalogue
                .gauge("bartizan_log_lines_dropped", "Log lines dropped because the sink was too slow."),
            connections: catalogue.gauges(
                &["listener"],
                "bartizan_connections_open",
                "Connections open.",
            ),
            policy_differences: catalogue.counters(
                &["plane"],
                "bartizan_policy_shadow_differences_total",
                "Questions that policies which are tried out would have answered otherwise than those in force.",
            ),
            key_signals: catalogue.counters(
                &["signal"],
                "bartizan_key_signals_total",
                "Uses of keys that stood out against how they are usually used.",
            ),
            alerts_pending: catalogue.gauges(
                &["sink"],
                "bartizan_alerts_pending_records",
                "Audit records that wait for a sink, as of this node's last look.",
            ),
            alerts_delivered: catalogue.counters(
                &["sink"],
                "bartizan_alerts_delivered_total",
                "Audit records that a sink took from this node.",
            ),
            alert_failures: catalogue.counters(
                &["sink"],
                "bartizan_alerts_failures_total",
                "Times a sink did not take what this node pushed; it is pushed again.",
            ),
            alerts_dead: catalogue.counters(
                &["sink"],
                "bartizan_alerts_dead_total",
                "Audit records that this node gave up pushing to a sink; each is kept as a dead letter.",
            ),
            witness_waiting: catalogue.gauges(
                &["witness"],
                "bartizan_witness_waiting_since_seconds",
                "Since when the oldest signed head that a witness has not taken waits, Unix time; 0 if none does. As of this node's last look.",
            ),
            witness_taken_at: catalogue.gauges(
                &["witness"],
                "bartizan_witness_taken_at_seconds",
                "When the newest head that a witness took was signed, Unix time, as of this node's last look.",
            ),
            witness_taken: catalogue.counters(
                &["witness"],
                "bartizan_witness_heads_total",
                "Signed heads that a witness took from this node.",
            ),
            witness_failures: catalogue.counters(
                &["witness"],
                "bartizan_witness_failures_total",
                "Times a witness did not take a head from this node, for whatever reason.",
            ),
            witness_disagreements: catalogue.gauges(
                &["witness"],
                "bartizan_witness_disagreements",
                "Logs that are not what a witness saw: set back, or forked. Anything but 0 is an incident.",
            ),
            checkpoint_age: catalogue.gauge(
                "bartizan_ledger_checkpoint_age_seconds",
                "Seconds since ledgers were last looked through for checkpoints to sign; since the start if never.",
            ),
            began: Instant::now(),
            checkpoint_at: AtomicU64::new(0),
        }
    }

    /// What is counted of policies that are tried out, for `calls` or `control`.
    pub fn policy_differences(&self, plane: &'static str) -> Counter {
        self.policy_differences.of(plane)
    }

    /// Uses of keys that stood out in this.
    pub fn key_signals(&self, signal: &'static str) -> Counter {
        self.key_signals.of(signal)
    }

    /// What is counted of a sink that the configuration names.
    pub fn sink(&self, name: &str) -> SinkMetrics {
        SinkMetrics {
            pending: self.alerts_pending.of(name),
            delivered: self.alerts_delivered.of(name),
            failures: self.alert_failures.of(name),
            dead: self.alerts_dead.of(name),
        }
    }

    /// What is counted of a witness that the configuration names.
    pub fn witness(&self, name: &str) -> WitnessMetrics {
        WitnessMetrics {
            waiting_since: self.witness_waiting.of(name),
            taken_at: self.witness_taken_at.of(name),
            taken: self.witness_taken.of(name),
            failures: self.witness_failures.of(name),
            disagreements: self.witness_disagreements.of(name),
        }
    }

    /// Connections open on a listener; keep the handle.
    pub fn connections(&self, listener: Listener) -> Level {
        Level(self.connections.of(listener.as_str()))
    }

    /// Ledgers have just been looked through for checkpoints to sign.
    pub fn checkpointed(&self) {
        self.checkpoint_at
            .store(self.elapsed_ms().saturating_add(1), Ordering::Relaxed);
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Brings what depends on the time up to date.
    pub(super) fn refresh(&self) {
        let at = self.checkpoint_at.load(Ordering::Relaxed).saturating_sub(1);
        let age_ms = self.elapsed_ms().saturating_sub(at);
        self.checkpoint_age
            .set(i64::try_from(age_ms / 1000).unwrap_or(i64::MAX));
    }
}
