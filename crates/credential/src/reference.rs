//! A reference to a secret: where it is, never what it is. Resolving one is I/O and happens elsewhere.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const FORMS: &str =
    "expected `env:NAME`, `file:/absolute/path`, `sealed:NAME`, `stored:NAME` or `vault:MOUNT/PATH#FIELD`";
/// Longest path, its mount included.
const VAULT_PATH_BYTES_MAX: usize = 512;
/// Longest field, and longest name of a sealed value.
const NAME_BYTES_MAX: usize = 128;

/// Where a secret is kept: a file, where an environment is too open. Text forms: `env:NAME`, `file:/absolute/path`,
/// `sealed:NAME`, `stored:NAME`, `vault:MOUNT/PATH#FIELD`.
// threat: ANP-D0007
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file; one final line break is not part of the secret.
    File(PathBuf),
    /// In the instance's own sealed file.
    Sealed(SealedName),
    /// In the instance's store, put there through the control plane. Credentials of providers only.
    Stored(SealedName),
    /// In a Vault server.
    Vault(VaultRef),
}

/// The name of a value in the sealed file or the store: letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SealedName(String);

impl SealedName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SealedName {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, SecretRefError> {
        let good = is_word(text, NAME_BYTES_MAX);
        good.then(|| Self(text.to_owned())).ok_or(SecretRefError::Sealed)
    }
}

/// One field of a secret in a KV v2 engine. Parts are plain words, so that no path leads elsewhere and none
/// needs encoding.
// threat: AGP-E2
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VaultRef {
    path: String,
    field: String,
}

impl VaultRef {
    fn read(text: &str) -> Option<Self> {
        let (path, field) = text.split_once('#')?;
        let (mount, below) = halves(path)?;
        let mut words = mount.split('/').chain(below.split('/'));
        let good = words.all(|word| is_word(word, NAME_BYTES_MAX))
            && path.len() <= VAULT_PATH_BYTES_MAX
            && is_word(field, NAME_BYTES_MAX);
        good.then(|| Self {
            path: path.to_owned(),
            field: field.to_owned(),
        })
    }

    /// Where the engine is mounted: the first part of the path, or all before a double slash.
    pub fn mount(&self) -> &str {
        halves(&self.path).map_or("", |(mount, _)| mount)
    }

    /// The secret's path below the mount.
    pub fn path(&self) -> &str {
        halves(&self.path).map_or("", |(_, path)| path)
    }

    /// Which of the secret's values.
    pub fn field(&self) -> &str {
        &self.field
    }
}

/// A mount and the path below it. `team/kv//app/key` names a mount that has a slash itself.
fn halves(path: &str) -> Option<(&str, &str)> {
    path.split_once("//").or_else(|| path.split_once('/'))
}

/// A text that is no secret reference. Never repeats the text: people paste secrets where references go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefError {
    /// No scheme we know, so it may be the secret itself.
    #[error("not a secret reference: {FORMS}, never the secret itself")]
    Scheme,
    /// Not a mount, a path and a field.
    #[error(
        "not a mount, a path and a field after `vault:`: as in `vault:secret/bartizan/openai#api_key`, of letters, \
         digits, `-`, `_` and `.`"
    )]
    Vault,
    /// Not a name of a sealed value.
    #[error("not a name after `sealed:` or `stored:`: letters, digits, `-`, `_` and `.`")]
    Sealed,
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
            Some(("sealed", name)) => name.parse().map(Self::Sealed),
            Some(("stored", name)) => name.parse().map(Self::Stored),
            Some(("vault", text)) => VaultRef::read(text).map(Self::Vault).ok_or(SecretRefError::Vault),
            _ => Err(SecretRefError::Scheme),
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    name.len() <= 256
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// A part of a path or a name. Never `.` or `..`, and nothing that a server could read in two ways.
fn is_word(text: &str, bytes_max: usize) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !text.is_empty() && text.len() <= bytes_max && text.bytes().all(plain) && text != "." && text != ".."
}

fn is_absolute(path: &str) -> bool {
    path.len() <= 4096 && Path::new(path).is_absolute() && !path.contains(char::is_control)
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Sealed(name) => write!(f, "sealed:{}", name.0),
            Self::Stored(name) => write!(f, "stored:{}", name.0),
            Self::Vault(VaultRef { path, field }) => write!(f, "vault:{path}#{field}"),
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
            "description": "Where a secret is kept, never the secret itself: `env:NAME`, `file:/absolute/path`, \
                `sealed:NAME`, `stored:NAME` or `vault:MOUNT/PATH#FIELD`.",
            "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|sealed:[A-Za-z0-9._-]+|stored:[A-Za-z0-9._-]+|vault:[A-Za-z0-9._-]+(/{1,2}[A-Za-z0-9._-]+)+#[A-Za-z0-9._-]+)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_reads_back() {
        for text in [
            "env:OPENAI_API_KEY",
            "env:_x",
            "file:/run/secrets/openai",
            "sealed:openai.key-1",
            "vault:secret/openai#api_key",
            "vault:kv2/bartizan/prod/open-ai#key.v2",
        ] {
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
            format!("vault:secret/x#{canary} "),
            format!("sealed:{canary}!"),
        ] {
            let error = text.parse::<SecretRef>().unwrap_err().to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn near_misses_are_refused() {
        use SecretRefError::{Name, Path, Scheme, Sealed, Vault};
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
            ("vault:kv#x", Vault),
            ("vault:/kv/x#f", Vault),
            ("vault:kv/x/#f", Vault),
            ("vault:kv///x#f", Vault),
            ("vault:kv/x#", Vault),
            ("vault:kv/x#a#b", Vault),
            ("vault:kv/x#a/b", Vault),
            ("vault:kv/x?version=1#f", Vault),
            ("vault:kv/%2e%2e/x#f", Vault),
            ("vault:kv/x y#f", Vault),
            ("vault:kv/é#f", Vault),
            ("sealed:", Sealed),
            ("sealed:a/b", Sealed),
            ("sealed:..", Sealed),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<SecretRef>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn agp_e2_no_path_leads_out_of_its_own() {
        for text in [
            "vault:kv/../sys#f",
            "vault:kv/a/..#f",
            "vault:./a#f",
            "vault:kv/a#..",
        ] {
            assert_eq!(
                text.parse::<SecretRef>().unwrap_err(),
                SecretRefError::Vault,
                "{text}"
            );
        }
        let longest = |at: usize| format!("vault:kv/{}#f", vec!["a"; at].join("/"));
        assert!(longest(255).parse::<SecretRef>().is_ok());
        assert!(longest(256).parse::<SecretRef>().is_err());
        let named = |bytes: usize| format!("vault:kv/a#{}", "f".repeat(bytes));
        assert!(named(128).parse::<SecretRef>().is_ok());
        assert!(named(129).parse::<SecretRef>().is_err());
    }

    #[test]
    fn the_mount_comes_first() {
        let Ok(SecretRef::Vault(found)) = "vault:secret/a/b#c".parse() else {
            panic!("a vault reference");
        };
        assert_eq!(
            (found.mount(), found.path(), found.field()),
            ("secret", "a/b", "c")
        );
        let Ok(SecretRef::Vault(found)) = "vault:team/kv//a/b#c".parse() else {
            panic!("a vault reference");
        };
        assert_eq!((found.mount(), found.path()), ("team/kv", "a/b"));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics_and_what_parses_reads_back(text in "(env:|file:/|sealed:|vault:[a-z./#]{0,9})?\\PC{0,40}") {
            if let Ok(reference) = text.parse::<SecretRef>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
