//! Recorded acts on the control plane, asked again of two sets of policies. Changes nothing.

use std::collections::BTreeMap;
use std::io::{self, Write};

use control::why::{Again, Scene, Untold};
use domain::{TenantId, TenantScope, UnixMillis};
use ledger::AuditRecord;
use policy::{Configured, Desk, Plane};
use serde::Serialize;
use store::AuditQuery;

use super::{DiffArgs, answered, otherwise, texts};
use crate::command::find::Names;
use crate::command::instance::Instance;
use crate::command::policy::Asking;
use crate::command::show::{Show, Shown};
use crate::command::table::{Column, Table};
use crate::failure::Failure;

/// Records read at once.
const READ_AT_ONCE: u64 = 500;

/// What was asked, as far as it is recorded and matters.
type Asked = (String, String, String, bool);

/// A question that both sets answer differently.
#[derive(Debug, Serialize)]
struct Line {
    tenant: String,
    who: String,
    act: String,
    resource: String,
    from: String,
    to: String,
    acts: u64,
}

/// What came out.
#[derive(Debug, Default, Serialize)]
struct Differences {
    acts: u64,
    questions: u64,
    /// Records that could not be asked again, by why.
    not_asked: BTreeMap<&'static str, u64>,
    differences: Vec<Line>,
}

impl Shown for Differences {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let asked = self.differences.len();
        writeln!(
            out,
            "{} audit records, {} questions, {asked} answered otherwise",
            self.acts, self.questions
        )?;
        for (why, count) in &self.not_asked {
            writeln!(out, "{count} not asked again: {why}")?;
        }
        if self.differences.is_empty() {
            return Ok(());
        }
        let columns = ["tenant", "who", "act", "of", "from", "to"].map(Column::Text);
        let columns: Vec<_> = columns.into_iter().chain([Column::Number("acts")]).collect();
        let mut table = Table::new(&columns);
        for line in &self.differences {
            table.row([
                line.tenant.clone(),
                line.who.clone(),
                line.act.clone(),
                line.resource.clone(),
                line.from.clone(),
                line.to.clone(),
                line.acts.to_string(),
            ]);
        }
        table.write(out)
    }
}

/// Compares.
pub async fn run(
    args: &DiffArgs,
    (configured, names, since): (&Configured, &Names, UnixMillis),
    instance: &Instance,
    show: Show,
) -> Result<(), Failure> {
    let desk = async |wanted: &str| -> Result<Desk, Failure> {
        let texts = texts(wanted, Plane::Control, instance).await?;
        let desk = configured.desk(texts.as_ref());
        desk.map_err(|error| Failure::new(format!("`{wanted}`: {error}")))
    };
    let (from, to) = (desk(&args.from).await?, desk(&args.to).await?);
    let tenants: Vec<TenantId> = match args.tenant.as_deref() {
        Some("platform") => vec![TenantId::PLATFORM],
        Some(named) => vec![names.tenant(Some(named))?.id],
        None => {
            let own = names.all().tenants.iter().map(|tenant| tenant.id);
            let own = own.filter(|tenant| *tenant != TenantId::PLATFORM);
            std::iter::once(TenantId::PLATFORM).chain(own).collect()
        }
    };
    let asking = Asking::open(instance, Some("platform")).await?;
    let mut found = Differences::default();
    for tenant in tenants {
        let scene = Scene {
            tenant,
            ..asking.scene(instance)
        };
        let mut asked = BTreeMap::new();
        gather(&scene, since, &mut asked, &mut found).await?;
        for (question, (again, acts)) in asked {
            let wants = &instance.config.approvals.acts;
            let wants = wants.iter().any(|act| act == again.permission.as_str());
            let (before, after) = (again.ask(&from, &scene, wants), again.ask(&to, &scene, wants));
            found.questions += 1;
            if before.permit == after.permit {
                continue;
            }
            let (_, act, resource, _) = question;
            found.differences.push(Line {
                tenant: name_of(tenant, names),
                who: again.person.name.clone(),
                act,
                resource,
                from: answered(before.permit, &before.policies),
                to: answered(after.permit, &after.policies),
                acts,
            });
        }
    }
    found.differences.sort_by_key(|one| std::cmp::Reverse(one.acts));
    show.say(&found)?;
    otherwise(found.differences.len())
}

fn name_of(tenant: TenantId, names: &Names) -> String {
    if tenant == TenantId::PLATFORM {
        return "platform".to_owned();
    }
    names.tenant_name(tenant)
}

/// The questions behind the tenant's records, newest first, back to `since`.
async fn gather(
    scene: &Scene<'_>,
    since: UnixMillis,
    asked: &mut BTreeMap<Asked, (Again, u64)>,
    found: &mut Differences,
) -> Result<(), Failure> {
    let scope = TenantScope::operator(scene.tenant);
    let mut query = AuditQuery {
        from: Some(since),
        count: READ_AT_ONCE,
        ..AuditQuery::default()
    };
    loop {
        let read = scene.store.audit(&scope, &query).await?;
        for stored in &read {
            let record = AuditRecord::from_bytes(&stored.bytes)
                .map_err(|error| Failure::new(format!("audit record {}: {error}", stored.index)))?;
            found.acts += 1;
            match again(scene, &record).await? {
                Ok(again) => {
                    let whose = again.person.id.to_string();
                    let of = scene.desk.name_of(&again.resource);
                    let question = (whose, record.act, of, record.approval.is_some());
                    asked.entry(question).or_insert((again, 0)).1 += 1;
                }
                Err(untold) => *found.not_asked.entry(untold.as_str()).or_default() += 1,
            }
        }
        if (read.len() as u64) < READ_AT_ONCE {
            return Ok(());
        }
        query.before = read.last().map(|stored| stored.index);
    }
}

async fn again(scene: &Scene<'_>, record: &AuditRecord) -> Result<Result<Again, Untold>, Failure> {
    let again = scene.again(record).await;
    again.map_err(|problem| Failure::new(format!("audit record {}: {}", record.id, problem.detail)))
}
