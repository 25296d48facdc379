//! A reference to a secret: where it is, never what it is. Resolving one is I/O and happens elsewhere.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const FORMS: &str = "expected `env:NAME` or `file:/absolute/path`";

/// Where a secret is kept: a file, where an environment is too open. Text forms: `env:NAME`, `file:/absolute/path`.
// threat: ANP-D0007
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file; one final line break is not part of the secret.
    File(PathBuf),
}

/// A text that is no secret reference. Never repeats the text: people paste secrets where references go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefError {
    /// No scheme we know, so it may be the secret itself.
    #[error("not a secret reference: {FORMS}, never the secret itself")]
    Scheme,
    /// The scheme is reserved.
    #[error("`vault:` references are not available yet: {FORMS}")]
    Vault,
    /// Not a name an environment variable can have.
    #[error("not a variable name after `env:`: letters, digits and `_`, not a digit first")]
    Name,
    /// Not an absolute path.
    #[error("not an absolute path after `file:`")]
    Path,
}

impl FromStr for SecretRef {
    type Err = SecretRefError;

    // threat: ANP-B0002
    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        match text.split_once(':') {
            Some(("env", name)) if is_variable_name(name) => Ok(Self::Env(name.to_owned())),
            Some(("env", _)) => Err(SecretRefError::Name),
            Some(("file", path)) if is_absolute(path) => Ok(Self::File(PathBuf::from(path))),
            Some(("file", _)) => Err(SecretRefError::Path),
            Some(("vault", _)) => Err(SecretRefError::Vault),
            _ => Err(SecretRefError::Scheme),
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    name.len() <= 256
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

fn is_absolute(path: &str) -> bool {
    path.len() <= 4096 && Path::new(path).is_absolute() && !path.contains(char::is_control)
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl Serialize for SecretRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for SecretRef {
    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "Where a secret is kept, never the secret itself: `env:NAME` or `file:/absolute/path`.",
            "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_read_back() {
        for text in ["env:OPENAI_API_KEY", "env:_x", "file:/run/secrets/openai"] {
            assert_eq!(text.parse::<SecretRef>().unwrap().to_string(), text);
        }
        assert_eq!(
            serde_json::to_string(&SecretRef::Env("A".into())).unwrap(),
            r#""env:A""#
        );
        assert_eq!(
            serde_json::from_str::<SecretRef>(r#""file:/a""#).unwrap(),
            SecretRef::File("/a".into())
        );
    }

    #[test]
    fn anp_b0002_a_pasted_secret_is_refused_and_not_repeated() {
        let canary = "sk-canary-0123456789";
        for text in [
            canary.to_owned(),
            format!("env:{canary}"),
            format!("file:{canary}"),
            format!("vault:{canary}"),
        ] {
            let error = text.parse::<SecretRef>().unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn near_misses_are_refused() {
        use SecretRefError::{Name, Path, Scheme, Vault};
        let cases = [
            ("", Scheme),
            ("OPENAI", Scheme),
            ("ENV:A", Scheme),
            (" env:A", Scheme),
            ("env:", Name),
            ("env:1A", Name),
            ("env:A B", Name),
            ("file:", Path),
            ("file:a", Path),
            ("file:/a\n", Path),
            ("vault:kv/x", Vault),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<SecretRef>().unwrap_err(), error, "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics_and_what_parses_reads_back(text in "(env:|file:/)?\\PC{0,40}") {
            if let Ok(reference) = text.parse::<SecretRef>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
