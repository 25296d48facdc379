//! Whom somebody believes who verifies: the key that they were given another way, which successions they have seen
//! published, and a checkpoint that they kept.

use std::path::{Path, PathBuf};

use clap::Args;
use ledger::note::{Checkpoint, Verifier, claimed};
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

/// What is believed.
#[derive(Debug)]
pub struct Trusted {
    pinned: Verifier,
    published: Vec<String>,
    since: Option<Kept>,
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
            since: None,
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
            since: None,
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
            since: None,
        })
    }

    /// The same, with a checkpoint that was kept, if one was.
    pub fn since(self, path: Option<&Path>) -> Result<Self, Failure> {
        let since = path.map(kept).transpose()?;
        Ok(Self { since, ..self })
    }

    /// The same, if the checkpoint that was kept is cosigned by this witness.
    // threat: ANP-0012
    pub fn witnessed(self, witness: Option<&str>) -> Result<Self, Failure> {
        let (Some(given), Some(kept)) = (witness, &self.since) else {
            return Ok(self);
        };
        let key = witness_key(given)?;
        match key.cosigned(&kept.note) {
            Some(_) => Ok(self),
            None => Err(Failure::tampered(format!(
                "the checkpoint at {} is not cosigned by `{}`",
                kept.claims.size,
                key.name()
            ))),
        }
    }

    /// For those who verify.
    pub fn trust(&self) -> Trust<'_> {
        Trust::from(&self.pinned)
            .published(&self.published)
            .since(self.since.as_ref().map(|kept| kept.note.as_str()))
    }

    /// What the checkpoint that was kept says of itself.
    pub fn claimed(&self) -> Option<&Checkpoint> {
        self.since.as_ref().map(|kept| &kept.claims)
    }
}

fn kept(path: &Path) -> Result<Kept, Failure> {
    let note = std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
    let claims = claimed(&note).map_err(|e| {
        Failure::tampered(format!(
            "`{}` is no checkpoint of this ledger: {e}",
            path.display()
        ))
    })?;
    Ok(Kept { note, claims })
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
