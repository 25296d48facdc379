//! Child processes pinned to a core, and what the kernel says they used. Linux only.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};

/// Processor time by thread, in nanoseconds. Threads that ended in between are not seen,
/// so it is exact only for programs with a steady set of threads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CpuReading(HashMap<(u32, u32), u64>);

/// A running child. Ended, with its own children, when dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program on this core; what it writes goes to `log`. It ends when this program does.
    pub fn start(core: usize, program: &Path, args: &[String], folder: &Path, log: PathBuf) -> Outcome<Self> {
        let out = File::create(&log)?;
        let child = Command::new("taskset")
            .args(["-c", &core.to_string()])
            .args(["setpriv", "--pdeathsig", "TERM"])
            .arg(program)
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .spawn()?;
        Ok(Self { child, log })
    }

    /// Fails with its last words when it has ended.
    pub fn check(&mut self) -> Outcome<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(Failure::new(format!(
                "ended early ({status}): {}",
                self.last_words()
            ))),
        }
    }

    /// The end of what it wrote.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Processor time used so far by it and its children.
    pub fn cpu(&self) -> CpuReading {
        let mut reading = HashMap::new();
        for pid in tree(self.child.id()) {
            for tid in numbers_in(&PathBuf::from(format!("/proc/{pid}/task"))) {
                let stat =
                    fs::read_to_string(format!("/proc/{pid}/task/{tid}/schedstat")).unwrap_or_default();
                let nanos = stat.split(' ').next().and_then(|first| first.parse().ok());
                reading.insert((pid, tid), nanos.unwrap_or(0));
            }
        }
        CpuReading(reading)
    }

    /// Memory it and its children hold, in MiB.
    pub fn rss_mib(&self) -> f64 {
        let kib: u64 = tree(self.child.id()).into_iter().filter_map(rss_kib).sum();
        kib as f64 / 1024.0
    }

    /// Asks it to end, waits, and ends it by force after a while.
    pub fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let until = Instant::now() + Duration::from_secs(5);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = (self.child.kill(), self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

impl CpuReading {
    /// Nanoseconds used since an earlier reading.
    pub fn since(&self, earlier: &Self) -> u64 {
        let before = |thread| earlier.0.get(thread).copied().unwrap_or(0);
        self.0
            .iter()
            .map(|(thread, nanos)| nanos.saturating_sub(before(thread)))
            .sum()
    }
}

/// A process and its descendants.
fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = numbers_in(Path::new("/proc"))
        .into_iter()
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(current) = found.get(next).copied() {
        found.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == current)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    found
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before the last `)` may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn rss_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn numbers_in(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_count_only_what_was_added() {
        let before = CpuReading(HashMap::from([((1, 1), 100), ((1, 2), 50)]));
        let after = CpuReading(HashMap::from([((1, 1), 130), ((1, 3), 7)]));
        assert_eq!(after.since(&before), 37);
    }

    #[test]
    fn a_busy_child_is_seen_and_stopped() {
        let folder = std::env::temp_dir();
        let log = folder.join(format!("bench-test-{}", std::process::id()));
        let script = vec!["-c".to_owned(), "while :; do :; done".to_owned()];
        let mut process = Process::start(0, Path::new("sh"), &script, &folder, log.clone()).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        let first = process.cpu();
        std::thread::sleep(Duration::from_millis(300));
        assert!(process.cpu().since(&first) > 10_000_000);
        assert!(process.rss_mib() > 0.1 && process.check().is_ok());
        process.stop();
        assert!(process.check().is_err());
        let _ = fs::remove_file(log);
    }
}
