//! Verifying evidence offline: a proof or an export, and the ledger's public key. No store is opened.

mod view;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use ledger::bundle::{
    ExportLine, LINE_BYTES_MAX, Proof, Report, Tampered, Verified, verify_export, verify_proof,
};
use ledger::note::{Checkpoint, claimed};

use crate::cli::At;
use crate::command::arguments::rfc3339;
use crate::command::show::Show;
use crate::failure::{Failure, Hint};

use super::trust::{TrustArgs, Trusted, WitnessesArgs};
use view::{ExportHeld, Held, ProofHeld, Removed};

pub(in crate::command) use view::{cosigners, signed_by};

const DAY_MS: u64 = 86_400_000;

/// How an export's first line begins.
const EXPORT_BEGINS: &[u8] = b"{\"ledger\":";

/// What to verify, and whom to believe.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan ledger verify proof.json --key 'bartizan+d3adb33f+AQ…'
  bartizan ledger verify ledger.jsonl --key ledger.key --since 2026-06.checkpoint
  bartizan ledger verify ledger.jsonl --since heads/….checkpoint --witness witness.pub
  bartizan ledger verify ledger.jsonl --witness a.pub --witness b.pub --witness c.pub --witnesses 2
  bartizan ledger verify proof.json                    with the key of the instance on this machine

Verifies every hash, path and signature, that entries are in their one canonical form and of the ledger's own tenant, \
and, with --since, that the ledger only grew since that checkpoint. Exits with 4 and says where it broke if anything \
does not hold. Needs no store, no network and no running instance: with --key it runs anywhere.")]
pub struct VerifyArgs {
    /// A proof or an export; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// A checkpoint kept from earlier, or a file of a witness of the kind `file`: the ledger must contain all that was covered
    #[arg(long, value_name = "CHECKPOINT")]
    since: Option<PathBuf>,
    #[command(flatten)]
    witnesses: WitnessesArgs,
}

/// Verifies.
// threat: AGP-R1
// threat: AGP-R2
// threat: ANP-0012
pub async fn run(args: &VerifyArgs, at: &At, show: Show) -> Result<(), Failure> {
    let trusted = Trusted::given(&args.trust, at)
        .await?
        .since(args.since.as_deref())?
        .witnessed_by(&args.witnesses)?;
    let held = if args.file == Path::new("-") {
        verify(BufReader::new(io::stdin()), &args.file, &trusted)?
    } else {
        let file = File::open(&args.file).map_err(|e| unreadable(&args.file, &e))?;
        verify(BufReader::new(file), &args.file, &trusted)?
    };
    show.say(&held)
}

fn verify(mut evidence: impl BufRead, path: &Path, trusted: &Trusted) -> Result<Held, Failure> {
    let beginning = evidence.fill_buf().map_err(|e| unreadable(path, &e))?;
    if beginning.starts_with(EXPORT_BEGINS) {
        export(evidence, path, trusted)
    } else {
        proof(evidence, path, trusted)
    }
}

fn proof(evidence: impl BufRead, path: &Path, trusted: &Trusted) -> Result<Held, Failure> {
    let bytes_max = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    evidence
        .take(bytes_max)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(path, &e))?;
    let proof: Proof = serde_json::from_slice(&bytes).map_err(|e| {
        Failure::tampered(format!(
            "`{}` is neither a proof nor an export: {e}",
            path.display()
        ))
    })?;
    let origin = claimed(&proof.checkpoint).ok().map(|head| head.origin);
    if let Some(known) = trusted
        .claimed(origin.as_deref())
        .filter(|known| says_nothing_of(&proof, known))
    {
        let what = format!(
            "`{}` says nothing about the checkpoint at {}",
            path.display(),
            known.size
        );
        return Err(Failure::tampered(what)
            .hint("take the proof with `bartizan ledger prove … --since` that checkpoint"));
    }
    let Verified {
        entry,
        index,
        checkpoint,
        since,
        key,
    } = verify_proof(&proof, trusted.trust_of(origin.as_deref())).map_err(|e| broken(path, &e))?;
    let cosigned_by = trusted.cosigned((&proof.checkpoint, checkpoint.size), &checkpoint.origin)?;
    Ok(Held::Proof(Box::new(ProofHeld {
        origin: checkpoint.origin,
        index,
        size: checkpoint.size,
        root: hexed(&checkpoint.root),
        key,
        since,
        cosigned_by,
        entry,
    })))
}

/// Whether a proof has no path from an older checkpoint to its own: then nothing can be said about what was between.
pub fn says_nothing_of(proof: &Proof, known: &Checkpoint) -> bool {
    let path = proof.consistency.as_ref();
    known.size < proof.size && path.is_none_or(|path| path.old_size != known.size)
}

fn export(mut evidence: impl BufRead, path: &Path, trusted: &Trusted) -> Result<Held, Failure> {
    let mut trouble = None;
    let beginning = evidence.fill_buf().map_err(|e| unreadable(path, &e))?;
    let first = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let called = match serde_json::from_slice(first) {
        Ok(ExportLine::Ledger(header)) => Some(header.origin),
        _ => None,
    };
    let lines = Lines {
        evidence,
        trouble: &mut trouble,
    };
    let held = verify_export(lines, trusted.trust_of(called.as_deref()), None);
    if let Some(error) = trouble {
        return Err(unreadable(path, &error));
    }
    let Report {
        origin,
        entries,
        removed,
        retention,
        checkpoints,
        root,
        head,
        cost,
        first,
        last,
        key,
        successions,
        since,
        ..
    } = held.map_err(|e| broken(path, &e))?;
    let cosigned_by = trusted.cosigned((&head, entries), &origin)?;
    Ok(Held::Export(Box::new(ExportHeld {
        origin,
        entries,
        removed: retention.filter(|_| removed > 0).map(|(at, told)| Removed {
            entries: removed,
            on: rfc3339(at),
            ended_before: rfc3339(told.until),
            kept_days: told.keep_ms / DAY_MS,
        }),
        checkpoints,
        root: hexed(&root),
        key,
        successions,
        since,
        cosigned_by,
        first: first.and_then(rfc3339),
        last: last.and_then(rfc3339),
        cost_nanos: cost,
    })))
}

/// Lines of a file, none longer than any that is worth reading.
pub(in crate::command) struct Lines<'a, R> {
    pub(in crate::command) evidence: R,
    /// Why there are no more, if not because the file ended.
    pub(in crate::command) trouble: &'a mut Option<io::Error>,
}

impl<R: BufRead> Iterator for Lines<'_, R> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        // One byte more than a line may have, so that the verifier sees that it is too long.
        let bytes_max = u64::try_from(LINE_BYTES_MAX)
            .unwrap_or(u64::MAX)
            .saturating_add(2);
        let mut line = Vec::new();
        match self
            .evidence
            .by_ref()
            .take(bytes_max)
            .read_until(b'\n', &mut line)
        {
            Ok(0) => None,
            Ok(_) => {
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                Some(String::from_utf8_lossy(line).into_owned())
            }
            Err(error) => {
                *self.trouble = Some(error);
                None
            }
        }
    }
}

pub(in crate::command) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("`{}` cannot be read: {error}", path.display()))
}

pub(in crate::command) fn broken(path: &Path, tampered: &Tampered) -> Failure {
    Failure::tampered(format!("`{}` does not verify: {tampered}", path.display()))
}

pub(in crate::command) fn hexed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{KeyId, Money, NodeId, RequestId, TeamId, TenantId, UnixMillis};
    use ledger::bundle::{origin_of, prove, prove_since};
    use ledger::merkle::{Hash, leaf_hash, root_of};
    use ledger::note::Signer;
    use ledger::{Entry, UsageSource};

    fn signer() -> Signer {
        Signer::from_seed("log", &[7; 32]).unwrap()
    }

    fn entry(number: u128) -> Vec<u8> {
        let entry = Entry {
            team: TeamId::from_u128(2),
            key: KeyId::from_u128(3),
            node: NodeId::from_u128(4),
            started: UnixMillis(0),
            finished: UnixMillis(1_000),
            model: Some("tiny".into()),
            target: None,
            usage_source: UsageSource::None,
            cost: Money::from_nanos(5),
            price_version: "v".into(),
            ..Entry::sample(RequestId::from_u128(number), TenantId::from_u128(1))
        };
        entry.to_bytes()
    }

    fn leaves(count: u128) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&entry(number))).collect()
    }

    fn head(count: u128) -> String {
        let leaves = leaves(count);
        let origin = origin_of("log", TenantId::from_u128(1));
        let size = u64::try_from(leaves.len()).unwrap();
        Checkpoint {
            origin,
            size,
            root: root_of(&leaves),
        }
        .sign(&signer())
        .unwrap()
    }

    fn exported(count: u128) -> String {
        let origin = origin_of("log", TenantId::from_u128(1));
        let mut lines = vec![ExportLine::header(&origin, signer().verifier()).to_line()];
        for number in 0..count {
            let index = u64::try_from(number).unwrap();
            lines.push(ExportLine::entry(index, &entry(number)).unwrap().to_line());
        }
        lines.push(ExportLine::checkpoint(&head(count)).to_line());
        lines.join("\n") + "\n"
    }

    fn trusted(known: Option<u128>) -> Trusted {
        let trusted = Trusted::only(signer().verifier().clone());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.checkpoint");
        let kept = known.map(|count| {
            std::fs::write(&file, head(count)).unwrap();
            file.as_path()
        });
        trusted.since(kept).unwrap()
    }

    fn verified(text: &str, known: Option<u128>) -> Result<Held, Failure> {
        verify(text.as_bytes(), Path::new("evidence"), &trusted(known))
    }

    #[test]
    fn agp_r2_proofs_and_exports_are_told_apart_and_verified() {
        let proof = prove(&entry(1), 1, &leaves(3), &head(3)).unwrap();
        for text in [
            serde_json::to_string(&proof).unwrap(),
            serde_json::to_string_pretty(&proof).unwrap(),
        ] {
            assert!(
                matches!(verified(&text, None), Ok(Held::Proof(held)) if held.index == 1 && held.size == 3)
            );
        }
        let export = exported(3);
        assert!(matches!(verified(&export, Some(2)), Ok(Held::Export(held)) if held.entries == 3));
    }

    #[test]
    fn agp_r2_changed_evidence_exits_with_4_and_says_where() {
        let export = exported(3);
        let changed = export.replacen("\\\"cost\\\":5", "\\\"cost\\\":6", 1);
        assert_ne!(changed, export);
        let failure = verified(&changed, None).unwrap_err();
        assert_eq!(failure.exit(), 4);
        assert!(failure.to_string().contains("entry 0"), "{failure}");
        for text in [
            "",
            "{}",
            "nonsense",
            "{\"ledger\":",
            &export.replacen("\"format\":1", "\"format\":2", 1),
        ] {
            assert_eq!(verified(text, None).unwrap_err().exit(), 4, "{text}");
        }
    }

    #[test]
    fn anp_0012_a_ledger_cut_short_is_noticed_by_whoever_kept_a_checkpoint() {
        assert!(verified(&exported(2), None).is_ok());
        assert_eq!(verified(&exported(2), Some(3)).unwrap_err().exit(), 4);
        let proof = serde_json::to_string(&prove(&entry(1), 1, &leaves(2), &head(2)).unwrap()).unwrap();
        assert_eq!(verified(&proof, Some(3)).unwrap_err().exit(), 4);
    }

    #[test]
    fn a_proof_must_speak_of_the_checkpoint_it_is_held_against() {
        let leaves = leaves(4);
        let without = serde_json::to_string(&prove(&entry(3), 3, &leaves, &head(4)).unwrap()).unwrap();
        let failure = verified(&without, Some(2)).unwrap_err();
        assert!(
            failure
                .to_string()
                .contains("says nothing about the checkpoint at 2"),
            "{failure}"
        );
        let with = prove_since(&entry(3), 3, &leaves, &head(4), 2).unwrap();
        assert!(verified(&serde_json::to_string(&with).unwrap(), Some(2)).is_ok());
    }

    #[test]
    fn evidence_without_a_last_newline_or_with_foreign_line_ends_is_judged_as_it_is() {
        assert!(verified(exported(2).trim_end(), None).is_ok());
        let mut bytes = exported(2).into_bytes();
        bytes.extend(b"\xff\n");
        let judged = verify(bytes.as_slice(), Path::new("evidence"), &trusted(None));
        assert_eq!(judged.unwrap_err().exit(), 4);
    }

    #[test]
    fn agp_d2_a_line_without_end_is_not_read_without_end() {
        let mut trouble = None;
        let mut lines = Lines {
            evidence: BufReader::new(io::repeat(b'a')),
            trouble: &mut trouble,
        };
        let line = lines.next().unwrap();
        assert!(line.len() > LINE_BYTES_MAX && line.len() < LINE_BYTES_MAX + 8);
    }
}
