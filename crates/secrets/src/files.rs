//! `file:/absolute/path`: files, such as an orchestrator mounts and systemd hands over. It never writes one.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use credential::SecretRef;
use domain::Secret;
use zeroize::Zeroizing;

use crate::{SECRET_BYTES_MAX, SecretError, Secrets, Versioned, taken_in};

/// Files by path.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files;

#[async_trait]
impl Secrets for Files {
    // threat: ANP-D0007
    async fn get(&self, reference: &SecretRef) -> Result<Versioned<Secret>, SecretError> {
        let SecretRef::File(path) = reference else {
            return Err(SecretError::unconfigured(reference));
        };
        let path = path.clone();
        let bytes = off_the_runtime(move || bounded(&path))
            .await
            .map_err(|error| unreadable(reference, &error))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| SecretError::Malformed(reference.clone(), "is not text".into()))?;
        Ok(Versioned {
            value: taken_in(reference, text)?,
            version: None,
        })
    }
}

/// Runs what may wait for a disk.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(std::io::Error::other("reading was interrupted")))
}

/// One byte more than a secret may have, so that a longer one is noticed. The buffer does not grow on the
/// way: no copy is left behind.
fn bounded(path: &PathBuf) -> std::io::Result<Zeroizing<Vec<u8>>> {
    // One more for the line break that is not part of it.
    let most = SECRET_BYTES_MAX + 2;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 64));
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    File::open(Path::new(path))?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(reference: &SecretRef, error: &std::io::Error) -> SecretError {
    let why = format!("cannot be read: {error}").into();
    match error.kind() {
        ErrorKind::NotFound => SecretError::NotFound(reference.clone(), why),
        ErrorKind::PermissionDenied => SecretError::Forbidden(reference.clone(), why),
        _ => SecretError::Unavailable(reference.clone(), why),
    }
}
