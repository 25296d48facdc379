//! The things that stand between load generator and upstream, and how each is started.

mod gate;
mod peers;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cpus;
use crate::failure::{Failure, Outcome};
use crate::plan;
use crate::process::Process;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No proxy at all.
    Direct,
    /// nginx as a plain proxy: the floor.
    Nginx,
    /// HAProxy as a plain proxy.
    Haproxy,
    /// The gate, only proxying.
    AllOff,
    /// The gate with everything on.
    AllOn,
}

impl Kind {
    /// Its column title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::AllOff => "all off",
            Self::AllOn => "all on",
        }
    }

    /// A name for files.
    pub fn slug(self) -> &'static str {
        match self {
            Self::AllOff => "all-off",
            Self::AllOn => "all-on",
            other => other.title(),
        }
    }
}

/// A running target.
pub struct Running {
    /// Nothing when requests go to the upstream directly.
    pub process: Option<Process>,
    /// Where load goes.
    pub port: u16,
    /// What load presents.
    pub key: Option<String>,
    /// From start to readiness.
    pub ready_ms: Option<f64>,
}

/// The binaries that may be measured, and where their configurations are.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The gate.
    pub bartizan: Option<PathBuf>,
    /// nginx.
    pub nginx: PathBuf,
    /// HAProxy.
    pub haproxy: Option<PathBuf>,
    /// The folder of `all-on.yaml` and `all-off.yaml`.
    pub configs: PathBuf,
}

/// The mock upstream, a scratch folder, and everything needed to start targets.
pub struct Field {
    binaries: Binaries,
    folder: PathBuf,
    upstream_port: u16,
    _upstream: Process,
    gates: Vec<(Kind, gate::Prepared)>,
}

impl Field {
    /// Starts the upstream and prepares the gates.
    pub fn open(binaries: Binaries) -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let upstream_port = free_port()?;
        let _upstream = start_upstream(&folder, upstream_port)?;
        let mut field = Self {
            binaries,
            folder,
            upstream_port,
            _upstream,
            gates: Vec::new(),
        };
        if field.binaries.bartizan.is_some() {
            for kind in [Kind::AllOff, Kind::AllOn] {
                let prepared = gate::prepare(&field, kind)?;
                field.gates.push((kind, prepared));
            }
        }
        Ok(field)
    }

    /// What can be measured here, the floor first.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds = vec![Kind::Direct, Kind::Nginx];
        kinds.extend(self.binaries.haproxy.as_ref().map(|_| Kind::Haproxy));
        kinds.extend(self.gates.iter().map(|(kind, _)| *kind));
        kinds
    }

    /// Starts a target and waits until it is ready.
    pub fn start(&self, kind: Kind) -> Outcome<Running> {
        match kind {
            Kind::Direct => Ok(Running {
                process: None,
                port: self.upstream_port,
                key: None,
                ready_ms: None,
            }),
            Kind::Nginx => peers::nginx(self),
            Kind::Haproxy => peers::haproxy(self),
            Kind::AllOff | Kind::AllOn => {
                let prepared = self.gates.iter().find(|(prepared, _)| *prepared == kind);
                let (_, prepared) = prepared.ok_or_else(|| Failure::new("this gate was not prepared"))?;
                gate::start(self, kind, prepared)
            }
        }
    }

    /// A folder of its own for a target.
    fn folder_of(&self, kind: Kind) -> Outcome<PathBuf> {
        let folder = self.folder.join(kind.slug());
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn start_upstream(folder: &Path, port: u16) -> Outcome<Process> {
    let program = std::env::current_exe()?;
    let args = [
        "upstream",
        "--port",
        &port.to_string(),
        "--chunks",
        &plan::STREAM_CHUNKS.to_string(),
        "--every-ms",
        &plan::STREAM_EVERY_MS.to_string(),
    ]
    .map(str::to_owned);
    let mut process = Process::start(cpus::REST, &program, &args, folder, folder.join("upstream.log"))?;
    wait_ready(&mut process, port, "/v1/models")?;
    Ok(process)
}

/// A port that was free a moment ago.
fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits for the first 200 and says how long it took, in milliseconds.
fn wait_ready(process: &mut Process, port: u16, path: &str) -> Outcome<f64> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if answers(port, path) {
            return Ok(start.elapsed().as_secs_f64() * 1000.0);
        }
        process.check()?;
        std::thread::sleep(Duration::from_micros(500));
    }
    Err(Failure::new(format!(
        "not ready within 20 s: {}",
        process.last_words()
    )))
}

fn answers(port: u16, path: &str) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let ask = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_millis(500)))?;
        socket.write_all(
            format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").as_bytes(),
        )?;
        let mut start = [0; 12];
        socket.read_exact(&mut start)?;
        Ok(start.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
