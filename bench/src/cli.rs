//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};

/// Measures the gate beside nginx on loopback.
#[derive(Parser)]
#[command(name = "bench", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The parts of the benchmark.
#[derive(Subcommand)]
pub enum Command {
    /// Play an LLM provider with fixed answers.
    Upstream(UpstreamOptions),
    /// Send load and print what it met as JSON.
    Load(LoadOptions),
    /// Compare the gate with nginx: the whole benchmark.
    Run(RunOptions),
    /// Keep a steady load for minutes and watch memory.
    Soak(SoakOptions),
    /// Measure single parts: money held and settled, journal, store, proofs.
    Parts(PartsOptions),
    /// Measure the guards: what text costs, by kind of text and by guard.
    Guards(GuardsOptions),
    /// Fill a gate's embedded store with a month of made-up traffic.
    Month(MonthOptions),
}

/// How the mock upstream answers.
#[derive(Args, Clone, Debug)]
pub struct UpstreamOptions {
    /// Loopback port.
    #[arg(long)]
    pub port: u16,
    /// Content chunks in a streamed answer.
    #[arg(long, default_value_t = 50)]
    pub chunks: u32,
    /// Milliseconds between two chunks.
    #[arg(long, default_value_t = 20)]
    pub every_ms: u64,
}

/// What load to send.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
pub struct LoadOptions {
    /// Loopback port of the target.
    #[arg(long)]
    pub port: u16,
    /// Sent as bearer token.
    #[arg(long)]
    pub key: Option<String>,
    /// Connections kept open.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Bytes in each request's body.
    #[arg(long, default_value_t = 1024)]
    pub body_bytes: usize,
    /// How long.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Requests per second at fixed times; without it, each connection sends as fast as it is answered.
    #[arg(long)]
    pub rate: Option<f64>,
    /// Ask for streamed answers and expect this many content chunks in each.
    #[arg(long)]
    pub stream_chunks: Option<u32>,
    /// Stop early after this many requests.
    #[arg(long)]
    pub requests_max: Option<u64>,
}

/// What to compare, and how long.
#[derive(Args, Clone, Debug)]
pub struct RunOptions {
    /// The gate's binary; without it only the other rows are measured.
    #[arg(long)]
    pub bartizan: Option<PathBuf>,
    /// nginx's binary.
    #[arg(long, default_value = "/usr/sbin/nginx")]
    pub nginx: PathBuf,
    /// HAProxy's binary, for one more row.
    #[arg(long)]
    pub haproxy: Option<PathBuf>,
    /// Rounds; every target runs once in each.
    #[arg(long, default_value_t = 3)]
    pub repeats: usize,
    /// Short phases: at most three minutes instead of twelve.
    #[arg(long)]
    pub quick: bool,
    /// Fail when a bar is missed.
    #[arg(long)]
    pub enforce: bool,
    /// The folder with the gate's configurations.
    #[arg(long, default_value = "bench")]
    pub configs: PathBuf,
    /// Where results go.
    #[arg(long, default_value = "bench/results")]
    pub results: PathBuf,
}

/// How to soak.
#[derive(Args, Clone, Debug)]
pub struct SoakOptions {
    /// The gate's binary; without it nginx is soaked.
    #[arg(long)]
    pub bartizan: Option<PathBuf>,
    /// nginx's binary.
    #[arg(long, default_value = "/usr/sbin/nginx")]
    pub nginx: PathBuf,
    /// How long.
    #[arg(long, default_value_t = 600)]
    pub seconds: u64,
    /// Requests per second.
    #[arg(long, default_value_t = 2000.0)]
    pub rate: f64,
    /// The folder with the gate's configurations.
    #[arg(long, default_value = "bench")]
    pub configs: PathBuf,
    /// Where results go.
    #[arg(long, default_value = "bench/results")]
    pub results: PathBuf,
}

/// What to measure the parts with.
#[derive(Args, Clone, Debug)]
pub struct PartsOptions {
    /// Entries that go through the journal into the store, and are asked about.
    #[arg(long, default_value_t = 200_000)]
    pub entries: u64,
    /// Leaves of the log that proofs are made in; a tenth as many entries are exported and verified.
    #[arg(long, default_value_t = 1 << 20)]
    pub leaves: u64,
    /// An empty database of PostgreSQL, as its owner: the same entries go there as well.
    #[arg(long, value_name = "URL")]
    pub postgres: Option<String>,
    /// Where results go.
    #[arg(long, default_value = "bench/results")]
    pub results: PathBuf,
}

/// How to measure the guards.
#[derive(Args, Clone, Debug)]
pub struct GuardsOptions {
    /// Bytes of the texts of the worst sorts.
    #[arg(long, default_value_t = 1 << 20)]
    pub worst_bytes: usize,
    /// Where results go.
    #[arg(long, default_value = "bench/results")]
    pub results: PathBuf,
}

/// What the made-up month is like.
#[derive(Args, Clone, Debug)]
pub struct MonthOptions {
    /// The data folder of a gate that was started once and is stopped.
    #[arg(long)]
    pub data_dir: PathBuf,
    /// How many days, up to yesterday.
    #[arg(long, default_value_t = 30)]
    pub days: u32,
    /// Calls on a weekday in the middle of the month.
    #[arg(long, default_value_t = 1_500)]
    pub calls_per_day: u32,
    /// The same seed makes the same calls.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
}
