//! Which addresses a plugin's requests may go to: those of the internet, and what is granted besides.
//!
//! A name is no promise: whoever owns it can have it stand for an address of this machine, of the networks around it or of
//! a cloud's metadata at any time. So each address is looked at before it may be dialled, in whichever form it comes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why an address is not dialled unless it is granted: what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Special(pub &'static str);

/// Special-purpose networks: the registries of IANA (RFC 6890), without those that are reached as any other.
const V4: [(Ipv4Net, &str); 14] = [
    (v4([0, 0, 0, 0], 8), "of this host"),
    (v4([10, 0, 0, 0], 8), "private"),
    (v4([100, 64, 0, 0], 10), "shared by clients of a provider"),
    (v4([127, 0, 0, 0], 8), "of this machine"),
    (v4([169, 254, 0, 0], 16), "link-local, as the metadata of clouds are"),
    (v4([172, 16, 0, 0], 12), "private"),
    (v4([192, 0, 0, 0], 24), "for protocols"),
    (v4([192, 0, 2, 0], 24), "for documentation"),
    (v4([192, 88, 99, 0], 24), "of relays"),
    (v4([192, 168, 0, 0], 16), "private"),
    (v4([198, 18, 0, 0], 15), "for benchmarks"),
    (v4([198, 51, 100, 0], 24), "for documentation"),
    (v4([203, 0, 113, 0], 24), "for documentation"),
    // Multicast, what is reserved, and broadcast.
    (v4([224, 0, 0, 0], 3), "of no single host"),
];

const V6: [(Ipv6Net, &str); 3] = [
    // Within the part of the internet.
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "for protocols"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "for documentation"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "for documentation"),
];

/// What is given out to hosts of the internet; all else is special (RFC 4291, section 2.4): `::1`, `fe80::`, `fc00::`, ..
const INTERNET: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// Of translators to IPv4 (RFC 6052, RFC 8215, RFC 3056).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const NAT64_LOCAL: Ipv6Net = v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48);
const SIX_TO_FOUR: Ipv6Net = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);

/// Whether an address may be dialled by who is granted `networks`.
pub fn check(address: IpAddr, networks: &[IpNet]) -> Result<(), Special> {
    // `::ffff:127.0.0.1` is dialled as 127.0.0.1.
    let address = address.to_canonical();
    if networks.iter().any(|network| network.contains(&address)) {
        return Ok(());
    }
    match address {
        IpAddr::V4(address) => check_v4(address),
        IpAddr::V6(address) => check_v6(address, networks),
    }
}

fn check_v4(address: Ipv4Addr) -> Result<(), Special> {
    match V4.iter().find(|(network, _)| network.contains(&address)) {
        Some((_, purpose)) => Err(Special(purpose)),
        None => Ok(()),
    }
}

fn check_v6(address: Ipv6Addr, networks: &[IpNet]) -> Result<(), Special> {
    // An IPv4 address in other clothes is what it is.
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        return check(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), networks);
    }
    if SIX_TO_FOUR.contains(&address) {
        let [_, _, a, b, c, d, ..] = address.octets();
        return check(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), networks);
    }
    if NAT64_LOCAL.contains(&address) {
        return Err(Special("of a translator to IPv4"));
    }
    if !INTERNET.contains(&address) {
        return Err(Special(match address {
            Ipv6Addr::LOCALHOST => "of this machine",
            Ipv6Addr::UNSPECIFIED => "of this host",
            _ if address.is_unicast_link_local() => "link-local",
            _ if address.is_unique_local() => "private",
            _ => "not of the internet",
        }));
    }
    match V6.iter().find(|(network, _)| network.contains(&address)) {
        Some((_, purpose)) => Err(Special(purpose)),
        None => Ok(()),
    }
}

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(address: &str, networks: &[&str]) -> bool {
        let networks: Vec<IpNet> = networks.iter().map(|network| network.parse().expect("a network")).collect();
        check(address.parse().expect("an address"), &networks).is_ok()
    }

    #[test]
    fn the_internet_is_reached() {
        for address in ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "192.0.1.1", "198.20.0.1"] {
            assert!(reaches(address, &[]), "{address}");
        }
        for address in ["2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8", "2002:808:808::1", "::ffff:8.8.8.8"] {
            assert!(reaches(address, &[]), "{address}");
        }
    }

    #[test]
    fn what_is_special_is_not_in_whichever_form_it_comes() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::1",
            "2002:a00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!reaches(address, &[]), "{address}");
        }
    }

    #[test]
    fn what_is_granted_is_reached_and_no_more() {
        assert!(reaches("10.1.2.3", &["10.1.0.0/16"]) && !reaches("10.2.0.1", &["10.1.0.0/16"]));
        assert!(reaches("::ffff:10.1.2.3", &["10.1.0.0/16"]));
        assert!(reaches("::1", &["::1/128"]) && !reaches("127.0.0.1", &["::1/128"]));
        assert!(!reaches("127.0.0.1", &["::/0"]) && reaches("127.0.0.1", &["0.0.0.0/0"]));
        assert!(!reaches("::ffff:127.0.0.1", &["::/0"]) && reaches("64:ff9b::10.1.2.3", &["10.1.0.0/16"]));
    }
}
