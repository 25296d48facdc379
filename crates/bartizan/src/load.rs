//! Reading and judging `bartizan.yaml`, for `serve`, reloads, `check` and the commands alike.

use std::path::{Path, PathBuf};

use config::Config;

use crate::failure::{Failure, Hint};
use crate::guard_files;

/// The configuration and where it came from.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Its file; `None` when the defaults serve.
    pub file: Option<PathBuf>,
}

/// The named file, or `bartizan.yaml` here if there is one, or the defaults.
pub fn find(named: Option<&Path>) -> Result<Loaded, Failure> {
    let here = Path::new(config::FILE_NAME);
    let path = named.or_else(|| here.exists().then_some(here));
    match path {
        Some(path) => Ok(Loaded {
            config: file(path)?,
            file: Some(path.to_owned()),
        }),
        None => Ok(Loaded {
            config: Config::default(),
            file: None,
        }),
    }
}

/// Reads, parses and validates one file.
pub fn file(path: &Path) -> Result<Config, Failure> {
    let name = path.display().to_string();
    let unreadable = |e: std::io::Error| {
        Failure::usage(format!("`{name}` cannot be read: {e}"))
            .hint("name the file with --config, or leave it out to serve on defaults")
    };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let environment = |name: &str| std::env::var(name).ok();
    let mut config = Config::parse(&text, &name, &environment).map_err(|error| {
        let failure = Failure::usage(error.to_string());
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    guard_files::read(&mut config.guards, folder)?;
    let problems = config.validate();
    if let Some(first) = problems.first() {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let failure = Failure::usage(format!("`{name}`: {}", all.join("\n       ")));
        return Err(match first.hint.clone() {
            Some(hint) => failure.hint(hint),
            None => failure,
        });
    }
    guard_files::named_twice(&config.guards)?;
    relative_to(&mut config, path);
    Ok(config)
}

/// Paths in a file are meant from where the file is.
fn relative_to(config: &mut Config, file: &Path) {
    let Some(folder) = file.parent().filter(|p| !p.as_os_str().is_empty()) else {
        return;
    };
    let absolute = |path: &mut PathBuf| {
        if path.is_relative() {
            *path = folder.join(&*path);
        }
    };
    absolute(&mut config.data_dir);
    config.prices.files.iter_mut().for_each(absolute);
    config.policies.files.iter_mut().for_each(absolute);
    config.policies.control_files.iter_mut().for_each(absolute);
    config.control.sso_ca_file.as_mut().map(absolute);
    if let Some(vault) = &mut config.secrets.vault {
        vault.ca_file.as_mut().map(absolute);
        vault.auth.token_file.as_mut().map(absolute);
        if let Some(kubernetes) = &mut vault.auth.kubernetes {
            absolute(&mut kubernetes.token_file);
        }
    }
    if let Some(tls) = &mut config.listen.tls {
        absolute(&mut tls.certificate);
        tls.client_ca.as_mut().map(absolute);
        tls.client_cas
            .iter_mut()
            .map(|one| &mut one.certificate)
            .for_each(absolute);
        tls.client_crl.iter_mut().for_each(absolute);
    }
}
