//! Turns an upstream's live stream into the caller's dialect.

use super::SseEvent;
use super::reader::{data_of, is_done};
use super::to_anthropic::ToAnthropic;
use super::to_openai::ToOpenAi;
use crate::{Dialect, DialectError, Endpoint};

/// Translates the events of one stream.
#[derive(Debug)]
pub struct StreamTranslator(Kind);

#[derive(Debug)]
enum Kind {
    Same,
    ToOpenAi(ToOpenAi),
    ToAnthropic(ToAnthropic),
}

impl StreamTranslator {
    /// A translator of a stream that has not begun. `include_usage`: the caller asked for OpenAI's usage
    /// chunk. Between the same dialects events pass as they are.
    pub fn new(caller: Endpoint, upstream: Dialect, model_shown: String, include_usage: bool) -> Self {
        Self(match (caller.dialect(), upstream) {
            (Dialect::OpenAi, Dialect::Anthropic) => {
                Kind::ToOpenAi(ToOpenAi::new(model_shown, include_usage))
            }
            (Dialect::Anthropic, Dialect::OpenAi) => Kind::ToAnthropic(ToAnthropic::new(model_shown)),
            _ => Kind::Same,
        })
    }

    /// Takes one event of the upstream and appends what the caller gets for it.
    pub fn push(&mut self, event: &SseEvent, out: &mut Vec<u8>) -> Result<(), DialectError> {
        if matches!(self.0, Kind::Same) {
            out.extend_from_slice(&event.raw);
            return Ok(());
        }
        if !event.has_data() {
            return Ok(());
        }
        let data = data_of(event)?;
        let pushed = match &mut self.0 {
            Kind::Same => Ok(()),
            Kind::ToOpenAi(state) => state.push(data, out),
            Kind::ToAnthropic(state) if is_done(data) => state.done(out),
            Kind::ToAnthropic(state) => state.push(data, out),
        };
        pushed.map_err(DialectError::of_upstream)
    }

    /// Ends the stream legally, whatever the upstream did: as a finished answer when it was one, with an
    /// error event when it was cut short. Does nothing when the end was already sent.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            Kind::Same => {}
            Kind::ToOpenAi(state) => state.finish(out),
            Kind::ToAnthropic(state) => state.finish(out),
        }
    }
}
