//! `bartizan guard`: what the guards find in a text, what a call would get, and how good they are on labelled texts. Asks no
//! instance; reads the files that it is given and nothing else; what was found is never printed, only where it stands.

mod dataset;
mod eval;
mod extension;
mod looks;
mod places;
mod verdict;

use clap::Subcommand;

use crate::cli::At;
use crate::failure::Failure;

use super::show::Show;

pub use eval::EvalArgs;
pub use extension::ExtensionArgs;
pub use looks::TestArgs;
pub use verdict::VerdictArgs;

/// What to do with guards.
#[derive(Debug, Subcommand)]
pub enum GuardCommand {
    /// Say what the guards find in a text
    #[command(after_help = looks::HELP)]
    Test(TestArgs),
    /// Say what a call with a text would get, by the profiles of a configuration that it meets
    #[command(after_help = verdict::HELP)]
    Verdict(VerdictArgs),
    /// Try a module of your own on a text, with the bounds it will have
    #[command(after_help = extension::HELP)]
    Extension(ExtensionArgs),
    /// Say how good the guards are on labelled texts: precision, recall, false positives, speed
    #[command(after_help = eval::HELP)]
    Eval(EvalArgs),
}

/// Runs one of them.
pub fn run(command: GuardCommand, at: &At, show: Show) -> Result<(), Failure> {
    match command {
        GuardCommand::Test(args) => looks::run(&args, show),
        GuardCommand::Verdict(args) => verdict::run(&args, at, show),
        GuardCommand::Extension(args) => extension::run(&args, show),
        GuardCommand::Eval(args) => eval::run(&args, show),
    }
}
