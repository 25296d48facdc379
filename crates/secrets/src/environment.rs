//! `env:NAME`: variables of the process's environment. It never sets one and never lists them.

use std::fmt;

use async_trait::async_trait;
use credential::SecretRef;
use domain::Secret;
use zeroize::Zeroizing;

use crate::{SecretError, Secrets, Versioned, taken_in};

type Look = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Variables by name.
pub struct Environment(Look);

impl Environment {
    /// This process's own.
    pub fn of_this_process() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Whatever `look` finds.
    pub fn new(look: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Box::new(look))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

#[async_trait]
impl Secrets for Environment {
    async fn get(&self, reference: &SecretRef) -> Result<Versioned<Secret>, SecretError> {
        let SecretRef::Env(name) = reference else {
            return Err(SecretError::unconfigured(reference));
        };
        let found = (self.0)(name).map(Zeroizing::new);
        let text = found.ok_or_else(|| SecretError::NotFound(reference.clone(), "is not set".into()))?;
        Ok(Versioned {
            value: taken_in(reference, &text)?,
            version: None,
        })
    }
}
