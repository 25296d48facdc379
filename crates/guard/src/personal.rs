//! Personal data that has a form: e-mail addresses, telephone numbers, payment cards, bank accounts, social security
//! numbers, addresses of machines. For what is written down of calls, not for calls: it finds too much rather than too
//! little. Names, streets and birthdays have no form, and are not found. Never keeps text; linear in its length.

use std::ops::Range;

use crate::finding::{Finding, Kind, SURE};

/// A local part (RFC 5321 section 4.5.3.1.1) and a domain are no longer than this.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 253;
/// The longest stretch that is looked at for one number, separators included.
const NUMBER_BYTES_MAX: usize = 48;
/// The longest IBAN (ISO 13616) has 34 characters; people write it in groups of four.
const IBAN_BYTES_MAX: usize = 42;

/// Appends the personal data in `text`. Findings of different rules may overlap.
// threat: ANP-0010
pub fn scan_personal(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    let mut before = None;
    for (at, byte) in bytes.iter().copied().enumerate() {
        let begins = before.is_none_or(|before: u8| !before.is_ascii_alphanumeric());
        before = Some(byte);
        if byte == b'@' {
            if let Some(span) = address(bytes, at) {
                push(found, "email_address", span);
            }
            continue;
        }
        if at < from || !begins {
            continue;
        }
        let number = match byte {
            b'+' | b'(' | b'0'..=b'9' => number(bytes, at),
            b'A'..=b'Z' | b'a'..=b'z' => iban(bytes, at).map(|end| ("bank_account", end)),
            _ => None,
        };
        if let Some((rule, end)) = number {
            push(found, rule, at..end);
            from = end;
        }
    }
}

fn push(found: &mut Vec<Finding>, rule: &'static str, span: Range<usize>) {
    found.push(Finding {
        span,
        rule,
        kind: Kind::Personal,
        score: SURE,
    });
}

/// The address around the `@` at `at`.
fn address(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let is_local =
        |byte: &u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(byte) || *byte >= 0x80;
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte) || *byte >= 0x80;
    let local = bytes.get(..at)?.iter().rev().take(LOCAL_BYTES_MAX);
    let local = local.take_while(|byte| is_local(byte)).count();
    let rest = bytes.get(at + 1..)?;
    let mut domain = rest
        .iter()
        .take(DOMAIN_BYTES_MAX)
        .take_while(|byte| is_domain(byte))
        .count();
    // A full stop or a hyphen behind it is the sentence's.
    while domain > 0 && rest.get(domain - 1).is_some_and(|byte| b".-".contains(byte)) {
        domain -= 1;
    }
    let has_dot = rest.get(..domain)?.contains(&b'.');
    (local > 0 && has_dot).then(|| at - local..at + 1 + domain)
}

/// What kind of number begins at `at`, and where it ends.
fn number(bytes: &[u8], at: usize) -> Option<(&'static str, usize)> {
    let shown = bytes.get(at..bytes.len().min(at + NUMBER_BYTES_MAX))?;
    if let Some(length) = machine(shown) {
        return Some(("ip_address", at + length));
    }
    let (digits, length) = digits(shown);
    let form: Vec<usize> = groups(shown.get(..length)?);
    let rule = match (shown.first(), digits.len(), form.as_slice()) {
        (Some(b'+'), 8..=15, _) => "telephone_number",
        (Some(b'0'), 10..=17, _) if digits.get(1) == Some(&0) => "telephone_number",
        (_, 13..=19, _) if luhn(&digits) => "payment_card",
        (_, 9, [3, 2, 4]) => "social_security_number",
        (_, 10, [3, 3, 4]) | (_, 10, [3, 7]) => "telephone_number",
        (Some(b'0' | b'('), 9..=12, [_, _, ..]) => "telephone_number",
        _ => return None,
    };
    Some((rule, at + length))
}

/// The digits of a number with single separators between its groups, and how long it is as written.
fn digits(shown: &[u8]) -> (Vec<u8>, usize) {
    let (mut digits, mut end, mut gap) = (Vec::new(), 0, 0);
    for (at, byte) in shown.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits.push(byte - b'0');
                (end, gap) = (at + 1, 0);
            }
            b'+' if at == 0 => {}
            // `(030) 12 34`: two of them at most.
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if gap < 2 => gap += 1,
            _ => break,
        }
    }
    (digits, end)
}

/// How many digits each group has.
fn groups(shown: &[u8]) -> Vec<usize> {
    let groups = shown.split(|byte| !byte.is_ascii_digit());
    groups.map(<[u8]>::len).filter(|length| *length > 0).collect()
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let doubled = |(at, digit): (usize, &u8)| match at % 2 {
        0 => u32::from(*digit),
        _ => u32::from(*digit) * 2 / 10 + u32::from(*digit) * 2 % 10,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != 0)
}

/// How long the IPv4 address is that stands there.
fn machine(shown: &[u8]) -> Option<usize> {
    let length = shown
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .count();
    let text = std::str::from_utf8(shown.get(..length)?)
        .ok()?
        .trim_end_matches('.');
    text.parse::<std::net::Ipv4Addr>().ok().map(|_| text.len())
}

/// Where the IBAN ends that begins at `at`.
fn iban(bytes: &[u8], at: usize) -> Option<usize> {
    let shown = bytes.get(at..bytes.len().min(at + IBAN_BYTES_MAX))?;
    let head = shown.first_chunk::<4>()?;
    let (country, check) = head.split_at(2);
    if !country.iter().all(u8::is_ascii_alphabetic) || !check.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut rest = Vec::new();
    let mut ends = Vec::new();
    for (offset, byte) in shown.iter().enumerate().skip(4) {
        match byte {
            b' ' => {}
            byte if byte.is_ascii_alphanumeric() => {
                rest.push(*byte);
                ends.push(offset + 1);
            }
            _ => break,
        }
    }
    // Words may follow: the longest that checks is it.
    (11..=rest.len().min(30)).rev().find_map(|length| {
        let body = rest.get(..length)?;
        let end = ends.get(length - 1)?;
        (remainder(body.iter().chain(head)) == 1).then_some(at + end)
    })
}

/// ISO 7064, MOD 97-10.
fn remainder<'b>(characters: impl Iterator<Item = &'b u8>) -> u32 {
    characters.fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        byte => (sum * 100 + u32::from(byte.to_ascii_uppercase().saturating_sub(b'A')) + 10) % 97,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact;

    fn redacted(text: &str) -> String {
        let mut found = Vec::new();
        scan_personal(text, &mut found);
        redact(text, &found)
    }

    #[test]
    fn anp_0010_personal_data_with_a_form_is_found() {
        let cases = [
            (
                "write to ada.l+x@mail.example.org.",
                "write to [redacted:email_address].",
            ),
            ("jürgen@müller.de!", "[redacted:email_address]!"),
            (
                "card 4111 1111 1111 1111, yes",
                "card [redacted:payment_card], yes",
            ),
            ("5500-0000-0000-0004", "[redacted:payment_card]"),
            ("378282246310005", "[redacted:payment_card]"),
            (
                "IBAN DE89 3704 0044 0532 0130 00 please",
                "IBAN [redacted:bank_account] please",
            ),
            ("gb82west12345698765432", "[redacted:bank_account]"),
            ("call +49 30 901820 now", "call [redacted:telephone_number] now"),
            ("0049 (30) 90 18 20 99", "[redacted:telephone_number]"),
            ("(555) 010-9999", "[redacted:telephone_number]"),
            ("555-010-9999", "[redacted:telephone_number]"),
            ("ssn 078-05-1120", "ssn [redacted:social_security_number]"),
            ("from 192.0.2.17.", "from [redacted:ip_address]."),
        ];
        for (text, expected) in cases {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn what_is_none_stays() {
        for text in [
            "at 2026-10-05 12:30 we sold 1,234,567 of 42",
            "a @ b, and @handle, and x@localhost",
            "the number 4111111111111112 does not check",
            "DE00 and GB12 are no accounts; nor is ab12 cd34",
            "pi is 3.14159265358979",
            "version 1.2.3",
            "",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
