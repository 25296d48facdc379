//! A stream whose own guards have run out of time, and one of which no more is kept. What the gate looks for itself is given
//! up; what guards outside are asked is not, for they have a time of their own.

use dialect::{ChannelKind, StreamPiece};

use super::{Asks, Part, Watch};

impl Watch {
    /// Own guards look at nothing any more. What they found is dealt with; what comes is kept for guards outside, and held
    /// where they are asked before anything leaves.
    // threat: ANP-0008
    // threat: AGP-D2
    pub fn give_up_own(&mut self) {
        // No form is judged by half an answer.
        self.forms.clear();
        self.finish();
        for followed in &mut self.channels {
            followed.follow = self.plan.follow_with(None);
        }
    }

    /// A text that own guards have no time for.
    pub fn keep(&mut self, piece: StreamPiece<'_>) {
        let (index, text) = (self.follow(piece.channel), piece.text);
        let Some(followed) = self.channels.get_mut(index) else {
            return;
        };
        if self.asks != Asks::Nobody && piece.channel.kind != ChannelKind::Logprobs {
            followed.kept.push(text);
            self.kept_bytes = self.kept_bytes.saturating_add(text.len());
        }
        let start = followed.pushed;
        followed.pushed = start.saturating_add(text.len() as u64);
        followed.cleared = followed.pushed;
        self.parts.push(Part {
            channel: index,
            start,
            end: followed.pushed,
        });
    }

    /// Whether guards outside only look on, so that the answer does not wait for them.
    pub fn is_only_observed(&self) -> bool {
        self.asks == Asks::AtTheEnd
    }

    /// Nothing is kept for guards outside any more, and none will be asked.
    pub fn forget(&mut self) {
        self.asks = Asks::Nobody;
        for followed in &mut self.channels {
            self.kept_bytes = self.kept_bytes.saturating_sub(followed.kept.forget());
        }
    }
}
