//! `bartizan keys`: making, listing, revoking and rotating virtual keys. A key is shown once, when it is made.

mod create;
mod machine;
mod view;

use std::time::Duration;

use clap::{Args, Subcommand};
use credential::{KeyRecord, KeyState, Suspension, VirtualKey};
use domain::{Permission, UnixMillis};
use store::{Change, StoreError};

use crate::failure::{Failure, Hint};

use super::arguments::duration;
use super::find::Names;
use super::instance::Instance;
use super::show::Show;

pub use create::CreateArgs;
pub use machine::{SigningKeyArgs, UpdateArgs, make_pair};
use view::{KeyList, KeyView, NewKey};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key and print it, once
    Create(CreateArgs),
    /// List keys
    #[command(after_help = "\
Examples:
  bartizan keys list
  bartizan keys list --tenant acme --json | jq -r '.[] | select(.state == \"active\") | .name'")]
    List {
        /// Only this tenant's
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
    /// Show one key: what it may do, its limits and its budgets
    #[command(after_help = "\
Examples:
  bartizan keys show ci
  bartizan keys show btz_3fQ9")]
    Show(OneKey),
    /// Change what a machine shows beside a key, or instead of it
    Update(UpdateArgs),
    /// Make a key pair that signs requests
    SigningKey(SigningKeyArgs),
    /// Suspend a key: it is refused within a second, until it is resumed
    #[command(after_help = "\
Examples:
  bartizan keys suspend ci")]
    Suspend(OneKey),
    /// Let a suspended key work again
    #[command(after_help = "\
Examples:
  bartizan keys list --json | jq -r '.[] | select(.state == \"suspended\") | .id'
  bartizan keys resume key_0198f7c2a8d27c51b5a1f3d1c0ffee00")]
    Resume(OneKey),
    /// Revoke a key for ever; it is refused within half a second
    #[command(after_help = "\
Examples:
  bartizan keys revoke ci
  bartizan keys revoke key_0198f7c2a8d27c51b5a1f3d1c0ffee00")]
    Revoke(OneKey),
    /// Replace a key's secret, keeping its id, limits, budgets and history; prints the new one, once
    #[command(after_help = "\
Examples:
  bartizan keys rotate ci --grace 24h      the old secret works for another day
  bartizan keys rotate ci --grace 0s       the old secret stops at once")]
    Rotate {
        /// Which key
        #[command(flatten)]
        key: OneKey,
        /// How long the old secret still works
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = duration)]
        grace: Duration,
        /// Print the key and nothing else
        #[arg(long, conflicts_with = "json")]
        only_key: bool,
    },
}

/// One key.
#[derive(Debug, Args)]
pub struct OneKey {
    /// Its id, its name, or its first characters
    #[arg(value_name = "KEY")]
    key: String,
    /// Look in this tenant only
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
}

impl OneKey {
    fn find<'a>(&self, names: &'a Names) -> Result<&'a KeyRecord, Failure> {
        names.key(names.tenant_if_named(self.tenant.as_deref())?, &self.key)
    }
}

/// Runs one of them.
pub async fn run(command: KeysCommand, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    match command {
        KeysCommand::Create(args) => create::run(args, instance, &names, show).await,
        KeysCommand::List { tenant } => list(tenant.as_deref(), &names, show),
        KeysCommand::Show(one) => show.say(&KeyView::new(one.find(&names)?, &names, UnixMillis::now())),
        KeysCommand::Update(args) => machine::update(args, instance, &names, show).await,
        KeysCommand::SigningKey(args) => make_pair(&args, show),
        KeysCommand::Suspend(one) => {
            let key = one.find(&names)?;
            let suspended = key.suspend(Suspension::by_hand(UnixMillis::now()));
            turn(key, suspended, instance, &names, show).await
        }
        KeysCommand::Resume(one) => {
            let key = one.find(&names)?;
            turn(key, key.resume(), instance, &names, show).await
        }
        KeysCommand::Revoke(one) => revoke(one.find(&names)?, instance, &names, show).await,
        KeysCommand::Rotate { key, grace, only_key } => {
            let new = rotate(key.find(&names)?, grace, instance, &names).await?;
            new.say(only_key, show)
        }
    }
}

fn list(tenant: Option<&str>, names: &Names, show: Show) -> Result<(), Failure> {
    let tenant = names.tenant_if_named(tenant)?;
    let now = UnixMillis::now();
    let keys = names
        .all()
        .keys
        .iter()
        .filter(|key| tenant.is_none_or(|tenant| key.tenant == tenant));
    show.say(&KeyList(keys.map(|key| KeyView::new(key, names, now)).collect()))
}

/// One that is so already is left as it is.
// threat: ANP-0001
async fn turn(
    key: &KeyRecord,
    turned: KeyRecord,
    instance: &Instance,
    names: &Names,
    show: Show,
) -> Result<(), Failure> {
    must_be_active(key)?;
    if turned != *key {
        replace(key, &turned, Permission::KeysUpdate, instance).await?;
    }
    show.say(&KeyView::new(&turned, names, UnixMillis::now()))
}

fn must_be_active(key: &KeyRecord) -> Result<(), Failure> {
    if key.state == KeyState::Revoked {
        return Err(Failure::new("a revoked key stays revoked").hint("`bartizan keys create` makes another"));
    }
    Ok(())
}

// threat: CTX-T3
// threat: ANP-0016
async fn revoke(key: &KeyRecord, instance: &Instance, names: &Names, show: Show) -> Result<(), Failure> {
    let revoked = key.revoke();
    if revoked != *key {
        replace(key, &revoked, Permission::KeysRevoke, instance).await?;
    }
    show.say(&KeyView::new(&revoked, names, UnixMillis::now()))
}

// threat: AGP-S1
async fn rotate(
    key: &KeyRecord,
    grace: Duration,
    instance: &Instance,
    names: &Names,
) -> Result<NewKey, Failure> {
    must_be_active(key)?;
    let now = UnixMillis::now();
    let fresh = VirtualKey::generate().map_err(|e| Failure::new(e.to_string()))?;
    let rotated = key.rotate(
        fresh.digest(&instance.home.master.pepper()),
        fresh.hint(),
        grace,
        now,
    );
    replace(key, &rotated, Permission::KeysRotate, instance).await?;
    Ok(NewKey::new(fresh.to_secret(), KeyView::new(&rotated, names, now)))
}

async fn replace(
    before: &KeyRecord,
    after: &KeyRecord,
    act: Permission,
    instance: &Instance,
) -> Result<(), Failure> {
    let change = Change::ReplaceKey {
        before: Box::new(before.clone()),
        after: Box::new(after.clone()),
    };
    match instance.act(before.tenant, act, before.id, &[change]).await {
        Err(StoreError::Conflict(_)) => Err(Failure::new("somebody else changed the key meanwhile")
            .hint("look at it again, then repeat the command")),
        other => Ok(other?),
    }
}
