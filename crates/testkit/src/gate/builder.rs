//! What a test says before the gate starts.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use super::{Gate, Launch, Lines, Ports};

/// Collects how to start a gate. In the configuration, arguments and environment values these
/// marks are filled in: `@data_port@`, `@control_port@`, `@health_port@`, `@data_dir@`, `@folder@`.
#[derive(Clone, Debug)]
pub struct GateBuilder {
    launch: Launch,
    config: Option<String>,
    files: Vec<(String, Vec<u8>)>,
    ports: Option<Ports>,
}

impl GateBuilder {
    pub(super) fn new(binary: PathBuf) -> Self {
        let launch = Launch {
            binary,
            args: vec!["serve".to_owned()],
            env: Vec::new(),
            ready_within: Duration::from_secs(20),
        };
        Self {
            launch,
            config: Some(String::new()),
            files: Vec::new(),
            ports: None,
        }
    }

    /// The text of `bartizan.yaml`. What it does not say at its top level about `listen` and
    /// `data_dir` is added, so a test only writes what it is about.
    pub fn config(mut self, yaml: impl Into<String>) -> Self {
        self.config = Some(yaml.into());
        self
    }

    /// No file and no `--config`: the gate's own defaults, its default ports included.
    pub fn without_config(mut self) -> Self {
        self.config = None;
        self.ports = Some(Ports {
            data: 8080,
            control: 8081,
            health: 8082,
        });
        self
    }

    /// One environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.launch.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One more argument after `serve`.
    pub fn arg(mut self, arg: &str) -> Self {
        self.launch.args.push(arg.to_owned());
        self
    }

    /// A file in the gate's folder before it starts, such as a certificate or a policy.
    pub fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), content.into()));
        self
    }

    /// Fixed ports instead of free ones.
    pub fn ports(mut self, ports: Ports) -> Self {
        self.ports = Some(ports);
        self
    }

    /// How long `/readyz` may take.
    pub fn ready_within(mut self, deadline: Duration) -> Self {
        self.launch.ready_within = deadline;
        self
    }

    /// Starts the gate and waits until it is ready; panics with its last words when it is not.
    pub async fn start(self) -> Gate {
        let (gate, started) = self.attempt().await;
        started.unwrap_or_else(|why| panic!("{why}\n{}", gate.lines.tail()));
        gate
    }

    /// Starts the gate expecting it to refuse; returns everything it said. Panics when it serves.
    pub async fn refuses(self) -> String {
        let (gate, started) = self.attempt().await;
        assert!(started.is_err(), "the gate started\n{}", gate.lines.tail());
        gate.lines.all().join("\n")
    }

    /// Another process may take a free port between finding and binding it, so that is tried again.
    async fn attempt(self) -> (Gate, Result<(), String>) {
        for _ in 0..3 {
            let (gate, started) = self.clone().attempt_once().await;
            let port_taken = || gate.lines.any(|line| line.to_lowercase().contains("in use"));
            if started.is_ok() || self.ports.is_some() || !port_taken() {
                return (gate, started);
            }
        }
        self.attempt_once().await
    }

    async fn attempt_once(mut self) -> (Gate, Result<(), String>) {
        let folder = tempfile::Builder::new()
            .prefix("gate-")
            .tempdir()
            .expect("temporary folder");
        let ports = self.ports.unwrap_or_else(free_ports);
        if self.config.is_some() {
            self.launch
                .args
                .extend(["--config".to_owned(), "@folder@/bartizan.yaml".to_owned()]);
        }
        let mut gate = Gate {
            launch: self.launch,
            ports,
            folder,
            child: None,
            lines: Lines::default(),
        };
        for (name, content) in &self.files {
            let path = gate.folder().join(name);
            let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            made.and_then(|()| std::fs::write(&path, content))
                .expect("file in the gate's folder");
        }
        if let Some(yaml) = &self.config {
            gate.write_config(yaml);
        }
        let started = gate.spawn().await;
        (gate, started)
    }
}

/// Three ports that were free a moment ago.
fn free_ports() -> Ports {
    let held: Vec<TcpListener> = (0..3)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("free port"))
        .collect();
    let port = |at: usize| held[at].local_addr().unwrap().port();
    Ports {
        data: port(0),
        control: port(1),
        health: port(2),
    }
}

/// Adds ports and data folder where the text does not choose them.
pub(super) fn completed(yaml: &str) -> String {
    let says = |key: &str| yaml.lines().any(|line| line.starts_with(key));
    let mut text = String::new();
    if !says("data_dir:") {
        text.push_str("data_dir: \"@data_dir@\"\n");
    }
    if !says("listen:") {
        text.push_str("listen:\n  data: 127.0.0.1:@data_port@\n");
        text.push_str("  control: 127.0.0.1:@control_port@\n  health: 127.0.0.1:@health_port@\n");
    }
    text + yaml
}
