//! What several tests need.

use bytes::Bytes;
use dialect::{Dialect, DialectError, Endpoint, SseEvent, SseSplitter, StreamTranslator};

pub const EVENT_MAX: usize = 1 << 20;

/// Splits bytes that come in the given chunks.
pub fn events(chunks: impl IntoIterator<Item = Bytes>) -> Result<Vec<SseEvent>, DialectError> {
    let mut splitter = SseSplitter::new(EVENT_MAX);
    let mut found = Vec::new();
    for chunk in chunks {
        splitter.push(chunk);
        while let Some(event) = splitter.next()? {
            found.push(event);
        }
    }
    Ok(found)
}

/// Cuts bytes at the given places, taken modulo the length.
pub fn cut(bytes: &Bytes, cuts: &[usize]) -> Vec<Bytes> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| bytes.slice(pair[0]..pair[1]))
        .collect()
}

/// A whole stream, translated.
pub fn translate(caller: Endpoint, upstream: Dialect, stream: &[u8]) -> Result<Vec<u8>, DialectError> {
    let mut translator = StreamTranslator::new(caller, upstream, "shown".into(), true);
    let mut out = Vec::new();
    for event in events([Bytes::copy_from_slice(stream)])? {
        translator.push(&event, &mut out)?;
    }
    translator.finish(&mut out);
    Ok(out)
}
