//! The real `bartizan` binary as a child process with its own ports and data folder.
//!
//! Everything goes through the command line, the sockets and the files an operator has;
//! nothing here links the product.

mod builder;
mod output;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::client::Client;

pub use builder::GateBuilder;
pub use output::Lines;

/// How the child is started; kept for restarts.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) ready_within: Duration,
}

/// The three listeners' ports on loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Data plane.
    pub data: u16,
    /// Control plane.
    pub control: u16,
    /// Health and metrics.
    pub health: u16,
}

/// A running gate. Killed, and its folder removed, when dropped.
pub struct Gate {
    launch: Launch,
    ports: Ports,
    folder: TempDir,
    child: Option<Child>,
    lines: Lines,
}

impl Gate {
    /// Prepares to run this binary: `env!("CARGO_BIN_EXE_bartizan")` in the product's own tests.
    pub fn builder(binary: impl Into<PathBuf>) -> GateBuilder {
        GateBuilder::new(binary.into())
    }

    /// Its ports.
    pub fn ports(&self) -> Ports {
        self.ports
    }

    /// The folder it runs in: `bartizan.yaml` and `data/` are here.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Its configuration file, whether it was given one or not.
    pub fn config_path(&self) -> PathBuf {
        self.folder().join("bartizan.yaml")
    }

    /// Writes another configuration over the file, completed and filled as at the start; the gate may
    /// reload it.
    pub fn write_config(&self, yaml: &str) {
        std::fs::write(self.config_path(), self.fill(&builder::completed(yaml))).expect("configuration file");
    }

    /// A client for the data plane.
    pub fn data(&self) -> Client {
        Client::new(loopback(self.ports.data))
    }

    /// A client for the control plane.
    pub fn control(&self) -> Client {
        Client::new(loopback(self.ports.control))
    }

    /// A client for health and metrics.
    pub fn health(&self) -> Client {
        Client::new(loopback(self.ports.health))
    }

    /// The child's process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// Everything it wrote so far, on both outputs, across restarts.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// `kill -9` and wait until it is gone.
    pub async fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill().await;
        }
    }

    /// Sends SIGTERM; follow with [`Gate::wait`].
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Sends SIGHUP: read the configuration again.
    pub async fn hang_up(&self) {
        self.signal("HUP").await;
    }

    /// Sends a signal by name.
    pub async fn signal(&self, name: &str) {
        let Some(pid) = self.pid() else { return };
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(pid.to_string())
            .status()
            .await;
        assert!(status.expect("kill command").success(), "kill -{name} {pid}");
    }

    /// Waits for its end; panics at the deadline.
    pub async fn wait(&mut self, deadline: Duration) -> ExitStatus {
        let mut child = self.child.take().expect("a running gate");
        match tokio::time::timeout(deadline, child.wait()).await {
            Ok(status) => status.expect("exit status"),
            Err(_) => panic!("still running after {deadline:?}\n{}", self.lines.tail()),
        }
    }

    /// Starts again on the same folder and ports. The old process must be gone.
    pub async fn restart(&mut self) {
        assert!(self.child.is_none(), "kill or await the old process first");
        self.spawn()
            .await
            .unwrap_or_else(|why| panic!("{why}\n{}", self.lines.tail()));
    }

    /// Runs the same binary with these arguments, in the gate's folder and environment, to its end.
    pub async fn cli(&self, args: &[&str]) -> Output {
        let mut command = self.command();
        command.args(args).stdin(Stdio::null());
        tokio::time::timeout(Duration::from_secs(60), command.output())
            .await
            .expect("CLI within 60 s")
            .expect("run")
    }

    /// As [`Gate::cli`], but must succeed and print JSON.
    pub async fn cli_json(&self, args: &[&str]) -> serde_json::Value {
        let output = self.cli(args).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {}\n{said}", output.status);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|why| {
            panic!(
                "{args:?}: not JSON ({why}): {}",
                String::from_utf8_lossy(&output.stdout)
            )
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.launch.binary);
        command.current_dir(self.folder.path()).kill_on_drop(true);
        for (name, value) in &self.launch.env {
            command.env(name, self.fill(value));
        }
        command
    }

    /// Puts ports and folders where the placeholders are.
    fn fill(&self, text: &str) -> String {
        let ports = self.ports;
        [
            ("@data_port@", ports.data.to_string()),
            ("@control_port@", ports.control.to_string()),
            ("@health_port@", ports.health.to_string()),
            ("@data_dir@", self.data_dir().display().to_string()),
            ("@folder@", self.folder().display().to_string()),
        ]
        .iter()
        .fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value))
    }

    /// Starts the child and waits until it says it is ready.
    async fn spawn(&mut self) -> Result<(), String> {
        let mut command = self.command();
        command.args(self.launch.args.iter().map(|arg| self.fill(arg)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|why| format!("{}: {why}", self.launch.binary.display()))?;
        self.lines.follow(&mut child);
        let until = Instant::now() + self.launch.ready_within;
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                // The readers need a moment to deliver the last words.
                tokio::time::sleep(Duration::from_millis(50)).await;
                return Err(format!("ended before it was ready: {status}"));
            }
            if self.is_ready().await {
                self.child = Some(child);
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("not ready within {:?}", self.launch.ready_within));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let address = loopback(self.ports.health);
        if TcpStream::connect(address).await.is_err() {
            return false;
        }
        let client = self.health().deadline(Duration::from_secs(1));
        let answer = client
            .request(http::Method::GET, "/readyz", bytes::Bytes::new())
            .await;
        answer.is_ok_and(|answer| answer.status == 200)
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[cfg(test)]
mod tests;
