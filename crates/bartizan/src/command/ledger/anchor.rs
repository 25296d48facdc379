//! Handing the newest signed heads to a witness, and keeping them with what it signed.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{TenantId, TenantScope};
use ledger::note::{Checkpoint, claimed};
use ledger::witness::AddCheckpoint;
use serde::Serialize;
use store::{LogKind, Paths, StoredCheckpoint};
use worker::{HttpWitness, NotTaken, Witness};

use crate::command::instance::Instance;
use crate::command::show::{Show, Shown};
use crate::command::table::facts;
use crate::command::witness::{file_of, replace};
use crate::failure::{Failure, Hint};

use super::evidence::signed_now;
use super::trust::witness_key;

/// Its size is asked for once; other replicas may ask it meanwhile.
const TRIES: u32 = 4;

/// Which witness, and where heads are kept.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan ledger witness --url https://witness.example.org --key 'witness.example.org+1a2b3c4d+BA…' --dir heads
  bartizan ledger verify ledger.jsonl --since heads/….checkpoint --witness 'witness.example.org+1a2b3c4d+BA…'

Signs what has grown, hands every log's head to the witness, and keeps each head with the witness's signature below its \
own. Run it as often as a loss may go unnoticed. It fails with 4 if the witness has seen a longer or another log: then the \
store was set back, or the log forked.")]
pub struct WitnessArgs {
    /// The witness's address: any that speaks C2SP tlog-witness
    #[arg(long, value_name = "URL")]
    url: String,
    /// Its public key, or a file that holds it
    #[arg(long, value_name = "KEY")]
    key: String,
    /// Where heads are kept, a file for each log
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Debug, Serialize)]
struct Anchored {
    witness: String,
    logs: Vec<Log>,
}

#[derive(Debug, Serialize)]
struct Log {
    origin: String,
    size: u64,
    file: String,
}

impl Shown for Anchored {
    fn text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        writeln!(out, "cosigned by {}", self.witness)?;
        for log in &self.logs {
            facts(out, &[(&*log.origin, format!("{} in {}", log.size, log.file))])?;
        }
        Ok(())
    }
}

/// Hands over every log's head.
// threat: ANP-0012
// threat: AGP-R1
pub async fn run(args: &WitnessArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let key = witness_key(&args.key)?;
    std::fs::create_dir_all(&args.dir)
        .map_err(|error| Failure::new(format!("`{}` cannot be made: {error}", args.dir.display())))?;
    let signing = instance.signing()?;
    let paths = Paths::new(instance.store.clone());
    let client = upstream::Client::new(&upstream::ClientOptions::default());
    let witness = HttpWitness::new(&args.url, key.clone(), client);
    let tenants = instance.store.load().await?.tenants;
    let mut logs = Vec::new();
    for tenant in tenants.iter().map(|tenant| tenant.id).chain([TenantId::PLATFORM]) {
        for log in LogKind::ALL {
            let scope = TenantScope::operator(tenant);
            if instance.store.log_size(&scope, log).await? == 0 {
                continue;
            }
            let head = signed_now(instance, &signing, &scope, log).await?;
            let asker = Asker {
                witness: &witness,
                paths: &paths,
            };
            let file = args.dir.join(file_of(&signing.origin(tenant, log)));
            logs.push(asker.anchor((&scope, log), &head, &file).await?);
        }
    }
    show.say(&Anchored {
        witness: key.name().to_owned(),
        logs,
    })
}

struct Asker<'a> {
    witness: &'a HttpWitness,
    paths: &'a Paths,
}

impl Asker<'_> {
    async fn anchor(
        &self,
        (scope, log): (&TenantScope, LogKind),
        head: &StoredCheckpoint,
        file: &Path,
    ) -> Result<Log, Failure> {
        let own = claimed(&head.note).map_err(|error| Failure::tampered(error.to_string()))?;
        let mut old_size = kept(file)?.map_or(0, |kept| kept.size);
        for _ in 0..TRIES {
            if old_size > head.size {
                return Err(Failure::tampered(format!(
                    "`{}` has {} entries here, but {} were seen: it was rolled back",
                    own.origin, head.size, old_size
                )));
            }
            let path = self.paths.consistency(scope, log, (old_size, head.size)).await?;
            let asked = AddCheckpoint {
                old_size,
                path,
                note: head.note.clone(),
            };
            let lines = match self.witness.add(&asked).await {
                Ok(lines) => lines.unwrap_or_default(),
                Err(NotTaken::Seen(seen)) => {
                    old_size = seen;
                    continue;
                }
                Err(NotTaken::Disagrees(why)) => return Err(forked(&own, &why)),
                Err(why @ NotTaken::Away(_)) => return Err(Failure::new(why.to_string())),
                Err(why @ NotTaken::Refused(_)) => {
                    return Err(Failure::new(why.to_string())
                        .hint("has it been given the ledger's newest key (--log)?"));
                }
            };
            let note = format!("{}{lines}", head.note);
            replace(file, note.as_bytes())
                .map_err(|error| Failure::new(format!("`{}` cannot be written: {error}", file.display())))?;
            return Ok(Log {
                origin: own.origin,
                size: head.size,
                file: file.display().to_string(),
            });
        }
        Err(Failure::new(
            "the witness is asked by others all the time: run this again",
        ))
    }
}

fn forked(own: &Checkpoint, answer: &str) -> Failure {
    Failure::tampered(format!(
        "`{}` is not the log that the witness saw: {}",
        own.origin,
        answer.trim()
    ))
}

/// What was kept the last time.
fn kept(file: &Path) -> Result<Option<Checkpoint>, Failure> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!(
            "`{}` cannot be read: {error}",
            file.display()
        ))),
        Ok(note) => claimed(&note)
            .map(Some)
            .map_err(|error| Failure::tampered(format!("`{}`: {error}", file.display()))),
    }
}
