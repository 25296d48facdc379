//! What each command does.

use crate::cli::{Cli, Command};
use crate::failure::Failure;
use crate::serving::{self, Asked};

/// Runs one command.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve => {
            serving::run(Asked { config: cli.config.as_deref(), data_dir: cli.data_dir.as_deref() }).await
        }
    }
}
