//! What a person sees at the start, on standard output; logs go to standard error. The first key and the token for
//! the first administrator are printed here, once, and never logged.

use std::io::Write;
use std::path::Path;

use config::Config;
use config::section::Checks;
use domain::Secret;

/// What there is to say.
pub struct Greeting<'a> {
    /// The first virtual key, when one was made.
    pub first_key: Option<Secret>,
    /// What makes the first administrator, while there is none.
    pub setup_token: Option<Secret>,
    /// How many models can be called.
    pub models: usize,
    /// They were found, not configured.
    pub discovered: bool,
    /// The configuration's file.
    pub file: Option<&'a Path>,
    /// The data folder.
    pub dir: &'a Path,
}

/// Says it. That nobody reads it is no fault.
// threat: CTX-T3
pub fn greet(config: &Config, greeting: &Greeting<'_>) {
    let mut lines = places(config, greeting);
    lines.extend(models(greeting));
    lines.extend(first_key(config, greeting));
    lines.extend(setup(config, greeting));
    let mut out = std::io::stdout().lock();
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
    let _ = out.flush();
}

fn base(config: &Config) -> String {
    let scheme = if config.listen.tls.is_some() {
        "https"
    } else {
        "http"
    };
    format!("{scheme}://{}", config.listen.data)
}

fn places(config: &Config, greeting: &Greeting<'_>) -> Vec<String> {
    let mut lines = vec![
        format!(
            "bartizan {} serves on {}",
            env!("CARGO_PKG_VERSION"),
            base(config)
        ),
        format!(
            "  control {}   health {}   data {}",
            config.listen.control,
            config.listen.health,
            greeting.dir.display()
        ),
        match greeting.file {
            Some(file) => format!("  configuration {}", file.display()),
            None => "  configuration: defaults (write a bartizan.yaml to change them)".to_owned(),
        },
    ];
    if config.checks == Checks::Off {
        lines.push(
            "  CHECKS ARE OFF: this is a plain proxy that asks no one anything and records nothing"
                .to_owned(),
        );
    }
    lines
}

fn models(greeting: &Greeting<'_>) -> Vec<String> {
    if greeting.models == 0 {
        let how = [
            "  no upstream was found, so no model can be called yet. Do one of these and start again:",
            "    export OPENAI_API_KEY=…   or   export ANTHROPIC_API_KEY=…",
            "    start llama-server (port 8090), vLLM (8000) or Ollama (11434) on this machine",
            "    list providers in bartizan.yaml",
        ];
        return how.map(str::to_owned).to_vec();
    }
    let how = if greeting.discovered {
        "found by looking around"
    } else {
        "configured"
    };
    vec![format!("  {} models, {how}", greeting.models)]
}

fn first_key(config: &Config, greeting: &Greeting<'_>) -> Vec<String> {
    let Some(key) = &greeting.first_key else {
        return Vec::new();
    };
    let (key, base) = (key.expose(), base(config));
    vec![
        String::new(),
        format!("  your first virtual key, shown this once: {key}"),
        format!("  curl {base}/v1/models -H 'Authorization: Bearer {key}'"),
    ]
}

fn setup(config: &Config, greeting: &Greeting<'_>) -> Vec<String> {
    let Some(token) = &greeting.setup_token else {
        return Vec::new();
    };
    let (token, page) = (token.expose(), config.public_url());
    vec![
        String::new(),
        "  nobody administers this instance yet: `bartizan ctl sessions set-up --email … --name …`"
            .to_owned(),
        format!("  with this token, good once and for an hour: {token}"),
        // Behind `#`: browsers send that part to nobody.
        format!("  or in a browser: {page}/#setup={token}"),
    ]
}
