//! `bartizan policy`: why something is permitted or not, who may do it, what another set of policies would
//! change, and a folder of policies on its way to a serving instance.

mod diff;
mod push;
mod view;

use std::net::IpAddr;
use std::sync::Arc;

use clap::{Args, Subcommand};
use control::problem::{Code, Problem};
use control::versions::{self, Standing};
use control::why::{Action, Circumstances, Scene, Subject};
use domain::{TenantId, UnixMillis};
use policy::Plane;

use crate::assemble::posture;
use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::policies;

use super::arguments::Since;
use super::find::Names;
use super::instance::Instance;
use super::show::Show;

pub use diff::DiffArgs;
pub use push::PushArgs;

/// What to do with policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say why a key's call or a person's act is permitted or not
    #[command(after_help = "\
Examples:
  bartizan policy explain ci chat gpt-4o
  bartizan policy explain ci chat gpt-4o --tools --address 192.0.2.7 --at 2026-11-22T03:00:00Z
  bartizan policy explain ann@example.com keys.create team_… --tenant acme
  bartizan policy explain --request req_…

Asks the policies that are configured and those that were activated, about what the store holds now.")]
    Explain(ExplainArgs),
    /// Say which keys may make a call, or which people may do something
    #[command(after_help = "\
Examples:
  bartizan policy who-can chat gpt-4o
  bartizan policy who-can grants.create --tenant acme
  bartizan policy who-can policies.activate policies --tenant platform --json")]
    WhoCan(WhoArgs),
    /// Say which recorded calls another set of policies would answer otherwise
    #[command(after_help = diff::HELP)]
    Diff(DiffArgs),
    /// Store a folder of policies as a new version on a serving instance
    #[command(after_help = push::HELP)]
    Push(PushArgs),
}

/// What is said of a call or an act.
#[derive(Debug, Args)]
pub struct SaidArgs {
    /// Whose keys and people; the only tenant, or `default`, when left out; `platform` for the instance's own
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Of a call: the answer is streamed
    #[arg(long)]
    stream: bool,
    /// Of a call: tools are offered
    #[arg(long)]
    tools: bool,
    /// Of a call: images are sent
    #[arg(long)]
    images: bool,
    /// Of a call: what its caller says that it carries
    #[arg(long, value_name = "CLASS")]
    data_class: Option<domain::DataClass>,
    /// Of a call: from which address
    #[arg(long, value_name = "ADDRESS")]
    address: Option<IpAddr>,
    /// Of a call: when; now when left out
    #[arg(long, value_name = "WHEN")]
    at: Option<Since>,
    /// Of an act: by password alone
    #[arg(long)]
    no_second_factor: bool,
    /// Of an act: so many seconds after the sign-in; right after it when left out
    #[arg(long, value_name = "SECONDS")]
    signed_in_s: Option<u64>,
}

/// What to explain.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A key's name or id; for acts an e-mail address, a service account's name, or an id
    #[arg(value_name = "WHO", required_unless_present = "request")]
    who: Option<String>,
    /// What: `chat`, `embeddings`, `keys.create`
    #[arg(value_name = "ACTION", required_unless_present = "request")]
    action: Option<String>,
    /// To what: a model; for acts an id, or `platform`, `tenant`, `audit`, `models`, `policies`, `usage`, `settings`
    #[arg(value_name = "RESOURCE")]
    resource: Option<String>,
    /// A recorded call instead
    #[arg(long, value_name = "REQUEST", conflicts_with_all = ["who", "action", "resource"])]
    request: Option<String>,
    #[command(flatten)]
    said: SaidArgs,
}

/// What to ask about everybody.
#[derive(Debug, Args)]
pub struct WhoArgs {
    /// What: `chat`, `embeddings`, `keys.create`
    #[arg(value_name = "ACTION")]
    action: String,
    /// To what, as for `explain`
    #[arg(value_name = "RESOURCE")]
    resource: Option<String>,
    #[command(flatten)]
    said: SaidArgs,
}

/// Does it.
pub async fn run(command: PolicyCommand, at: &At, show: Show) -> Result<(), Failure> {
    match command {
        PolicyCommand::Explain(args) => explain(args, &Instance::open(at).await?, show).await,
        PolicyCommand::WhoCan(args) => who_can(args, &Instance::open(at).await?, show).await,
        PolicyCommand::Diff(args) => diff::run(args, &Instance::open(at).await?, show).await,
        PolicyCommand::Push(args) => push::run(args, at, show).await,
    }
}

/// What is in the store and what answers.
struct Asking {
    names: control::Names,
    tenant: TenantId,
    engine: Arc<policy::Engine>,
    desk: Arc<policy::Desk>,
}

impl Asking {
    async fn open(instance: &Instance, tenant: Option<&str>) -> Result<Self, Failure> {
        let store = instance.store.as_ref();
        let configured = policies::read(&instance.config)?;
        let standing = if instance.config.policies.ignore_activated {
            Standing::default()
        } else {
            versions::standing(store).await?
        };
        let calls = versions::current(store, &standing, Plane::Calls).await?;
        let control = versions::current(store, &standing, Plane::Control).await?;
        let refused = |error: policy::PolicyError| Failure::new(error.to_string());
        Ok(Self {
            tenant: match tenant {
                Some("platform") => TenantId::PLATFORM,
                wanted => Names::read(store).await?.tenant(wanted)?.id,
            },
            names: control::Names::read(store).await?,
            engine: Arc::new(configured.engine(calls.texts()).map_err(refused)?),
            desk: Arc::new(configured.desk(control.texts()).map_err(refused)?),
        })
    }

    fn scene<'a>(&'a self, instance: &'a Instance) -> Scene<'a> {
        Scene {
            store: instance.store.as_ref(),
            names: &self.names,
            tenant: self.tenant,
            engine: self.engine.clone(),
            desk: self.desk.clone(),
            posture: posture(&instance.config),
            now: UnixMillis::now(),
        }
    }
}

impl SaidArgs {
    fn circumstances(&self) -> Circumstances {
        Circumstances {
            stream: self.stream,
            tools: self.tools,
            images: self.images,
            data_class: self.data_class,
            address: self.address,
            at: self.at.map(|at| at.seen_from(UnixMillis::now())),
            second_factor: self.no_second_factor.then_some(false),
            sign_in_age_ms: self.signed_in_s.map(|s| s.saturating_mul(1_000)),
        }
    }
}

async fn explain(args: ExplainArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let asking = Asking::open(instance, args.said.tenant.as_deref()).await?;
    let scene = asking.scene(instance);
    if let Some(request) = &args.request {
        let (entry, key) = scene
            .recorded(request)
            .await
            .map_err(|problem| told(problem, "no recorded call, or its key is gone"))?;
        let profiles = &instance.config.guards.profiles;
        let why = scene.why_recorded(&entry, key, profiles).await;
        let why = why.map_err(|problem| told(problem, "no recorded call"))?;
        return show.say(&view::Why(why));
    }
    let (who, action) = (args.who.unwrap_or_default(), args.action.unwrap_or_default());
    let action = Action::named(&action).map_err(|problem| told(problem, ""))?;
    let subject = scene
        .subject(action, &who)
        .await
        .map_err(|problem| told(problem, "nobody of that name or id is in the tenant"))?;
    let said = args.said.circumstances();
    let why = match (action, &subject) {
        (Action::Call(operation), Subject::Key(key)) => {
            scene.why_call(key, operation, args.resource.as_deref(), &said)
        }
        (Action::Act(permission), Subject::Person(person)) => {
            let resource = scene.thing(args.resource.as_deref()).await;
            let resource =
                resource.map_err(|problem| told(problem, "nothing of that id is in the tenant"))?;
            scene.why_act(person, permission, resource, &said)
        }
        _ => {
            return Err(Failure::usage(
                "calls are made by keys, and acts are done by people",
            ));
        }
    };
    show.say(&view::Why(why))
}

async fn who_can(args: WhoArgs, instance: &Instance, show: Show) -> Result<(), Failure> {
    let asking = Asking::open(instance, args.said.tenant.as_deref()).await?;
    let scene = asking.scene(instance);
    let who = match Action::named(&args.action).map_err(|problem| told(problem, ""))? {
        Action::Call(operation) => {
            let keys = asking.names.keys(asking.tenant);
            let keys = keys.filter(|key| key.state == credential::KeyState::Active);
            let said = args.said.circumstances();
            scene.keys_that_can(keys, operation, args.resource.as_deref(), &said)
        }
        Action::Act(permission) => {
            let resource = scene.thing(args.resource.as_deref()).await;
            let resource =
                resource.map_err(|problem| told(problem, "nothing of that id is in the tenant"))?;
            let people = scene.people().await.map_err(|problem| told(problem, ""))?;
            scene.people_that_can(&people, permission, resource)
        }
    };
    show.say(&view::Who(who))
}

/// A problem as a person at the machine reads it.
fn told(problem: Problem, not_found: &str) -> Failure {
    match problem.code {
        Code::NotFound if !not_found.is_empty() => {
            Failure::not_found(not_found).hint("`--tenant` says in which tenant to look")
        }
        Code::Invalid => Failure::usage(problem.detail),
        _ => Failure::new(problem.internal.unwrap_or(problem.detail)),
    }
}
