//! The loopback benchmark: mock upstream, load generator, side-by-side runs.
//!
//! It never leaves 127.0.0.1 and never runs without an end. Numbers of different runs are
//! not comparable; ratios within one run are.
#![expect(clippy::print_stdout, reason = "a command-line tool prints its results")]

mod cli;
mod cpus;
mod failure;
mod framing;
mod guards;
mod load;
mod month;
mod parts;
mod plan;
mod process;
mod report;
mod run;
mod soak;
mod stats;
mod svg;
mod target;
mod upstream;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let done = match cli::Cli::parse().command {
        cli::Command::Upstream(options) => upstream::serve(&options),
        cli::Command::Load(options) => load::main(&options),
        cli::Command::Run(options) => run::main(&options),
        cli::Command::Soak(options) => soak::main(&options),
        cli::Command::Parts(options) => parts::main(&options),
        cli::Command::Guards(options) => guards::main(&options),
        cli::Command::Month(options) => month::main(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("error: {why}");
            ExitCode::FAILURE
        }
    }
}
