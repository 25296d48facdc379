//! What stands out in the use of keys, by the rules that the configuration in force has.

use std::sync::Arc;

use config::Config;
use config::section::{SignalMode, Signals};
use habit::{Mode, Rules, Use};
use ledger::AuditRecord;
use store::Store;
use telemetry::Metrics;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use worker::{Outlets, Watcher};

use super::ms;

const DAY_MS: u64 = 86_400_000;

fn rules(of: &Signals) -> Rules {
    Rules {
        learn_ms: of.learn_ms,
        learn_calls_min: of.learn_calls_min,
        forget_ms: of.forget_days.saturating_mul(DAY_MS),
        window_ms: of.window_ms,
        volume_times: of.volume_times,
        volume_calls_min: of.volume_calls_min,
        volume_tokens_min: of.volume_tokens_min,
        modes: [of.new_network, of.unusual_hour, of.volume, of.new_model].map(mode),
    }
}

const fn mode(of: SignalMode) -> Mode {
    match of {
        SignalMode::Off => Mode::Off,
        SignalMode::Observe => Mode::Observe,
        SignalMode::Suspend => Mode::Suspend,
    }
}

/// Starts the watcher. It follows the configuration that is shown, and ends with the gate.
pub fn start(
    (store, alarms, metrics): (Arc<dyn Store>, mpsc::Sender<AuditRecord>, Arc<Metrics>),
    mut shown: watch::Receiver<Arc<Config>>,
    uses: mpsc::Receiver<Use>,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let (first, every) = {
        let config = shown.borrow_and_update();
        (rules(&config.signals), ms(config.signals.flush_every_ms))
    };
    let (sender, in_force) = watch::channel(Arc::new(first));
    tokio::spawn(async move {
        while shown.changed().await.is_ok() {
            let new = rules(&shown.borrow_and_update().signals);
            sender.send_replace(Arc::new(new));
        }
    });
    let outlets = Outlets { alarms, metrics };
    tokio::spawn(Watcher::new(store, outlets, in_force, every).run(uses, stopped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use habit::Signal;

    #[test]
    fn anp_0001_each_signal_leads_to_what_the_file_says_of_it() {
        let of = Signals {
            new_network: SignalMode::Suspend,
            unusual_hour: SignalMode::Off,
            forget_days: 2,
            ..Signals::default()
        };
        let rules = rules(&of);
        let modes = Signal::ALL.map(|signal| rules.mode(signal));
        assert_eq!(modes, [Mode::Suspend, Mode::Off, Mode::Observe, Mode::Observe]);
        assert_eq!(rules.forget_ms, 2 * 86_400_000);
    }
}
