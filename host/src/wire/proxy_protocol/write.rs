//! Writes headers of both versions.

use std::net::{IpAddr, SocketAddr};

use super::v2::SIGNATURE;

/// The form of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

/// The two ends of a client's connection. A port that is not known is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub source: SocketAddr,
    pub destination: SocketAddr,
}

/// What a connection begins with. `None`: it is the gateway's own, or that of a client who has no address.
pub fn header(version: Version, ends: Option<&Ends>) -> Vec<u8> {
    let ends = ends.map(Ends::of_one_family);
    match (version, ends) {
        (Version::V1, None) => b"PROXY UNKNOWN\r\n".to_vec(),
        (Version::V1, Some(Ends { source, destination })) => {
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (source.ip(), destination.ip());
            format!("PROXY {family} {from} {to} {} {}\r\n", source.port(), destination.port()).into_bytes()
        }
        (Version::V2, ends) => v2(ends),
    }
}

fn v2(ends: Option<Ends>) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    let Some(Ends { source, destination }) = ends else {
        // LOCAL, of no family: the addresses of the connection count.
        header.extend([0x20, 0x00, 0, 0]);
        return header;
    };
    // PROXY, of a stream.
    header.extend(if source.is_ipv4() { [0x21, 0x11, 0, 12] } else { [0x21, 0x21, 0, 36] });
    for end in [source, destination] {
        match end.ip() {
            IpAddr::V4(address) => header.extend(address.octets()),
            IpAddr::V6(address) => header.extend(address.octets()),
        }
    }
    for end in [source, destination] {
        header.extend(end.port().to_be_bytes());
    }
    header
}

impl Ends {
    /// A header has room for one family: where the two differ, IPv4 is written as IPv6 does (RFC 4291, section 2.5.5.2).
    fn of_one_family(&self) -> Self {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        let (source, destination) = (canonical(self.source), canonical(self.destination));
        let mapped = |end: SocketAddr| match end.ip() {
            IpAddr::V4(address) => SocketAddr::new(address.to_ipv6_mapped().into(), end.port()),
            IpAddr::V6(_) => end,
        };
        match source.is_ipv4() == destination.is_ipv4() {
            true => Self { source, destination },
            false => Self { source: mapped(source), destination: mapped(destination) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Header, Source, parse};
    use super::*;

    fn ends(source: &str, destination: &str) -> Ends {
        let end = |text: &str| text.parse().expect("an address with a port");
        Ends { source: end(source), destination: end(destination) }
    }

    #[test]
    fn version_1_is_a_line() {
        let line = |ends| String::from_utf8(header(Version::V1, ends)).expect("text");
        let four = ends("192.0.2.1:56324", "198.51.100.1:443");
        assert_eq!(line(Some(&four)), "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n");
        let six = ends("[2001:db8::7]:1", "[::1]:2");
        assert_eq!(line(Some(&six)), "PROXY TCP6 2001:db8::7 ::1 1 2\r\n");
        assert_eq!(line(None), "PROXY UNKNOWN\r\n");
    }

    #[test]
    fn version_2_has_the_bytes_of_its_specification() {
        let four = ends("192.0.2.1:56324", "198.51.100.1:443");
        let bytes = [&SIGNATURE[..], &[0x21, 0x11, 0, 12, 192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 1, 0xbb]].concat();
        assert_eq!(header(Version::V2, Some(&four)), bytes);
        assert_eq!(header(Version::V2, None), [&SIGNATURE[..], &[0x20, 0, 0, 0]].concat());
    }

    #[test]
    fn what_is_written_is_read() {
        let cases = [
            (ends("192.0.2.1:56324", "198.51.100.1:443"), "192.0.2.1:56324"),
            (ends("[2001:db8::7]:1", "[::1]:2"), "[2001:db8::7]:1"),
            (ends("[::ffff:192.0.2.1]:1", "127.0.0.1:2"), "192.0.2.1:1"),
            (ends("192.0.2.1:0", "[::1]:2"), "[::ffff:192.0.2.1]:0"),
        ];
        for version in [Version::V1, Version::V2] {
            for (ends, source) in cases {
                let source = source.parse().expect("an address");
                assert_eq!(parse(&header(version, Some(&ends))), Ok(Header::Whole(Source::Client(source))), "{ends:?}");
            }
            assert_eq!(parse(&header(version, None)), Ok(Header::Whole(Source::Proxy)));
        }
    }
}
