//! `bartizan secrets stored`: provider credentials in the store, for whoever has the machine. What it does is
//! recorded like what the control plane does.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use control::prober::Probed;
use credential::{SealedName, SecretRef, StoredCredential, StoredError, VersionState};
use domain::{Permission, Secret, TenantId, UnixMillis};
use serde::Serialize;
use store::{Change, Record, RecordKind, RecordQuery, StoreError};

use super::{told_of, value};
use crate::cli::At;
use crate::command::instance::Instance;
use crate::command::served;
use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table};
use crate::failure::{Failure, Hint};
use crate::policies;
use crate::resolve::Resolver;
use crate::stored::{self, StoredSecrets};

/// Credentials at most that are listed.
const LISTED_MAX: u64 = 1000;

/// What to do with provider credentials in the store.
#[derive(Debug, Subcommand)]
pub enum StoredCommand {
    /// Put a value in, read from standard input; it is a candidate until it is activated
    #[command(after_help = "\
Examples:
  bartizan secrets stored put openai < key.txt
  printf %s \"$NEW_KEY\" | bartizan secrets stored put openai

Name it in bartizan.yaml as `stored:openai`. Makes the credential if there is none of that name.")]
    Put {
        /// Letters, digits, `-`, `_` and `.`
        #[arg(value_name = "NAME")]
        name: SealedName,
        /// Remind of a replacement after so many days in force
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
        rotate_after_days: Option<u16>,
    },
    /// List credentials and their versions, never values
    #[command(after_help = "\
Examples:
  bartizan secrets stored list")]
    List,
    /// Put the candidate in force, once every provider that uses it takes it
    #[command(after_help = "\
Examples:
  bartizan secrets stored activate openai
  bartizan secrets stored activate openai --force --reason \"provider is down, key verified by hand\"

The value before may come back for --grace-s seconds. Gates that serve present the new one within a second.")]
    Activate {
        /// Its name
        #[arg(value_name = "NAME")]
        name: SealedName,
        /// How long the old value may come back
        #[arg(long, value_name = "SECONDS", default_value_t = 604_800, value_parser = clap::value_parser!(u32).range(0..=7_776_000))]
        grace_s: u32,
        /// Put it in force whatever providers say of it
        #[arg(long, requires = "reason")]
        force: bool,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Put the previous value back in force
    #[command(after_help = "\
Examples:
  bartizan secrets stored rollback openai")]
    Rollback {
        /// Its name
        #[arg(value_name = "NAME")]
        name: SealedName,
    },
    /// Take values away at once; calls that need them are refused
    #[command(after_help = "\
Examples:
  bartizan secrets stored revoke openai
  bartizan secrets stored revoke openai --version 3")]
    Revoke {
        /// Its name
        #[arg(value_name = "NAME")]
        name: SealedName,
        /// One version only
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
    },
    /// Remove a credential with all its values
    #[command(after_help = "\
Examples:
  bartizan secrets stored remove openai")]
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: SealedName,
    },
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    version: u32,
    state: VersionState,
    fingerprint: String,
    is_due: bool,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Lines(Vec<Line>);

impl Lines {
    fn of(credential: &StoredCredential, now: UnixMillis) -> Vec<Line> {
        let due = credential.is_due(now);
        let line = |one: &credential::StoredVersion| Line {
            name: credential.name.clone(),
            version: one.number,
            state: one.state,
            fingerprint: one.fingerprint.clone(),
            is_due: due && one.state == VersionState::Active,
        };
        credential.versions.iter().map(line).collect()
    }
}

impl Shown for Lines {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = [
            Column::Text("name"),
            Column::Number("version"),
            Column::Text("state"),
            Column::Text("fingerprint"),
        ];
        let mut table = Table::new(&columns);
        for line in &self.0 {
            let state = format!("{:?}{}", line.state, if line.is_due { ", due" } else { "" });
            table.row([
                line.name.clone(),
                line.version.to_string(),
                state.to_lowercase(),
                line.fingerprint.clone(),
            ]);
        }
        table.write(out)
    }
}

/// The store, and the keys to what is in it.
struct Desk {
    instance: Instance,
    secrets: StoredSecrets,
    now: UnixMillis,
}

/// Runs one of them.
pub async fn run(command: StoredCommand, at: &At, show: Show) -> Result<(), Failure> {
    let instance = Instance::open(at).await?;
    let secrets = StoredSecrets::new(instance.store.clone(), &instance.home.master)?;
    let desk = Desk {
        instance,
        secrets,
        now: UnixMillis::now(),
    };
    let lines = match command {
        StoredCommand::Put {
            name,
            rotate_after_days,
        } => desk.put(&name, rotate_after_days).await?,
        StoredCommand::List => desk.list().await?,
        StoredCommand::Activate {
            name,
            grace_s,
            force,
            reason,
        } => desk.activate(&name, grace_s, reason.filter(|_| force)).await?,
        StoredCommand::Rollback { name } => {
            let (before, mut new) = desk.find(&name).await?;
            new.roll_back(desk.now).map_err(told)?;
            desk.replace(before, &new, Permission::CredentialsRotate).await?
        }
        StoredCommand::Revoke { name, version } => {
            let (before, mut new) = desk.find(&name).await?;
            new.revoke(version).map_err(told)?;
            desk.replace(before, &new, Permission::CredentialsRevoke).await?
        }
        StoredCommand::Remove { name } => {
            let (before, _) = desk.find(&name).await?;
            desk.act(
                Permission::CredentialsUpdate,
                &before.id.clone(),
                Change::Remove(before),
            )
            .await?;
            Vec::new()
        }
    };
    show.say(&Lines(lines))
}

impl Desk {
    async fn find(&self, name: &SealedName) -> Result<(Record, StoredCredential), Failure> {
        let found = self.look(name).await?;
        found.ok_or_else(|| {
            let what = format!("there is no `stored:{}`", name.as_str());
            Failure::not_found(what).hint("`bartizan secrets stored list` shows all")
        })
    }

    async fn look(&self, name: &SealedName) -> Result<Option<(Record, StoredCredential)>, Failure> {
        let store = &self.instance.store;
        match store
            .record(&stored::scope(), RecordKind::Credential, name.as_str())
            .await
        {
            Err(StoreError::NotFound) => Ok(None),
            found => {
                let record = found?;
                let credential = stored::read(&record)?;
                Ok(Some((record, credential)))
            }
        }
    }

    async fn list(&self) -> Result<Vec<Line>, Failure> {
        let query = RecordQuery {
            kind: RecordKind::Credential,
            parent: None,
            after: None,
            count: LISTED_MAX,
        };
        let mut lines = Vec::new();
        for record in self.instance.store.records(&stored::scope(), &query).await? {
            lines.extend(Lines::of(&stored::read(&record)?, self.now));
        }
        Ok(lines)
    }

    // threat: AGP-I1
    async fn put(&self, name: &SealedName, days: Option<u16>) -> Result<Vec<Line>, Failure> {
        let before = self.look(name).await?;
        let given = value(&SecretRef::Stored(name.clone()))?;
        let fresh = || StoredCredential::new(name.as_str().to_owned(), days, self.now);
        let (before, mut new) = before.map_or_else(|| (None, fresh()), |(before, old)| (Some(before), old));
        new.rotate_after_days = days.or(new.rotate_after_days);
        new.settle(self.now);
        new.propose(
            &given,
            crate::command::instance::account(),
            self.secrets.keys(),
            self.now,
        )
        .map_err(told)?;
        if let Some(before) = before {
            return self.replace(before, &new, Permission::CredentialsUpdate).await;
        }
        let record = Record {
            kind: RecordKind::Credential,
            id: new.name.clone(),
            parent: None,
            name: None,
            created: new.created,
            document: document(&new)?,
        };
        self.act(Permission::CredentialsUpdate, &new.name, Change::Create(record))
            .await?;
        Ok(Lines::of(&new, self.now))
    }

    async fn activate(
        &self,
        name: &SealedName,
        grace_s: u32,
        forced: Option<String>,
    ) -> Result<Vec<Line>, Failure> {
        let (before, mut new) = self.find(name).await?;
        let number = new
            .candidate()
            .map(|one| one.number)
            .ok_or_else(|| told(StoredError::NoCandidate))?;
        let tried = new.tried(number, self.secrets.keys()).map_err(told)?;
        let mut refused = self.probe(name, &tried).await?.into_iter();
        let refused = refused.find_map(|one| Some((one.provider, one.refused?)));
        let target = match (refused, forced) {
            (Some((provider, why)), None) => {
                let what = format!("provider `{provider}` does not take it: {why}; nothing was changed");
                return Err(Failure::new(what).hint("--force --reason … puts it in force all the same"));
            }
            (Some(_), Some(reason)) => format!("{} (forced: {reason})", new.name),
            (None, _) => new.name.clone(),
        };
        let grace = Duration::from_secs(grace_s.into());
        new.activate(number, grace, self.now).map_err(told)?;
        let after = Record {
            document: document(&new)?,
            ..before.clone()
        };
        self.act(
            Permission::CredentialsRotate,
            &target,
            Change::Replace { before, after },
        )
        .await?;
        Ok(Lines::of(&new, self.now))
    }

    /// At every provider that the configuration here has use it.
    async fn probe(&self, name: &SealedName, value: &Secret) -> Result<Vec<Probed>, Failure> {
        let mut config = self.instance.config.clone();
        let resolver = Resolver::for_looking(&config).await?;
        let policy = Arc::new(policies::checked(&policies::read(&config)?)?);
        let settings = served::assemble(&mut config, &resolver, policy).await?;
        let client = upstream::Client::new(&upstream::ClientOptions::default());
        let at = format!("stored:{}", name.as_str());
        Ok(stored::probed(
            data::probe::probe(&settings, &client, &at, value).await,
        ))
    }

    async fn replace(
        &self,
        before: Record,
        new: &StoredCredential,
        act: Permission,
    ) -> Result<Vec<Line>, Failure> {
        let after = Record {
            document: document(new)?,
            ..before.clone()
        };
        self.act(act, &new.name, Change::Replace { before, after })
            .await?;
        Ok(Lines::of(new, self.now))
    }

    // threat: AGP-R3
    async fn act(&self, act: Permission, target: &str, change: Change) -> Result<(), Failure> {
        let done = self
            .instance
            .act(TenantId::PLATFORM, act, target, &[change])
            .await;
        done.map_err(|error| match error {
            StoreError::Conflict(_) => Failure::new("it changed meanwhile").hint("look again, then repeat"),
            other => other.into(),
        })
    }
}

fn document(credential: &StoredCredential) -> Result<String, Failure> {
    serde_json::to_string(credential).map_err(|e| Failure::new(e.to_string()))
}

fn told(error: StoredError) -> Failure {
    told_of(&error)
}
