//! What becomes of a live answer whose guards run out of time or room. Never lets anything pass that somebody is still to see.

use guard::Direction;

use super::Live;

impl Live {
    /// What was found is still replaced; what comes now is not looked at any more, but by guards outside: they have a time of
    /// their own, and what waits for them goes on waiting.
    // threat: ANP-0010
    pub(super) fn stop_watching(&mut self) {
        let Some(watch) = self.watch.as_mut() else { return };
        if self.inquiry.is_some() {
            if !std::mem::replace(&mut self.own_given_up, true) {
                watch.give_up_own();
            }
            return self.release();
        }
        watch.give_up();
        self.release();
        self.watch = None;
    }

    /// Whether there is room for all that has to be kept. Who only looks on keeps nobody from the answer: it is not asked then,
    /// and the record says so.
    // threat: AGP-D2
    pub(super) fn has_room(&mut self) -> bool {
        let Some(watch) = self.watch.as_mut() else {
            return true;
        };
        if watch.kept_bytes() > self.answer_bytes_max && watch.is_only_observed() {
            watch.forget();
            if let (Some(inquiry), Some(ticket)) = (self.inquiry.take(), self.ticket.as_mut()) {
                inquiry.unasked().note(Direction::Output, ticket);
            }
        }
        watch.kept_bytes() <= self.answer_bytes_max
    }
}
