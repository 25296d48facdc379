//! `bartizan policy diff`: what is recorded, asked again of two sets of policies. Changes nothing. Which sets is here;
//! [`calls`] and [`acts`] on the control plane ask them.

mod acts;
mod calls;
mod targets;

use std::path::{Path, PathBuf};

use clap::Args;
use control::versions;
use domain::{DataClass, UnixMillis};
use policy::{Plane, PolicyTexts};

use crate::command::arguments::Since;
use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::show::Show;
use crate::failure::{Failure, Hint};
use crate::policies;

pub const HELP: &str = "\
Examples:
  bartizan policy diff --to policies/calls
  bartizan policy diff --from active --to 7 --since 30d --tenant acme
  bartizan policy diff --to policies/calls --data-class restricted     as if every caller had said so
  bartizan policy diff --plane control --to policies/control

`active` is what is in force, `configured` the configuration's files alone; a number is a stored version, anything else
a folder or file. All but `active` stand on top of the configuration's files. Exits with 1 when something differs.

Where a set is about `send`, calls are also asked of each target that their model has now, and of the one they were sent to.

A ledger entry holds the key, the operation, the model, the time and the last target of a call; not whether it was
streamed, offered tools or carried images, not the data class that its caller gave, not where it came from, and not what its
key listed then. Such calls are asked as if not, from nowhere, and with the key and the configuration as they are now.

An audit record holds who did what, to which id, and whether a second person let them; not their roles then, not how
they had signed in, and of what was refused not what it was asked of. Such acts are asked with the roles and things of
today, as if just signed in with a second factor; those that cannot be asked are counted by why.";

/// What to compare.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The set that answers first: `active`, `configured`, a version's number, a folder or a file
    #[arg(long, value_name = "SET", default_value = "active")]
    from: String,
    /// The set that answers then, likewise
    #[arg(long, value_name = "SET")]
    to: String,
    /// Which sets, and what is asked again: `calls`, or `control` for acts on the control plane
    #[arg(long, value_name = "PLANE", default_value = "calls", value_parser = ["calls", "control"])]
    plane: String,
    /// From when on: how long ago (24h, 7d), a day or a time
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: Since,
    /// Whose; everybody's when left out
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Of calls: as if each caller had said that its call carries this
    #[arg(long, value_name = "CLASS")]
    data_class: Option<DataClass>,
}

/// Compares.
pub async fn run(args: DiffArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let configured = policies::read(&instance.config)?;
    let names = Names::read(instance.store.as_ref()).await?;
    let since = args.since.seen_from(UnixMillis::now());
    if args.plane == Plane::Control.as_str() {
        if args.data_class.is_some() {
            return Err(Failure::usage("acts on the control plane have no data class")
                .hint("leave `--data-class` out"));
        }
        return acts::run(&args, (&configured, &names, since), instance, show).await;
    }
    calls::run(&args, (&configured, &names, since), instance, show).await
}

/// An exit code that a script can ask.
fn otherwise(count: usize) -> Result<(), Failure> {
    match count {
        0 => Ok(()),
        count => Err(Failure::new(format!(
            "{count} questions would be answered otherwise"
        ))),
    }
}

/// The set that somebody means, on top of what is configured.
async fn texts(wanted: &str, plane: Plane, instance: &Instance) -> Result<Option<PolicyTexts>, Failure> {
    let store = instance.store.as_ref();
    Ok(match (wanted, wanted.parse::<u64>()) {
        ("configured", _) => None,
        ("active", _) if instance.config.policies.ignore_activated => None,
        ("active", _) => {
            let standing = versions::standing(store).await?;
            let current = versions::current(store, &standing, plane).await?;
            current.texts().cloned()
        }
        (_, Ok(number)) => Some(of_version(number, plane, instance).await?),
        (path, _) if Path::new(path).exists() => Some(policies::texts(&[PathBuf::from(path)])?),
        (other, _) => {
            return Err(
                Failure::not_found(format!("there is no set of policies `{other}`"))
                    .hint("`active`, `configured`, a version's number, a folder or a file"),
            );
        }
    })
}

async fn of_version(number: u64, plane: Plane, instance: &Instance) -> Result<PolicyTexts, Failure> {
    let missing = || {
        let plane = plane.as_str();
        Failure::not_found(format!("there is no version {number} of policies for `{plane}`"))
            .hint("`bartizan ctl policies list` shows all; `--plane` says whose")
    };
    match versions::version(instance.store.as_ref(), number).await {
        Ok(version) if version.plane == plane => Ok(version.texts),
        Ok(_) | Err(store::StoreError::NotFound) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

fn answered(permit: bool, policies: &[String]) -> String {
    let word = if permit { "permit" } else { "deny" };
    if policies.is_empty() {
        return word.to_owned();
    }
    format!("{word} by {}", policies.join(", "))
}
