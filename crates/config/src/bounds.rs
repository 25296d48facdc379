//! The range of every number in the file.

use std::fmt::Display;
use std::ops::RangeInclusive;

use domain::ByClass;

use crate::Problem;
use crate::section::{Config, Journal, MaxByClass, RoutingBreaker, Server, Signals, Store, Vault};
use crate::validate::name;

/// A day: no time in the file is longer, but that in which a habit is learnt.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// Nobody keeps what was done for less.
const KEEP_DAYS_MIN: u64 = 30;
/// The longest that a tenant keeps exchanges.
const HISTORY_DAYS_MAX: u64 = 3_653;
/// The fewest days that entries are kept: a month goes as a whole, and only once it has been over for another.
const ENTRIES_KEEP_DAYS_MIN: u64 = 31;

impl Config {
    // threat: AGP-D2
    pub(crate) fn bounds(&self, problems: &mut Vec<Problem>) {
        server(&self.server, &mut Section("server", problems));
        if let Some(found) = &self.secrets.vault {
            vault(found, &mut Section("secrets.vault", problems));
        }
        store(&self.store, &mut Section("store", problems));
        journal(&self.journal, &mut Section("journal", problems));
        signals(&self.signals, &mut Section("signals", problems));
        breaker(&self.routing.breaker, &mut Section("routing.breaker", problems));
        name(problems, "ledger.origin", &self.ledger.origin);

        let mut signatures = Section("signatures", problems);
        signatures.check("age_max_ms", self.signatures.age_max_ms, 1_000..=300_000);
        signatures.check("skew_max_ms", self.signatures.skew_max_ms, 0..=60_000);
        let mut limits = Section("limits", problems);
        limits.check(
            "output_tokens_default",
            self.limits.output_tokens_default,
            1..=10_000_000,
        );
        let mut approvals = Section("approvals", problems);
        approvals.check("lasts_ms", self.approvals.lasts_ms, 60_000..=DAY_MS);
        let mut cache = Section("cache", problems);
        cache.check("ttl_ms", self.cache.ttl_ms, 1..=DAY_MS);
        cache.check("bytes_max", self.cache.bytes_max, 1 << 16..=1 << 40);
        let own = &mut Section("cache.ttl_ms_max", problems);
        by_class(self.cache.ttl_ms_max, &(0..=DAY_MS), own);
        let own = &mut Section("history.days_max", problems);
        by_class(self.history.days_max, &(0..=HISTORY_DAYS_MAX), own);
        let mut guards = Section("guards", problems);
        guards.check("deadline_ms", self.guards.deadline_ms, 1..=60_000);
        let mut budgets = Section("budgets", problems);
        budgets.check("lease_ttl_ms", self.budgets.lease_ttl_ms, 1_000..=DAY_MS);
        budgets.check("wait_ms", self.budgets.wait_ms, 0..=10_000);
        let mut reservations = Section("budgets.reservations", problems);
        let own = &self.budgets.reservations;
        reservations.check("lasts_ms", own.lasts_ms, 1_000..=DAY_MS);
        reservations.check("per_key_max", own.per_key_max, 1..=16_384);
        reservations.check("per_tenant_max", own.per_tenant_max, 1..=16_384);
        let mut ledger = Section("ledger", problems);
        ledger.check(
            "checkpoint_every_ms",
            self.ledger.checkpoint_every_ms,
            1_000..=DAY_MS,
        );
        ledger.check("sweep_every_ms", self.ledger.sweep_every_ms, 1_000..=DAY_MS);
        if let Some(days) = self.ledger.keep_days {
            ledger.check("keep_days", days, ENTRIES_KEEP_DAYS_MIN..=36_500);
        }
        let mut credentials = Section("credentials", problems);
        let own = &self.credentials;
        credentials.check("sweep_every_ms", own.sweep_every_ms, 1_000..=DAY_MS);
        credentials.check("expiry_warning_days", own.expiry_warning_days, 1..=3_650);
        credentials.check("unused_days", own.unused_days, 1..=3_650);
        credentials.check("idle_days", own.idle_days, 1..=3_650);
        let mut audit = Section("audit", problems);
        audit.check("sweep_every_ms", self.audit.sweep_every_ms, 1_000..=DAY_MS);
        if let Some(days) = self.audit.keep_days {
            // Who has not acted for `idle_days` is known from these records.
            let least = own.idle_days.clamp(KEEP_DAYS_MIN, 3_650);
            audit.check("keep_days", days, least..=36_500);
        }
        let mut routing = Section("routing", problems);
        routing.check("attempts_max", self.routing.attempts_max, 1..=20);
        routing.check("retry_percent_max", self.routing.retry_percent_max, 0..=100);
        routing.check(
            "retries_per_second_min",
            self.routing.retries_per_second_min,
            0..=1_000_000,
        );
    }
}

fn by_class(max: MaxByClass, range: &RangeInclusive<u64>, own: &mut Section<'_>) {
    for (class, bound) in ByClass::from(max).said() {
        if let Some(bound) = bound {
            own.check(class.as_str(), bound, range.clone());
        }
    }
}

fn server(server: &Server, own: &mut Section<'_>) {
    own.check("head_bytes_max", server.head_bytes_max, 8 << 10..=1 << 20);
    own.check("headers_max", server.headers_max, 16..=1_000);
    own.check("head_timeout_ms", server.head_timeout_ms, 100..=DAY_MS);
    own.check("body_bytes_max", server.body_bytes_max, 1 << 10..=1 << 30);
    own.check("body_timeout_ms", server.body_timeout_ms, 100..=DAY_MS);
    own.check("answer_bytes_max", server.answer_bytes_max, 1 << 10..=1 << 30);
    own.check("event_bytes_max", server.event_bytes_max, 1 << 10..=1 << 28);
    own.check("idle_timeout_ms", server.idle_timeout_ms, 100..=DAY_MS);
    own.check("connections_max", server.connections_max, 1..=1_000_000);
    let each = 1..=server.connections_max.max(1);
    own.check(
        "connections_per_address_max",
        server.connections_per_address_max,
        each,
    );
    own.check("drain_deadline_ms", server.drain_deadline_ms, 0..=DAY_MS);
}

fn vault(vault: &Vault, own: &mut Section<'_>) {
    own.check("timeout_ms", vault.timeout_ms, 50..=60_000);
    own.check("refresh_ms", vault.refresh_ms, 100..=DAY_MS);
    // A memory shorter than the time between two questions would forget while the server answers.
    let longer = vault.refresh_ms.saturating_add(vault.timeout_ms);
    own.check("remember_ms", vault.remember_ms, longer..=DAY_MS);
}

fn store(store: &Store, own: &mut Section<'_>) {
    own.check("connections_max", store.connections_max, 1..=1_000);
    own.check("acquire_timeout_ms", store.acquire_timeout_ms, 10..=DAY_MS);
    own.check("statement_timeout_ms", store.statement_timeout_ms, 10..=DAY_MS);
    // Below a second: a revocation reaches every replica within one.
    own.check("refresh_every_ms", store.refresh_every_ms, 10..=900);
}

fn journal(journal: &Journal, own: &mut Section<'_>) {
    own.check("segment_bytes_max", journal.segment_bytes_max, 1 << 20..=1 << 32);
    let two_segments = journal.segment_bytes_max.saturating_mul(2);
    own.check("bytes_max", journal.bytes_max, two_segments..=1 << 44);
}

fn breaker(breaker: &RoutingBreaker, own: &mut Section<'_>) {
    own.check(
        "consecutive_failures_max",
        breaker.consecutive_failures_max,
        1..=1_000_000,
    );
    own.check("failure_percent_max", breaker.failure_percent_max, 1..=101);
    own.check("window_calls_min", breaker.window_calls_min, 1..=1_000_000);
    own.check("window_ms", breaker.window_ms, 100..=DAY_MS);
    own.check("cooldown_ms", breaker.cooldown_ms, 10..=DAY_MS);
    own.check(
        "cooldown_ms_max",
        breaker.cooldown_ms_max,
        breaker.cooldown_ms..=DAY_MS,
    );
    own.check("probes_max", breaker.probes_max, 1..=1_000);
}

// threat: AGP-D2
fn signals(signals: &Signals, own: &mut Section<'_>) {
    own.check("learn_ms", signals.learn_ms, 0..=90 * DAY_MS);
    own.check("learn_calls_min", signals.learn_calls_min, 1..=1_000_000);
    own.check("forget_days", signals.forget_days, 1..=365);
    own.check("window_ms", signals.window_ms, 1_000..=DAY_MS);
    own.check("volume_times", signals.volume_times, 2..=1_000);
    own.check("volume_calls_min", signals.volume_calls_min, 1..=1_000_000_000);
    own.check(
        "volume_tokens_min",
        signals.volume_tokens_min,
        1..=1_000_000_000_000,
    );
    own.check("flush_every_ms", signals.flush_every_ms, 100..=600_000);
}

/// The section being checked, and where its problems go.
struct Section<'a>(&'static str, &'a mut Vec<Problem>);

impl Section<'_> {
    fn check<T: PartialOrd + Display>(&mut self, key: &str, value: T, range: RangeInclusive<T>) {
        within(self.1, format!("{}.{key}", self.0), value, range);
    }
}

/// A problem unless `value` is in `range`.
pub(crate) fn within<T: PartialOrd + Display>(
    problems: &mut Vec<Problem>,
    path: impl Into<String>,
    value: T,
    range: RangeInclusive<T>,
) {
    if !range.contains(&value) {
        let message = format!(
            "{value} is out of range: from {} to {}",
            range.start(),
            range.end()
        );
        problems.push(Problem::new(path, message));
    }
}
