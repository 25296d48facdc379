//! Which addresses the gate may call at all, asked again after every name resolution so that a name
//! cannot be pointed at a forbidden address later.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use ipnet::IpNet;

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};

/// Never: unspecified, multicast, broadcast, and link-local (where clouds keep their metadata service).
/// Private networks are allowed: self-hosted engines live there.
// threat: ANP-D0005
// threat: ANP-D0012
pub(crate) fn may_call(address: IpAddr) -> bool {
    let forbidden = match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local(),
    };
    !forbidden
}

/// Where `host:port` is, addresses that are never called left out: for what is not HTTP.
pub async fn addresses(place: &str) -> Result<Vec<SocketAddr>, std::io::Error> {
    let found = tokio::net::lookup_host(place).await?;
    let allowed: Vec<_> = found.filter(|address| may_call(address.ip())).collect();
    match allowed.is_empty() {
        true => Err(std::io::Error::other(NOWHERE)),
        false => Ok(allowed),
    }
}

const NOWHERE: &str = "the name resolves to no address the gate may call";

/// Which addresses a client calls.
#[derive(Debug, Clone, Default)]
pub enum Reach {
    /// What the configuration names: anything but what is never called.
    #[default]
    Configured,
    /// What somebody asked for who does not run this instance: public addresses on usual ports, and what is listed.
    Public(Arc<Beyond>),
}

/// What may be called beside public addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beyond {
    /// Networks.
    pub networks: Vec<IpNet>,
    /// Hosts, whatever their names resolve to but for what is never called; in lower case.
    pub hosts: Vec<String>,
    /// The ports; 443 and 80 when there are none.
    pub ports: Vec<u16>,
}

/// Special-purpose blocks that are not on the public Internet, or lead elsewhere than they say (RFC 6890 and its registries).
/// Of IPv6 what is not listed as public is not: see [`is_public`].
const NOT_PUBLIC: [(&str, u8); 18] = [
    ("0.0.0.0", 8),
    ("10.0.0.0", 8),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("172.16.0.0", 12),
    ("192.0.0.0", 24),
    ("192.0.2.0", 24),
    ("192.88.99.0", 24),
    ("192.168.0.0", 16),
    ("198.18.0.0", 15),
    ("198.51.100.0", 24),
    ("203.0.113.0", 24),
    ("224.0.0.0", 3),
    // Protocol assignments, Teredo among them.
    ("2001::", 23),
    ("2001:db8::", 32),
    // 6to4: an IPv4 address in disguise.
    ("2002::", 16),
    ("3fff::", 20),
];

/// Whether an address is on the public Internet, and is what it looks like: NAT64 and whatever else is outside of global
/// unicast (2000::/3) is not.
// threat: ANP-D0012
fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_unicast = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => v6.octets().first().is_some_and(|first| first >> 5 == 1),
    };
    let is_in = |(network, bits): &(&str, u8)| {
        let network = network.parse().ok().and_then(|ip| IpNet::new(ip, *bits).ok());
        // A block that does not read would open what it closes.
        network.is_none_or(|network| network.contains(&address))
    };
    is_unicast && !NOT_PUBLIC.iter().any(is_in)
}

impl Reach {
    /// Whether an address may be called that a host's name stands for.
    fn may_call(&self, host: &str, address: IpAddr) -> bool {
        let is_asked_for = match self {
            Self::Configured => true,
            Self::Public(beyond) => {
                is_public(address)
                    || beyond.lists(host)
                    || beyond
                        .networks
                        .iter()
                        .any(|net| net.contains(&address.to_canonical()))
            }
        };
        is_asked_for && may_call(address)
    }

    /// What is wrong with an address before any name is resolved: the port, credentials in it, or a host that is an address
    /// that is not called. Nothing, if names may still lead to where it may be called.
    // threat: ANP-D0012
    pub fn check(&self, uri: &Uri) -> Result<(), &'static str> {
        let Self::Public(beyond) = self else {
            return Ok(());
        };
        let authority = uri.authority().ok_or("the address names no host")?;
        if authority.as_str().contains('@') {
            return Err("an address holds no user or password");
        }
        let is_plain = uri.scheme_str() == Some("http");
        let port = authority.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        let ports = match beyond.ports.is_empty() {
            true => &[443, 80],
            false => beyond.ports.as_slice(),
        };
        if !ports.contains(&port) {
            return Err("the port is none that may be called");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(address) if !self.may_call(host, address) => Err(NOT_REACHED),
            _ => Ok(()),
        }
    }

    /// Whether an address may be called without TLS: in networks and of hosts that are listed.
    pub fn may_be_plain(&self, host: &str) -> bool {
        match self {
            Self::Configured => false,
            Self::Public(beyond) => {
                let bare = host.trim_start_matches('[').trim_end_matches(']');
                let is_in = |address: IpAddr| {
                    beyond
                        .networks
                        .iter()
                        .any(|net| net.contains(&address.to_canonical()))
                };
                beyond.lists(host) || bare.parse().is_ok_and(is_in)
            }
        }
    }
}

impl Beyond {
    fn lists(&self, host: &str) -> bool {
        self.hosts.iter().any(|one| one.eq_ignore_ascii_case(host))
    }
}

const NOT_REACHED: &str =
    "the address is not on the public Internet, and not one that the configuration lists";

/// Where names lead.
pub(crate) trait Lookup: Send + Sync + std::fmt::Debug {
    /// The addresses of a name, as of now.
    fn look_up(&self, name: Name) -> Looked;
}

type Looked = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, std::io::Error>> + Send>>;

/// The system's.
#[derive(Debug)]
struct System(GaiResolver);

impl Lookup for System {
    fn look_up(&self, name: Name) -> Looked {
        let answer = tower_service::Service::call(&mut self.0.clone(), name);
        Box::pin(async move { Ok(answer.await?.collect()) })
    }
}

/// A resolver with forbidden addresses left out. It is asked once for each connection, and that is made to an address that
/// was looked at here: what a name leads to a moment later does not matter.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    names: Arc<dyn Lookup>,
    reach: Reach,
}

impl Resolver {
    pub(crate) fn new(reach: Reach) -> Self {
        Self::over(Arc::new(System(GaiResolver::new())), reach)
    }

    pub(crate) const fn over(names: Arc<dyn Lookup>, reach: Reach) -> Self {
        Self { names, reach }
    }
}

type Resolved = Pin<Box<dyn Future<Output = Result<std::vec::IntoIter<SocketAddr>, std::io::Error>> + Send>>;

impl tower_service::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Resolved;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    // threat: ANP-D0012
    fn call(&mut self, name: Name) -> Resolved {
        let (reach, host) = (self.reach.clone(), name.as_str().to_owned());
        let answer = self.names.look_up(name);
        Box::pin(async move {
            let mut found = answer.await?;
            found.retain(|address| reach.may_call(&host, address.ip()));
            if found.is_empty() {
                return Err(std::io::Error::other(NOWHERE));
            }
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests;
