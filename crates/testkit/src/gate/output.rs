//! What the child wrote, line by line, while it is still writing.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;

/// Lines of both outputs in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    seen: Arc<Mutex<Vec<String>>>,
}

impl Lines {
    /// Collects a child's outputs until they end.
    pub(super) fn follow(&self, child: &mut Child) {
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(collect(stdout, Arc::clone(&self.seen)));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(collect(stderr, Arc::clone(&self.seen)));
        }
    }

    /// Every line so far.
    pub fn all(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Whether any line so far satisfies this.
    pub fn any(&self, test: impl Fn(&str) -> bool) -> bool {
        self.seen.lock().unwrap().iter().any(|line| test(line))
    }

    /// Waits for a line that contains `part`, seen already or to come; panics at the deadline.
    pub async fn wait_for(&self, part: &str, deadline: Duration) -> String {
        let until = Instant::now() + deadline;
        loop {
            if let Some(line) = self.all().into_iter().find(|line| line.contains(part)) {
                return line;
            }
            assert!(
                Instant::now() < until,
                "no line with `{part}` within {deadline:?}\n{}",
                self.tail()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The last forty lines, for messages.
    pub fn tail(&self) -> String {
        let all = self.all();
        all[all.len().saturating_sub(40)..].join("\n")
    }
}

async fn collect(output: impl AsyncRead + Unpin, seen: Arc<Mutex<Vec<String>>>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        seen.lock().unwrap().push(line);
    }
}
