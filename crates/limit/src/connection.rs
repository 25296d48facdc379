//! How many connections at once, overall and from one address.
//!
//! The map of addresses holds only those with a connection open, so the overall cap bounds it too.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Concurrency, Permit};

/// Caps on open connections. Clones share the counts.
#[derive(Debug, Clone)]
pub struct ConnectionCaps {
    overall: Concurrency,
    addresses: Arc<Addresses>,
}

#[derive(Debug)]
struct Addresses {
    open: Mutex<HashMap<IpAddr, u32>>,
    each_max: u32,
}

/// Which cap was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CapReached {
    /// The gate has as many connections as it takes.
    #[error("all connections are taken")]
    Overall,
    /// This address has as many as one may.
    #[error("all connections of this address are taken")]
    Address,
}

/// One open connection; free again when dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    addresses: Arc<Addresses>,
    group: IpAddr,
    _place: Permit,
}

impl ConnectionCaps {
    /// At most `overall_max` connections, of which `address_max` from one address.
    pub fn new(overall_max: u32, address_max: u32) -> Self {
        let addresses = Addresses {
            open: Mutex::default(),
            each_max: address_max,
        };
        Self {
            overall: Concurrency::new(overall_max),
            addresses: Arc::new(addresses),
        }
    }

    /// Takes a connection from `address`.
    // threat: AGP-D2
    // threat: CTX-T5
    pub fn admit(&self, address: IpAddr) -> Result<ConnectionPermit, CapReached> {
        let place = self.overall.acquire().map_err(|_| CapReached::Overall)?;
        let group = group(address);
        if !self.addresses.take(group) {
            return Err(CapReached::Address);
        }
        Ok(ConnectionPermit {
            addresses: Arc::clone(&self.addresses),
            group,
            _place: place,
        })
    }

    /// How many connections are open.
    pub fn open(&self) -> u32 {
        self.overall.taken()
    }

    /// From how many addresses.
    pub fn addresses(&self) -> usize {
        self.addresses.lock().len()
    }
}

impl Addresses {
    fn take(&self, group: IpAddr) -> bool {
        if self.each_max == 0 {
            return false;
        }
        match self.lock().entry(group) {
            Entry::Vacant(free) => {
                free.insert(1);
                true
            }
            Entry::Occupied(mut open) if *open.get() < self.each_max => {
                *open.get_mut() += 1;
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    fn release(&self, group: IpAddr) {
        if let Entry::Occupied(mut open) = self.lock().entry(group) {
            *open.get_mut() -= 1;
            if *open.get() == 0 {
                open.remove();
            }
        }
    }

    /// No code panics while holding the lock; if one did, the counts would still be whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConnectionPermit {
    /// The same connection, counted from another address: one that a proxy has named.
    // threat: AGP-D2
    pub fn moved_to(mut self, address: IpAddr) -> Result<Self, CapReached> {
        let group = group(address);
        if group != self.group {
            if !self.addresses.take(group) {
                return Err(CapReached::Address);
            }
            self.addresses.release(std::mem::replace(&mut self.group, group));
        }
        Ok(self)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.addresses.release(self.group);
    }
}

/// What counts as one address: a v4 address, however written, or a v6 /64, which one party holds whole.
fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn agp_d2_caps_hold_at_the_limit_and_one_past_it() {
        let caps = ConnectionCaps::new(3, 2);
        let a = caps.admit(ip("10.0.0.1")).unwrap();
        let _b = caps.admit(ip("::ffff:10.0.0.1")).unwrap();
        assert_eq!(caps.admit(ip("10.0.0.1")).unwrap_err(), CapReached::Address);
        assert_eq!(caps.open(), 2, "a refused connection keeps no place");
        let _c = caps.admit(ip("10.0.0.2")).unwrap();
        assert_eq!(caps.admit(ip("10.0.0.3")).unwrap_err(), CapReached::Overall);
        drop(a);
        assert!(caps.admit(ip("10.0.0.1")).is_ok());
        assert_eq!(
            ConnectionCaps::new(3, 0).admit(ip("10.0.0.1")).unwrap_err(),
            CapReached::Address
        );
    }

    #[test]
    fn agp_d2_a_v6_network_is_one_address() {
        let caps = ConnectionCaps::new(9, 1);
        let _a = caps.admit(ip("2001:db8::1")).unwrap();
        assert_eq!(caps.admit(ip("2001:db8::2")).unwrap_err(), CapReached::Address);
        assert!(caps.admit(ip("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn agp_d2_a_connection_counts_from_the_address_that_a_proxy_names() {
        let caps = ConnectionCaps::new(9, 1);
        let moved = |to: &str| caps.admit(ip("10.0.0.1")).unwrap().moved_to(ip(to));
        let a = moved("192.0.2.1").unwrap();
        assert_eq!(moved("192.0.2.1").unwrap_err(), CapReached::Address);
        let b = moved("192.0.2.2").unwrap();
        assert_eq!((caps.open(), caps.addresses()), (2, 2));
        let proxy = moved("10.0.0.1").unwrap();
        assert_eq!(caps.admit(ip("10.0.0.1")).unwrap_err(), CapReached::Address);
        drop((a, b, proxy));
        assert_eq!((caps.open(), caps.addresses()), (0, 0));
    }

    #[test]
    fn agp_d2_closed_connections_leave_nothing_behind() {
        let caps = ConnectionCaps::new(100, 10);
        for last in 0..=255u8 {
            let _open = caps.admit(IpAddr::from([10, 0, 0, last])).unwrap();
            assert_eq!(caps.addresses(), 1);
        }
        assert_eq!((caps.open(), caps.addresses()), (0, 0));
    }
}
