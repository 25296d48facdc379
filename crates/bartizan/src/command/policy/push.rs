//! `bartizan policy push`: a folder of policies and tests, stored as a version on a serving instance through its
//! API, with your own roles. Puts nothing in force.

use std::path::{Path, PathBuf};

use clap::Args;
use policy::Text;
use serde_json::{Value, json};

use crate::cli::At;
use crate::command::ctl;
use crate::command::show::Show;
use crate::failure::{Failure, Hint};
use crate::policies;

pub const HELP: &str = "\
Examples:
  bartizan policy push policies/calls --plane calls --reason \"no tools for trials\" --commit \"$(git rev-parse HEAD)\"
  bartizan ctl policies shadow --version 3
  bartizan ctl policies activate --version 3

Sends every `*.cedar` of the folder and the `*.tests.json` beside them. Sign in with `bartizan ctl` first.";

/// What to push.
#[derive(Debug, Args)]
pub struct PushArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Whose policies: `calls` or `control`
    #[arg(long, value_name = "PLANE", default_value = "calls", value_parser = ["calls", "control"])]
    plane: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The Git commit they come from
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// The control listener; the configuration's when left out
    #[arg(long, value_name = "URL", env = "BARTIZAN_CONTROL_URL")]
    url: Option<String>,
    /// Check it there and store nothing
    #[arg(long)]
    dry_run: bool,
}

/// Pushes.
pub async fn run(args: PushArgs, at: &At, show: Show) -> Result<(), Failure> {
    if !args.folder.is_dir() {
        return Err(
            Failure::usage(format!("`{}` is no folder", args.folder.display()))
                .hint("name the folder that holds the `*.cedar` files"),
        );
    }
    let texts = policies::texts(std::slice::from_ref(&args.folder))?;
    let mut body = json!({
        "plane": args.plane,
        "files": files(&texts.files),
        "tests": files(&texts.tests),
        "reason": args.reason,
    });
    if let (Some(commit), Some(body)) = (args.commit, body.as_object_mut()) {
        body.insert("commit".to_owned(), Value::String(commit));
    }
    let path = match args.dry_run {
        true => "/api/v1/policies/versions?dry_run=true",
        false => "/api/v1/policies/versions",
    };
    ctl::post(args.url, at, (path, body), show).await
}

/// By their names alone: nobody there knows this machine's folders.
fn files(texts: &[Text]) -> Vec<Value> {
    let named = texts.iter().map(|text| {
        let name = Path::new(&text.name).file_name().unwrap_or_default();
        json!({"name": name.to_string_lossy(), "text": text.text})
    });
    named.collect()
}
