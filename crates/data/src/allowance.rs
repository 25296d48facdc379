//! How long guards may take over the texts of one call. Never interrupts a text; what it says is asked between two.

use std::time::{Duration, Instant};

use domain::Threat;
use guard::Direction;

use crate::refusal::{Code, Gated, Refusal};
use crate::ticket::Ticket;

/// The time of one call's guards.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    most: Duration,
    spent: Duration,
}

impl Allowance {
    /// Of which nothing is used.
    pub const fn new(most: Duration) -> Self {
        Self {
            most,
            spent: Duration::ZERO,
        }
    }

    /// Does a guard's work on one text and counts how long it takes; `None` where no time is left for it.
    pub fn spend<T>(&mut self, work: impl FnOnce() -> T) -> Option<T> {
        if self.is_over() {
            return None;
        }
        let started = Instant::now();
        let done = work();
        self.spent = self.spent.saturating_add(started.elapsed());
        Some(done)
    }

    /// Whether more was used than allowed.
    pub fn is_over(&self) -> bool {
        self.spent > self.most
    }
}

/// What guards had no time for passes only where the configuration says so, and then the call's record tells.
// threat: AGP-D2 ANP-0008
pub fn in_time(ticket: &mut Ticket, direction: Direction) -> Gated<()> {
    if !ticket.allowance.is_over() {
        return Ok(());
    }
    if ticket.settings.guarding.is_flagged {
        ticket.note(format!("{}:guard:timeout", direction.as_str()));
        return Ok(());
    }
    let what = match direction {
        Direction::Input => "request",
        Direction::Output => "answer",
    };
    let detail =
        format!("the guards did not get through the {what} in time: send or ask for less text at once");
    Err(Refusal::new(Code::GuardTimeout, detail)
        .against(Threat::Anp0008)
        .retry_after(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anp_0008_work_is_done_while_time_is_left_and_not_after() {
        let mut allowance = Allowance::new(Duration::from_millis(1));
        assert_eq!(allowance.spend(|| 1), Some(1));
        let slow = allowance.spend(|| std::thread::sleep(Duration::from_millis(3)));
        assert!(slow.is_some(), "a text that was begun is read to its end");
        assert!(allowance.is_over());
        assert_eq!(allowance.spend(|| 2), None);
    }
}
