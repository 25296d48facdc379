//! The habits of one key: where it is used from, when, for which models and how much.

use domain::UnixMillis;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::seen::{Seen, is_remembered};
use crate::sign::{Rules, Sign, Signal};
use crate::used::Use;
use crate::volume::Volume;

/// Networks remembered of a key. A key that is used from as many has no habit in this, and nothing stands out.
pub const NETWORKS_MAX: usize = 32;
/// Models remembered of a key.
pub const MODELS_MAX: usize = 64;
/// Hours of a day.
pub const HOURS: usize = 24;

/// What is known of how a key is used. Its size is bounded.
// threat: AGP-D2
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habit {
    since: i64,
    last: i64,
    calls: u64,
    networks: Seen<IpNet>,
    models: Seen<String>,
    /// When each hour of the day, UTC, was last used.
    hours: [Option<i64>; HOURS],
    volume: Volume,
}

impl Habit {
    /// Of a key whose first use is now.
    pub fn begin(at: UnixMillis) -> Self {
        Self {
            since: at.0,
            last: at.0,
            calls: 0,
            networks: Seen::default(),
            models: Seen::default(),
            hours: [None; HOURS],
            volume: Volume::default(),
        }
    }

    /// Reads what [`Habit::write`] wrote.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let mut habit: Self = serde_json::from_str(text)?;
        habit.networks.keep(NETWORKS_MAX);
        habit.models.keep(MODELS_MAX);
        Ok(habit)
    }

    /// As JSON.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Learns a use, and says what stood out in it: nothing while the key is still being learnt, and nothing that was
    /// learnt before. A clock that goes back takes nothing back.
    // threat: AGP-S1
    // threat: ANP-0001
    pub fn observe(&mut self, used: &Use, rules: &Rules) -> Vec<Sign> {
        let now = self.last.max(used.at.0);
        let is_known = self.is_known(used.at, rules);
        let network = used.network();
        let mut signs = Vec::new();
        if is_known {
            signs.extend(self.network_stands_out(network, now, rules));
            signs.extend(self.hour_stands_out(used, now, rules));
            signs.extend(self.model_stands_out(used, now, rules));
        }
        self.learn(used, network, now, rules);
        if is_known && rules.is_told(Signal::Volume) {
            signs.extend(self.volume.tell(rules));
        }
        signs
    }

    /// Whether enough is known of the key for anything to stand out.
    pub fn is_known(&self, at: UnixMillis, rules: &Rules) -> bool {
        let now = self.last.max(at.0);
        let age = u64::try_from(now.saturating_sub(self.since)).unwrap_or(0);
        age >= rules.learn_ms && self.calls >= rules.learn_calls_min
    }

    fn learn(&mut self, used: &Use, network: Option<IpNet>, now: i64, rules: &Rules) {
        self.last = now;
        self.calls = self.calls.saturating_add(used.calls);
        if let Some(network) = network {
            self.networks.learn(&network, now, NETWORKS_MAX);
        }
        if let Some(model) = used.model.as_deref() {
            self.models.learn(model, now, MODELS_MAX);
        }
        if used.calls > 0
            && let Some(hour) = usize::try_from(used.hour())
                .ok()
                .and_then(|h| self.hours.get_mut(h))
        {
            *hour = Some(now);
        }
        self.volume.add(used, rules.window_ms);
    }

    fn network_stands_out(&self, network: Option<IpNet>, now: i64, rules: &Rules) -> Option<Sign> {
        let network = network?;
        let stands_out = rules.is_told(Signal::NewNetwork)
            && !self.networks.knows(&network, now, rules.forget_ms)
            && !self.networks.is_full(NETWORKS_MAX, now, rules.forget_ms);
        stands_out.then_some(Sign::NewNetwork(network))
    }

    /// An hour beside one that was used is no surprise.
    fn hour_stands_out(&self, used: &Use, now: i64, rules: &Rules) -> Option<Sign> {
        let hour = used.hour();
        let is_usual = [-1, 0, 1].iter().any(|beside| {
            let place = usize::try_from((hour + beside).rem_euclid(24)).unwrap_or(0);
            let seen = self.hours.get(place).copied().flatten();
            seen.is_some_and(|at| is_remembered(at, now, rules.forget_ms))
        });
        let stands_out = rules.is_told(Signal::UnusualHour) && used.calls > 0 && !is_usual;
        stands_out.then_some(Sign::UnusualHour(hour))
    }

    fn model_stands_out(&self, used: &Use, now: i64, rules: &Rules) -> Option<Sign> {
        let model = used.model.as_ref()?;
        let stands_out = rules.is_told(Signal::NewModel)
            && !self.models.knows(&**model, now, rules.forget_ms)
            && !self.models.is_full(MODELS_MAX, now, rules.forget_ms);
        stands_out.then(|| Sign::NewModel(model.clone()))
    }
}
