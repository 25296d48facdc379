//! Streams of both dialects, cut anywhere: never a panic, and the same events for every cut.
#![no_main]

use bytes::Bytes;
use dialect::{Dialect, Endpoint, SseSplitter, StreamReader, StreamTranslator};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&cut, stream)) = data.split_first() else { return };
    let whole = events(stream, stream.len().max(1));
    let cut = events(stream, usize::from(cut) + 1);
    assert_eq!(whole, cut);
    for (caller, upstream) in [(Endpoint::ChatCompletions, Dialect::Anthropic), (Endpoint::Messages, Dialect::OpenAi)] {
        let mut splitter = SseSplitter::new(1 << 20);
        let mut reader = StreamReader::new(upstream);
        let mut translator = StreamTranslator::new(caller, upstream, "model".to_owned(), true);
        let mut out = Vec::new();
        splitter.push(Bytes::copy_from_slice(stream));
        while let Ok(Some(event)) = splitter.next() {
            if reader.read(&event, &mut |_, _| {}).is_err() || translator.push(&event, &mut out).is_err() {
                break;
            }
        }
        translator.finish(&mut out);
    }
});

fn events(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
    let mut splitter = SseSplitter::new(1 << 20);
    let mut events = Vec::new();
    for chunk in stream.chunks(piece) {
        splitter.push(Bytes::copy_from_slice(chunk));
        while let Ok(Some(event)) = splitter.next() {
            events.push(event.data().to_vec());
        }
    }
    events
}
