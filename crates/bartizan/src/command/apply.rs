//! `bartizan apply`, `diff` and `export`: a tenant's configuration as files. A client of the control plane and
//! nothing more: what is planned and what is done, the gate says.

mod files;
mod view;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use crate::cli::At;
use crate::failure::{Failure, Hint};

use super::costs::CostsCommand;
use super::ctl::client::{Asked, Client, Refused};
use super::ctl::remember::Remembered;
use super::instance::configuration;
use super::show::{Show, finish, remark};

use files::Document;
use view::Planned;

/// Which instance.
#[derive(Debug, Args)]
pub struct There {
    /// The control listener; the configuration's when left out
    #[arg(
        long,
        value_name = "URL",
        env = "BARTIZAN_CONTROL_URL",
        hide_env_values = true
    )]
    url: Option<String>,
}

/// What shall be.
#[derive(Debug, Args)]
pub struct Wanted {
    /// A file, a folder with `.yaml`, `.yml` and `.json` files, or `-` for standard input; may be given again
    #[arg(short = 'f', long = "file", value_name = "PATH", required = true)]
    files: Vec<PathBuf>,
    /// End what the sections of the files do not name
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    there: There,
}

/// `bartizan apply`.
#[derive(Debug, Args)]
#[command(after_help = "\
The plan is shown first and done only as it was shown: what somebody else changes meanwhile is not overwritten. All of a \
tenant is done, or nothing. Nobody does by a file what they may not do singly. Secrets of new keys are shown once.

Sign in with `bartizan ctl sessions sign-in`, or put a service account's token into BARTIZAN_TOKEN.

Examples:
  bartizan apply -f acme.yaml
  bartizan apply -f tenants/ --prune --dry-run
  BARTIZAN_TOKEN=btzc_… bartizan apply -f tenants/ --prune --yes --json")]
pub struct ApplyArgs {
    #[command(flatten)]
    wanted: Wanted,
    /// Do it without asking
    #[arg(long, short = 'y')]
    yes: bool,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
    /// The approval by which a second person lets this be done
    #[arg(long, value_name = "ID")]
    approval: Option<String>,
}

/// `bartizan diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 when everything is so already, 1 when something differs, 2 when it cannot be told.

Examples:
  bartizan diff -f acme.yaml
  bartizan diff -f tenants/ --prune --json")]
pub struct DiffArgs {
    #[command(flatten)]
    wanted: Wanted,
}

/// `bartizan export`: costs where that is said, else the configuration.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Names instead of ids, no secrets, always in the same order: fit for a repository, and for `bartizan apply` elsewhere.

Examples:
  bartizan export --tenant acme > tenants/acme.yaml
  bartizan export --json | jq .keys
  bartizan export focus --from 2026-10-01 --until 2026-11-01 --out october.csv"
)]
pub struct ExportArgs {
    /// What was spent, as files for finance.
    #[command(subcommand)]
    pub costs: Option<CostsCommand>,
    /// The configuration.
    #[command(flatten)]
    pub document: DocumentArgs,
}

/// Whose configuration.
#[derive(Debug, Args)]
pub struct DocumentArgs {
    /// The tenant's name or id; your own when left out
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    there: There,
}

/// The control plane, and who asks it.
struct Plane {
    client: Client,
    home: Option<String>,
}

impl Plane {
    fn reach(there: &There, at: &At) -> Result<Self, Failure> {
        let base = match &there.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", configuration(at)?.listen.control),
        };
        let remembered = Remembered::load(&base)?;
        Ok(Self {
            home: remembered.tenant(),
            client: Client::new(base, remembered.token()),
        })
    }

    async fn get(&self, path: String) -> Result<Value, Failure> {
        let asked = Asked {
            method: Method::GET,
            path,
            body: None,
            headers: Vec::new(),
        };
        Ok(self.client.send(asked).await?.body)
    }

    /// The id of the tenant of that name or id, where there is one to be seen.
    async fn tenant(&self, name: &str) -> Result<Option<String>, Failure> {
        let mut cursor = String::new();
        loop {
            let page = self.get(format!("/api/v1/tenants?limit=200{cursor}")).await?;
            let items = page.get("items").and_then(Value::as_array);
            let is = |item: &&Value| {
                ["name", "id"]
                    .iter()
                    .any(|key| item.get(key).is_some_and(|text| text == name))
            };
            if let Some(found) = items.into_iter().flatten().find(is) {
                return Ok(found.get("id").and_then(Value::as_str).map(str::to_owned));
            }
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(None),
            }
        }
    }

    /// What would be done, or is. `tag` is of what the plan was made for.
    async fn put(
        &self,
        tenant: &str,
        document: &Document,
        how: How<'_>,
    ) -> Result<(Value, Option<String>), Failure> {
        let asked = Asked {
            method: Method::PUT,
            path: format!(
                "/api/v1/tenants/{tenant}/configuration?prune={}&dry_run={}",
                how.prune,
                how.tag.is_none()
            ),
            body: Some(document.to_json()),
            headers: std::iter::once(("if-match", how.tag.unwrap_or("*").to_owned()))
                .chain(how.approval.map(|id| ("approval", id.to_owned())))
                .collect(),
        };
        match self.client.ask(asked).await? {
            Ok(answered) if answered.waits => Err(waits(&answered.body)),
            Ok(answered) => Ok((answered.body, answered.etag)),
            Err(refused) => Err(placed(refused, document)),
        }
    }
}

/// The gate wants somebody else's yes first.
fn waits(approval: &Value) -> Failure {
    let id = approval.get("id").and_then(Value::as_str).unwrap_or("?");
    Failure::new(format!("this waits for a second person: approval `{id}`")).hint(format!(
        "once it is approved, the same command with `--approval {id}`"
    ))
}

struct How<'a> {
    prune: bool,
    tag: Option<&'a str>,
    approval: Option<&'a str>,
}

/// A "no" to a document, with the line it is about.
fn placed(refused: Refused, document: &Document) -> Failure {
    let pointer = refused.pointer().unwrap_or_default().to_owned();
    match document.locate(&pointer) {
        Some(place) => refused.failure_at(&format!("{place}: {pointer}")),
        None => refused.failure(),
    }
}

/// The plans for all files. A tenant that is not there yet is made with all that it has.
async fn plan(plane: &Plane, wanted: &Wanted) -> Result<Vec<(Document, Planned)>, Failure> {
    let mut all = Vec::new();
    for document in files::read(&wanted.files)? {
        let planned = match plane.tenant(document.tenant()).await? {
            None => Planned::of_new(&document),
            Some(id) => {
                let how = How {
                    prune: wanted.prune,
                    tag: None,
                    approval: None,
                };
                let (answer, tag) = plane.put(&id, &document, how).await?;
                Planned::new(document.tenant(), Some(id), &answer, tag)
            }
        };
        all.push((document, planned));
    }
    Ok(all)
}

/// `bartizan diff`.
pub async fn diff(args: DiffArgs, at: &At, show: Show) -> Result<(), Failure> {
    let planned = async {
        let plane = Plane::reach(&args.wanted.there, at)?;
        plan(&plane, &args.wanted).await
    };
    let planned = planned.await.map_err(Failure::into_usage)?;
    let plans: Vec<Planned> = planned.into_iter().map(|(_, planned)| planned).collect();
    let is_same = plans.iter().all(Planned::is_empty);
    show.say(&view::Plans(plans))?;
    if is_same { Ok(()) } else { Err(Failure::said()) }
}

/// `bartizan apply`.
pub async fn apply(args: ApplyArgs, at: &At, show: Show) -> Result<(), Failure> {
    let plane = Plane::reach(&args.wanted.there, at)?;
    let planned = plan(&plane, &args.wanted).await?;
    let is_same = planned.iter().all(|(_, planned)| planned.is_empty());
    if args.dry_run || is_same {
        let plans = planned.into_iter().map(|(_, planned)| planned).collect();
        return show.say(&view::Plans(plans));
    }
    if !args.yes {
        confirm(&planned)?;
    }
    let (mut done, mut failed) = (Vec::new(), None);
    for (document, planned) in planned {
        match perform(&plane, (&document, &planned), &args).await {
            Ok(after) => done.push(after),
            Err(failure) => {
                failed = Some(failure);
                break;
            }
        }
    }
    // What was done is shown whatever came after: its secrets are shown but once.
    let said = if done.is_empty() {
        Ok(())
    } else {
        show.say(&view::Plans(done))
    };
    failed.map_or(said, Err)
}

async fn perform(
    plane: &Plane,
    (document, planned): (&Document, &Planned),
    args: &ApplyArgs,
) -> Result<Planned, Failure> {
    let (id, tag) = match (&planned.id, &planned.tag) {
        (Some(id), Some(tag)) => (id.clone(), tag.clone()),
        _ => {
            let asked = Asked {
                method: Method::POST,
                path: "/api/v1/tenants".to_owned(),
                body: Some(json!({"name": document.tenant()})),
                headers: Vec::new(),
            };
            let made = plane.client.send(asked).await?.body;
            let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
            (id.to_owned(), "*".to_owned())
        }
    };
    let how = How {
        prune: args.wanted.prune,
        tag: Some(&tag),
        approval: args.approval.as_deref(),
    };
    let (answer, _) = plane.put(&id, document, how).await?;
    Ok(Planned::new(document.tenant(), Some(id), &answer, None))
}

fn confirm(planned: &[(Document, Planned)]) -> Result<(), Failure> {
    let mut out = std::io::stderr().lock();
    finish(
        planned
            .iter()
            .try_for_each(|(_, planned)| planned.write(&mut out)),
    )?;
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is there to say yes")
            .hint("`--yes` does it without asking, `--dry-run` only shows it"));
    }
    finish(write!(out, "do this? [y/N] ").and_then(|()| out.flush()))?;
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    if matches!(line.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new("nothing was done"))
}

/// `bartizan export`.
pub async fn export(args: DocumentArgs, at: &At, show: Show) -> Result<(), Failure> {
    let plane = Plane::reach(&args.there, at)?;
    let name = args.tenant.or_else(|| plane.home.clone());
    let name = match name {
        Some(name) => name,
        None => plane.only_tenant().await?,
    };
    let found = plane.tenant(&name).await?;
    let id = found.ok_or_else(|| {
        Failure::not_found(format!("there is no tenant `{name}` that you may see"))
            .hint("`--tenant` takes a name or an id")
    })?;
    let document = plane.get(format!("/api/v1/tenants/{id}/configuration")).await?;
    remark("secrets are not in it: keys that are made from it get new ones");
    show.say(&view::Exported(document))
}

impl Plane {
    /// A service account sees one tenant, its own.
    async fn only_tenant(&self) -> Result<String, Failure> {
        let page = self.get("/api/v1/tenants?limit=2".to_owned()).await?;
        let items = page.get("items").and_then(Value::as_array);
        match items.map(Vec::as_slice) {
            Some([one]) => Ok(one
                .get("id")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()),
            _ => Err(Failure::usage("say which tenant").hint("`--tenant` takes a name or an id")),
        }
    }
}
