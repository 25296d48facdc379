//! `bartizan`: the gate, and the commands that look after it.
//!
//! Nothing is decided here: the command line is read, a runtime is made, one command runs, and its failure
//! becomes two lines on standard error and an exit code.

mod assemble;
mod cli;
mod command;
mod discover;
mod failure;
mod guard_files;
mod home;
mod identity_keys;
mod load;
mod open;
mod pem;
mod policies;
mod prices;
mod pricing;
mod reports;
mod resolve;
mod root;
mod serving;
mod stored;
mod undumpable;
mod upstream_tls;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Err(error) = undumpable::harden() {
        let _ = writeln!(
            std::io::stderr().lock(),
            "note: core dumps cannot be switched off: {error}"
        );
    }
    // Fails only if there is one already, and then it is this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_said() {
                let _ = writeln!(std::io::stderr().lock(), "{failure}");
            }
            ExitCode::from(failure.exit())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("the runtime cannot start: {e}")))?;
    let done = runtime.block_on(command::run(cli));
    // A command that is done waits for nobody: what must be flushed has been.
    runtime.shutdown_background();
    done
}
