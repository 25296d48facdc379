//! `bartizan guard`: what the guards find in a text, and how good they are on labelled texts. Asks no instance; reads the
//! files that it is given and nothing else; what was found is never printed, only where it stands.

mod dataset;
mod eval;
mod looks;

use clap::Subcommand;

use crate::failure::Failure;

use super::show::Show;

pub use eval::EvalArgs;
pub use looks::TestArgs;

/// What to do with guards.
#[derive(Debug, Subcommand)]
pub enum GuardCommand {
    /// Say what the guards find in a text or in a request's body
    #[command(after_help = looks::HELP)]
    Test(TestArgs),
    /// Say how good the guards are on labelled texts: precision, recall, false positives, speed
    #[command(after_help = eval::HELP)]
    Eval(EvalArgs),
}

/// Runs one of them.
pub fn run(command: GuardCommand, show: Show) -> Result<(), Failure> {
    match command {
        GuardCommand::Test(args) => looks::run(&args, show),
        GuardCommand::Eval(args) => eval::run(&args, show),
    }
}
