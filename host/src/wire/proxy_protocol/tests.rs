use super::v2::{SIGNATURE, crc32c};
use super::*;

/// Reads as a listener does, which takes no byte too many. Answers what was left besides.
fn read(mut stream: &[u8]) -> (Result<Source, Malformed>, usize) {
    let mut taken = Vec::new();
    loop {
        match parse(&taken) {
            Ok(Header::Whole(source)) => return (Ok(source), stream.len()),
            Err(error) => return (Err(error), stream.len()),
            Ok(Header::Partial(more)) => {
                assert!(more > 0, "it asks for nothing after {taken:?}");
                let Some((next, rest)) = stream.split_at_checked(more) else { panic!("{more} more after {taken:?}") };
                taken.extend_from_slice(next);
                stream = rest;
            }
        }
    }
}

fn client(text: &str) -> Result<Source, Malformed> {
    Ok(Source::Client(text.parse().expect("an address")))
}

/// Header and rest, where `what` is the version with the command and the family with the transport.
fn v2(what: [u8; 2], rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
    [&SIGNATURE[..], &what, &length, rest].concat()
}

const IPV4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb];

/// `IPV4`, fields, and a field with the checksum of it all.
fn summed(fields: &[u8]) -> Vec<u8> {
    let mut header = v2([0x21, 0x11], &[&IPV4, fields, &[0x03, 0, 4, 0, 0, 0, 0]].concat());
    let sum = crc32c(header.iter().copied()).to_be_bytes();
    let place = header.len() - 4;
    header[place..].copy_from_slice(&sum);
    header
}

#[test]
fn a_line_says_who_the_client_is() {
    for (line, source) in [
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", client("192.0.2.1:56324")),
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", client("255.255.255.255:65535")),
        ("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", client("0.0.0.0:0")),
        ("PROXY TCP6 2001:db8::7 ::1 1 2\r\n", client("[2001:db8::7]:1")),
        ("PROXY UNKNOWN\r\n", Ok(Source::Proxy)),
        ("PROXY UNKNOWN ffff:f::1 ffff::1 65535 65535\r\n", Ok(Source::Proxy)),
        ("PROXY UNKNOWN anything at all\r\n", Ok(Source::Proxy)),
    ] {
        let stream = format!("{line}GET / HTTP/1.1\r\n\r\n");
        assert_eq!(read(stream.as_bytes()), (source, stream.len() - line.len()), "{line:?}");
    }
}

#[test]
fn a_line_that_is_wrong_anywhere_is_not_believed() {
    for line in [
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n",
        "PROXY TCP4\t192.0.2.1 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 192.0.2 198.51.100.1 56324 443\r\n",
        "PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP6 [::1] ::1 1 2\r\n",
        "PROXY TCP6 fe80::1%lo ::1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.x 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +1 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 01 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1  443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 443\n\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.1 1 443\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY unknown\r\n",
        "PROXY  UNKNOWN\r\n",
        "PROXY \u{fffd}23456\r\n",
    ] {
        assert_eq!(read(line.as_bytes()).0, Err(Malformed::Addresses), "{line:?}");
    }
    for line in [
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "proxy UNKNOWN\r\n",
        "PROXY\tUNKNOWN\r\n",
        "\u{16}\u{3}\u{1}\0\u{1}           ",
    ] {
        assert_eq!(read(line.as_bytes()).0, Err(Malformed::Absent), "{line:?}");
    }
}

#[test]
fn a_line_has_107_bytes_at_most() {
    let line = |padding: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(padding));
    assert_eq!(line(91).len(), 107);
    assert_eq!(read(line(91).as_bytes()).0, Ok(Source::Proxy));
    assert_eq!(read(line(92).as_bytes()).0, Err(Malformed::TooLong));
    assert_eq!(parse(line(92).as_bytes()), Err(Malformed::TooLong));
    assert_eq!(read(format!("PROXY {}", "x".repeat(500)).as_bytes()).0, Err(Malformed::TooLong));
    // A carriage return that ends nothing.
    assert_eq!(read(format!("PROXY UNKNOWN {}\r", "\r".repeat(200)).as_bytes()).0, Err(Malformed::TooLong));
}

#[test]
fn version_2_says_it_in_binary() {
    let mut ipv6 = [0; 36];
    ipv6[..2].copy_from_slice(&[0x20, 0x01]);
    ipv6[15] = 7;
    ipv6[32..34].copy_from_slice(&[0x12, 0x34]);
    for (what, rest, source) in [
        ([0x21, 0x11], &IPV4[..], client("192.0.2.1:56324")),
        ([0x21, 0x21], &ipv6[..], client("[2001::7]:4660")),
        ([0x21, 0x31], &[b'/'; 216][..], Ok(Source::Proxy)),
        ([0x21, 0x00], &[][..], Ok(Source::Proxy)),
        ([0x21, 0x00], &b"whatever"[..], Ok(Source::Proxy)),
        ([0x20, 0x00], &[][..], Ok(Source::Proxy)),
        ([0x20, 0x11], &IPV4[..], Ok(Source::Proxy)),
        ([0x20, 0xff], &b"whatever"[..], Ok(Source::Proxy)),
    ] {
        let mut stream = v2(what, rest);
        stream.extend_from_slice(b"\x16\x03\x01");
        assert_eq!(read(&stream), (source, 3), "{what:x?}");
    }
}

#[test]
fn version_2_that_is_wrong_anywhere_is_not_believed() {
    for (what, rest, error) in [
        ([0x11, 0x11], &IPV4[..], Malformed::Command),
        ([0x22, 0x11], &IPV4[..], Malformed::Command),
        ([0x31, 0x11], &IPV4[..], Malformed::Command),
        ([0x21, 0x11], &IPV4[..11], Malformed::Addresses),
        ([0x21, 0x11], &[][..], Malformed::Addresses),
        ([0x21, 0x21], &[0; 35][..], Malformed::Addresses),
        ([0x21, 0x31], &[0; 215][..], Malformed::Addresses),
        ([0x21, 0x12], &IPV4[..], Malformed::Transport),
        ([0x21, 0x22], &[0; 36][..], Malformed::Transport),
        ([0x21, 0x01], &[][..], Malformed::Transport),
        ([0x21, 0x41], &IPV4[..], Malformed::Transport),
    ] {
        assert_eq!(read(&v2(what, rest)).0, Err(error), "{what:x?} {rest:?}");
    }
    for place in 0..SIGNATURE.len() {
        let mut header = v2([0x21, 0x11], &IPV4);
        header[place] ^= 1;
        assert_eq!(parse(&header), Err(Malformed::Absent), "{place}");
        // And as soon as it can be known.
        assert_eq!(parse(&header[..=place]), Err(Malformed::Absent), "{place}");
    }
}

#[test]
fn fields_are_skipped_and_have_to_end_with_the_header() {
    let with = |fields: &[u8]| read(&v2([0x21, 0x11], &[&IPV4, fields].concat())).0;
    let known = client("192.0.2.1:56324");
    assert_eq!(with(b"\x04\0\0"), known);
    assert_eq!(with(b"\x01\0\x02h2\x02\0\x09some.name\xea\0\x01\x01"), known);
    for fields in [&b"\x04"[..], b"\x04\0", b"\x04\0\x01", b"\x04\xff\xff", b"\x04\0\0\0", b"\x03\0\x03abc"] {
        assert_eq!(with(fields), Err(Malformed::Fields), "{fields:?}");
    }
}

#[test]
fn a_checksum_that_is_there_has_to_be_right() {
    // RFC 3720, section B.4, and what every list of such sums has for the nine digits.
    assert_eq!(crc32c([0; 32].into_iter()), 0x8a91_36aa);
    assert_eq!(crc32c(b"123456789".iter().copied()), 0xe306_9283);
    for fields in [&b""[..], b"\x04\0\0", b"\x01\0\x02h2\x02\0\x09some.name"] {
        assert_eq!(read(&summed(fields)).0, client("192.0.2.1:56324"));
    }
    let header = summed(b"");
    let kind_of_field = header.len() - 7;
    // But for its kind, which makes another field of it.
    for place in (16..header.len()).filter(|place| *place != kind_of_field) {
        for bit in 0..8 {
            let mut wrong = header.clone();
            wrong[place] ^= 1 << bit;
            assert!(matches!(parse(&wrong), Err(Malformed::Checksum | Malformed::Fields)), "{place} {bit}");
        }
    }
    assert_eq!(parse(&summed(b"\x03\0\x04abcd")), Err(Malformed::Fields));
}

#[test]
fn no_more_than_4_kib_are_read() {
    let field = |length: usize| {
        let length = u16::try_from(length).expect("short");
        [&IPV4[..], &[0x04], &length.to_be_bytes(), &vec![0; usize::from(length)]].concat()
    };
    assert_eq!(read(&v2([0x21, 0x11], &field(4096 - 16 - 12 - 3))).0, client("192.0.2.1:56324"));
    let larger = v2([0x21, 0x11], &field(4096 - 16 - 12 - 2));
    assert_eq!(parse(&larger[..16]), Err(Malformed::TooLarge));
    assert_eq!(parse(&v2([0x20, 0], &vec![0; 65_535])[..16]), Err(Malformed::TooLarge));
}

/// Of every beginning of a good header so much is known: it is one, and what is missing of it is at least what is asked.
#[test]
fn every_beginning_asks_for_no_byte_that_is_not_the_headers() {
    let headers = [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n".to_vec(),
        b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n".to_vec(),
        v2([0x20, 0], b""),
        v2([0x21, 0x11], &IPV4),
        v2([0x21, 0x31], &[0; 216]),
        summed(b"\x04\0\x02xx"),
    ];
    for header in headers {
        for length in 0..header.len() {
            match parse(&header[..length]) {
                Ok(Header::Partial(more)) => assert!(more >= 1 && length + more <= header.len(), "{length} {more}"),
                other => panic!("{other:?} after {length} of {header:?}"),
            }
        }
        assert!(matches!(parse(&header), Ok(Header::Whole(_))), "{header:?}");
    }
}

#[test]
fn whatever_comes_is_answered_without_a_panic_and_in_bounds() {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    let beginnings: [&[u8]; 4] = [b"", b"PROXY ", b"PROXY TCP4 ", &SIGNATURE];
    for round in 0..20_000 {
        let mut bytes = beginnings[round % beginnings.len()].to_vec();
        for _ in 0..random() % 64 {
            bytes.push(if random().is_multiple_of(2) {
                random()
            } else {
                b" \r\n.:0123TCP"[usize::from(random()) % 12]
            });
        }
        if let Ok(Header::Partial(more)) = parse(&bytes) {
            assert!(more >= 1 && bytes.len() + more <= 4096, "{bytes:?}");
        }
    }
}
