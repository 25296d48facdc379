//! `vault:MOUNT/PATH#FIELD`: one field of the newest version of a KV v2 secret.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use credential::{SecretRef, VaultRef};
use domain::Secret;
use http::Method;
use secrets::{SecretError, Secrets, Versioned, taken_in};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::api::{Answer, Api, Fault};
use crate::session::Session;
use crate::{VaultError, VaultOptions, login};

/// A Vault server, read from.
pub struct Vault {
    api: Api,
    session: Session,
    address: String,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Prepares to ask; the first secret logs in.
    pub fn new(options: VaultOptions) -> Result<Self, VaultError> {
        let api = Api::new(&options)?;
        Ok(Self {
            api,
            address: options.address,
            session: Session::new(options.auth, options.bootstrap),
        })
    }

    /// Whether a wrapped secret id still waits in its wrapping, without opening it. Other ways to log in are
    /// not tried.
    pub async fn look(&self) -> Result<(), SecretError> {
        login::look(&self.api, self.session.auth(), self.session.bootstrap()).await
    }

    /// Gives the gate's token back, so that nobody can use it for the rest of its life. Tried once.
    pub async fn close(&self) {
        match self.session.close(&self.api).await {
            Ok(()) => tracing::debug!("the vault token is given back"),
            Err(fault) => tracing::warn!(
                why = fault.why(),
                "the vault token could not be given back: it expires by itself"
            ),
        }
    }

    // threat: AGP-E2
    async fn read(&self, wanted: &VaultRef, token: &Secret) -> Result<Answer, Fault> {
        let path = format!("/v1/{}/data/{}", wanted.mount(), wanted.path());
        self.api.call(Method::GET, &path, Some(token), None).await
    }

    /// A "no" may mean the secret or the token: a token that is no longer known is replaced, once.
    async fn read_with_some_token(&self, wanted: &VaultRef) -> Result<Answer, Fault> {
        let token = self.session.token(&self.api).await?;
        let answer = self.read(wanted, &token).await;
        let Err(Fault::Refused(_)) = answer else {
            return answer;
        };
        if self.session.is_known(&self.api, &token).await? {
            return answer;
        }
        self.session.forget(&token).await;
        let token = self.session.token(&self.api).await?;
        self.read(wanted, &token).await
    }
}

#[async_trait]
impl Secrets for Vault {
    // threat: AGP-I1
    async fn get(&self, reference: &SecretRef) -> Result<Versioned<Secret>, SecretError> {
        let SecretRef::Vault(wanted) = reference else {
            return Err(SecretError::unconfigured(reference));
        };
        let answer = self.read_with_some_token(wanted).await;
        let answer = answer.map_err(|fault| fault.at(reference))?;
        let (text, version) = field(answer.bytes(), wanted.field()).map_err(|fault| fault.at(reference))?;
        Ok(Versioned {
            value: taken_in(reference, &text)?,
            version: Some(version),
        })
    }
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow)]
    data: Kv<'a>,
}

/// Values stay where they arrived, but for the one that is wanted.
#[derive(Deserialize)]
struct Kv<'a> {
    #[serde(borrow)]
    data: HashMap<String, &'a RawValue>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
}

fn field(answer: &[u8], name: &str) -> Result<(Zeroizing<String>, u64), Fault> {
    let read: Read<'_> = serde_json::from_slice(answer)
        .map_err(|_| Fault::Malformed("is in no KV engine of version 2".into()))?;
    let raw = read.data.data.get(name);
    let raw =
        raw.ok_or_else(|| Fault::Absent("is not in the vault: the secret is, but has no such field".into()))?;
    let text: String =
        serde_json::from_str(raw.get()).map_err(|_| Fault::Malformed("is no text in the vault".into()))?;
    Ok((Zeroizing::new(text), read.data.metadata.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_texts_of_a_secret_of_version_two() {
        let answer = br#"{"data":{"data":{"a":"x\ny","n":1,"o":{"a":"z"}},"metadata":{"version":7}}}"#;
        let (text, version) = field(answer, "a").unwrap();
        assert_eq!((text.as_str(), version), ("x\ny", 7));
        assert!(matches!(field(answer, "b"), Err(Fault::Absent(_))));
        for name in ["n", "o"] {
            assert!(matches!(field(answer, name), Err(Fault::Malformed(_))), "{name}");
        }
        for other in [&br#"{"data":{"a":"x"}}"#[..], b"{}", b"", b"<html>"] {
            assert!(matches!(field(other, "a"), Err(Fault::Malformed(_))));
        }
    }

    #[test]
    fn agp_i1_no_fault_repeats_what_was_read() {
        for answer in [
            &br#"{"data":{"data":{"a":{"cnry":1}},"metadata":{"version":7}}}"#[..],
            br#"{"data":{"data":{"a":"cnry"#,
            br#"{"data":{"data":{"cnry":"cnry"},"metadata":{"version":"cnry"}}}"#,
        ] {
            let fault = field(answer, "a").unwrap_err();
            assert!(!format!("{fault:?}").contains("cnry"), "{fault:?}");
        }
    }
}
