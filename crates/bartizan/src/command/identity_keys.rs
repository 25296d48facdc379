//! `bartizan identity-keys`: the keys of the tokens that own backends know the gate by. Shows public things only.

use std::io::{self, Write};

use clap::Subcommand;
use domain::{TenantId, UnixMillis};
use identity::vouch::{Rotation, VouchKeys};
use serde::Serialize;

use super::arguments::{rfc3339, when};
use super::instance::Instance;
use super::show::{Show, Shown, remark};
use super::table::{Column, Table};
use crate::failure::{Failure, Hint};
use crate::identity_keys;

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub enum IdentityKeysCommand {
    /// List the keys that are published, and which one signs
    #[command(after_help = "\
Examples:
  bartizan identity-keys list")]
    List,
    /// Replace the key that signs: the new one is published at once and signs ten minutes later
    #[command(after_help = "\
Examples:
  bartizan identity-keys rotate
  bartizan identity-keys rotate --at-once      somebody else may have the key

Runs beside a gate that serves; every replica takes it up by itself. The old key stays published for twenty minutes after \
the new one has begun. With --at-once it is not published any more: verifiers that keep a copy of the published keys \
refuse calls until they fetch them anew, and take tokens of the old key until then.")]
    Rotate {
        /// Sign with the new key now, and forget all others
        #[arg(long)]
        at_once: bool,
    },
}

#[derive(Debug, Serialize)]
struct Line {
    id: String,
    #[serde(serialize_with = "written")]
    made: UnixMillis,
    #[serde(serialize_with = "written")]
    signs_from: UnixMillis,
    signs: bool,
}

fn written<S: serde::Serializer>(time: &UnixMillis, to: S) -> Result<S::Ok, S::Error> {
    rfc3339(*time).serialize(to)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Lines(Vec<Line>);

impl Lines {
    fn of(keys: &VouchKeys, now: UnixMillis) -> Self {
        let signing = keys.signing(now).map(|key| key.id().to_owned());
        let line = |key: &identity::vouch::VouchKey| Line {
            id: key.id().to_owned(),
            made: key.made(),
            signs_from: key.signs_from(),
            signs: signing.as_deref() == Some(key.id()),
        };
        Self(keys.published(now).map(line).collect())
    }
}

impl Shown for Lines {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[
            Column::Text("key"),
            Column::Text("made"),
            Column::Text("signs from"),
            Column::Text("signs"),
        ]);
        for line in &self.0 {
            let signs = if line.signs { "now" } else { "" };
            table.row([
                line.id.clone(),
                when(line.made),
                when(line.signs_from),
                signs.to_owned(),
            ]);
        }
        table.write(out)
    }
}

/// Lists or rotates.
pub async fn run(command: IdentityKeysCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let seal = identity_keys::seal(&instance.home.master)?;
    let (store, now) = (instance.store.as_ref(), UnixMillis::now());
    let how = match command {
        IdentityKeysCommand::List => {
            let keys = identity_keys::settle(store, &seal).await?;
            return show.say(&Lines::of(&keys, now));
        }
        IdentityKeysCommand::Rotate { at_once: true } => Rotation::AtOnce,
        IdentityKeysCommand::Rotate { at_once: false } => Rotation::Announced,
    };
    let trouble = |e: identity::vouch::BadVouchKeys| Failure::new(e.to_string());
    // Keys that do not open any more can be replaced, and only at once.
    let keys = match (how, identity_keys::settle(store, &seal).await) {
        (_, Ok(keys)) => keys.rotated(how, now),
        (Rotation::AtOnce, Err(_)) => VouchKeys::first(now),
        (Rotation::Announced, Err(failure)) => return Err(failure),
    };
    let keys = keys.map_err(|e| trouble(e).hint("bartizan identity-keys rotate --at-once"))?;
    let before = identity_keys::record(store).await?;
    let change = identity_keys::change(before, &keys, &seal)?;
    let target = keys.published(now).last().map(|key| key.id().to_owned());
    instance
        .record(
            TenantId::PLATFORM,
            "identity_keys.rotate",
            target.unwrap_or_default(),
            &[change],
        )
        .await?;
    if how == Rotation::AtOnce {
        remark("verifiers that keep a copy of the published keys must fetch them anew");
    }
    show.say(&Lines::of(&keys, now))
}
