//! Other credentials that stand for a virtual key: a token of a registered issuer, a client certificate.
//!
//! One text each: `jwt:ISSUER:SUBJECT`, `rule:ISSUER:NAME`, `certificate:spiffe://…` or `certificate:host.example`. No
//! two keys that are in use hold the same one: of a tenant for tokens, of the whole gate for certificates. What a rule
//! is called no subject can be.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use domain::TenantId;
use serde::{Deserialize, Serialize};

/// How many of them a key may hold.
pub const BINDINGS_MAX: usize = 16;
const ISSUER_CHARS_MAX: usize = 64;
const SUBJECT_CHARS_MAX: usize = 256;
const SPIFFE_CHARS_MAX: usize = 2048;
const DNS_CHARS_MAX: usize = 253;
const SPIFFE: &str = "spiffe://";
/// Domain separation from any other use of the same bytes.
const DIGEST_OF: &[u8] = b"bartizan binding v1\0";

/// A text that names no other credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "give `jwt:ISSUER:SUBJECT`, `rule:ISSUER:NAME`, `certificate:spiffe://DOMAIN/PATH` or `certificate:HOST`"
)]
pub struct NotABinding;

/// Another credential that stands for a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Binding {
    /// Tokens of a registered issuer about this subject.
    Jwt {
        /// The issuer's name in the configuration.
        issuer: String,
        /// Whom they are about, as the issuer says it.
        subject: String,
    },
    /// Tokens of a registered issuer that meet one of its rules.
    Rule {
        /// The issuer's name in the configuration.
        issuer: String,
        /// The rule's name there.
        rule: String,
    },
    /// Client certificates for this SPIFFE id or, where they have none, this DNS name.
    Certificate {
        /// The id or name.
        name: String,
    },
}

impl Binding {
    /// Tokens of `issuer` about `subject`.
    pub fn jwt(issuer: &str, subject: &str) -> Result<Self, NotABinding> {
        let plain = (1..=SUBJECT_CHARS_MAX).contains(&subject.chars().count())
            && !subject.chars().any(char::is_control);
        (is_name(issuer) && plain)
            .then(|| Self::Jwt {
                issuer: issuer.to_owned(),
                subject: subject.to_owned(),
            })
            .ok_or(NotABinding)
    }

    /// Tokens of `issuer` that meet its rule of this name.
    pub fn rule(issuer: &str, rule: &str) -> Result<Self, NotABinding> {
        (is_name(issuer) && is_name(rule))
            .then(|| Self::Rule {
                issuer: issuer.to_owned(),
                rule: rule.to_owned(),
            })
            .ok_or(NotABinding)
    }

    /// Certificates for `name`. Host names have one spelling: in lower case, without a dot at the end.
    pub fn certificate(name: &str) -> Result<Self, NotABinding> {
        if name.contains("://") {
            let made = is_spiffe(name).then(|| name.to_owned());
            return made.map(|name| Self::Certificate { name }).ok_or(NotABinding);
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        is_host(&name)
            .then_some(Self::Certificate { name })
            .ok_or(NotABinding)
    }

    /// Under this it is found for a key of `tenant`, and no two keys may hold it. An issuer speaks for one tenant,
    /// so what its subjects are called is that tenant's affair, and nobody else can take a name from it.
    /// Certificates are for the whole gate.
    // threat: AGP-S1
    pub fn digest(&self, tenant: TenantId) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(DIGEST_OF);
        if matches!(self, Self::Jwt { .. } | Self::Rule { .. }) {
            context.update(&tenant.as_u128().to_be_bytes());
        }
        context.update(self.to_string().as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(context.finish().as_ref());
        out
    }
}

/// What the configuration calls an issuer or a rule.
fn is_name(text: &str) -> bool {
    let of_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    (1..=ISSUER_CHARS_MAX).contains(&text.len()) && text.bytes().all(of_name)
}

/// `spiffe://`, a trust domain and a path, in the characters that the standard gives them.
fn is_spiffe(text: &str) -> bool {
    let Some((domain, path)) = text.strip_prefix(SPIFFE).and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let of_domain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    let of_path = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let step = |step: &str| !matches!(step, "" | "." | "..") && step.bytes().all(of_path);
    text.len() <= SPIFFE_CHARS_MAX
        && !domain.is_empty()
        && domain.bytes().all(of_domain)
        && path.split('/').all(step)
}

/// A host's name, which no wildcard is.
fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= DNS_CHARS_MAX && text.split('.').all(label)
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwt { issuer, subject } => write!(f, "jwt:{issuer}:{subject}"),
            Self::Rule { issuer, rule } => write!(f, "rule:{issuer}:{rule}"),
            Self::Certificate { name } => write!(f, "certificate:{name}"),
        }
    }
}

impl FromStr for Binding {
    type Err = NotABinding;

    fn from_str(text: &str) -> Result<Self, NotABinding> {
        match text.split_once(':').ok_or(NotABinding)? {
            ("jwt", rest) => {
                let (issuer, subject) = rest.split_once(':').ok_or(NotABinding)?;
                Self::jwt(issuer, subject)
            }
            ("rule", rest) => {
                let (issuer, rule) = rest.split_once(':').ok_or(NotABinding)?;
                Self::rule(issuer, rule)
            }
            ("certificate", name) => Self::certificate(name),
            _ => Err(NotABinding),
        }
    }
}

impl TryFrom<String> for Binding {
    type Error = NotABinding;

    fn try_from(text: String) -> Result<Self, NotABinding> {
        text.parse()
    }
}

impl From<Binding> for String {
    fn from(binding: Binding) -> Self {
        binding.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_kind_reads_back() {
        for text in [
            "jwt:corp:repo:acme/app:ref:main",
            "jwt:k8s:system:serviceaccount:jobs:nightly",
            "rule:github:deploy-main",
            "certificate:spiffe://example.org/ns/jobs/sa/nightly",
            "certificate:worker.example.org",
        ] {
            assert_eq!(text.parse::<Binding>().unwrap().to_string(), text);
        }
        let upper: Binding = "certificate:Worker.Example.org.".parse().unwrap();
        assert_eq!(upper.to_string(), "certificate:worker.example.org");
    }

    #[test]
    fn agp_s1_what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "jwt",
            "jwt:corp",
            "jwt:corp:",
            "jwt::ada",
            "jwt:Corp:ada",
            "jwt:corp:a\nb",
            "rule:corp",
            "rule:corp:",
            "rule:corp:a:b",
            "rule:corp:Deploy",
            "rule:Corp:deploy",
            "certificate:",
            "certificate:*.example.org",
            "certificate:a b",
            "certificate:a..b",
            "certificate:spiffe://example.org",
            "certificate:spiffe://example.org/",
            "certificate:spiffe://Example.org/a",
            "certificate:spiffe://example.org/a/../b",
            "certificate:spiffe://example.org/a?b",
            "certificate:spiffe://example.org/a%2fb",
            "certificate:https://example.org/a",
            "password:x",
        ] {
            assert_eq!(text.parse::<Binding>(), Err(NotABinding), "{text}");
        }
    }

    #[test]
    fn agp_s3_no_subject_is_called_what_a_rule_is() {
        let (tenant, other) = (TenantId::from_u128(1), TenantId::from_u128(2));
        let rule = Binding::rule("corp", "deploy").unwrap();
        assert_ne!(
            rule.digest(tenant),
            Binding::jwt("corp", "deploy").unwrap().digest(tenant)
        );
        assert_ne!(rule.digest(tenant), rule.digest(other));
    }

    proptest! {
        #[test]
        fn agp_s1_what_reads_has_one_spelling(text in "(jwt|rule|certificate):\\PC{0,40}") {
            if let Ok(binding) = text.parse::<Binding>() {
                prop_assert_eq!(binding.to_string().parse::<Binding>().unwrap(), binding);
            }
        }
    }
}
