//! `bartizan reconcile --gate`: the running gate compares, keeps the result and tells of gaps; here it is shown. Opens no
//! store and no ledger.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::{ReconcileArgs, bytes, table};
use crate::cli::At;
use crate::command::ctl::client::{Asked, Client};
use crate::command::ctl::remember::Remembered;
use crate::command::instance::configuration;
use crate::command::show::{Show, Shown};
use crate::failure::{Failure, Hint};

/// What the gate kept.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Kept(Value);

impl Kept {
    fn count(&self, name: &str) -> u64 {
        self.0.get(name).and_then(Value::as_u64).unwrap_or_default()
    }
}

impl Shown for Kept {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = self.0.get("lines").and_then(Value::as_array);
        table(lines.map_or(&[], Vec::as_slice), out)?;
        let text = |name: &str| self.0.get(name).and_then(Value::as_str).unwrap_or("-");
        writeln!(
            out,
            "{} of {} lines are off; the provider bills ${} more than the ledger has; kept as {}",
            self.count("gaps"),
            self.count("compared"),
            text("cost_difference_usd"),
            text("id")
        )
    }
}

/// Has it compared.
// threat: AGP-R2
pub(super) async fn run(args: &ReconcileArgs, at: &At, show: Show) -> Result<(), Failure> {
    let base = match &args.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", configuration(at)?.listen.control),
    };
    let remembered = Remembered::load(&base)?;
    let tenant = args
        .tenant
        .clone()
        .or_else(|| remembered.tenant())
        .ok_or_else(|| {
            Failure::usage("say whose part of the ledger").hint("`--tenant` takes the tenant's id")
        })?;
    let files: Result<Vec<String>, Failure> = args.files.iter().map(|file| text(file)).collect();
    let asked = Asked {
        method: http::Method::POST,
        path: format!(
            "/api/v1/tenants/{}/reconciliations",
            crate::command::ctl::escape(&tenant)
        ),
        body: Some(json!({
            "provider": args.provider.provider().as_str(),
            "files": files?,
            "of": BTreeSet::from_iter(&args.of),
            "tolerance_nanos": args.tolerance.nanos().max(0),
            "tolerance_tokens": args.tolerance_tokens,
        })),
        headers: Vec::new(),
    };
    let kept = Kept(Client::new(base, remembered.token()).send(asked).await?.body);
    show.say(&kept)?;
    super::judged(kept.count("gaps"))
}

fn text(file: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(bytes(file)?);
    text.map_err(|_| Failure::usage(format!("`{}` is no text", file.display())))
}
