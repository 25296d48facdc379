//! Stages 7 to 9, repeated: the next target is tried while the last has certainly not billed the call,
//! nothing has been said to the caller yet, and attempts and retry budget last.

use std::time::{Duration, Instant};

use super::inspect_input::Inspected;
use super::upstream::Answering;
use super::{route, settle, translate, upstream};
use crate::gate::Gate;
use crate::refusal::{Code, Gated, Refusal};
use crate::ticket::Ticket;

/// Before the same target is asked again.
const SAME_TARGET_PAUSE: Duration = Duration::from_millis(50);

/// Routes, translates and calls.
// threat: ANP-0019
// threat: ANP-0008
pub async fn run(gate: &Gate, call: Inspected, ticket: &mut Ticket) -> Gated<(Answering, Inspected)> {
    let routed = route::run(gate, call, ticket)?;
    let (call, targets) = (routed.call, routed.targets);
    gate.retries.request();
    let attempts_max = usize::from(ticket.settings.attempts_max.max(1));
    let mut last: Option<Box<Refusal>> = None;
    for (attempt, target) in targets.iter().cycle().take(attempts_max).enumerate() {
        if let Some(refusal) = last.take_if(|refusal| attempt >= targets.len() && !worth_again(refusal)) {
            return Err(refusal);
        }
        if attempt > 0 && !gate.retries.retry(gate.monotonic_ns(Instant::now())) {
            break;
        }
        if attempt >= targets.len() {
            tokio::time::sleep(SAME_TARGET_PAUSE).await;
        }
        let translated = match translate::run(&call, target) {
            Ok(translated) => translated,
            Err(refusal) => {
                last = Some(refusal);
                continue; // Another target may speak the caller's own dialect.
            }
        };
        ticket.target = Some(target.clone());
        let covered = settle::intend(gate, ticket).await?;
        let head = (&call.forward, call.envelope.stream);
        match upstream::run(gate, covered, translated, head, ticket).await {
            Ok(answering) => return Ok((answering, call)),
            Err(failed) if !failed.again => return Err(failed.refusal),
            Err(failed) => last = Some(failed.refusal),
        }
    }
    Err(last.unwrap_or_else(|| Refusal::new(Code::NoTarget, "no provider of this model can be called now")))
}

/// Asking the same target again helps against a passing fault, not against a limit or a bad credential.
fn worth_again(refusal: &Refusal) -> bool {
    match refusal.code {
        Code::UpstreamUnreachable => true,
        Code::UpstreamRefused => refusal.status >= 500,
        _ => false,
    }
}
