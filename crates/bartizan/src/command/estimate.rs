//! `bartizan estimate`: what a call would use and cost at most, by the configuration and the price list alone. It asks
//! no store and no provider, so it says nothing of keys, policies, limits and budgets: `POST /v1/estimate` does.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use data::estimate::Estimate;
use dialect::{BodyLimits, Endpoint};
use domain::{Money, UnixMillis};
use serde::Serialize;

use crate::cli::At;
use crate::failure::{Failure, Hint};
use crate::policies;
use crate::resolve::Resolver;

use super::arguments::quoted;
use super::instance::configuration;
use super::served;
use super::show::{Show, Shown};
use super::table::facts;

/// The largest body that is read.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// Which call.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  bartizan estimate call.json
  jq '{model: \"gpt-4o\", messages: .}' history.json | bartizan estimate -
  bartizan estimate --call messages call.json --json | jq .cost.most_nanos

Reads the configuration and the price list as `serve` does; no store, no running instance and no budget is asked. With
a key of a serving instance, `POST /v1/estimate` also says whether the call would be made.")]
pub struct EstimateArgs {
    /// The request's body, `-` for standard input
    #[arg(value_name = "FILE")]
    body: PathBuf,
    /// What it is the body of
    #[arg(long, value_enum, default_value = "chat")]
    call: Call,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Call {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/completions`
    Completions,
    /// `/v1/embeddings`
    Embeddings,
    /// `/v1/messages`
    Messages,
}

impl Call {
    const fn endpoint(self) -> Endpoint {
        match self {
            Self::Chat => Endpoint::ChatCompletions,
            Self::Completions => Endpoint::Completions,
            Self::Embeddings => Endpoint::Embeddings,
            Self::Messages => Endpoint::Messages,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Estimated(Estimate);

impl Shown for Estimated {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Estimate { prompt, cost, .. } = &self.0;
        let how = if prompt.is_exact { "" } else { ", a guess" };
        let dollars = |nanos: i64| format!("${}", Money::from_nanos(nanos));
        let mut rows = vec![
            ("model", self.0.model.to_string()),
            (
                "prompt",
                format!("{} tokens ({}{how})", prompt.tokens, prompt.tokenizer),
            ),
            ("at most", format!("{} tokens", prompt.tokens_max)),
            ("output", format!("at most {} tokens", self.0.output_tokens_max)),
        ];
        match cost {
            Some(cost) => rows.extend([
                ("prompt costs", dollars(cost.prompt_nanos)),
                ("at least", dollars(cost.least_nanos)),
                ("reserved", dollars(cost.most_nanos)),
            ]),
            None => rows.push(("cost", "unpriced: the call would be refused".to_owned())),
        }
        rows.push(("price list", self.0.price_version.to_string()));
        facts(out, &rows)
    }
}

/// Estimates.
pub async fn run(args: EstimateArgs, at: &At, show: Show) -> Result<(), Failure> {
    let body = read(&args.body)?;
    let endpoint = args.call.endpoint();
    let envelope = dialect::read_request(endpoint, &body, &BodyLimits::default()).map_err(|e| {
        Failure::usage(format!("the body is none of {}: {e}", endpoint.path()))
            .hint("`--call` says what it is the body of")
    })?;
    let mut config = configuration(at)?;
    let resolver = Resolver::for_looking(&config).await?;
    let policy = Arc::new(policies::checked(&policies::read(&config)?)?);
    let settings = served::assemble(&mut config, &resolver, policy).await?;
    let Some(model) = settings.models.get(&envelope.model) else {
        let what = format!("no model {} would be served", quoted(&envelope.model));
        return Err(Failure::not_found(what).hint("`bartizan models` lists those that would"));
    };
    let now = UnixMillis::now();
    let estimate = Estimate::of((endpoint, &body), &envelope, model, (None, &settings), now);
    show.say(&Estimated(estimate))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(BODY_BYTES_MAX + 1).read_to_end(&mut body)
    } else {
        File::open(path).and_then(|file| file.take(BODY_BYTES_MAX + 1).read_to_end(&mut body))
    };
    let unreadable = |e: io::Error| Failure::usage(format!("`{}` cannot be read: {e}", path.display()));
    if read.map_err(unreadable)? as u64 > BODY_BYTES_MAX {
        return Err(Failure::usage(format!(
            "the body is larger than {BODY_BYTES_MAX} bytes"
        )));
    }
    Ok(body)
}
