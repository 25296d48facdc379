//! The only way out for a log line: a bounded queue, a thread, the scrubber, the sink.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use super::Scrubber;

/// Lines that may wait for the sink; beyond it lines are dropped and counted.
const LINES_MAX: usize = 8192;

/// A longer line is cut: nothing that is worth logging is longer.
const LINE_BYTES_MAX: usize = 16 * 1024;

enum Message {
    Line(Vec<u8>),
    Stop,
}

/// Makes one line writer an event.
#[derive(Clone)]
pub(super) struct LineMaker {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

impl<'a> MakeWriter<'a> for LineMaker {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            maker: self,
            bytes: Vec::with_capacity(256),
        }
    }
}

/// One line in the making; queued whole when dropped, so no write can split a secret.
pub(super) struct Line<'a> {
    maker: &'a LineMaker,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let line = Message::Line(std::mem::take(&mut self.bytes));
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.maker.queue.try_send(line) {
            self.maker.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The thread's handle; dropping it waits until the queue is written.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.queue.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the thread.
pub(super) fn start(
    sink: Box<dyn Write + Send>,
    scrubber: Scrubber,
    dropped: Arc<AtomicU64>,
) -> io::Result<(LineMaker, Writer)> {
    let (queue, lines) = sync_channel(LINES_MAX);
    let told = dropped.clone();
    let thread = std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write_all(sink, &scrubber, &lines, &told))?;
    Ok((
        LineMaker {
            queue: queue.clone(),
            dropped,
        },
        Writer {
            queue,
            thread: Some(thread),
        },
    ))
}

fn write_all(
    mut sink: Box<dyn Write + Send>,
    scrubber: &Scrubber,
    lines: &Receiver<Message>,
    dropped: &AtomicU64,
) {
    let mut told = 0;
    while let Ok(Message::Line(line)) = lines.recv() {
        // A sink that fails (a closed pipe) must not end the log: it may come back.
        let _ = sink.write_all(scrubbed(scrubber, &line).as_bytes());
        let now = dropped.load(Ordering::Relaxed);
        if now > told {
            told = now;
            let _ = writeln!(
                sink,
                "{{\"level\":\"WARN\",\"message\":\"log lines dropped\",\"total\":{now}}}"
            );
        }
        let _ = sink.flush();
    }
    // Others may have queued lines behind the stop; they are few.
    while let Ok(Message::Line(line)) = lines.recv_timeout(Duration::ZERO) {
        let _ = sink.write_all(scrubbed(scrubber, &line).as_bytes());
    }
    let _ = sink.flush();
}

// threat: AGP-I1
fn scrubbed(scrubber: &Scrubber, line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let clean = scrubber.scrub(&text);
    if clean.len() <= LINE_BYTES_MAX {
        return clean.into_owned();
    }
    // Cut after scrubbing: half a secret is not recognised.
    let mut cut: String = clean
        .chars()
        .scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= LINE_BYTES_MAX).then_some(c)
        })
        .collect();
    cut.push_str("…[cut]\n");
    cut
}
