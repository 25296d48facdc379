//! `bartizan secrets`: provider credentials in the store, and the sealed file that `sealed:` references lead to. A value comes in by standard input
//! and never comes out again.

mod master;
mod stored;

use std::io::{self, IsTerminal, Read, Write};

use clap::Subcommand;
use config::Config;
use credential::{SealedName, SecretRef};
use domain::Secret;
use secrets::{SECRET_BYTES_MAX, SealedError, taken_in};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::resolve::{master_key, sealed_file, sealing_key};

use super::instance::configuration;
use super::show::{Show, Shown, remark};
use super::table::{Column, Table};
use stored::StoredCommand;

/// What to do with sealed values.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Provider credentials in the store, for `stored:` references
    #[command(subcommand)]
    Stored(StoredCommand),
    /// Seal a value, read from standard input, under a name
    #[command(after_help = "\
Examples:
  bartizan secrets put openai < key.txt
  printf %s \"$OPENAI_API_KEY\" | bartizan secrets put openai

Name it in bartizan.yaml as `sealed:openai`. One final line break is not part of the value. A gate that serves takes a new \
value at SIGHUP; with `secrets.vault` also by itself.")]
    Put {
        /// Letters, digits, `-`, `_` and `.`
        #[arg(value_name = "NAME")]
        name: SealedName,
    },
    /// List names and versions, never values
    #[command(after_help = "\
Examples:
  bartizan secrets list")]
    List,
    /// Take a value out
    #[command(after_help = "\
Examples:
  bartizan secrets remove openai")]
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: SealedName,
    },
    /// Replace the master key: a new one opens the root beside the old, until --finish shuts the old one out
    #[command(after_help = "\
Examples:
  bartizan secrets rotate-master
  bartizan secrets rotate-master --to file:/etc/bartizan/master-2027.key
  bartizan secrets rotate-master --finish

Runs beside a gate that serves, on one node; nothing that was issued or sealed changes. Give the new key to every node, \
then finish: from then on a node with the old key does not start.")]
    RotateMaster {
        /// A new master key that is kept elsewhere, as an `env:` or `file:` reference
        #[arg(long, value_name = "REFERENCE", conflicts_with = "finish")]
        to: Option<SecretRef>,
        /// Shut out all master keys but the newest
        #[arg(long)]
        finish: bool,
    },
    /// Print a new master key, for whoever keeps it elsewhere than in the data folder
    #[command(after_help = "\
Examples:
  (umask 077; bartizan secrets new-master-key > master-2027.key)

Wrapped under BARTIZAN_MASTER_PASSPHRASE if that is set.")]
    NewMasterKey,
    /// Wrap the master key under a passphrase read from standard input, another one, or none
    #[command(after_help = "\
Examples:
  bartizan secrets passphrase
  bartizan secrets passphrase < new-passphrase.txt

The passphrase until now, if there is one, is in BARTIZAN_MASTER_PASSPHRASE.")]
    Passphrase,
    /// Seal everything anew under another master key
    #[command(after_help = "\
Examples:
  bartizan secrets rewrap --to file:/etc/bartizan/master-2027.key

The old key opens nothing of the new file. Name the new one in bartizan.yaml as `secrets.sealed_under` and start the gate \
again.")]
    Rewrap {
        /// Where that key is, as an `env:` or `file:` reference; its text is like `master.key`
        #[arg(long, value_name = "REFERENCE")]
        to: SecretRef,
    },
}

#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    version: u64,
}

impl Shown for Entry {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "sealed:{} is at version {}", self.name, self.version)
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Entries(Vec<Entry>);

impl Shown for Entries {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[Column::Text("name"), Column::Number("version")]);
        for entry in &self.0 {
            table.row([entry.name.clone(), entry.version.to_string()]);
        }
        table.write(out)
    }
}

#[derive(Debug, Serialize)]
struct Removed {
    removed: String,
}

impl Shown for Removed {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "sealed:{} is gone", self.removed)
    }
}

#[derive(Debug, Serialize)]
struct Rewrapped {
    values: usize,
}

impl Shown for Rewrapped {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} values are sealed under the new master key", self.values)
    }
}

/// Runs one of them.
pub async fn run(command: SecretsCommand, at: &At, show: Show) -> Result<(), Failure> {
    let config = configuration(at)?;
    let file = || sealed_file(&config);
    match command {
        SecretsCommand::Stored(command) => stored::run(command, at, show).await,
        SecretsCommand::RotateMaster { to, finish } => master::rotate(to.as_ref(), finish, at, show).await,
        SecretsCommand::NewMasterKey => master::fresh(),
        SecretsCommand::Passphrase => master::passphrase(at, show),
        SecretsCommand::Put { name } => {
            let file = file().await?;
            let given = value(&SecretRef::Sealed(name.clone()))?;
            let version = file.put(&name, &given).map_err(told)?;
            let name = name.as_str().to_owned();
            show.say(&Entry { name, version })
        }
        SecretsCommand::List => {
            let entries = file().await?.list().map_err(told)?.into_iter();
            let entries = entries.map(|(name, version)| Entry { name, version });
            show.say(&Entries(entries.collect()))
        }
        SecretsCommand::Remove { name } => {
            if !file().await?.remove(&name).map_err(told)? {
                let what = format!("there is no `sealed:{}`", name.as_str());
                return Err(Failure::not_found(what).hint("`bartizan secrets list` shows all"));
            }
            let removed = name.as_str().to_owned();
            show.say(&Removed { removed })
        }
        SecretsCommand::Rewrap { to } => {
            let values = rewrap(&config, &file().await?, &to).await?;
            remark(&format!("set `secrets.sealed_under: {to}` before the next start"));
            show.say(&Rewrapped { values })
        }
    }
}

// threat: AGP-CRED-2.2
async fn rewrap(config: &Config, file: &secrets::SealedFile, to: &SecretRef) -> Result<usize, Failure> {
    if !matches!(to, SecretRef::Env(_) | SecretRef::File(_))
        || config.secrets.sealed_under.as_ref() == Some(to)
    {
        return Err(Failure::usage(
            "`--to` must name another key than the one in use, by `env:` or `file:`",
        ));
    }
    let key = sealing_key(&master_key(to).await?)?;
    file.rewrap(&key).map_err(told)
}

/// By standard input: a command line can be read by everyone on the machine.
// threat: AGP-I1
fn value(at: &SecretRef) -> Result<Secret, Failure> {
    let input = io::stdin().lock();
    if input.is_terminal() {
        remark("type the value, then press Enter and Ctrl-D");
    }
    let most = SECRET_BYTES_MAX + 2;
    let mut text = Zeroizing::new(String::with_capacity(most + 64));
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let read = input.take(most).read_to_string(&mut text);
    read.map_err(|e| Failure::new(format!("standard input cannot be read: {e}")))?;
    taken_in(at, &text).map_err(|e| Failure::new(e.to_string()))
}

fn told_of(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

fn told(error: SealedError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        SealedError::Key(_) => failure.hint("is `secrets.sealed_under` the key it was last sealed under?"),
        _ => failure,
    }
}
