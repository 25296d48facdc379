//! Values back into an answer, in place of the placeholders that its request got for them: the last thing that is done with
//! it, in the caller's dialect. What it knows is never stored, logged or counted.
//!
//! In a stream a placeholder may be cut anywhere. What may be the beginning of one is held back, never more than one is
//! long: it comes with the next event of its channel, or in one of its own before what ends the channel.

use bytes::Bytes;
use dialect::{Channel, ChannelKind, Dialect, DialectError, Endpoint, SseEvent, SseSplitter, StreamReader};
use guard::Unmasker;

use crate::refusal::{Code, Gated, Refusal};
use crate::ticket::Ticket;

/// A whole answer as its caller gets it: the very same bytes where nothing was masked.
// threat: ANP-0010 ANP-0017
pub fn whole(endpoint: Endpoint, body: &Bytes, ticket: &Ticket) -> Gated<Bytes> {
    let Some(unmasker) = &ticket.unmasker else {
        return Ok(body.clone());
    };
    let mut put_back = |text: &str| changed(text, unmasker.unmask(text));
    dialect::redact_response(endpoint, body, &mut put_back)
        .map(Bytes::from)
        .map_err(|error| not_restored(&error))
}

/// What cannot be put back does not pass half.
pub fn not_restored(error: &DialectError) -> Box<Refusal> {
    Refusal::new(
        Code::UpstreamGarbage,
        "what was masked in the request cannot be put back into the answer",
    )
    .internally(error.to_string())
}

fn changed(text: &str, shown: String) -> Option<String> {
    (shown != text).then_some(shown)
}

/// A live answer.
#[derive(Debug)]
pub struct Unmasking {
    dialect: Dialect,
    stock: Unmasker,
    splitter: SseSplitter,
    reader: StreamReader,
    channels: Vec<(Channel, Unmasker)>,
}

/// How many texts of one stream are followed side by side.
const CHANNELS_MAX: usize = 1024;

impl Unmasking {
    /// One in the dialect of a caller.
    pub fn new(dialect: Dialect, stock: Unmasker) -> Self {
        Self {
            dialect,
            stock,
            splitter: SseSplitter::new(usize::MAX),
            reader: StreamReader::new(dialect),
            channels: Vec::new(),
        }
    }

    /// Takes the next events, whole ones, and gives what the caller gets for them.
    // threat: ANP-0010 ANP-0017
    pub fn push(&mut self, events: Bytes) -> Result<Bytes, DialectError> {
        self.splitter.push(events);
        let mut out = Vec::new();
        while let Some(event) = self.splitter.next()? {
            self.event(&event, &mut out)?;
        }
        Ok(out.into())
    }

    fn event(&mut self, event: &SseEvent, out: &mut Vec<u8>) -> Result<(), DialectError> {
        // Events of our own are headed like the stream's.
        self.reader.read(event, &mut |_, _| {})?;
        let brought = dialect::event_texts(self.dialect, event)?;
        for (channel, unmasker) in &mut self.channels {
            if unmasker.holds_back() && brought.displaces(*channel) {
                let mut rest = String::new();
                unmasker.finish(&mut rest);
                out.extend(self.reader.text_event(*channel, &rest));
            }
        }
        let (texts, mut at) = (brought.texts(), 0);
        let (stock, channels) = (&self.stock, &mut self.channels);
        let edited = dialect::edit_event(self.dialect, event, &mut |channel, text| {
            let goes_on = texts.get(at).is_some_and(|(_, goes_on)| *goes_on);
            at += 1;
            // Beyond this many a placeholder cut in two stays as it is.
            let is_one_more =
                channels.len() >= CHANNELS_MAX && !channels.iter().any(|(one, _)| *one == channel);
            if !goes_on || is_one_more {
                return changed(text, stock.unmask(text));
            }
            let is_last = !texts.get(at..).unwrap_or_default().contains(&(channel, true));
            let (unmasker, mut shown) = (of(channels, channel, stock), String::new());
            unmasker.push(text, &mut shown);
            if is_last && brought.ends(channel) {
                unmasker.finish(&mut shown);
            }
            changed(text, shown)
        })?;
        out.extend_from_slice(&edited);
        Ok(())
    }
}

fn of<'c>(
    channels: &'c mut Vec<(Channel, Unmasker)>,
    channel: Channel,
    stock: &Unmasker,
) -> &'c mut Unmasker {
    let at = channels.iter().position(|(one, _)| *one == channel);
    let at = at.unwrap_or_else(|| {
        let own = match channel.kind {
            ChannelKind::ToolArguments(_) => stock.clone().in_json(),
            _ => stock.clone(),
        };
        channels.push((channel, own));
        channels.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "it was found there, or just put there")]
    &mut channels[at].1
}

#[cfg(test)]
mod tests;
