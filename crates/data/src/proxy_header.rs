//! The header of the PROXY protocol, versions 1 and 2: for whom a proxy has opened a connection.
//!
//! Pure, and strict where readers differ: what could be taken in two ways is refused. It says how many bytes are
//! wanting, and never more than surely belong to the header, so that nothing behind it is read with it. What
//! version 2 carries beside addresses is skipped, but for its checksum. Own code for that: of the crates that read
//! this, one takes a socket's file for a health check and a sign before a port, another reads no checksums.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use memchr::memchr;

const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// `PROXY UNKNOWN` and the line's end, and what the specification gives the longest line.
const V1_BYTES: std::ops::RangeInclusive<usize> = 15..=107;
const V2_HEAD_BYTES: usize = 16;
/// Addresses take 36 bytes of it; the rest is room for what proxies tell beside them.
const V2_BYTES_MAX: usize = 4096;
/// What a checksum is kept under.
const CRC32C: u8 = 3;

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// At least this many bytes are still to come.
    More(usize),
    /// The header is whole.
    Whole(Caller),
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Somebody at this address.
    At(IpAddr),
    /// The proxy itself, to see whether we live, or somebody it knows nothing of.
    Proxy,
}

/// Why these bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// They begin otherwise.
    #[error("the connection does not begin with a header of the PROXY protocol")]
    NoHeader,
    /// Longer than any proxy needs.
    #[error("the header of the PROXY protocol is too long")]
    TooLong,
    /// Neither version 1 nor 2, as specified.
    #[error("the header of the PROXY protocol is malformed")]
    Malformed,
    /// A socket's file, or datagrams: nobody calls us that way.
    #[error("the header of the PROXY protocol names no address of a TCP connection")]
    Family,
    /// Its checksum is not that of its bytes.
    #[error("the checksum of the PROXY protocol's header does not fit")]
    Checksum,
}

/// Reads the header that `bytes` begin with.
// threat: AGP-S1
// threat: ANP-0024
pub fn read(bytes: &[u8]) -> Result<Read, Bad> {
    let agrees = |start: &[u8]| bytes.iter().zip(start).all(|(one, other)| one == other);
    if agrees(V1) {
        version_1(bytes)
    } else if agrees(V2) {
        version_2(bytes)
    } else {
        Err(Bad::NoHeader)
    }
}

fn version_1(bytes: &[u8]) -> Result<Read, Bad> {
    let Some(end) = memchr(b'\n', bytes) else {
        let of_end = if bytes.ends_with(b"\r") { 1 } else { 2 };
        let more = V1_BYTES.start().saturating_sub(bytes.len()).max(of_end);
        let fits = bytes.len() + more <= *V1_BYTES.end();
        return fits.then_some(Read::More(more)).ok_or(Bad::TooLong);
    };
    if end >= *V1_BYTES.end() {
        return Err(Bad::TooLong);
    }
    let line = bytes.get(V1.len()..end).ok_or(Bad::Malformed)?;
    let line = std::str::from_utf8(line).map_err(|_| Bad::Malformed)?;
    let line = line.strip_suffix('\r').ok_or(Bad::Malformed)?;
    if line.chars().any(char::is_control) {
        return Err(Bad::Malformed);
    }
    let (family, rest) = line.split_once(' ').unwrap_or((line, ""));
    let address = match family {
        "TCP4" => addresses::<Ipv4Addr>(rest),
        "TCP6" => addresses::<Ipv6Addr>(rest),
        // What follows it is to be ignored.
        "UNKNOWN" => return Ok(Read::Whole(Caller::Proxy)),
        _ => return Err(Bad::Family),
    };
    address
        .map(|address| Read::Whole(Caller::At(address)))
        .ok_or(Bad::Malformed)
}

/// The first of two addresses, with two ports behind them.
fn addresses<T: std::str::FromStr + Into<IpAddr>>(text: &str) -> Option<IpAddr> {
    let mut parts = text.split(' ');
    let source: T = parts.next()?.parse().ok()?;
    let _: T = parts.next()?.parse().ok()?;
    port(parts.next()?)?;
    port(parts.next()?)?;
    parts.next().is_none().then(|| source.into())
}

/// A port has one spelling, where `str::parse` would take a sign and zeros before it.
fn port(text: &str) -> Option<u16> {
    let port: u16 = text.parse().ok()?;
    (port.to_string() == text).then_some(port)
}

fn version_2(bytes: &[u8]) -> Result<Read, Bad> {
    let Some((head, _)) = bytes.split_first_chunk::<V2_HEAD_BYTES>() else {
        return Ok(Read::More(V2_HEAD_BYTES - bytes.len()));
    };
    let [.., command, family, high, low] = *head;
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Err(Bad::Malformed),
    };
    let width = match family {
        0x00 => 0,
        0x11 => 4,
        0x21 => 16,
        _ => return Err(Bad::Family),
    };
    let length = V2_HEAD_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if length > V2_BYTES_MAX {
        return Err(Bad::TooLong);
    }
    let Some(whole) = bytes.get(..length) else {
        return Ok(Read::More(length - bytes.len()));
    };
    // Two addresses and, where there are any, two ports.
    let addressed = if width == 0 { 0 } else { 2 * width + 4 };
    let (addresses, extras) = whole
        .get(V2_HEAD_BYTES..)
        .and_then(|rest| rest.split_at_checked(addressed))
        .ok_or(Bad::Malformed)?;
    check_extras(whole, extras)?;
    let source = addresses.get(..width).and_then(address);
    Ok(Read::Whole(match source {
        Some(address) if !is_local => Caller::At(address),
        _ => Caller::Proxy,
    }))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    let sixteen = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
    four().or_else(sixteen)
}

/// Walks over what stands behind the addresses; it fills the header exactly, and a checksum among it is right.
fn check_extras(whole: &[u8], mut extras: &[u8]) -> Result<(), Bad> {
    let mut is_checked = false;
    while !extras.is_empty() {
        let ([kind, high, low], rest) = extras.split_first_chunk().ok_or(Bad::Malformed)?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) = rest.split_at_checked(length).ok_or(Bad::Malformed)?;
        if *kind == CRC32C {
            let said = <[u8; 4]>::try_from(value).map_err(|_| Bad::Malformed)?;
            if std::mem::replace(&mut is_checked, true) {
                return Err(Bad::Malformed);
            }
            let before = whole.len() - rest.len() - said.len();
            let before = whole.get(..before).ok_or(Bad::Malformed)?;
            let sum = crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]);
            if crc32c::crc32c_append(sum, rest) != u32::from_be_bytes(said) {
                return Err(Bad::Checksum);
            }
        }
        extras = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
