//! Web addresses in the file: what the gate may call at all.

use std::net::IpAddr;

use crate::error::quoted;

/// A web address, as far as a configuration must understand one.
pub(crate) struct Address<'a> {
    plain: bool,
    host: &'a str,
    authority: &'a str,
}

impl<'a> Address<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, String> {
        const FORM: &str = "is not an address: expected `https://host[:port][/path]`";
        let (plain, rest) = match text.split_once("://") {
            Some(("https", rest)) => (false, rest),
            Some(("http", rest)) => (true, rest),
            _ => return Err(FORM.to_owned()),
        };
        let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
        if authority.contains('@') {
            return Err("holds a user or password: name a credential instead".to_owned());
        }
        if text.contains(['?', '#', '\\']) || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(FORM.to_owned());
        }
        match host_of(authority) {
            Some(host) => Ok(Self {
                plain,
                host,
                authority,
            }),
            None => Err(FORM.to_owned()),
        }
    }

    /// Https, or plain http to this machine, or plain http as declared.
    // threat: ANP-D0005
    pub(crate) fn permitted(&self, allow_plaintext: bool) -> Result<(), String> {
        if self.host.parse().is_ok_and(never_called) {
            return Err(format!(
                "{} is an address the gate never calls",
                quoted(self.host)
            ));
        }
        let local = self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if self.plain && !local && !allow_plaintext {
            let host = quoted(self.host);
            return Err(format!(
                "{host} is plain http beyond loopback: use https, or set `allow_plaintext: true` for a private network"
            ));
        }
        Ok(())
    }

    /// Its host in small letters, and its port, said or not.
    pub(crate) fn origin(&self) -> (String, u16) {
        let usual = if self.plain { 80 } else { 443 };
        let behind = self.authority.rsplit_once(':');
        let port = behind.and_then(|(_, port)| port.parse().ok());
        (self.host.to_ascii_lowercase(), port.unwrap_or(usual))
    }

    /// Scheme, host and port and nothing more, and the host has a name.
    pub(crate) fn is_named_origin(&self, text: &str) -> Result<(), String> {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        if rest.contains('/') {
            return Err("has a path: it is scheme, host and port, without a slash at the end".to_owned());
        }
        if self.host.parse::<IpAddr>().is_ok() {
            return Err(format!(
                "{} is no name: browsers bind passkeys to names, such as `localhost`",
                quoted(self.host)
            ));
        }
        Ok(())
    }
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, tail) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, tail.strip_prefix(':').or(tail.is_empty().then_some("1"))?)
        }
        None => authority.split_once(':').unwrap_or((authority, "1")),
    };
    let valid = !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0);
    valid.then_some(host)
}

/// Link-local addresses hold clouds' metadata services; unspecified ones are another name for this machine.
fn never_called(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    }
}
