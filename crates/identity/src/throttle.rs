//! Slowing down who guesses passwords or codes, in a way that cannot be turned against their owner.
//!
//! An attempt is counted when it begins, and taken back when it succeeds: guesses sent side by side do not
//! slip through while the first is still being hashed. While somebody has to wait nothing is counted, so
//! hammering does not make it longer.
//!
//! - From a **device that has logged in to the account before**, only what that device did counts. Nobody
//!   else can delay it, not even from behind the same address.
//! - From elsewhere three things count: this account from this address (doubling to a quarter of an hour);
//!   this address whatever the account (looser, to a minute: offices share one); this account from wherever
//!   (to half a minute, which holds a botnet to some three thousand guesses a day). The last one is shared,
//!   so while an attack lasts a *new* device may have to try again; it is slowed and never shut out.
//!
//! **Memory is bounded:** four tables of [`ENTRIES_MAX`] entries of some hundred bytes, less than 8 MiB. A
//! full table forgets what it has not heard of for longest. To make it forget one pair takes as many other
//! addresses as it has entries, and whoever has those needs no forgetting.
//!
//! State is per process: with `n` replicas an attacker has `n` times the tries.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use domain::UnixMillis;

mod table;

use table::{Key, Rule, Table};

/// Entries of each table.
pub const ENTRIES_MAX: usize = 16_384;

const HOUR: Duration = Duration::from_secs(3600);
const PAIR: Rule = Rule::new(4, Duration::from_secs(900), HOUR);
const DEVICE: Rule = PAIR;
const ADDRESS: Rule = Rule::new(30, Duration::from_secs(60), HOUR);
const ACCOUNT: Rule = Rule::new(10, Duration::from_secs(30), HOUR);

/// Somebody is about to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The account as typed, whether or not it exists: what happens must not tell.
    pub account: &'a str,
    /// Where from.
    pub address: IpAddr,
    /// The digest of the device's token, only if this very account has logged in with it before.
    pub known_device: Option<[u8; 32]>,
}

/// Not now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; try again in {} seconds", .0.as_secs().max(1))]
pub struct Wait(pub Duration);

/// What is remembered of attempts. Times handed in must not go back: take them from a monotone clock.
#[derive(Debug)]
pub struct Throttle {
    pairs: Table,
    devices: Table,
    addresses: Table,
    accounts: Table,
}

impl Throttle {
    /// Nothing remembered yet.
    pub fn new() -> Self {
        Self::with_entries(ENTRIES_MAX)
    }

    fn with_entries(max: usize) -> Self {
        Self {
            pairs: Table::new(PAIR, max),
            devices: Table::new(DEVICE, max),
            addresses: Table::new(ADDRESS, max),
            accounts: Table::new(ACCOUNT, max),
        }
    }

    /// Lets an attempt be judged, and counts it as failed until [`Self::succeeded`] says otherwise.
    // threat: CTX-T2
    // threat: CTX-T5
    pub fn begin(&mut self, attempt: &Attempt<'_>, now: UnixMillis) -> Result<(), Wait> {
        let wait = self.wait(attempt, now);
        if !wait.is_zero() {
            return Err(Wait(wait));
        }
        let mut counted = self.counted(attempt);
        counted.iter_mut().for_each(|(table, key)| table.count(*key, now));
        Ok(())
    }

    /// How long an attempt would have to wait; zero if it need not.
    pub fn wait(&mut self, attempt: &Attempt<'_>, now: UnixMillis) -> Duration {
        let counted = self.counted(attempt);
        let waits = counted.iter().map(|(table, key)| table.wait(key, now));
        waits.max().unwrap_or_default()
    }

    /// Takes back what [`Self::begin`] counted. Only this attempt, beyond the pair or the device: logging
    /// in to an account of one's own between guesses at others forgives none of those.
    // threat: CTX-T2
    pub fn succeeded(&mut self, attempt: &Attempt<'_>) {
        if let [(own, key), shared @ ..] = self.counted(attempt).as_mut_slice() {
            own.forget(key);
            shared.iter_mut().for_each(|(table, key)| table.take_back(key));
        }
    }

    /// Where an attempt counts: first what is only this caller's.
    fn counted(&mut self, attempt: &Attempt<'_>) -> Vec<(&mut Table, Key)> {
        let account = attempt.account.as_bytes();
        if let Some(device) = attempt.known_device {
            return vec![(&mut self.devices, key(&[&device, account]))];
        }
        let address = network(attempt.address).octets();
        vec![
            (&mut self.pairs, key(&[&address, account])),
            (&mut self.addresses, key(&[&address])),
            (&mut self.accounts, key(&[account])),
        ]
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

/// One entry's name: of one size, however long the account's. The parts before the last are of fixed
/// length, so no two lists of parts run into the same text.
fn key(parts: &[&[u8]]) -> Key {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut key = Key::default();
    key.iter_mut()
        .zip(context.finish().as_ref())
        .for_each(|(to, from)| *to = *from);
    key
}

/// Who has one IPv6 address has 2⁶⁴ of them: they count as one.
fn network(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => v6,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)),
    }
}

#[cfg(test)]
mod tests;
