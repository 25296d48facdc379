//! Reads the address that most links are, without a parser of addresses: lower-case, with a plain host and nothing that a
//! browser would write differently. What is not surely one of those is none.

use std::borrow::Cow;

use super::address::Parts;
use crate::class::Class;

/// What plain names of hosts are made of.
const HOST: Class = Class::of("a-z0-9.-");

/// What a browser leaves as it is behind the host, wherever it stands there; `?` and `#` part it.
const BEHIND: Class = Class::of("A-Za-z0-9/_.~=&+,;:!$*()@?#-");

/// An address begins with it that has the scheme of the page it stands on.
const OWN_SCHEME: &str = "//";

/// The longest name that the network knows.
const HOST_BYTES_MAX: usize = 253;

/// An address whose parts are stretches of its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain<'v> {
    /// As it is written.
    pub(super) whole: &'v str,
    pub(super) host: &'v str,
    /// With its first slash, where it has any.
    pub(super) path: &'v str,
    pub(super) query: &'v str,
    pub(super) fragment: &'v str,
}

impl<'v> Plain<'v> {
    /// Reads it; `None` for what a browser may read otherwise than it looks.
    pub(super) fn read(value: &'v str) -> Option<Self> {
        let schemes = ["https://", "http://", OWN_SCHEME];
        let rest = schemes.iter().find_map(|scheme| value.strip_prefix(scheme))?;
        let (host, behind) = rest.split_at_checked(HOST.run(rest.as_bytes(), rest.len()))?;
        let is_known = behind.bytes().all(|byte| BEHIND.has(byte));
        if !is_name(host) || !is_known || !(behind.is_empty() || behind.starts_with('/')) {
            return None;
        }
        let (before, fragment) = behind.split_once('#').unwrap_or((behind, ""));
        let (path, query) = before.split_once('?').unwrap_or((before, ""));
        // Steps up and down in a path are taken, and a second mark of a fragment is written differently.
        let is_settled = !path.contains("/.") && !fragment.contains('#');
        is_settled.then_some(Self {
            whole: value,
            host,
            path,
            query,
            fragment,
        })
    }

    /// The whole as a browser writes it.
    pub(super) fn text(&self) -> Cow<'v, str> {
        let scheme = if self.whole.starts_with(OWN_SCHEME) {
            "https:"
        } else {
            ""
        };
        let path = if self.path.is_empty() { "/" } else { "" };
        match (scheme, path) {
            ("", "") => self.whole.into(),
            _ => [scheme, self.whole, path].concat().into(),
        }
    }

    /// What is behind the host.
    pub(super) fn behind(&self) -> &'v str {
        let (_, rest) = self.whole.split_once("//").unwrap_or_default();
        rest.get(self.host.len()..).unwrap_or_default()
    }
}

/// Whether this is a name that stays as it is: no number, no empty part, nothing encoded.
fn is_name(host: &str) -> bool {
    let last = host.rsplit('.').next().and_then(|label| label.bytes().next());
    last.is_some_and(|byte| byte.is_ascii_lowercase())
        && host.len() <= HOST_BYTES_MAX
        && !host.starts_with('.')
        && !host.contains("..")
        && !host.contains("xn--")
}

impl<'v> From<Plain<'v>> for Parts<'v> {
    fn from(plain: Plain<'v>) -> Self {
        Self::Plain(plain)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    #[test]
    fn what_a_browser_reads_otherwise_is_not_plain() {
        for value in [
            "https://example.com",
            "http://example.com/",
            "https://a-b.example.com/x/y_z.html?q=1&r=a+b#part",
            "https://localhost/x",
            "//example.com/x",
            "https://example.com/a?u=https://other.test/x",
        ] {
            assert!(Plain::read(value).is_some(), "{value}");
        }
        for value in [
            "HTTPS://example.com",
            "https://Example.com",
            "https://user@example.com",
            "https://example.com:8080/",
            "https://example.com?q=1",
            "https://example.com/a/../b",
            "https://example.com/.x",
            "https://example.com/%41",
            "https://example.com/\\x",
            "https://1.2.3.4/",
            "https://0x7f.1/",
            "https://a..b/",
            "https://.a/",
            "https://a./",
            "https://xn--e1awd7f.com/",
            "https://é.com/",
            "https:///a",
            "https://",
            "/example.com",
            "/\\example.com",
            "https://example.com/a#b#c",
            "https://example.com/é",
        ] {
            assert!(Plain::read(value).is_none(), "{value}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_plain_is_what_a_browser_reads(
            host in "[a-z0-9.-]{1,12}(\\.(com|a|0|0x1|1|b-))?",
            behind in "(/[A-Za-z0-9/_.~=&+,;:!$*()@?#%-]{0,20})?",
        ) {
            let relative = format!("//{host}{behind}");
            let value = format!("https:{relative}");
            let url = Url::parse(&value);
            for plain in [&value, &relative].into_iter().filter_map(|value| Plain::read(value)) {
                let url = url.as_ref().unwrap();
                prop_assert_eq!(url.host_str(), Some(plain.host));
                prop_assert!(url.domain().is_some() && url.username().is_empty());
                prop_assert_eq!(url.path().trim_start_matches('/'), plain.path.trim_start_matches('/'));
                prop_assert_eq!(url.query().unwrap_or_default(), plain.query);
                prop_assert_eq!(url.fragment().unwrap_or_default(), plain.fragment);
                let parts = Parts::from(plain);
                prop_assert_eq!(parts.text(), url.as_str());
            }
        }
    }
}
