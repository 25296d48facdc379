//! `bartizan history verify`: whether exported exchanges are the originals. Offline: no store is opened where a key is
//! given, and nothing is asked of anybody.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use clap::Args;
use ledger::exchange::Exported;
use serde::Serialize;

use crate::cli::At;
use crate::command::ledger::trust::{TrustArgs, Trusted};
use crate::command::ledger::verify::unreadable;
use crate::command::show::{Show, Shown};
use crate::failure::Failure;

/// The longest line: both texts escaped at their longest, and a proof.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// What to verify, and whom to believe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan history verify october.jsonl --key ledger.key

Verifies of each line that its call is in the ledger under a signed head, and that the exchange is what was kept when the \
call ended, to the last byte. Exits with 4 and says which line does not hold.")]
pub struct VerifyArgs {
    /// What `bartizan history export` or the control plane wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Debug, Serialize)]
struct Verified {
    file: String,
    exchanges: u64,
}

impl Shown for Verified {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{}  {} exchanges, all of them originals",
            self.file, self.exchanges
        )
    }
}

/// Verifies.
// threat: ANP-0012
// threat: AGP-R1
pub async fn run(args: &VerifyArgs, at: &At, show: Show) -> Result<(), Failure> {
    let trusted = Trusted::given(&args.trust, at).await?;
    let file = File::open(&args.file).map_err(|error| unreadable(&args.file, &error))?;
    let mut reader = BufReader::new(file);
    let mut exchanges = 0;
    loop {
        let mut line = String::new();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_line(&mut line);
        if read.map_err(|error| unreadable(&args.file, &error))? == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        exchanges += 1;
        original(&line, &trusted).map_err(|why| {
            Failure::tampered(format!(
                "exchange {exchanges} of `{}`: {why}",
                args.file.display()
            ))
        })?;
    }
    if exchanges == 0 {
        return Err(Failure::usage(format!(
            "`{}` holds no exchange",
            args.file.display()
        )));
    }
    show.say(&Verified {
        file: args.file.display().to_string(),
        exchanges,
    })
}

fn original(line: &str, trusted: &Trusted) -> Result<(), String> {
    let exported: Exported = serde_json::from_str(line)
        .map_err(|error| format!("it does not read, at column {}", error.column()))?;
    let verified = exported.verify(trusted.trust());
    verified.map(drop).map_err(|error| error.to_string())
}
