//! Secret references resolved: the one place that reads secrets from the environment and from files.

use config::Posture;
use credential::{SecretRef, Weakness};
use domain::Secret;

use crate::failure::{Failure, Hint};

/// Secrets are short; a file this long is not one.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// The secret a reference points to. Errors name the reference, never what was found there.
// threat: ANP-D0007
// threat: AGP-I1
pub fn resolve(reference: &SecretRef) -> Result<Secret, Failure> {
    let text = match reference {
        SecretRef::Env(name) => std::env::var(name).map_err(|_| {
            Failure::new(format!("`env:{name}` is not set")).hint(format!("export {name}=… before starting"))
        })?,
        SecretRef::File(path) => {
            let unreadable =
                |e: std::io::Error| Failure::new(format!("`file:{}` cannot be read: {e}", path.display()));
            let size = std::fs::metadata(path).map_err(unreadable)?.len();
            if size > SECRET_BYTES_MAX {
                return Err(Failure::new(format!(
                    "`file:{}` is too large to be a secret",
                    path.display()
                )));
            }
            std::fs::read_to_string(path).map_err(unreadable)?
        }
        SecretRef::Sealed(_) | SecretRef::Vault(_) => {
            return Err(Failure::new(format!("`{reference}` is of a kind that is not configured")));
        }
    };
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let secret = Secret::new(line.strip_suffix('\r').unwrap_or(line));
    if credential::weakness(&secret) == Some(Weakness::Empty) {
        return Err(Failure::new(format!("`{reference}` is empty"))
            .hint("an empty secret protects nothing: set it, or remove the reference"));
    }
    Ok(secret)
}

/// The same, and in a posture other than development not a placeholder such as `changeme` either.
// threat: CTX-T2
pub fn resolve_strong(reference: &SecretRef, posture: Posture) -> Result<Secret, Failure> {
    let secret = resolve(reference)?;
    if posture != Posture::Development && credential::weakness(&secret).is_some() {
        return Err(
            Failure::new(format!("`{reference}` holds a placeholder, not a secret"))
                .hint("posture `development` alone takes placeholders"),
        );
    }
    Ok(secret)
}

/// A variable of the environment that may hold a passphrase.
pub fn from_environment(name: &str) -> Option<Secret> {
    std::env::var(name)
        .ok()
        .filter(|text| !text.is_empty())
        .map(Secret::new)
}
