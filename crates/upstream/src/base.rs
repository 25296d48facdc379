//! A provider's base address: the only hosts the gate ever calls.

use std::net::IpAddr;

use http::uri::{Authority, PathAndQuery, Scheme, Uri};

use crate::egress;

/// Why a text cannot serve as a base address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// Not `http://host[:port][/path]` or `https://…`.
    #[error("`{0}` is not a base address: expected `https://host[:port][/path]`")]
    Malformed(String),
    /// User and password do not belong in an address.
    #[error("a base address holds no user or password: name a credential instead")]
    Credentials,
    /// Plain HTTP to somewhere beyond this machine.
    #[error(
        "`{0}` is plain http beyond loopback: use https, or set `allow_plaintext: true` for a private network"
    )]
    Plaintext(String),
    /// An address no provider lives at, such as a cloud's metadata service.
    #[error("`{0}` is an address the gate never calls")]
    Forbidden(String),
}

/// Scheme, host, port and path prefix of a provider.
// threat: ANP-D0005
// threat: ANP-0018
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

impl Base {
    /// Reads `https://host[:port][/prefix]`. A trailing `/v1` is understood as part of every endpoint's
    /// own path and dropped, since people write base addresses both ways.
    ///
    /// Plain http is for loopback, or where `allow_plaintext` was configured.
    pub fn parse(text: &str, allow_plaintext: bool) -> Result<Self, BaseError> {
        let malformed = || BaseError::Malformed(text.chars().take(80).collect());
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let parts = uri.into_parts();
        let (scheme, authority) = parts.scheme.zip(parts.authority).ok_or_else(malformed)?;
        if authority.as_str().contains('@') {
            return Err(BaseError::Credentials);
        }
        let plain = scheme == Scheme::HTTP;
        if !plain && scheme != Scheme::HTTPS {
            return Err(malformed());
        }
        let path = parts.path_and_query.as_ref().map_or("", PathAndQuery::path);
        if parts
            .path_and_query
            .as_ref()
            .and_then(PathAndQuery::query)
            .is_some()
        {
            return Err(malformed());
        }
        let address = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        if let Ok(address) = address
            && !egress::may_call(address)
        {
            return Err(BaseError::Forbidden(authority.host().to_owned()));
        }
        let loopback = authority.host() == "localhost" || address.is_ok_and(|a| a.is_loopback());
        if plain && !loopback && !allow_plaintext {
            return Err(BaseError::Plaintext(authority.host().to_owned()));
        }
        let prefix = path.trim_end_matches('/');
        let prefix = prefix.strip_suffix("/v1").unwrap_or(prefix).to_owned();
        Ok(Self {
            scheme,
            authority,
            prefix,
        })
    }

    /// Origin and path of a whole address, where the path is somebody else's and nothing of it is dropped.
    pub fn split(address: &str, allow_plaintext: bool) -> Result<(Self, String), BaseError> {
        let after = address.find("://").map_or(0, |at| at + 3);
        let path = address.get(after..).and_then(|rest| rest.find('/'));
        let at = path.map_or(address.len(), |at| after + at);
        let (origin, path) = address.split_at_checked(at).unwrap_or((address, ""));
        let path = if path.is_empty() { "/" } else { path };
        Ok((Self::parse(origin, allow_plaintext)?, path.to_owned()))
    }

    /// The full address of `path` (which begins with `/`) below this base; `None` if it is no path.
    pub fn uri(&self, path: &str) -> Option<Uri> {
        let path: PathAndQuery = format!("{}{path}", self.prefix).parse().ok()?;
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).ok()
    }

    /// What a request's `host` header says.
    pub fn host(&self) -> Option<http::HeaderValue> {
        http::HeaderValue::from_str(self.authority.as_str()).ok()
    }

    /// Host and port, for people and metrics.
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// Whether calls go over TLS.
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_a_base_give_the_same_address() {
        for text in [
            "https://api.openai.com",
            "https://api.openai.com/",
            "https://api.openai.com/v1/",
        ] {
            let uri = Base::parse(text, false).unwrap().uri("/v1/models").unwrap();
            assert_eq!(uri.to_string(), "https://api.openai.com/v1/models");
        }
        let uri = Base::parse("http://127.0.0.1:9/proxy/v1", false)
            .unwrap()
            .uri("/v1/models")
            .unwrap();
        assert_eq!(uri.to_string(), "http://127.0.0.1:9/proxy/v1/models");
    }

    #[test]
    fn a_whole_address_keeps_all_of_its_path() {
        for (text, path) in [
            ("https://h.example", "/"),
            ("https://h.example/", "/"),
            ("https://h.example:1/a/v1?b=/c", "/a/v1?b=/c"),
        ] {
            let (base, found) = Base::split(text, false).unwrap();
            assert_eq!(
                (base.authority().starts_with("h.example"), found.as_str()),
                (true, path)
            );
        }
        assert!(Base::split("https://me:pw@host/a", false).is_err());
        assert!(Base::split("", false).is_err());
    }

    #[test]
    fn anp_d0005_bases_the_gate_never_calls_are_refused() {
        for text in [
            "http://169.254.169.254/latest",
            "https://0.0.0.0/",
            "https://[fe80::1]/",
            "https://224.0.0.1",
        ] {
            assert!(
                matches!(Base::parse(text, true), Err(BaseError::Forbidden(_))),
                "{text}"
            );
        }
        for text in [
            "ftp://host",
            "host",
            "",
            "https://",
            "https://host/?q=1",
            "file:///etc/passwd",
        ] {
            assert!(
                matches!(Base::parse(text, true), Err(BaseError::Malformed(_))),
                "{text}"
            );
        }
        assert_eq!(
            Base::parse("https://me:secret@host", false),
            Err(BaseError::Credentials)
        );
    }

    #[test]
    fn anp_0018_plain_http_stays_on_this_machine_unless_declared() {
        assert!(matches!(
            Base::parse("http://vllm.internal:8000", false),
            Err(BaseError::Plaintext(_))
        ));
        assert!(Base::parse("http://vllm.internal:8000", true).is_ok());
        assert!(Base::parse("http://[::1]:8000", false).is_ok());
    }
}
