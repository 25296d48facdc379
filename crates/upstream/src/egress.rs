//! Which addresses the gate may call at all, asked again after every name resolution so that a name
//! cannot be pointed at a forbidden address later.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

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

/// The system's resolver with forbidden addresses left out.
#[derive(Debug, Clone)]
pub(crate) struct Resolver(GaiResolver);

impl Resolver {
    pub(crate) fn new() -> Self {
        Self(GaiResolver::new())
    }
}

type Resolved = Pin<Box<dyn Future<Output = Result<std::vec::IntoIter<SocketAddr>, std::io::Error>> + Send>>;

impl tower_service::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Resolved;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        tower_service::Service::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, name: Name) -> Resolved {
        let answer = tower_service::Service::call(&mut self.0, name);
        Box::pin(async move {
            let allowed: Vec<_> = answer.await?.filter(|a| may_call(a.ip())).collect();
            if allowed.is_empty() {
                return Err(std::io::Error::other(NOWHERE));
            }
            Ok(allowed.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::may_call;

    #[test]
    fn anp_d0012_metadata_and_mapped_forms_are_forbidden() {
        for text in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "0.0.0.0",
            "::",
            "fe80::1",
            "255.255.255.255",
        ] {
            assert!(!may_call(text.parse().unwrap()), "{text}");
        }
        for text in ["127.0.0.1", "10.1.2.3", "::1", "fd00::1", "93.184.216.34"] {
            assert!(may_call(text.parse().unwrap()), "{text}");
        }
    }
}
