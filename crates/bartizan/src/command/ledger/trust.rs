//! Whom somebody believes who verifies: the key that they were given another way, which successions they have seen
//! published, and a checkpoint that they kept.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::Args;
use ledger::note::{Checkpoint, Verifier, claimed, in_file};
use ledger::succession::Trust;
use ledger::witness::WitnessKey;
use serde::Deserialize;

use crate::cli::At;
use crate::command::arguments::quoted;
use crate::command::instance::Instance;
use crate::failure::{Failure, Hint};

use super::verify::unreadable;

/// Whom to believe.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// A public key of the ledger's as `bartizan ledger key` prints it, or a file that holds it: its newest, or any older
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// What was published of its keys: the output of `bartizan ledger key --json`, or of `GET /api/v1/ledger/key`
    #[arg(long, value_name = "FILE", requires = "key")]
    published: Option<PathBuf>,
}

/// Who must have seen it as well.
#[derive(Debug, Args)]
pub struct WitnessesArgs {
    /// A witness's public key, or a file that holds it: the checkpoint of --since, or without it the head of what is
    /// verified, must be cosigned by it; may be repeated
    #[arg(long = "witness", value_name = "KEY")]
    keys: Vec<String>,
    /// So many of those with a --witness are enough; without, all of them
    #[arg(long, value_name = "N", requires = "keys")]
    witnesses: Option<usize>,
}

impl WitnessesArgs {
    /// Whether any is asked for.
    pub const fn any(&self) -> bool {
        !self.keys.is_empty()
    }
}

/// What is believed.
#[derive(Debug)]
pub struct Trusted {
    pinned: Verifier,
    published: Vec<String>,
    /// Of each log one.
    since: Vec<Kept>,
    witnesses: Vec<WitnessKey>,
    /// So many of them are enough.
    enough: usize,
}

/// A checkpoint kept in a file.
#[derive(Debug)]
struct Kept {
    note: String,
    claims: Checkpoint,
}

/// What is read of what was published.
#[derive(Deserialize)]
struct Published {
    successions: Vec<String>,
}

impl Trusted {
    /// One key, and nothing else.
    #[cfg(test)]
    pub const fn only(pinned: Verifier) -> Self {
        Self {
            pinned,
            published: Vec::new(),
            since: Vec::new(),
            witnesses: Vec::new(),
            enough: 0,
        }
    }

    /// What was given; else what the instance here says.
    pub async fn given(args: &TrustArgs, at: &At) -> Result<Self, Failure> {
        let Some(given) = &args.key else {
            return Self::of_this_instance(at).await;
        };
        let published = args.published.as_deref().map(published).transpose()?;
        Ok(Self {
            pinned: key(given)?,
            published: published.unwrap_or_default(),
            since: Vec::new(),
            witnesses: Vec::new(),
            enough: 0,
        })
    }

    async fn of_this_instance(at: &At) -> Result<Self, Failure> {
        let instance = Instance::open(at).await.map_err(|_| {
            Failure::usage("there is no instance here whose key could be used")
                .hint("give the ledger's public key with --key, as `bartizan ledger key` prints it")
        })?;
        let keys = instance.signing()?.now().await?;
        Ok(Self {
            pinned: keys.signer()?.verifier().clone(),
            published: keys.successions(),
            since: Vec::new(),
            witnesses: Vec::new(),
            enough: 0,
        })
    }

    /// The same, with the checkpoint that was kept in a file, if one was; of a file of many, the newest of each log.
    pub fn since(self, path: Option<&Path>) -> Result<Self, Failure> {
        let since = path.map(kept).transpose()?.unwrap_or_default();
        Ok(Self { since, ..self })
    }

    /// The same, who believes only what so many of these witnesses cosigned; all of them where no number is given.
    pub fn witnessed_by(self, args: &WitnessesArgs) -> Result<Self, Failure> {
        let keys = args.keys.iter().map(|key| witness_key(key));
        let witnesses: Vec<_> = keys.collect::<Result<_, _>>()?;
        let enough = args.witnesses.unwrap_or(witnesses.len());
        if enough > witnesses.len() || (enough == 0 && !witnesses.is_empty()) {
            let most = witnesses.len();
            return Err(Failure::usage(format!(
                "--witnesses is from 1 to {most}, the keys that are given"
            )));
        }
        Ok(Self {
            witnesses,
            enough,
            ..self
        })
    }

    /// Which of the witnesses cosigned what is to be believed: the checkpoint that was kept, if one was, else this head.
    // threat: ANP-0012
    pub fn cosigned(&self, (head, size): (&str, u64), origin: &str) -> Result<Vec<String>, Failure> {
        let (note, size) = match self.kept(Some(origin)) {
            Some(kept) => (kept.note.as_str(), kept.claims.size),
            None => (head, size),
        };
        let (signed, missing): (Vec<_>, Vec<_>) = self
            .witnesses
            .iter()
            .partition(|key| key.cosigned(note).is_some());
        let names = |keys: &[&WitnessKey]| keys.iter().map(|key| key.name().to_owned()).collect::<Vec<_>>();
        if signed.len() >= self.enough {
            return Ok(names(&signed));
        }
        Err(Failure::tampered(format!(
            "the head at {size} is not cosigned by `{}`: {} of {} that must be",
            names(&missing).join("`, `"),
            signed.len(),
            self.enough
        ))
        .hint("take the evidence with --witnesses, which ends it at a head that so many cosigned"))
    }

    /// For those who verify.
    pub fn trust(&self) -> Trust<'_> {
        self.trust_of(None)
    }

    /// For those who verify evidence of this log.
    pub fn trust_of(&self, origin: Option<&str>) -> Trust<'_> {
        let kept = self.kept(origin);
        Trust::from(&self.pinned)
            .published(&self.published)
            .since(kept.map(|kept| kept.note.as_str()))
    }

    /// What the checkpoint that was kept of this log says of itself.
    pub fn claimed(&self, origin: Option<&str>) -> Option<&Checkpoint> {
        self.kept(origin).map(|kept| &kept.claims)
    }

    /// The checkpoint of this log. Where there is none of it there is another's, and what is verified is refused: a file that
    /// says nothing of a log must not pass for one that agrees.
    fn kept(&self, origin: Option<&str>) -> Option<&Kept> {
        let same = |kept: &&Kept| origin.is_some_and(|origin| kept.claims.origin == origin);
        self.since.iter().find(same).or(self.since.first())
    }
}

fn kept(path: &Path) -> Result<Vec<Kept>, Failure> {
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    let mut all: Vec<Kept> = Vec::new();
    for note in in_file(BufReader::new(file).lines()) {
        let note = note.map_err(|e| unreadable(path, &e))?;
        let claims = claimed(&note).map_err(|e| {
            Failure::tampered(format!(
                "`{}` is no checkpoint of this ledger: {e}",
                path.display()
            ))
        })?;
        // Each continues the one before: who added it saw to that.
        all.retain(|kept| kept.claims.origin != claims.origin);
        all.push(Kept { note, claims });
    }
    match all.is_empty() {
        true => Err(Failure::tampered(format!(
            "`{}` holds no checkpoint",
            path.display()
        ))),
        false => Ok(all),
    }
}

fn published(path: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
    let read: Published = serde_json::from_str(&text).map_err(|e| {
        Failure::usage(format!(
            "`{}` does not say which keys were published: {e}",
            path.display()
        ))
        .hint("`bartizan ledger key --json` prints it, where the instance is")
    })?;
    Ok(read.successions)
}

/// A witness's public key, or the file that holds it.
pub fn witness_key(given: &str) -> Result<WitnessKey, Failure> {
    WitnessKey::parse(given.trim()).or_else(|error| {
        let from_file = std::fs::read_to_string(given).ok();
        let from_file = from_file.map(|text| WitnessKey::parse(text.trim()));
        from_file.unwrap_or(Err(error)).map_err(|e| {
            Failure::usage(format!("{} is no witness's key: {e}", quoted(given)))
                .hint("`bartizan witness` prints it when it starts")
        })
    })
}

/// A ledger's public key, or the file that holds it.
pub fn key(given: &str) -> Result<Verifier, Failure> {
    Verifier::parse(given.trim()).or_else(|error| {
        let from_file = std::fs::read_to_string(given)
            .ok()
            .map(|text| Verifier::parse(text.trim()));
        from_file.unwrap_or(Err(error)).map_err(|e| {
            Failure::usage(format!("{} is no ledger's key: {e}", quoted(given)))
                .hint("`bartizan ledger key` prints it, where the instance is")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::note::Signer;

    #[test]
    fn keys_are_given_as_text_or_as_a_file() {
        let signer = Signer::from_seed("log", &[7; 32]).unwrap();
        let text = signer.verifier_text();
        assert_eq!(key(&text).unwrap(), *signer.verifier());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.key");
        std::fs::write(&file, format!("{text}\n")).unwrap();
        assert_eq!(key(file.to_str().unwrap()).unwrap(), *signer.verifier());
        assert_eq!(key("log+00000000+AQ").unwrap_err().exit(), 2);
    }
}
