//! E-mail addresses, addresses of machines and of pages about a person. Never resolves or fetches anything.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::personal::near::Near;
use crate::personal::text::Text;
use crate::personal::words::about as a;

/// A local part and a domain are no longer (RFC 5321 section 4.5.3.1).
pub(crate) const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;

/// Ends of files that look like the end of a domain: `icon@2x.png`.
const FILES: [&[u8]; 8] = [b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"py", b"js"];

/// Whether the byte may stand in a local part.
#[inline]
pub(crate) const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'+' | b'-' | b'_' | b'\'' | b'&' | b'~' | b'!' | b'#' | b'$' | b'*'
        )
        || byte >= 0x80
}

/// Whether a local part may go on with the byte, or end before it.
pub(crate) const fn may_be_local(byte: u8) -> bool {
    is_local(byte) || byte == b'@'
}

/// Whether at `at`, or one sign behind it, an `@` stands behind which no domain can be: so most of them are passed in one look.
#[inline]
pub(crate) fn is_of_no_domain(bytes: &[u8], at: usize) -> bool {
    let shown = bytes.get(at..at + NO_DOMAIN_BYTES).unwrap_or_default();
    let sign = match shown {
        [b'@', ..] => 0,
        [_, b'@', ..] => 1,
        _ => return false,
    };
    let behind = shown.get(sign + 1..).unwrap_or_default();
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-') || *byte >= 0x80;
    let Some(length) = behind.iter().position(|byte| !is_domain(byte)) else {
        return false;
    };
    let domain = behind.get(..length).unwrap_or_default();
    let dot = domain.iter().position(|byte| *byte == b'.');
    dot.is_none_or(|dot| length < dot + 3)
}

/// A domain that is seen to be none in one look is no longer.
const NO_DOMAIN_BYTES: usize = 16;

/// Where the address ends whose `@` is at `at`, and how sure it is.
pub(crate) fn email(text: &Text<'_>, start: usize, at: usize) -> Option<(usize, u8)> {
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-' || byte >= 0x80;
    let mut length = 0;
    while length < DOMAIN_BYTES_MAX && is_domain(text.at(at + 1 + length)) {
        length += 1;
    }
    let mut domain = text.get(at + 1..at + 1 + length);
    // Full stops, dashes and signs behind it are the sentence's.
    while let Some((last, rest)) = domain.split_last() {
        if last.is_ascii_alphanumeric()
            || (*last >= 0x80
                && std::str::from_utf8(domain).is_ok_and(|domain| domain.ends_with(char::is_alphanumeric)))
        {
            break;
        }
        domain = rest;
    }
    let top = domain.rsplit(|byte| *byte == b'.').next()?;
    let is_top = top.len() >= 2
        && top.len() < domain.len()
        && (top.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80) || top.starts_with(b"xn--"))
        && !FILES.iter().any(|file| top.eq_ignore_ascii_case(file));
    if !is_top
        || domain.first() == Some(&b'.')
        || text.before(at, 1) == b'.'
        || domain.windows(2).any(|pair| pair == b"..")
    {
        return None;
    }
    // `scheme://user:password@host` is no address.
    let in_url = (2..=30).map_while(|back| {
        let byte = text.before(start, back - 1);
        (byte > b' ').then_some((byte, text.before(start, back)))
    });
    if in_url.into_iter().any(|pair| pair == (b'/', b'/')) {
        return None;
    }
    let machine =
        [&b"git"[..], b"hg", b"svn"].contains(&text.get(start..at)) && text.at(at + 1 + domain.len()) == b':';
    Some((at + 1 + domain.len(), if machine { 30 } else { 97 }))
}

/// Where the IPv4 address ends that begins at `at`, and how sure it is.
pub(crate) fn ipv4(text: &Text<'_>, at: usize, near: &Near<'_>) -> Option<(usize, u8)> {
    let mut octets = [0_u8; 4];
    let mut next = at;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            if text.at(next) != b'.' {
                return None;
            }
            next += 1;
        }
        let digits = text.digits(next, 4);
        if digits == 0 || (digits > 1 && text.at(next) == b'0') {
            return None;
        }
        *octet = std::str::from_utf8(text.get(next..next + digits))
            .ok()?
            .parse()
            .ok()?;
        next += digits;
    }
    let after = text.at(next);
    let goes_on = after.is_ascii_alphanumeric()
        || after == b'_'
        || (matches!(after, b'.' | b'-') && text.at(next + 1).is_ascii_alphanumeric());
    if goes_on {
        return None;
    }
    let address = Ipv4Addr::from(octets);
    let small = octets.iter().all(|octet| *octet < 20);
    let network = after == b'/' && text.at(next + 1).is_ascii_digit();
    let about = near.has(a::MACHINE);
    let score = match () {
        () if near.closest(a::VERSION, a::MACHINE) && !about => 30,
        () if matches!(text.before(at, 1), b'v' | b'V') => 30,
        () if address.is_loopback()
            || address.is_unspecified()
            || address.is_broadcast()
            || address.is_documentation() =>
        {
            40
        }
        () if octets.first() == Some(&255) || address.is_multicast() || network => 45,
        () if small && !about => 45,
        () if address.is_private() => 65,
        () => 92,
    };
    Some((next, score))
}

/// Where the IPv6 or MAC address ends that begins at `at`, by its rule, and how sure it is.
pub(crate) fn colons(text: &Text<'_>, at: usize) -> Option<(usize, &'static str, u8)> {
    mac(text, at).map(|end| (end, "mac_address", 95)).or_else(|| {
        let (end, score) = ipv6(text, at)?;
        Some((end, "ip_address", score))
    })
}

fn hex(text: &Text<'_>, at: usize, most: usize) -> usize {
    (0..most)
        .take_while(|offset| text.at(at + offset).is_ascii_hexdigit())
        .count()
}

/// Six pairs, or three groups of four as switches show them.
fn mac(text: &Text<'_>, at: usize) -> Option<usize> {
    let (pairs, length) = match (hex(text, at, 5), text.at(at + 2), text.at(at + 4)) {
        (2, b':' | b'-', _) => (6, 2),
        (4, _, b'.') => (3, 4),
        _ => return None,
    };
    let sign = text.at(at + length);
    let mut next = at;
    for index in 0..pairs {
        if index > 0 {
            if text.at(next) != sign {
                return None;
            }
            next += 1;
        }
        if hex(text, next, length) != length {
            return None;
        }
        next += length;
    }
    let goes_on = text.at(next).is_ascii_alphanumeric()
        || (text.at(next) == sign && text.at(next + 1).is_ascii_hexdigit());
    let shown = text.get(at..next);
    let proven =
        shown.iter().any(u8::is_ascii_digit) && (length == 2 || shown.iter().any(u8::is_ascii_alphabetic));
    // `2023-10-11-12-13-14` is a moment; its first group is longer, or it is all digits with dashes.
    let moment = sign == b'-' && !shown.iter().any(u8::is_ascii_alphabetic);
    (!goes_on && proven && !moment).then_some(next)
}

fn ipv6(text: &Text<'_>, at: usize) -> Option<(usize, u8)> {
    let mut end = at;
    while end < at + 45 && (text.at(end).is_ascii_hexdigit() || matches!(text.at(end), b':' | b'.')) {
        end += 1;
    }
    while end > at
        && (text.at(end - 1) == b'.' || (text.at(end - 1) == b':' && text.at(end.wrapping_sub(2)) != b':'))
    {
        end -= 1;
    }
    let shown = text.get(at..end);
    let colons = shown.iter().filter(|byte| **byte == b':').count();
    if colons < 2 || text.at(end).is_ascii_alphanumeric() || text.at(end) == b'_' {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(shown).ok()?.parse().ok()?;
    let groups = shown
        .split(|byte| *byte == b':')
        .filter(|group| !group.is_empty())
        .count();
    let digits = shown.iter().any(u8::is_ascii_digit);
    let score = match address.segments() {
        _ if groups >= 7 => 95,
        [0x2001, 0x0DB8, ..] => 50,
        [0x2000..=0x3FFF | 0xFC00..=0xFDFF | 0xFE80..=0xFEBF, ..] if groups >= 3 && digits => 90,
        _ if groups >= 4 && digits => 70,
        _ => 35,
    };
    Some((end, score))
}

/// Pages about one person, by where they are.
const PROFILES: [&[u8]; 8] = [
    b"linkedin.com/in/",
    b"facebook.com/",
    b"instagram.com/",
    b"twitter.com/",
    b"x.com/",
    b"tiktok.com/@",
    b"xing.com/profile/",
    b"t.me/",
];

/// Whether the host of such a page may begin with this small letter.
pub(crate) fn may_be_profile(first: u8) -> bool {
    PROFILES.iter().any(|known| known.first() == Some(&first))
}

/// Where the page about a person ends whose URL's host begins at `at`.
pub(crate) fn profile(text: &Text<'_>, at: usize) -> Option<usize> {
    let known = PROFILES.iter().find(|known| text.has(at, known))?;
    let name = at + known.len();
    let is_name =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || byte >= 0x80;
    let mut end = name;
    while end < name + 64 && is_name(text.at(end)) {
        end += 1;
    }
    while end > name && matches!(text.at(end - 1), b'.' | b'-') {
        end -= 1;
    }
    (end >= name + 3).then_some(end)
}
