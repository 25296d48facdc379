//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The gate.
#[derive(Debug, Parser)]
#[command(name = "bartizan", version)]
pub struct Cli {
    /// The configuration; without it, `bartizan.yaml` here, else the defaults
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The instance's data folder, over the configuration's
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Print JSON for programs instead of tables for people
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or Ctrl-C
    Serve,
}
