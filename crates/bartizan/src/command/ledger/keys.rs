//! The keys of the ledger: shown, and replaced beside whoever serves.

use std::io::{self, Write};

use domain::{AuditId, TenantId, UnixMillis};
use ledger::AuditRecord;
use ledger::note::Verifier;
use serde::Serialize;
use store::{Rotation, SigningNow};

use crate::command::instance::{Instance, operator};
use crate::command::show::{Show, Shown, remark};
use crate::failure::Failure;

/// What is published of the keys.
#[derive(Debug, Serialize)]
struct Keys {
    verifier: String,
    first: String,
    successions: Vec<String>,
}

impl Keys {
    fn of(now: &SigningNow) -> Self {
        let named = |key: Option<&Verifier>| key.map(ToString::to_string).unwrap_or_default();
        Self {
            verifier: named(now.keys().last()),
            first: named(now.keys().first()),
            successions: now.successions(),
        }
    }
}

impl Shown for Keys {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.verifier)
    }
}

/// Shows the key that signs; as JSON, how it came to.
pub async fn show(instance: &Instance, show: Show) -> Result<(), Failure> {
    show.say(&Keys::of(instance.signing()?.now().await?.as_ref()))
}

/// Replaces the key that signs.
// threat: AGP-R1
pub async fn rotate(is_lost: bool, instance: &Instance, show: Show) -> Result<(), Failure> {
    let signing = instance.signing()?;
    let before = signing.now().await?;
    let now = UnixMillis::now();
    let act = match is_lost {
        true => "ledger_key.give_up",
        false => "ledger_key.rotate",
    };
    let whose = (AuditId::generate(), TenantId::PLATFORM);
    let record = AuditRecord {
        target: before.keys().last().map(ToString::to_string),
        ..AuditRecord::done(whose, now, operator(), act)
    };
    let rotation = Rotation {
        now,
        is_lost,
        audit: &record.into(),
    };
    let after = signing.rotate(&rotation).await?;
    match is_lost {
        true => remark(
            "nothing leads from the older keys to this one: hand it to everybody who verifies, by another way than the \
             evidence",
        ),
        false => remark(
            "whoever has an older key follows it to this one; publish `bartizan ledger key --json` all the same",
        ),
    }
    show.say(&Keys::of(after.as_ref()))
}
