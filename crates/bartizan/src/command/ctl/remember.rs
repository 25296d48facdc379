//! The session of `ctl`: one for each control listener, in a private file of the user's.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use domain::Secret;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Hint};

/// Variables whose token is used instead of the file's: a service account's, a session's.
const TOKENS: [&str; 2] = ["BARTIZAN_TOKEN", "BARTIZAN_SESSION"];

/// What is remembered.
#[derive(Debug)]
pub struct Remembered {
    base: String,
    file: Option<PathBuf>,
    all: Map<String, Value>,
}

impl Remembered {
    /// What is remembered of the instance at `base`.
    pub fn load(base: &str) -> Result<Self, Failure> {
        let file = file();
        let text = match file.as_ref().map(std::fs::read_to_string) {
            Some(Ok(text)) => text,
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
                return Err(Failure::new(format!("your sessions cannot be read: {error}")));
            }
            _ => String::new(),
        };
        Ok(Self {
            base: base.to_owned(),
            file,
            all: serde_json::from_str(&text).unwrap_or_default(),
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        Some(self.all.get(&self.base)?.get(name)?.as_str()?.to_owned())
    }

    /// The token to show.
    pub fn token(&self) -> Option<Secret> {
        let given = TOKENS.iter().filter_map(|name| std::env::var(name).ok());
        let given = given
            .map(|text| text.trim().to_owned())
            .find(|text| !text.is_empty());
        given.or_else(|| self.text("token")).map(Secret::new)
    }

    /// Where its owner lives; of a token that comes from elsewhere it is not known.
    pub fn tenant(&self) -> Option<String> {
        if TOKENS
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|text| !text.is_empty()))
        {
            return None;
        }
        self.text("tenant")
    }

    /// Keeps a session that just began. `false` if that is none.
    // threat: CTX-T3
    pub fn keep(&mut self, session: &Value) -> Result<bool, Failure> {
        let text = |name: &str| session.get(name).and_then(Value::as_str);
        let (Some(token), Some(tenant)) = (text("token"), text("tenant")) else {
            return Ok(false);
        };
        self.all
            .insert(self.base.clone(), json!({"token": token, "tenant": tenant}));
        self.write()?;
        Ok(true)
    }

    /// Keeps the token that a session goes on under, where an answer holds one.
    // threat: CTX-T3
    pub fn renew(&mut self, answer: &Value) -> Result<(), Failure> {
        let token = answer.get("token").and_then(Value::as_str);
        let session = self.all.get_mut(&self.base).and_then(Value::as_object_mut);
        if let (Some(token), Some(session)) = (token.filter(|text| text.starts_with("btzs_")), session) {
            session.insert("token".to_owned(), token.into());
            self.write()?;
        }
        Ok(())
    }

    /// Forgets it.
    pub fn forget(&mut self) -> Result<(), Failure> {
        self.all.remove(&self.base);
        self.write()
    }

    fn write(&self) -> Result<(), Failure> {
        let trouble = |error: std::io::Error| Failure::new(format!("your session cannot be kept: {error}"));
        let Some(file) = &self.file else {
            return Err(
                Failure::new("there is no folder to keep the session in").hint("set HOME or XDG_CONFIG_HOME")
            );
        };
        if let Some(folder) = file.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(trouble)?;
        }
        let fresh = file.with_extension(format!("new-{}", std::process::id()));
        let mut options = OpenOptions::new();
        let mut out = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(trouble)?;
        let text = Value::Object(self.all.clone()).to_string();
        out.write_all(text.as_bytes()).map_err(trouble)?;
        std::fs::rename(&fresh, file).map_err(trouble)
    }
}

fn file() -> Option<PathBuf> {
    let own = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let folder = own.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".config")))?;
    Some(folder.join("bartizan").join("sessions.json"))
}
