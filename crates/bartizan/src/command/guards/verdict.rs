//! `bartizan guard verdict`: what a call with a text would get by the profiles of a configuration that it meets. Asks no
//! instance, so what tenants keep in the control plane is not in it; never prints what was found.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use data::origin;
use dialect::Endpoint;
use domain::{DataClass, KeyId, Operation, ProjectId, TeamId, TenantId, UnixMillis};
use guard::{Action, Call, Direction, Found, Guards, Origin, Plan, Plans};
use serde::Serialize;

use crate::cli::At;
use crate::failure::Failure;
use crate::guard_files;
use crate::load;

use super::super::show::{Show, Shown};
use super::super::table::{Column, Table};
use super::looks;
use super::places::Places;

pub const HELP: &str = "\
Examples:
  bartizan guard verdict prompt.txt --config bartizan.yaml
  bartizan guard verdict prompt.txt --team clinic --data-class restricted
  bartizan guard verdict body.json --path /v1/chat/completions --deny     # a request's body: every text in it
  echo 'answer' | bartizan guard verdict - --direction output

Says which profiles the call meets, what they find and what is done about it; what an instance's tenants ask on top of its \
configuration is not known here.";

/// Of what.
#[derive(Debug, Args)]
pub struct VerdictArgs {
    /// The text, or a request's body with --path; `-` for standard input
    #[arg(value_name = "FILE")]
    text: PathBuf,
    /// The file is the JSON body of a call of this path: every text in it is looked at
    #[arg(long, value_name = "PATH", conflicts_with_all = ["direction", "origin"])]
    path: Option<String>,
    /// Which way the text goes
    #[arg(long, value_enum, default_value_t = Way::Input)]
    direction: Way,
    /// Who wrote the text
    #[arg(long, value_enum, default_value_t = Writer::User)]
    origin: Writer,
    /// Name or id of the tenant that calls
    #[arg(long, default_value = "")]
    tenant: String,
    /// Name or id of its team
    #[arg(long, default_value = "")]
    team: String,
    /// Id of the project
    #[arg(long)]
    project: Option<ProjectId>,
    /// Name or id of the virtual key
    #[arg(long, default_value = "")]
    key: String,
    /// A tag that the key carries; may be repeated
    #[arg(long)]
    tag: Vec<String>,
    /// The model's name; of a body its own unless given
    #[arg(long)]
    model: Option<String>,
    /// What the call carries: public, internal, confidential or restricted; the configuration's unless given
    #[arg(long, value_name = "CLASS")]
    data_class: Option<DataClass>,
    /// Fail when anything would be refused
    #[arg(long)]
    deny: bool,
}

/// Which way a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    /// Towards the model
    Input,
    /// From the model
    Output,
}

/// Who wrote a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Writer {
    /// The application: the system message
    System,
    /// The person who asks
    User,
    /// A model
    Assistant,
    /// A tool, in its result
    ToolResult,
    /// A tool, of itself
    ToolDescription,
}

impl From<Writer> for Origin {
    fn from(writer: Writer) -> Self {
        match writer {
            Writer::System => Self::System,
            Writer::User => Self::User,
            Writer::Assistant => Self::Assistant,
            Writer::ToolResult => Self::ToolResult,
            Writer::ToolDescription => Self::ToolDescription,
        }
    }
}

/// One finding, for people and programs.
#[derive(Debug, Serialize)]
struct Told {
    /// Which text of a body, from 1.
    text: usize,
    line: usize,
    /// In characters, from 1.
    column: usize,
    guard: &'static str,
    rule: String,
    score: u8,
    /// What is done about it.
    verdict: Action,
    /// What a profile in shadow would do, where that is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<Action>,
    excepted: bool,
    /// The profile that asks for it.
    by: String,
}

/// What a call would get.
#[derive(Debug, Serialize)]
struct Verdict {
    /// The strictest of all; nothing where nothing was found.
    verdict: Option<Action>,
    /// The profiles that it meets beside the instance's own, those in shadow too.
    profiles: Vec<String>,
    version: String,
    findings: Vec<Told>,
}

impl Shown for Verdict {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let profiles = match self.profiles.as_slice() {
            [] => "none beside the instance's".to_owned(),
            some => some.join(", "),
        };
        writeln!(out, "verdict   {}", self.verdict.map_or("pass", Action::as_str))?;
        writeln!(out, "profiles  {profiles}")?;
        writeln!(out, "version   {}", self.version)?;
        if self.findings.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&[
            Column::Text("text"),
            Column::Text("at"),
            Column::Text("guard"),
            Column::Text("rule"),
            Column::Number("sure"),
            Column::Text("verdict"),
            Column::Text("by"),
        ]);
        for told in &self.findings {
            let verdict = match (told.excepted, told.would) {
                (true, _) => "excepted".to_owned(),
                (false, Some(would)) => format!("{} (would {})", told.verdict.as_str(), would.as_str()),
                (false, None) => told.verdict.as_str().to_owned(),
            };
            table.row([
                told.text.to_string(),
                format!("{}:{}", told.line, told.column),
                told.guard.to_owned(),
                told.rule.clone(),
                format!("{} %", told.score),
                verdict,
                told.by.clone(),
            ]);
        }
        writeln!(out)?;
        table.write(out)
    }
}

/// Says it.
pub fn run(args: &VerdictArgs, at: &At, show: Show) -> Result<(), Failure> {
    let config = load::find(at.config.as_deref())?.config;
    let text = looks::read(&args.text)?;
    let endpoint = args.path.as_deref().map(endpoint).transpose()?;
    let model = match (&args.model, endpoint) {
        (Some(model), _) => model.clone(),
        (None, Some(endpoint)) => {
            let read = dialect::read_request(endpoint, text.as_bytes(), &dialect::BodyLimits::default());
            read.map_err(|error| Failure::usage(error.to_string()))?
                .model
                .to_string()
        }
        (None, None) => String::new(),
    };
    let call = Call {
        tenant: named(&args.tenant, TenantId::from_u128(0)),
        team: named(&args.team, TeamId::from_u128(0)),
        project: args.project,
        key: named(&args.key, KeyId::from_u128(0)),
        tags: &args.tag,
        model: &model,
        operation: endpoint.map_or(Operation::Chat, Endpoint::operation),
        data_class: args.data_class.unwrap_or(config.policies.data_class),
    };
    let stock = Guards::default().with_extensions(guard_files::extensions(&config.guards)?);
    let plans = Plans::new(stock, config.guards.always(), config.guards.document());
    let plan = plans.plan(&call, None);
    let direction = match args.direction {
        Way::Input => Direction::Input,
        Way::Output => Direction::Output,
    };
    let mut texts = Vec::new();
    match endpoint {
        None => texts.push((text, args.origin.into())),
        Some(endpoint) => dialect::visit_request_text(endpoint, text.as_bytes(), &mut |part| {
            texts.push((part.text.into_owned(), origin(part.role)));
        })
        .map_err(|error| Failure::usage(error.to_string()))?,
    }
    let parts: Vec<(&str, Origin)> = texts
        .iter()
        .map(|(text, origin)| (text.as_str(), *origin))
        .collect();
    let mut found = Vec::new();
    plan.scan_conversation(direction, &parts, UnixMillis::now(), &mut found);
    let mut findings = Vec::new();
    // They come part by part.
    let mut rest = found.into_iter().peekable();
    for (number, (text, _)) in parts.iter().enumerate() {
        let own = std::iter::from_fn(|| rest.next_if(|(of, _)| *of == number));
        let own = own.map(|(_, it)| it).collect();
        findings.extend(told(&plan, direction, (text, number + 1), own));
    }
    let verdict = Verdict {
        verdict: findings.iter().map(|it| it.verdict).max(),
        profiles: plan.profiles().map(str::to_owned).collect(),
        version: plan.version().to_string(),
        findings,
    };
    show.say(&verdict)?;
    match verdict.verdict {
        Some(Action::Block) if args.deny => Err(Failure::new("the call would be refused")),
        _ => Ok(()),
    }
}

fn told(
    plan: &Plan,
    direction: Direction,
    (text, number): (&str, usize),
    mut found: Vec<Found>,
) -> Vec<Told> {
    found.sort_by_key(|it| (it.finding.span.start, it.finding.span.end));
    let mut places = Places::of(text);
    let tell = |it: Found| {
        let place = places.next(&it.finding.span);
        Told {
            text: number,
            line: place.line,
            column: place.column,
            guard: it.finding.kind.as_str(),
            by: plan.asked_by(direction, &it.finding).to_owned(),
            rule: it.finding.rule.into_owned(),
            score: it.finding.score,
            verdict: it.action,
            would: it.would,
            excepted: it.excepted,
        }
    };
    found.into_iter().map(tell).collect()
}

fn endpoint(path: &str) -> Result<Endpoint, Failure> {
    Endpoint::of_path(path).ok_or_else(|| {
        let known: Vec<_> = Endpoint::ALL.into_iter().map(Endpoint::path).collect();
        Failure::usage(format!(
            "nothing is called at `{path}`: use one of {}",
            known.join(", ")
        ))
    })
}

/// The id that is meant, where it is one, and the name.
fn named<I: std::str::FromStr>(said: &str, nobody: I) -> (I, &str) {
    (said.parse().unwrap_or(nobody), said)
}
