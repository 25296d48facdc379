//! Where reports go: a folder, a bucket, a webhook. The file first, then its manifest: where a manifest is, the file is
//! whole. What goes wrong is said without an address's secrets, and without what a server wrote.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use domain::{TenantId, UnixMillis};
use exports::{Time, rfc3339};
use serde_json::{Value, json};
use store::exported::Delivered;
use upstream::Client;
use upstream::s3::{S3, S3Error, S3Keys, S3Place};

use super::{Made, Trouble};
use crate::push::letter::Letter;
use crate::push::mail::{MailOptions, Mailer};
use crate::push::slack::Slack;
use crate::push::transport::Posted;
use crate::push::webhook::Webhook;
use crate::push::{Keyring, post};

/// The largest file that is posted.
const POSTED_BYTES_MAX: usize = 8 << 20;
/// The first bytes of a digest are enough to tell deliveries apart.
const ID_BYTES: usize = 18;
const MANIFEST_TYPE: &str = "application/json";

/// Where reports go.
#[derive(Debug)]
pub enum Goal {
    /// A folder of this machine, or one that all replicas share.
    Folder(PathBuf),
    /// A bucket.
    Bucket(Box<InBucket>),
    /// An address that takes signed requests.
    Webhook(Box<Posted>),
    /// An address that takes what Slack takes; of what people read only.
    Slack(Box<Posted>),
    /// A mail server; of what people read only.
    Mail(Box<MailOptions>),
}

/// Where in a bucket.
#[derive(Debug)]
pub struct InBucket {
    /// Which bucket.
    pub place: S3Place,
    /// What names in it begin with; without slashes around, perhaps nothing.
    pub prefix: String,
    /// The id of the access key, then its secret.
    pub keys: Arc<dyn Keyring>,
    /// What requests are sent with.
    pub client: Client,
}

/// The same, made ready.
#[derive(Debug)]
pub(super) enum Way {
    Folder(PathBuf),
    Bucket {
        s3: Box<S3>,
        prefix: String,
        keys: Arc<dyn Keyring>,
    },
    Webhook(Box<Webhook>),
    Slack(Box<Slack>),
    Mail(Box<Mailer>),
}

impl Way {
    pub(super) fn new(goal: Goal) -> Result<Self, String> {
        Ok(match goal {
            Goal::Folder(folder) => Self::Folder(folder),
            Goal::Bucket(to) => Self::Bucket {
                s3: Box::new(S3::new(&to.place, to.client)?),
                prefix: to.prefix,
                keys: to.keys,
            },
            Goal::Webhook(to) => {
                let webhook = Webhook::new(&to.address, to.allow_plaintext, to.keys, to.client)?;
                Self::Webhook(Box::new(webhook))
            }
            Goal::Slack(to) => {
                let slack = Slack::new(to.address, to.allow_plaintext, to.keys, to.client)?;
                Self::Slack(Box::new(slack))
            }
            Goal::Mail(options) => Self::Mail(Box::new(Mailer::new(*options)?)),
        })
    }

    /// Puts a file and its manifest there, in place of those that have the name.
    // threat: AGP-R2
    // threat: AGP-T4
    pub(super) async fn put(
        &self,
        about: (&str, TenantId, &Time),
        file: &Delivered,
        made: &Made,
    ) -> Result<(), Trouble> {
        match self {
            Self::Folder(folder) => {
                let (path, made) = (folder.join(&file.name), made.clone());
                let written = tokio::task::spawn_blocking(move || write(&path, &made)).await;
                let written = written.unwrap_or_else(|_| Err(io::Error::other("it was broken off")));
                written
                    .map_err(|error| Trouble::Away(format!("the folder cannot be written: {}", error.kind())))
            }
            Self::Bucket { s3, prefix, keys } => {
                let keys = s3_keys(keys.as_ref()).await.map_err(Trouble::Away)?;
                let name = match prefix.is_empty() {
                    true => file.name.clone(),
                    false => format!("{prefix}/{}", file.name),
                };
                let whole = (made.file.clone(), made.media_type);
                s3.put(&keys, &name, whole).await.map_err(trouble)?;
                let manifest = (Bytes::from(made.manifest.clone()), MANIFEST_TYPE);
                let name = format!("{name}.manifest.json");
                s3.put(&keys, &name, manifest).await.map_err(trouble)
            }
            Self::Webhook(webhook) => {
                let message = message(about, file, made)?;
                let keys = webhook.keys().await?;
                webhook.post((&id(about), message), &keys).await
            }
            Self::Slack(slack) => slack.post(letter(made)?).await,
            Self::Mail(mailer) => mailer.post(&id(about), letter(made)?).await,
        }
    }
}

fn letter(made: &Made) -> Result<&Letter, Trouble> {
    let why = "this report is a file, which people do not read: deliver a digest";
    made.letter.as_ref().ok_or_else(|| Trouble::refused(why, false))
}

fn trouble(error: S3Error) -> Trouble {
    match error {
        S3Error::Refused { status, .. } => Trouble::refused(error.to_string(), post::is_for_good(status)),
        other => Trouble::Away(other.to_string()),
    }
}

/// What requests to a bucket are signed with, as it is now.
pub(crate) async fn s3_keys(keyring: &dyn Keyring) -> Result<S3Keys, String> {
    match <[_; 2]>::try_from(keyring.secrets().await?) {
        Ok([id, secret]) => Ok(S3Keys {
            id: id.expose().trim().to_owned(),
            secret,
        }),
        Err(_) => Err("the id of an access key and its secret are needed".to_owned()),
    }
}

/// The same however often a report is delivered, so that whoever had it knows.
fn id((schedule, tenant, time): (&str, TenantId, &Time)) -> String {
    let whole = digest(&SHA256, format!("{tenant}\n{schedule}\n{}", time.name).as_bytes());
    let some = whole.as_ref().get(..ID_BYTES).unwrap_or_default();
    format!("exp_{}", URL_SAFE_NO_PAD.encode(some))
}

fn message(
    (schedule, tenant, time): (&str, TenantId, &Time),
    file: &Delivered,
    made: &Made,
) -> Result<String, Trouble> {
    if made.file.len() > POSTED_BYTES_MAX {
        let why = "the file is larger than the 8 MiB that are posted: deliver it to a folder or a bucket";
        return Err(Trouble::refused(why, false));
    }
    let (encoding, content) = match std::str::from_utf8(&made.file) {
        Ok(text) => ("text", text.to_owned()),
        Err(_) => ("base64", STANDARD.encode(&made.file)),
    };
    let manifest: Value = serde_json::from_str(&made.manifest).unwrap_or_default();
    let at = jiff::Timestamp::from_millisecond(UnixMillis::now().0).unwrap_or_default();
    let message = json!({
        "type": "export.delivered",
        "timestamp": format!("{at:.3}"),
        "data": {
            "schedule": schedule, "tenant": tenant.to_string(), "time": time.name,
            "from": rfc3339(time.from), "until": rfc3339(time.until),
            "file": {
                "name": file.name, "media_type": made.media_type, "bytes": file.bytes, "sha256": file.sha256,
                "encoding": encoding, "content": content,
            },
            "manifest": manifest,
        },
    });
    Ok(message.to_string())
}

fn write(path: &Path, made: &Made) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    place(path, &beside(".part"), &made.file)?;
    let manifest = beside(".manifest.json");
    place(&manifest, &beside(".manifest.part"), made.manifest.as_bytes())?;
    File::open(folder)?.sync_all()
}

/// Whole or not at all, and only its owner reads it. What was left half by a crash goes; what only points elsewhere is
/// never written through.
// threat: AGP-I1
fn place(path: &Path, part: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| fs::rename(part, path));
    if placed.is_err() {
        let _ = fs::remove_file(part);
    }
    placed
}
