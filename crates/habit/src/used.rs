//! One use of a key, or several that do not differ in anything that is learnt.

use std::net::IpAddr;
use std::sync::Arc;

use domain::{KeyId, TenantId, UnixMillis};
use ipnet::IpNet;

/// How long an hour is.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// What is seen of a call: where it came from when it began, what it used when it ended. Never what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Whose key.
    pub tenant: TenantId,
    /// The key.
    pub key: KeyId,
    /// When.
    pub at: UnixMillis,
    /// From where, when the call began.
    pub address: Option<IpAddr>,
    /// Which model, once that is known to be one.
    pub model: Option<Arc<str>>,
    /// How many calls began.
    pub calls: u64,
    /// How many tokens were used.
    pub tokens: u64,
}

impl Use {
    /// The network of the address: a /24 of IPv4, a /48 of IPv6. An IPv4 address that arrives mapped is one.
    pub fn network(&self) -> Option<IpNet> {
        let address = self.address?.to_canonical();
        let bits = if address.is_ipv4() { 24 } else { 48 };
        IpNet::new(address, bits).ok().map(|net| net.trunc())
    }

    /// The hour of the day, UTC.
    pub(crate) const fn hour(&self) -> i64 {
        self.at.0.div_euclid(HOUR_MS).rem_euclid(24)
    }

    /// Counts `other` with this one, if nothing that is learnt is lost by it.
    pub fn absorb(&mut self, other: &Self) -> bool {
        let hour = |used: &Self| used.at.0.div_euclid(HOUR_MS);
        let is_alike = self.key == other.key
            && hour(self) == hour(other)
            && self.model == other.model
            && (self.address == other.address || self.network() == other.network());
        if is_alike {
            self.at = self.at.max(other.at);
            self.calls = self.calls.saturating_add(other.calls);
            self.tokens = self.tokens.saturating_add(other.tokens);
        }
        is_alike
    }
}
