//! Ending a tenant on its store, beside whoever serves it, and the certificate of it.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use control::Offboarding;
use domain::{Permission, TenantId, UnixMillis};
use ledger::certificate::Revoked;
use serde::Serialize;
use store::Tenant;

use crate::command::arguments::{self, quoted};
use crate::command::find::Names;
use crate::command::instance::{Instance, operator};
use crate::command::ledger::destination;
use crate::command::show::{Show, Shown, finish};
use crate::command::table::facts;
use crate::failure::{Failure, Hint};

/// Which tenant, and why.
#[derive(Debug, Args)]
pub struct OffboardArgs {
    /// The tenant's name or id
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// Why; it stands in the certificate
    #[arg(long, value_name = "TEXT", value_parser = arguments::name)]
    reason: String,
    /// The tenant's name again: there is no way back
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Say what would come to an end, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Whose certificate, and where it goes.
#[derive(Debug, Args)]
pub struct CertificateArgs {
    /// The tenant's name or id
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// Where to write it; standard output when left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Ended {
    tenant: TenantId,
    name: String,
    is_dry_run: bool,
    revoked: Revoked,
}

impl Shown for Ended {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let said = if self.is_dry_run { "would end" } else { "ended" };
        writeln!(out, "{said}: {} ({})", self.name, self.tenant)?;
        let revoked = &self.revoked;
        facts(
            out,
            &[
                ("keys", revoked.keys.len().to_string()),
                ("sessions", revoked.sessions.len().to_string()),
                ("users", revoked.users.len().to_string()),
                ("services", revoked.services.len().to_string()),
                ("roles", revoked.grants.to_string()),
                (
                    "content key",
                    revoked.content_key.clone().unwrap_or_else(|| "none".to_owned()),
                ),
            ],
        )
    }
}

fn engine(instance: &Instance) -> Result<Offboarding, Failure> {
    Ok(Offboarding::new(instance.store.clone(), instance.signing()?))
}

/// Ends a tenant, or says what that would end.
// threat: ANP-0016
pub async fn run(args: &OffboardArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let tenant = names.tenant(Some(&args.tenant))?;
    let engine = engine(instance)?;
    let revoked = if args.dry_run {
        engine.plan(tenant.id).await.map_err(failed)?
    } else {
        end(args, tenant, instance, &engine).await?
    };
    show.say(&Ended {
        tenant: tenant.id,
        name: tenant.name.clone(),
        is_dry_run: args.dry_run,
        revoked,
    })
}

async fn end(
    args: &OffboardArgs,
    tenant: &Tenant,
    instance: &Instance,
    engine: &Offboarding,
) -> Result<Revoked, Failure> {
    if args.confirm.as_deref() != Some(tenant.name.as_str()) {
        let what = format!(
            "{} is ended for good only when its name is given again",
            quoted(&tenant.name)
        );
        return Err(Failure::usage(what).hint("add `--confirm` and its name; `--dry-run` says what would go"));
    }
    if !control::is_ending(tenant.state) {
        let opening = Offboarding::opening(tenant, operator(), &args.reason, UnixMillis::now());
        let opening = opening.map_err(|problem| Failure::new(problem.detail))?;
        instance
            .act(tenant.id, Permission::TenantsOffboard, tenant.id, &opening)
            .await?;
    }
    Ok(engine.go_on(tenant.id).await.map_err(failed)?.revoked)
}

/// Writes the certificate.
pub async fn certificate(args: &CertificateArgs, instance: &Instance) -> Result<(), Failure> {
    let names = Names::read(instance.store.as_ref()).await?;
    let tenant = names.tenant(Some(&args.tenant))?;
    let ending = engine(instance)?.ending(tenant.id).await.map_err(failed)?;
    let text = ending.and_then(|ending| ending.certificate).ok_or_else(|| {
        Failure::not_found(format!("{} has not ended", quoted(&tenant.name)))
            .hint("`bartizan tenants offboard` ends a tenant, and goes on with an end that was interrupted")
    })?;
    let mut out = destination(args.out.as_deref())?;
    finish(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn failed(error: control::OffboardError) -> Failure {
    Failure::new(error.to_string()).hint("what was done stays done: run it again to go on")
}
