//! Headers as proxies send them, and as they must not be read.

use ::proxy_header::{ParseConfig, ProxiedAddress, ProxyHeader, Tlv};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Result<Read, Bad> {
    Ok(Read::Whole(Caller::At(text.parse().unwrap())))
}

const PROXY: Result<Read, Bad> = Ok(Read::Whole(Caller::Proxy));

/// A header of version 2.
fn two(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let mut bytes = V2.to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
    bytes.extend(rest);
    bytes
}

const FOUR: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0xd4, 0x31, 0, 80];

fn with_checksum(mut bytes: Vec<u8>, extras: &[u8]) -> Vec<u8> {
    let length = bytes.len() - V2_HEAD_BYTES + 7 + extras.len();
    bytes[14..16].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
    bytes.extend([CRC32C, 0, 4, 0, 0, 0, 0]);
    let place = bytes.len() - 4;
    bytes.extend(extras);
    let sum = crc32c::crc32c(&bytes).to_be_bytes();
    bytes[place..place + 4].copy_from_slice(&sum);
    bytes
}

#[test]
fn agp_s1_both_versions_name_the_caller() {
    assert_eq!(
        read(b"PROXY TCP4 192.0.2.7 10.0.0.1 54321 80\r\n"),
        at("192.0.2.7")
    );
    assert_eq!(read(b"PROXY TCP6 2001:db8::7 ::1 0 65535\r\n"), at("2001:db8::7"));
    assert_eq!(read(&two(0x21, 0x11, &FOUR)), at("192.0.2.7"));
    let mut six = [0; 36];
    six[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    six[15] = 7;
    assert_eq!(read(&two(0x21, 0x21, &six)), at("2001:db8::7"));
    let extras = [&FOUR[..], &[4, 0, 2, 1, 1, 0xe0, 0, 0]].concat();
    assert_eq!(read(&two(0x21, 0x11, &extras)), at("192.0.2.7"));
    let summed = with_checksum(two(0x21, 0x11, &FOUR), &[4, 0, 1, 9]);
    assert_eq!(read(&summed), at("192.0.2.7"));
    // What comes behind it is not the header's.
    assert_eq!(
        read(&[&two(0x21, 0x11, &FOUR)[..], b"GET / "].concat()),
        at("192.0.2.7")
    );
}

#[test]
fn agp_s1_the_proxy_itself_is_nobody_else() {
    assert_eq!(read(b"PROXY UNKNOWN\r\n"), PROXY);
    assert_eq!(read(b"PROXY UNKNOWN 192.0.2.7 10.0.0.1 1 2\r\n"), PROXY);
    assert_eq!(read(&two(0x20, 0x00, &[])), PROXY);
    assert_eq!(read(&two(0x20, 0x11, &FOUR)), PROXY);
    assert_eq!(read(&two(0x21, 0x00, &[4, 0, 0])), PROXY);
}

#[test]
fn agp_s1_what_readers_take_in_two_ways_is_refused() {
    for (line, why) in [
        ("PROXY TCP4 192.0.2.7 10.0.0.1 54321 80\n", Bad::Malformed),
        ("PROXY TCP4 192.0.2.7 10.0.0.1 54321 80 \r\n", Bad::Malformed),
        ("PROXY TCP4  192.0.2.7 10.0.0.1 54321 80\r\n", Bad::Malformed),
        ("PROXY TCP4 192.0.2.7 10.0.0.1 +5432 80\r\n", Bad::Malformed),
        ("PROXY TCP4 192.0.2.7 10.0.0.1 05432 80\r\n", Bad::Malformed),
        ("PROXY TCP4 192.0.2.7 10.0.0.1 65536 80\r\n", Bad::Malformed),
        ("PROXY TCP4 192.0.2.007 10.0.0.1 54321 80\r\n", Bad::Malformed),
        ("PROXY TCP4 2001:db8::7 ::1 54321 80\r\n", Bad::Malformed),
        ("PROXY TCP6 192.0.2.7 10.0.0.1 54321 80\r\n", Bad::Malformed),
        ("PROXY TCP4 192.0.2.7 10.0.0.1 54321\r\n", Bad::Malformed),
        ("PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r3\r\n", Bad::Malformed),
        ("PROXY UNKNOWN\r\r\n", Bad::Malformed),
        ("PROXY UNKNOWNX\r\n", Bad::Family),
        ("PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n", Bad::Family),
        ("PROXY tcp4 192.0.2.7 10.0.0.1 1 2\r\n", Bad::Family),
        ("PROXYXTCP4 192.0.2.7 10.0.0.1 1 2\r\n", Bad::NoHeader),
        ("proxy TCP4 192.0.2.7 10.0.0.1 1 2\r\n", Bad::NoHeader),
        ("GET / HTTP/1.1\r\n", Bad::NoHeader),
        ("\r\n\r\nPROXY", Bad::NoHeader),
    ] {
        assert_eq!(read(line.as_bytes()), Err(why), "{line:?}");
    }
    let extras = |extras: &[u8]| read(&two(0x21, 0x11, &[&FOUR[..], extras].concat()));
    for (got, why) in [
        (read(&two(0x22, 0x11, &FOUR)), Bad::Malformed),
        (read(&two(0x11, 0x11, &FOUR)), Bad::Malformed),
        (read(&two(0x21, 0x12, &FOUR)), Bad::Family),
        (read(&two(0x21, 0x31, &[0; 216])), Bad::Family),
        (read(&two(0x20, 0x31, &[0; 216])), Bad::Family),
        (read(&two(0x21, 0x11, &FOUR[..11])), Bad::Malformed),
        (read(&two(0x21, 0x21, &FOUR)), Bad::Malformed),
        (extras(&[4, 0]), Bad::Malformed),
        (extras(&[4, 0, 2, 1]), Bad::Malformed),
        (extras(&[CRC32C, 0, 3, 1, 2, 3]), Bad::Malformed),
        (extras(&[CRC32C, 0, 4, 0, 0, 0, 0]), Bad::Checksum),
        (read(&two(0x21, 0x11, &[0; 5000])), Bad::TooLong),
    ] {
        assert_eq!(got, Err(why));
    }
}

#[test]
fn agp_d2_a_header_is_bounded() {
    let endless = [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 200]].concat();
    for length in 0..=endless.len() {
        match read(&endless[..length]) {
            Ok(Read::More(more)) => assert!(length + more <= 107, "{length}"),
            other => assert_eq!((other, length > 105), (Err(Bad::TooLong), true), "{length}"),
        }
    }
    let longest = [&endless[..105], b"\r\n"].concat();
    assert_eq!(read(&longest), PROXY);
    let longer = [&endless[..106], b"\r\n"].concat();
    assert_eq!(read(&longer), Err(Bad::TooLong));
}

/// What another reader makes of these bytes, and how many of them it takes.
fn elsewhere(bytes: &[u8]) -> Option<(Option<IpAddr>, usize)> {
    let config = ParseConfig {
        include_tlvs: true,
        ..ParseConfig::default()
    };
    let (header, used) = ProxyHeader::parse(bytes, config).ok()?;
    let caller = header.proxied_address().map(|address| address.source.ip());
    Some((caller, used))
}

fn headers() -> impl Strategy<Value = Vec<u8>> {
    let address = prop_oneof![
        any::<(Ipv4Addr, Ipv4Addr)>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
        any::<(Ipv6Addr, Ipv6Addr)>().prop_map(|(a, b)| (IpAddr::from(a), IpAddr::from(b))),
    ];
    let extras = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..4);
    (address, any::<(u16, u16)>(), extras, any::<bool>()).prop_map(|(ips, ports, extras, is_one)| {
        let (source, destination) = ((ips.0, ports.0).into(), (ips.1, ports.1).into());
        let mut header = ProxyHeader::with_address(ProxiedAddress::stream(source, destination));
        let mut bytes = vec![0; 1024];
        let length = if is_one {
            header.encode_to_slice_v1(&mut bytes).unwrap()
        } else {
            for extra in &extras {
                header.append_tlv(Tlv::UniqueId(extra.into()));
            }
            header.encode_to_slice_v2(&mut bytes).unwrap()
        };
        bytes.truncate(length);
        bytes
    })
}

proptest! {
    /// No bytes panic, and none are asked for beyond the bounds.
    #[test]
    fn anp_0024_any_bytes_are_read_or_refused(
        start in prop_oneof![Just(Vec::new()), Just(V1.to_vec()), Just(V2.to_vec()), Just(b"PROXY TCP4 ".to_vec())],
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let bytes = [start, bytes].concat();
        if let Ok(Read::More(more)) = read(&bytes) {
            prop_assert!(more > 0 && bytes.len() + more <= V2_BYTES_MAX);
        }
    }

    /// Read as far as is asked for, piece by piece, nothing behind the header is touched, and another reader finds
    /// the same caller and the same end.
    #[test]
    fn anp_0024_pieces_end_where_the_header_does(header in headers(), behind in proptest::collection::vec(any::<u8>(), 0..40)) {
        let bytes = [header.clone(), behind].concat();
        let mut taken = 0;
        let caller = loop {
            match read(&bytes[..taken]).unwrap() {
                Read::More(more) => taken += more,
                Read::Whole(Caller::At(caller)) => break caller,
                Read::Whole(Caller::Proxy) => panic!("{header:?}"),
            }
        };
        prop_assert_eq!(taken, header.len());
        prop_assert_eq!(elsewhere(&bytes), Some((Some(caller), taken)));
    }

    /// Whatever a flipped bit makes of a header: what is taken here is nowhere else taken for another caller.
    #[test]
    fn agp_s1_what_is_taken_is_taken_alike_elsewhere(header in headers(), at in any::<proptest::sample::Index>(), flip in 1_u8..=255) {
        let mut bytes = header;
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(Read::Whole(caller)) = read(&bytes) {
            let there = elsewhere(&bytes).map(|(caller, _)| caller);
            prop_assert_eq!(there, Some(match caller {
                Caller::At(address) => Some(address),
                Caller::Proxy => None,
            }));
        }
    }

    /// A checksum catches every changed byte.
    #[test]
    fn agp_s1_a_changed_header_with_a_checksum_is_refused(place in 16_usize..28, flip in 1_u8..=255) {
        let mut bytes = with_checksum(two(0x21, 0x11, &FOUR), &[]);
        bytes[place] ^= flip;
        prop_assert_eq!(read(&bytes), Err(Bad::Checksum));
    }
}
