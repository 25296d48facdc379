//! Handing the newest signed heads to a witness, and keeping them with what it signed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use domain::{TenantId, TenantScope};
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use ledger::note::{Checkpoint, claimed};
use ledger::witness::{AddCheckpoint, WitnessKey};
use serde::Serialize;
use store::{LogKind, Paths, StoredCheckpoint};

use crate::command::instance::Instance;
use crate::command::show::{Show, Shown};
use crate::command::table::facts;
use crate::command::witness::{file_of, replace};
use crate::failure::{Failure, Hint};

use super::evidence::signed_now;
use super::trust::witness_key;

const TIMEOUT: Duration = Duration::from_secs(20);
const ANSWER_BYTES_MAX: usize = 64 * 1024;
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
                client: &client,
                url: &args.url,
                key: &key,
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
    client: &'a upstream::Client,
    url: &'a str,
    key: &'a WitnessKey,
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
            let (status, answer) = self.ask(asked.to_string()).await?;
            match status {
                200 => {
                    let lines = self.key.lines_of(&head.note, &answer).ok_or_else(|| {
                        Failure::tampered("what the witness answered is not signed with its key".to_owned())
                    })?;
                    let note = format!("{}{lines}", head.note);
                    replace(file, note.as_bytes()).map_err(|error| {
                        Failure::new(format!("`{}` cannot be written: {error}", file.display()))
                    })?;
                    return Ok(Log {
                        origin: own.origin,
                        size: head.size,
                        file: file.display().to_string(),
                    });
                }
                409 => match answer.trim().parse() {
                    Ok(seen) if seen != old_size => old_size = seen,
                    _ => return Err(forked(&own, &answer)),
                },
                422 => return Err(forked(&own, &answer)),
                _ => {
                    return Err(
                        Failure::new(format!("the witness says {status}: {}", answer.trim()))
                            .hint("has it been given the ledger's newest key (--log)?"),
                    );
                }
            }
        }
        Err(Failure::new(
            "the witness is asked by others all the time: run this again",
        ))
    }

    async fn ask(&self, body: String) -> Result<(u16, String), Failure> {
        let url = format!("{}/add-checkpoint", self.url.trim_end_matches('/'));
        let request = Request::post(&url).body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| Failure::usage(format!("`{url}` cannot be asked: {error}")))?;
        let away = |why: String| Failure::new(format!("`{url}` does not answer: {why}"));
        let answer = self
            .client
            .send(request, TIMEOUT)
            .await
            .map_err(|error| away(error.to_string()))?;
        let (head, body) = answer.into_parts();
        let read = tokio::time::timeout(TIMEOUT, Limited::new(body, ANSWER_BYTES_MAX).collect()).await;
        let read = read.map_err(|_| away("too slow".to_owned()))?;
        let bytes = read.map_err(|error| away(error.to_string()))?.to_bytes();
        Ok((head.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned()))
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
