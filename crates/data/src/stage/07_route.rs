//! Stage 7: which target. Priority first, weight among equals, health before both.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;

use domain::Threat;
use limit::BreakerState;

use super::inspect_input::Inspected;
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::settings::{Model, Target};
use crate::ticket::Ticket;

/// Targets to try, in order; at least one.
#[derive(Debug)]
pub struct Routed {
    pub(super) call: Inspected,
    pub(super) targets: Vec<Arc<Target>>,
}

/// Orders the model's targets. One whose breaker is open is left out; when all are, the call is refused.
// threat: ANP-0019
// threat: AGP-D2
pub fn run(gate: &Gate, call: Inspected, ticket: &Ticket) -> Gated<Routed> {
    let now_ns = gate.monotonic_ns(std::time::Instant::now());
    let most = usize::from(ticket.settings.attempts_max.max(1));
    let mut targets = ordered(&call.model, ticket.id.as_u128());
    let soonest = targets.iter().filter_map(|t| open_until(t, now_ns)).min();
    targets.retain(|target| open_until(target, now_ns).is_none());
    targets.truncate(most);
    if targets.is_empty() {
        let wait_s = soonest.map_or(1, |until| until.saturating_sub(now_ns).div_ceil(1_000_000_000));
        return Err(
            Refusal::new(Code::NoTarget, "no provider of this model can be called now")
                .against(Threat::Anp0019)
                .retry_after(wait_s),
        );
    }
    Ok(Routed { call, targets })
}

fn open_until(target: &Target, now_ns: u64) -> Option<u64> {
    match target.breaker.state(now_ns) {
        BreakerState::Open { until_ns } => Some(until_ns),
        _ => None,
    }
}

/// By priority; equals in weighted random order. The usual single target takes no dice.
fn ordered(model: &Model, seed: u128) -> Vec<Arc<Target>> {
    if model.targets.len() < 2 {
        return model.targets.clone();
    }
    let dice = RandomState::new();
    let mut keyed: Vec<_> = model
        .targets
        .iter()
        .enumerate()
        .map(|(place, target)| {
            (
                target.priority,
                lot(dice.hash_one((seed, place)), target.weight),
                target.clone(),
            )
        })
        .collect();
    keyed.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    keyed.into_iter().map(|(_, _, target)| target).collect()
}

/// An exponential lot: the smallest of several wins with probability proportional to its weight
/// (Efraimidis and Spirakis 2006). Integers: −log₂(u) in fixed point, divided by the weight.
fn lot(random: u64, weight: u32) -> u64 {
    if weight == 0 {
        return u64::MAX;
    }
    let u = random | 1;
    let zeros = u64::from(u.leading_zeros());
    let mantissa = (u << zeros) >> 32 & 0x7fff_ffff;
    let minus_log = ((zeros + 1) << 31).saturating_sub(mantissa);
    (minus_log << 20) / u64::from(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_follow_weights() {
        let dice = RandomState::new();
        let wins = (0..20_000u32)
            .filter(|i| lot(dice.hash_one((i, 0)), 3) < lot(dice.hash_one((i, 1)), 1))
            .count();
        assert!(
            (14_300..15_700).contains(&wins),
            "weight 3 against 1 won {wins} of 20000"
        );
        assert_eq!(lot(7, 0), u64::MAX);
    }
}
